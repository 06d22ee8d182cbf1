//! How the people of a call are shown: arrangements, menus, keys, questions.

use super::call::{Call, WIDE, call, page, peer};
use super::{Screen, picture, texts};
use egui::accesskit::Role;
use egui::{Key, Rect};
use egui_kittest::kittest::{NodeT, Queryable};
use parlor::app::call::dialogs::TalkKey;
use parlor::app::call::look::{Act, Question, Who};
use parlor::app::i18n::{Lang, Texts};
use parlor::app::view::Action;
use parlor::proto::MemberId;
use parlor::ui::arrangement::Arrangement;
use parlor::ui::picture::Turn;
use std::time::Duration;

const SMALLEST: (f32, f32) = (480.0, 360.0);

fn who(number: usize) -> Who {
    Who::Peer(MemberId::new(number.to_string()))
}

fn stage(act: Act) -> Action {
    Action::Stage(act)
}

fn rect(page: &Screen<'_, Call>, number: usize) -> Rect {
    page.get_by_label(&peer(number).name).rect()
}

fn me(t: &Texts) -> String {
    t.with("call-you-name", &[("name", "Ada".into())])
}

fn window(size: (f32, f32)) -> Rect {
    Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(size.0, size.1))
}

#[test]
fn everybody_can_be_shown_in_three_ways() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(3));
        page.get_by_label(&t.t("stage-view")).click();
        page.run_steps(4);
        for key in ["stage-main", "stage-inset"] {
            page.get_by_role_and_label(Role::RadioButton, &t.t(key)).click();
            page.run_steps(2);
        }
        page.get_by_role_and_label(Role::CheckBox, &t.t("stage-fill")).click();
        page.get_by_role_and_label(Role::CheckBox, &t.t("stage-mirror-view")).click();
        page.run_steps(2);
        let wanted = [Act::Arrange(Arrangement::Main), Act::Arrange(Arrangement::Inset), Act::Fill(true), Act::MirrorView(false)];
        assert_eq!(page.state().actions, wanted.map(Action::Stage));
        picture(&mut page, &format!("stage-view-{lang:?}"));
        page.key_press(Key::Escape);
        page.run_steps(4);
        for (arrangement, larger) in [(Arrangement::Main, 4.0), (Arrangement::Inset, 8.0)] {
            page.state_mut().screen.saved.arrangement = arrangement;
            page.state_mut().screen.snapshot.speaker = Some(peer(1).member);
            page.run_steps(3);
            assert!(rect(&page, 1).area() > larger * rect(&page, 0).area(), "whoever speaks is large");
            picture(&mut page, &format!("stage-{arrangement:?}-{lang:?}"));
        }
    }
}

#[test]
fn a_click_keeps_somebody_large_and_a_double_click_shows_nobody_else() {
    let mut page = page(Lang::En, WIDE, call(2));
    page.get_by_label("Grace Hopper").click();
    page.run_steps(3);
    assert_eq!(page.state().actions, [], "it may become a double click");
    page.state_mut().now += Duration::from_millis(350);
    page.run_steps(3);
    assert_eq!(page.state().actions, [stage(Act::Pin(Some(who(0))))]);
    page.state_mut().screen.page.look.pinned = Some(who(0));
    page.run_steps(3);
    assert!(rect(&page, 0).area() > 4.0 * rect(&page, 1).area());
    page.state_mut().actions.clear();
    for _ in 0..2 {
        page.get_by_label("Grace Hopper").click();
        page.run_steps(1);
    }
    page.run_steps(3);
    assert_eq!(page.state().actions, [stage(Act::Full(Some(who(0))))]);
    let look = &mut page.state_mut().screen.page.look;
    (look.full, look.full_screen) = (Some(who(0)), true);
    page.run_steps(3);
    assert!(rect(&page, 0).area() > 0.95 * window(WIDE).area(), "all of the screen");
    assert!(page.query_by_label("李雷").is_none());
    page.state_mut().actions.clear();
    page.key_press(Key::Escape);
    page.run_steps(2);
    assert_eq!(page.state().actions, [stage(Act::Back)]);
}

#[test]
fn a_picture_can_be_turned_and_filled() {
    let mut page = page(Lang::En, WIDE, call(1));
    page.state_mut().screen.page.look.turns.insert(who(0), Turn::Quarter);
    page.run_steps(3);
    let tile = rect(&page, 0);
    let shown = picture(&mut page, "stage-turned");
    let beside = shown.get_pixel(tile.left() as u32 + 12, tile.center().y as u32).0;
    let centre = shown.get_pixel(tile.center().x as u32, tile.center().y as u32).0;
    assert!(beside[..3] == [0, 0, 0] && centre[0] > 150, "{beside:?} {centre:?}");
    page.state_mut().screen.saved.fill = true;
    page.run_steps(3);
    let shown = picture(&mut page, "stage-turned-filled");
    let beside = shown.get_pixel(tile.left() as u32 + 12, tile.center().y as u32).0;
    assert!(beside[0] > 150, "{beside:?}");
}

#[test]
fn a_host_may_mute_and_remove_and_others_may_not() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for host in [true, false] {
            let mut snapshot = call(2);
            snapshot.room.as_mut().unwrap().mine = host;
            let mut page = page(lang, WIDE, snapshot);
            page.get_by_label(&t.with("tile-menu", &[("name", "Grace Hopper".into())])).click();
            page.run_steps(4);
            assert_eq!(page.query_by_label(&t.t("tile-remove")).is_some(), host);
            assert_eq!(page.query_by_label(&t.t("tile-mute-them")).is_some(), host);
            for key in ["tile-turn", "tile-figures", "tile-pop", "tile-full"] {
                page.get_by_label(&t.t(key));
            }
            picture(&mut page, &format!("stage-menu-{host}-{lang:?}"));
            page.get_by_label(&t.t("tile-pin")).click();
            page.run_steps(4);
            assert_eq!(page.state().actions, [stage(Act::Pin(Some(who(0))))]);
            assert!(page.query_by_label(&t.t("tile-pin")).is_none(), "the menu is gone");
        }
    }
}

#[test]
fn what_cannot_be_undone_is_asked_first() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let remove = Question::Remove(MemberId::new("0"), "Grace Hopper".into());
        for (question, yes) in [(Question::EndForAll, "end-all-yes"), (remove, "remove-yes")] {
            let mut page = page(lang, SMALLEST, call(2));
            page.state_mut().screen.page.look.question = Some(question.clone());
            page.run();
            picture(&mut page, &format!("stage-ask-{yes}-{lang:?}"));
            page.get_by_role_and_label(Role::Button, &t.t(yes)).click();
            page.get_by_role_and_label(Role::Button, &t.t("cancel")).click();
            page.run_steps(2);
            assert_eq!(page.state().actions, [stage(Act::Yes(question)), stage(Act::Ask(None))]);
        }
        let mut page = page(lang, SMALLEST, call(2));
        page.get_by_label(&t.t("call-more")).click();
        page.run_steps(4);
        page.get_by_label(&t.t("end-all")).click();
        page.run_steps(2);
        assert_eq!(page.state().actions, [stage(Act::Ask(Some(Question::EndForAll)))]);
    }
}

#[test]
fn space_talks_while_it_is_held_but_not_into_a_text() {
    let t = texts(Lang::En);
    let mut snapshot = call(1);
    snapshot.me.mic = false;
    let mut page = page(Lang::En, WIDE, snapshot);
    page.key_down(Key::Space);
    page.run_steps(2);
    assert_eq!(page.state().actions, [Action::Talk(true)]);
    page.state_mut().screen.snapshot.me.mic = true;
    page.run_steps(2);
    page.get_by_label(&t.t("mic-talking"));
    page.key_up(Key::Space);
    page.run_steps(2);
    assert_eq!(page.state().actions, [Action::Talk(true), Action::Talk(false)]);
    page.state_mut().screen.snapshot.me.mic = false;
    page.state_mut().screen.page.toggle_chat();
    page.run_steps(3);
    page.key_down(Key::Space);
    page.run_steps(2);
    page.key_up(Key::Space);
    page.run_steps(2);
    assert_eq!(page.state().actions.len(), 2, "a space in a text is a space");
}

#[test]
fn the_keys_are_listed_and_one_for_everywhere_can_be_chosen() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for size in [WIDE, SMALLEST] {
            let mut page = page(lang, size, call(1));
            page.key_press(Key::Questionmark);
            page.run_steps(2);
            assert_eq!(page.state().actions, [stage(Act::Help(true))]);
            page.state_mut().screen.page.look.help = true;
            page.run();
            page.get_by_label(&t.t("keys-talk"));
            picture(&mut page, &format!("stage-keys-{}-{lang:?}", size.0));
        }
        let mut page = page(lang, WIDE, call(1));
        page.state_mut().screen.page.look.help = true;
        page.run();
        page.get_by_label(&t.t("keys-anywhere-choose")).click_accesskit();
        page.run();
        page.get_by_label(&t.t("keys-anywhere-press"));
        page.key_press(Key::F9);
        page.run();
        assert_eq!(page.state().actions, [stage(Act::TalkKey(Some("F9".into())))]);
        for (state, key) in [
            (TalkKey::On("F9".into()), "keys-anywhere-on"),
            (TalkKey::Taken("F9".into()), "keys-anywhere-taken"),
            (TalkKey::Asking, "keys-anywhere-wait"),
            (TalkKey::Chosen("F9".into()), "keys-anywhere-chosen"),
            (TalkKey::Never, "keys-anywhere-never"),
        ] {
            page.state_mut().screen.talk_key = state;
            page.run();
            page.get_by_label(&t.with(key, &[("key", "F9".into())]));
        }
        assert!(page.query_by_label(&t.t("keys-anywhere-choose")).is_none(), "nothing to choose where there is none");
    }
}

#[test]
fn what_has_happened_can_be_read_and_copied() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(1));
        page.state_mut().screen.page.look.log = true;
        page.run();
        page.get_by_label(&t.with("log-play", &[("name", "Grace Hopper".into())]));
        page.state_mut().screen.snapshot.peers[0].mic = false;
        page.run();
        let muted = t.with("log-mic-off", &[("name", "Grace Hopper".into())]);
        page.get_by_label(&muted);
        picture(&mut page, &format!("stage-log-{lang:?}"));
        page.get_by_label(&t.t("log-copy")).click();
        page.run_steps(2);
        let copied = |action: &Action| matches!(action, Action::Copy { text, .. } if text.contains(&muted));
        assert!(page.state().actions.iter().any(copied));
    }
}

#[test]
fn a_person_in_a_window_of_their_own_leaves_room_on_the_stage() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(2));
        let before = rect(&page, 1).area();
        page.state_mut().screen.page.look.popped.insert(who(0));
        page.run_steps(4);
        assert!(rect(&page, 1).area() > before * 0.99);
        assert!(page.query_all_by_label("Grace Hopper").count() > 0, "the window has them");
        for all in [Who::Me, who(1)] {
            page.state_mut().screen.page.look.popped.insert(all);
        }
        page.run_steps(4);
        page.get_by_label(&t.t("stage-all-back")).click_accesskit();
        page.run_steps(2);
        assert_eq!(page.state().actions.len(), 3);
    }
}

#[test]
fn the_smallest_window_has_all_buttons_and_everybody() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for arrangement in Arrangement::ALL {
            let mut page = page(lang, SMALLEST, call(3));
            page.state_mut().screen.saved.arrangement = arrangement;
            page.state_mut().screen.page.stats = true;
            page.run();
            for key in ["mic-mute", "camera-off", "chat-open", "stage-view", "call-more", "leave", "call-invite"] {
                let rect = page.get_by_role_and_label(Role::Button, &t.t(key)).rect();
                assert!(window(SMALLEST).contains_rect(rect), "{key} at {rect:?}");
            }
            for number in 0..3 {
                assert!(window(SMALLEST).contains_rect(rect(&page, number)));
            }
            picture(&mut page, &format!("stage-smallest-{arrangement:?}-{lang:?}"));
        }
    }
}

#[test]
fn who_is_turned_does_not_turn_the_small_picture_beside() {
    let t = texts(Lang::En);
    for compact in [true, false] {
        let mut page = page(Lang::En, (360.0, 420.0), call(1));
        page.state_mut().screen.page.look.compact = compact;
        page.state_mut().screen.saved.arrangement = Arrangement::Inset;
        page.state_mut().screen.page.look.pinned = Some(who(0));
        page.state_mut().screen.page.look.turns.insert(who(0), Turn::Quarter);
        page.run_steps(4);
        let (large, small) = (rect(&page, 0), page.get_by_label(&me(&t)).rect());
        assert!(large.height() > 1.5 * large.width() && small.width() > 1.5 * small.height(), "{large:?} {small:?}");
        picture(&mut page, &format!("stage-inset-turned-{compact}"));
    }
}

#[test]
fn a_small_window_shows_one_person_oneself_and_the_way_back() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, (360.0, 220.0), call(3));
        page.state_mut().screen.page.look.compact = true;
        page.state_mut().screen.snapshot.speaker = Some(peer(2).member);
        page.run_steps(4);
        assert!(page.query_by_label("Grace Hopper").is_none());
        assert!(rect(&page, 2).area() > 3.0 * page.get_by_label(&me(&t)).rect().area());
        page.hover_at(egui::pos2(100.0, 60.0));
        page.run_steps(3);
        picture(&mut page, &format!("stage-compact-{lang:?}"));
        page.get_by_label(&t.t("stage-compact-leave")).click();
        page.run_steps(2);
        assert_eq!(page.state().actions, [stage(Act::Compact(false))]);
    }
}

#[test]
fn everything_on_the_stage_can_be_reached_by_keyboard_in_reading_order() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, WIDE, call(2));
    let mut reached = Vec::new();
    for _ in 0..24 {
        page.key_press(Key::Tab);
        page.run_steps(2);
        let focused = page.query_by(|node| node.is_focused()).and_then(|node| node.accesskit_node().label());
        reached.extend(focused);
    }
    let menu = t.with("tile-menu", &[("name", "Grace Hopper".into())]);
    let order = [
        t.t("call-invite"),
        t.t("mic-mute"),
        t.t("camera-off"),
        t.t("chat-open"),
        t.t("stage-view"),
        t.t("call-more"),
        t.t("leave"),
    ];
    let place =
        |name: &String| reached.iter().position(|label| label == name).unwrap_or_else(|| panic!("{name} is not in {reached:?}"));
    assert!(order.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])), "{reached:?}");
    assert!(place(&"Grace Hopper".to_owned()) < place(&menu) && place(&menu) < place(&"李雷".to_owned()), "{reached:?}");
}
