//! The page before a call.

use super::{SIZE, Screen, picture, screen, texts, type_into};
use egui_kittest::kittest::Queryable;
use parlor::app::errors::{Remedy, Sentence};
use parlor::app::i18n::Lang;
use parlor::app::prejoin::{PreJoin, PreJoinView, Target};
use parlor::app::settings::{Settings, Theme};
use parlor::app::view::Action;
use parlor::call::Entry;
use parlor::media::capture::{AudioSource, VideoSource};
use parlor::media::devices::{Device, Kind, List, Lists};
use parlor::media::play::Smoothness;
use parlor::proto::Mode;
use parlor::ui::Video;

fn create() -> PreJoin {
    PreJoin::new(Target::Create { name: "周会 1".into(), mode: Mode::Duo }, &Settings::default())
}

fn enter() -> PreJoin {
    let settings = Settings { name: "Ada".into(), ..Settings::default() };
    PreJoin::new(Target::Enter { room: "k7wq2mnd".into(), shown: "周会".into() }, &settings)
}

/// A camera, two microphones of which the second is the default, and no word of the speakers.
fn lists() -> Lists {
    let device = |id: &str, name: &str| Device { id: id.into(), name: name.into() };
    let list = |devices: Vec<Device>, default: usize| List {
        default: devices.get(default).cloned(),
        devices,
        known: true,
        exhaustive: true,
    };
    Lists {
        cameras: list(vec![device("7", "HD Webcam")], 0),
        microphones: list(vec![device("pulse:built-in", "Built-in"), device("pulse:headset", "Headset")], 1),
        speakers: List::default(),
    }
}

fn page<'a>(lang: Lang, size: (f32, f32), form: PreJoin, failure: Option<Sentence>) -> Screen<'a, PreJoin> {
    let video = Video::default();
    let lists = lists();
    screen(lang, size, form, move |ui, cx, form| {
        let view = PreJoinView {
            theme: Theme::System,
            video: &video,
            opening: false,
            video_failure: failure.as_ref(),
            audio_failure: None,
            level: 0.1,
            lists: &lists,
        };
        form.show(ui, cx, &view);
    })
}

#[test]
fn a_room_is_created_under_ones_own_name() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let form = PreJoin { name: String::new(), password: "öffne dich".into(), dissolve: false, ..create() };
        let mut page = page(lang, SIZE, form, None);
        page.get_by_label(&t.with("prejoin-create", &[("room", "周会 1".into())]));
        assert!(page.query_by_label(&t.t("name-empty")).is_none(), "nobody is scolded before trying");
        page.get_by_label(&t.t("prejoin-create-button")).click();
        page.run();
        page.get_by_label(&t.t("name-empty"));
        type_into(&mut page, &t.t("prejoin-name"), "李雷");
        page.get_by_label(&t.t("prejoin-create-button")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Start]);
        match page.state().screen.entry() {
            Some(Entry::Create { name, mode, password, dissolve }) => {
                let password = password.as_deref();
                assert_eq!((name.as_str(), mode, password, dissolve), ("周会 1", Mode::Duo, Some("öffne dich"), false));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_button_that_goes_on_is_always_in_the_window() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for size in [SIZE, (800.0, 560.0), (640.0, 480.0), (480.0, 360.0)] {
            for form in [enter(), PreJoin { camera: false, locked: true, video: "file".into(), audio: "file".into(), ..enter() }]
            {
                let mut page = page(lang, size, form, None);
                page.run();
                let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(size.0, size.1));
                let rect = page.get_by_label(&t.t("prejoin-join-button")).rect();
                assert!(window.contains_rect(rect), "{size:?}: {rect:?}");
                picture(&mut page, &format!("prejoin-{lang:?}-{}", size.0));
            }
        }
    }
}

#[test]
fn a_room_is_joined_with_its_password() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let failure = Sentence { text: t.t("error-wrong-password"), detail: None, remedy: Remedy::Password };
        let mut page = page(lang, SIZE, PreJoin { locked: true, failure: Some(failure), ..enter() }, None);
        page.get_by_label(&t.with("prejoin-join", &[("room", "周会".into())]));
        page.get_by_label(&t.t("error-wrong-password"));
        page.get_by_role_and_label(egui::accesskit::Role::PasswordInput, &t.t("prejoin-password")).focus();
        page.run();
        page.get_by_role_and_label(egui::accesskit::Role::PasswordInput, &t.t("prejoin-password")).type_text("öffne dich");
        page.run();
        page.get_by_label(&t.t("prejoin-join-button")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Start]);
        let password = Some("öffne dich".to_owned());
        assert!(
            matches!(page.state().screen.entry(), Some(Entry::Enter { room, password: p }) if room == "k7wq2mnd" && p == password)
        );
    }
}

#[test]
fn devices_are_chosen_and_switched_off() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, enter(), None);
        page.get_by_role_and_label(egui::accesskit::Role::ProgressIndicator, &t.t("prejoin-level"));
        page.get_by_label(&t.t("mic-mute")).click();
        page.get_by_label(&t.t("camera-off")).click();
        page.run();
        assert!(!page.state().screen.mic && !page.state().screen.camera);
        page.get_by_label(&t.t("mic-unmute"));
        let combo = |label: &str| t.t(label);
        page.get_by_role_and_label(egui::accesskit::Role::ComboBox, &combo("prejoin-camera")).click();
        page.run();
        page.get_by_label("HD Webcam");
        page.get_by_label(&t.with("source-default-named", &[("name", "HD Webcam".into())]));
        page.get_by_label(&t.t("source-pattern")).click();
        page.run();
        assert_eq!(page.state().screen.video_source(), VideoSource::Pattern);
        page.get_by_role_and_label(egui::accesskit::Role::ComboBox, &combo("prejoin-mic")).click();
        page.run();
        page.get_by_label(&t.t("source-audio-file")).click();
        page.run();
        type_into(&mut page, &t.t("prejoin-file"), "/tmp/speech.wav");
        assert_eq!(page.state().screen.audio_source(), AudioSource::File("/tmp/speech.wav".into()));
        assert_eq!(page.state().actions.iter().filter(|a| **a == Action::Reopen).count(), 2);
    }
}

#[test]
fn the_picture_for_pauses_is_asked_for_while_the_camera_is_off() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, enter(), None);
        let label = t.t("prejoin-pause-image");
        assert!(page.query_by_label(&label).is_none(), "only where it matters");
        page.get_by_label(&t.t("camera-off")).click();
        page.run();
        assert_eq!(page.state().screen.pause_image(), None);
        type_into(&mut page, &label, "/no/such/me.png");
        page.get_by_label(&t.t("prejoin-pause-image-missing"));
        assert_eq!(page.state().screen.pause_image(), Some("/no/such/me.png".into()));
        page.state_mut().screen.pause_image = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/screenshots/call-en.png").to_owned();
        page.run();
        assert!(page.query_by_label(&t.t("prejoin-pause-image-missing")).is_none());
        picture(&mut page, &format!("prejoin-pause-{lang:?}"));
    }
}

#[test]
fn the_systems_default_is_named_first_and_a_device_that_is_gone_stays_chosen() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let gone = PreJoin { audio: "device:pulse:old".into(), speaker: "pulse:older".into(), ..enter() };
        let mut page = page(lang, SIZE, gone, None);
        page.run();
        page.get_by_role_and_label(egui::accesskit::Role::ComboBox, &t.t("prejoin-mic")).click();
        page.run();
        let default = t.with("source-default-named", &[("name", "Headset".into())]);
        let missing = t.with("source-missing", &[("name", "old".into())]);
        let order = [default.as_str(), missing.as_str(), "Built-in", "Headset"]
            .map(|label| page.get_all_by_label(label).last().unwrap().rect().top());
        assert!(order.windows(2).all(|w| w[0] < w[1]), "{order:?}");
        assert_eq!(page.state().screen.audio_source(), AudioSource::Device(Some("pulse:old".into())));
        // Of the speakers nothing is known yet: the choice is not called missing.
        assert!(page.query_by_label(&t.with("source-missing", &[("name", "older".into())])).is_none());
    }
}

#[test]
fn a_missing_camera_is_a_sentence_and_no_obstacle() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let failure = Sentence { text: t.t("error-camera-missing"), detail: Some("ENODEV".into()), remedy: Remedy::Device };
        let mut page = page(lang, SIZE, enter(), Some(failure));
        page.get_by_label(&t.t("error-camera-missing"));
        page.get_by_label(&t.t("retry")).click();
        page.get_by_label(&t.t("prejoin-join-button")).click();
        page.run();
        assert!(
            page.state().actions.contains(&Action::RetryDevice(Kind::Camera)) && page.state().actions.contains(&Action::Start)
        );
        page.get_by_label(&t.t("back")).click();
        page.run();
        assert!(page.state().actions.contains(&Action::Back));
    }
}

#[test]
fn the_page_can_be_used_in_the_smallest_window() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, (640.0, 480.0), enter(), None);
    page.get_by_label(&t.t("prejoin-join-button")).click();
    page.run();
    assert_eq!(page.state().actions, [Action::Start]);
}

#[test]
fn a_live_room_is_watched_as_late_as_one_likes() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let combo = egui::accesskit::Role::ComboBox;
        let mut live = page(lang, SIZE, PreJoin { mode: Some(Mode::Live), ..enter() }, None);
        live.get_by_role_and_label(combo, &t.t("prejoin-live")).click();
        live.run();
        live.get_by_label(&t.t("prejoin-live-fast"));
        live.get_by_label(&t.t("prejoin-live-smooth")).click();
        live.run();
        assert_eq!(live.state().screen.smoothness(), Smoothness::Smooth);
        let call = page(lang, SIZE, enter(), None);
        assert!(call.query_by_role_and_label(combo, &t.t("prejoin-live")).is_none(), "no question where people talk");
    }
}
