//! Standard live: what is sent on the left, what is watched on the right.

use super::{SIZE, Screen, picture, screen, texts, type_into};
use egui_kittest::kittest::Queryable;
use parlor::app::errors::{Remedy, Sentence};
use parlor::app::i18n::{Lang, Texts};
use parlor::app::live::words::{self, Side};
use parlor::app::live::{self, Form, LiveView, PlayView, Program, PushView, RoomView, Show};
use parlor::app::settings::{Settings, Theme};
use parlor::app::view::Action;
use parlor::media::address::{self, Ways, Wrong};
use parlor::media::devices::Lists;
use parlor::media::play::Smoothness;
use parlor::media::trouble::{Kind, Trouble};
use parlor::proto::RoomId;
use parlor::ui::Video;
use std::time::Duration;

/// What a page is shown with.
#[derive(Clone, Default)]
struct Given {
    push: PushView,
    play: PlayView,
    seat: RoomView,
    place: RoomView,
    program: Option<Program>,
    failure: Option<Sentence>,
    locked: Option<RoomId>,
    players: Option<Ways>,
    shows: Option<Vec<Show>>,
}

fn form(texts: &Texts) -> Form {
    Form::new(texts, &Settings { name: "Ada".into(), ..Settings::default() })
}

fn page<'a>(lang: Lang, size: (f32, f32), form: Form, given: Given) -> Screen<'a, Form> {
    let (preview, played, lists) = (Video::default(), Video::default(), Lists::default());
    screen(lang, size, form, move |ui, cx, form| {
        let view = LiveView {
            theme: Theme::System,
            lists: &lists,
            preview: &preview,
            opening: false,
            video_failure: given.failure.as_ref(),
            audio_failure: None,
            level: 0.1,
            push: &given.push,
            push_figures: &[],
            seat: &given.seat,
            program: given.program.as_ref(),
            picture: &played,
            play: &given.play,
            play_figures: &[],
            place: &given.place,
            locked: given.locked.as_ref(),
            players: given.players.as_ref(),
            shows: given.shows.as_deref(),
        };
        live::show(ui, cx, form, &view);
    })
}

fn sentence(text: &str) -> Sentence {
    Sentence { text: text.into(), detail: Some("NetStream.Publish.BadName".into()), remedy: Remedy::TryAgain }
}

fn live_actions(page: &Screen<'_, Form>) -> Vec<live::Action> {
    let live = |action: &Action| if let Action::Live(action) = action { Some(action.clone()) } else { None };
    page.state().actions.iter().filter_map(live).collect()
}

#[test]
fn a_stream_is_sent_and_played_by_address_and_bad_ones_are_said_at_once() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, form(&t), Given { shows: Some(Vec::new()), ..Given::default() });
        page.get_by_label(&t.t("live-push-start")).click();
        page.run();
        page.get_by_label(&words::address(&t, Side::Push, Wrong::Empty));
        type_into(&mut page, &t.t("live-push-address"), "http://h/live/a");
        assert!(page.query_by_label(&words::address(&t, Side::Push, Wrong::Empty)).is_none(), "it is another one now");
        page.get_by_label(&t.t("live-push-start")).click();
        page.run();
        page.get_by_label(&words::address(&t, Side::Push, Wrong::Scheme));
        assert!(!live_actions(&page).contains(&live::Action::Start));
        page.state_mut().screen.push_url = " rtmp://h/live/a ".into();
        page.run();
        page.get_by_label(&t.t("live-push-start")).click();
        page.run();
        assert_eq!(page.state().screen.push_url, "rtmp://h/live/a");
        assert!(live_actions(&page).contains(&live::Action::Start));
        type_into(&mut page, &t.t("live-play-address"), "http://h:8080/live/a.flv");
        page.get_all_by_label(&t.t("live-play-start")).last().unwrap().click();
        page.run();
        assert!(live_actions(&page).contains(&live::Action::Play));
        page.get_by_label(&t.t("live-shows-none"));
    }
}

#[test]
fn sizes_and_the_buffer_are_chosen_and_fixed_while_the_stream_runs() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, (1180.0, 1100.0), form(&t), Given::default());
    page.get_by_label("640×360, 30 pictures a second, 800 kbit/s");
    page.get_by_label(&t.t("live-quality-fhd")).click();
    page.run();
    page.get_by_label("1280×720, 30 pictures a second, 1800 kbit/s");
    page.get_by_label(&t.t("live-quality-custom")).click();
    page.run();
    page.get_by_role_and_label(egui::accesskit::Role::SpinButton, &t.t("live-width"));
    assert_eq!(page.state().screen.custom.width, 1280, "one's own begins where the preset was");
    page.state_mut().screen.custom.width = 1001;
    page.run();
    page.get_by_label("1000×720, 30 pictures a second, 1800 kbit/s");
    page.get_by_label(&t.t("live-cache-smooth")).click();
    page.run();
    assert_eq!(page.state().screen.cache, Smoothness::Smooth);
    assert!(live_actions(&page).contains(&live::Action::Adjust));
    page.get_by_label(&t.t("mic-mute")).click();
    page.run();
    assert!(!page.state().screen.mic);
}

#[test]
fn running_streams_are_stopped_and_copied_for_other_programs() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let program = Program { server: "rtmp://192.168.1.2:1935/live".into(), key: "a_b?token=t".into(), encrypted: false };
        let given = Given {
            push: PushView::Live(Duration::from_secs(3723)),
            play: PlayView::Playing,
            seat: RoomView::Held { name: "周会".into(), viewers: 2, flows: true },
            program: Some(program),
            players: address::ways("rtmp://127.0.0.1:1935/live/a_b?token=t", Some("192.168.1.2:1935"), true),
            shows: Some(vec![Show { room: RoomId::new("k7wq"), name: "Evening".into(), locked: false }]),
            ..Given::default()
        };
        let mut page = page(lang, (1180.0, 1100.0), form(&t), given);
        page.get_by_label(&t.with("live-push-live", &[("time", "1:02:03".into())]));
        page.get_by_label(&t.with("live-viewers", &[("count", 2.into()), ("name", "周会".into())]));
        page.get_by_label(&t.t("live-program")).click();
        page.run();
        page.run();
        page.get_by_label(&t.with("live-copy", &[("name", (&t.t("live-program-key")).into())])).click();
        page.run();
        assert!(page.query_by_label("a_b?token=t").is_none(), "keys are not shown");
        assert!(page.state().actions.iter().any(|action| matches!(action, Action::Copy { text, .. } if text == "a_b?token=t")));
        page.get_by_label(&t.t("live-players")).click();
        page.run();
        page.run();
        for (key, wanted) in [
            ("live-players-rtmp", "rtmp://192.168.1.2:1935/live/a_b?token=t"),
            ("live-players-http", "http://192.168.1.2:1935/live/a_b.flv?token=t"),
        ] {
            page.get_by_label(&t.with("live-copy", &[("name", (&t.t(key)).into())])).click();
            page.run();
            let copied = page.state().actions.iter().any(|action| matches!(action, Action::Copy { text, .. } if text == wanted));
            assert!(copied, "{wanted}");
        }
        page.get_by_label("Evening").click();
        page.run();
        page.get_by_label(&t.t("live-push-stop")).click();
        page.run();
        page.get_by_label(&t.t("live-play-stop")).click();
        page.run();
        let watch = live::Action::Watch { room: RoomId::new("k7wq") };
        assert_eq!(live_actions(&page), [watch, live::Action::Stop, live::Action::StopPlaying]);
        picture(&mut page, &format!("live-running-{lang:?}"));
    }
}

#[test]
fn an_address_is_fetched_under_a_good_title_and_given_up_when_another_is_typed() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, SIZE, form(&t), Given::default());
    assert_eq!(page.state().screen.title, "Ada's live show");
    page.state_mut().screen.title = "a<b".into();
    page.run();
    page.get_by_label(&t.t("live-fetch")).click();
    page.run();
    page.get_by_label(&t.with("name-forbidden", &[("char", "<".into())]));
    assert!(live_actions(&page).is_empty());
    page.state_mut().screen.title = "Evening".into();
    page.run();
    page.get_by_label(&t.t("live-fetch")).click();
    page.run();
    assert_eq!(live_actions(&page), [live::Action::Fetch]);
    let seat = RoomView::Held { name: "Evening".into(), viewers: 0, flows: false };
    let mut page = self::page(Lang::En, SIZE, form(&t), Given { seat, ..Given::default() });
    type_into(&mut page, &t.t("live-push-address"), "rtmp://");
    assert!(live_actions(&page).contains(&live::Action::Release));
}

#[test]
fn what_goes_wrong_is_said_in_words_with_the_rest_under_details() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for kind in Kind::ALL {
            let push = words::trouble(&t, Side::Push, &Trouble::new(kind, "NetStream.Publish.BadName"));
            let play = words::trouble(&t, Side::Play, &Trouble::new(kind, "errno 111"));
            let said = [push.text.clone(), play.text.clone()];
            let given = Given { push: PushView::Failed(push), play: PlayView::Waiting(play), ..Given::default() };
            let page = page(lang, SIZE, form(&t), given);
            for text in &said {
                assert!(page.query_all_by_label(text).next().is_some(), "{text}");
            }
            assert!(page.query_by_label("NetStream.Publish.BadName").is_none(), "codes are folded away");
        }
        let given = Given {
            seat: RoomView::Failed(sentence("No.")),
            place: RoomView::Failed(sentence("Nor that.")),
            locked: Some(RoomId::new("k7wq")),
            failure: Some(sentence("The camera is busy.")),
            play: PlayView::Finished,
            push: PushView::Broken(sentence("It broke.")),
            ..Given::default()
        };
        let mut page = page(lang, (1180.0, 1400.0), form(&t), given);
        for text in ["No.", "Nor that.", "The camera is busy.", "It broke."] {
            page.get_by_label(text);
        }
        page.get_by_label(&t.t("live-play-finished"));
        page.get_by_label(&t.t("live-push-again"));
        page.get_by_label(&t.t("retry")).click();
        page.run();
        assert_eq!(live_actions(&page), [live::Action::Reopen]);
        page.get_by_label(&t.t("live-watch-locked")).click();
        page.run();
        assert_eq!(live_actions(&page).len(), 1, "there is no password yet");
        page.get_by_role_and_label(egui::accesskit::Role::PasswordInput, &t.t("prejoin-password")).click();
        page.state_mut().screen.password = "geheim".into();
        page.run();
        page.get_by_label(&t.t("live-watch-locked")).click();
        page.run();
        assert_eq!(live_actions(&page).last(), Some(&live::Action::Watch { room: RoomId::new("k7wq") }));
    }
}

#[test]
fn both_columns_stay_inside_the_window() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, form(&t), Given { shows: Some(Vec::new()), ..Given::default() });
        let right = |label: &str| page.get_all_by_label(label).map(|node| node.rect().right()).fold(0.0, f32::max);
        assert!(right(&t.t("live-push-start")) < SIZE.0 / 2.0, "{}", right(&t.t("live-push-start")));
        assert!(right(&t.t("live-play-start")) < SIZE.0 - 30.0, "{}", right(&t.t("live-play-start")));
        picture(&mut page, &format!("live-{lang:?}"));
    }
}

#[test]
fn small_windows_have_one_column_and_everything_in_it() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, (480.0, 1900.0), form(&t), Given { shows: Some(Vec::new()), ..Given::default() });
        let left = page.get_by_label(&t.t("live-push-start")).rect();
        let right = page.get_all_by_label(&t.t("live-play-start")).last().unwrap().rect();
        assert!(left.right() <= 480.0 && right.right() <= 480.0 && right.top() > left.bottom());
        picture(&mut page, &format!("live-small-{lang:?}"));
    }
}
