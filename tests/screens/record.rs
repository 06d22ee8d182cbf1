//! Recordings on the page of a call.

use super::call::{call, page};
use egui_kittest::kittest::Queryable;
use parlor::app::i18n::Lang;
use parlor::app::record;
use parlor::app::view::Action;
use parlor::call::Recorded;
use parlor::call::snapshot::Recording;
use parlor::proto::MemberId;
use std::time::Duration;

const WIDE: (f32, f32) = (1180.0, 760.0);

fn recording(what: Recorded, name: &str) -> Recording {
    Recording {
        what,
        name: name.into(),
        since: Duration::ZERO,
        files: vec!["/films/a.mkv".into()],
        bytes: 3_140_000,
        length: Duration::from_secs(62),
        lost: 0,
        sound_only: false,
    }
}

#[test]
fn somebody_is_recorded_from_their_menu() {
    for (lang, menu, start, snapshot) in [
        (Lang::En, "Options for Grace Hopper", "Record only this person", "Take a snapshot"),
        (Lang::Zh, "Grace Hopper 的选项", "仅录制此人", "截图"),
    ] {
        let mut page = page(lang, WIDE, call(2));
        page.get_by_label(menu).click();
        page.run();
        page.get_by_label(start).click();
        page.run();
        let grace = MemberId::new("0");
        let started = Action::Record(record::Action::Start(Recorded::Peer(grace.clone())));
        assert_eq!(page.state().actions, [started]);
        page.get_by_label(menu).click();
        page.run();
        page.get_by_label(snapshot).click();
        page.run();
        let taken = Action::Record(record::Action::Snapshot(Some(grace)));
        assert_eq!(page.state().actions.last(), Some(&taken));
    }
}

#[test]
fn what_is_recorded_is_said_with_a_button_to_end_it() {
    for (lang, said, stop, mark) in [
        (Lang::En, "Recording Grace Hopper · 01:02 · 3.1 MB. Everyone is told.", "Stop recording", "You are recording"),
        (Lang::Zh, "正在录制 Grace Hopper · 01:02 · 3.1 MB。所有人都会收到提示。", "停止录制", "你正在录制"),
    ] {
        let mut snapshot = call(1);
        let what = Recorded::Peer(MemberId::new("0"));
        snapshot.me.recordings.push(recording(what.clone(), "Grace Hopper"));
        let mut page = page(lang, WIDE, snapshot);
        page.get_by_label(said);
        page.get_by_label(mark);
        page.get_by_label(stop).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Record(record::Action::Stop(what))]);
    }
}

#[test]
fn pictures_that_cannot_be_recorded_are_told() {
    for (lang, said) in [
        (Lang::En, "Recording Grace Hopper · 01:02 · 3.1 MB. Sound only: their pictures are not H.264."),
        (Lang::Zh, "正在录制 Grace Hopper · 01:02 · 3.1 MB。仅有声音：对方的画面不是 H.264 格式。"),
    ] {
        let mut snapshot = call(1);
        let what = Recorded::Peer(MemberId::new("0"));
        snapshot.me.recordings.push(Recording { sound_only: true, ..recording(what, "Grace Hopper") });
        page(lang, WIDE, snapshot).get_by_label(said);
    }
}

#[test]
fn the_whole_call_is_recorded_by_a_button_and_a_key() {
    for (lang, more, start, stop) in
        [(Lang::En, "More", "Record the call", "Stop recording the call"), (Lang::Zh, "更多", "录制通话", "停止录制通话")]
    {
        let mut idle = page(lang, WIDE, call(1));
        idle.get_by_label(more).click();
        idle.run();
        idle.get_by_label(start).click();
        idle.run();
        idle.key_press(egui::Key::R);
        idle.run();
        let started = Action::Record(record::Action::Start(Recorded::Stage));
        assert_eq!(idle.state().actions, [started.clone(), started]);

        let mut snapshot = call(1);
        snapshot.me.recordings.push(recording(Recorded::Stage, "周会"));
        let mut busy = page(lang, WIDE, snapshot);
        busy.get_by_label(more).click();
        busy.run();
        busy.get_by_label(stop);
        busy.key_press(egui::Key::R);
        busy.run();
        assert_eq!(busy.state().actions, [Action::Record(record::Action::Stop(Recorded::Stage))]);
    }
}

#[test]
fn who_records_is_said_and_marked() {
    for (lang, said, mark) in [
        (Lang::En, "Being recorded by Grace Hopper, 李雷", "李雷 is recording"),
        (Lang::Zh, "Grace Hopper、李雷 正在录制", "李雷 正在录制"),
    ] {
        let mut snapshot = call(3);
        snapshot.peers[0].recording = true;
        snapshot.peers[1].recording = true;
        let page = page(lang, WIDE, snapshot);
        page.get_by_label(said);
        page.get_by_label(mark);
    }
}

#[test]
fn skin_is_smoothed_and_lightened_from_ones_own_menu() {
    for (lang, menu, smooth, cost) in [
        (Lang::En, "Options for yourself", "Smooth skin: 5", "Costs 1.2 ms a picture"),
        (Lang::Zh, "自己的选项", "磨皮：5", "每帧耗时 1.2 ms"),
    ] {
        let mut snapshot = call(1);
        snapshot.me.beauty.smoothing = 5;
        snapshot.me.beauty_cost = Some(Duration::from_micros(1_240));
        let mut page = page(lang, WIDE, snapshot);
        page.get_by_label(menu).click();
        page.run();
        page.get_by_label(cost);
        page.get_by_role_and_label(egui::accesskit::Role::Slider, smooth).focus();
        page.run();
        page.key_press(egui::Key::ArrowRight);
        page.run();
        let more = parlor::media::beauty::Beauty { smoothing: 6, whitening: 0 };
        assert_eq!(page.state().actions.first(), Some(&Action::SetBeauty(more)));
    }
}
