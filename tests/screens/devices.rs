//! The dialog in which devices are chosen and tried out.

use super::app::{open, runtime, wait_for};
use super::{Screen, picture, screen, texts};
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use parlor::app::devices::{self, DevicesView};
use parlor::app::i18n::Lang;
use parlor::app::view::Action;
use parlor::call::snapshot::DeviceState;
use parlor::media::capture::{SourceError, SourceErrorKind};
use parlor::media::devices::check::Stage;
use parlor::media::devices::{Device, InUse, Kind, List, Lists};
use parlor_lab::sound::{Sound, pactl};

/// What the dialog is given.
#[derive(Default)]
struct Given {
    chosen: [String; 3],
    states: [DeviceState; 3],
    check: Option<Stage>,
    heard: bool,
}

fn lists() -> Lists {
    let list = |names: &[&str]| {
        let devices: Vec<_> = names.iter().map(|name| Device { id: format!("pulse:{name}"), name: (*name).into() }).collect();
        List { default: devices.first().cloned(), devices, known: true, exhaustive: true }
    };
    Lists {
        cameras: list(&["HD Webcam"]),
        microphones: list(&["Built-in", "Headset"]),
        speakers: list(&["Loudspeaker", "Headphones"]),
    }
}

fn given() -> Given {
    let in_use = |name: &str| DeviceState {
        in_use: Some(InUse { id: Some(format!("pulse:{name}")), name: name.into(), by_default: true, instead_of: None }),
        failure: None,
    };
    Given {
        chosen: ["camera".into(), "device".into(), String::new()],
        states: [in_use("HD Webcam"), in_use("Built-in"), in_use("Loudspeaker")],
        ..Given::default()
    }
}

fn dialog<'a>(lang: Lang, given: Given) -> Screen<'a, Given> {
    let lists = lists();
    let mut dialog = screen(lang, (900.0, 700.0), given, move |ui, cx, given: &mut Given| {
        let view = DevicesView {
            lists: &lists,
            chosen: given.chosen.clone(),
            states: given.states.clone(),
            level: 0.1,
            check: given.check,
            heard: given.heard,
            picture: Default::default(),
        };
        devices::show(ui.ctx(), cx, &view);
    });
    dialog.run();
    dialog
}

#[test]
fn devices_are_chosen_by_name_and_tried_out() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut dialog = dialog(lang, given());
        for name in ["HD Webcam", "Built-in", "Loudspeaker"] {
            dialog.get_by_label(&t.with("devices-in-use", &[("name", name.into())]));
        }
        dialog.get_by_role_and_label(Role::ProgressIndicator, &t.t("prejoin-level"));
        picture(&mut dialog, &format!("devices-{lang:?}"));
        dialog.get_by_label(&t.t("devices-test-speaker")).click();
        dialog.get_by_label(&t.t("devices-test-mic")).click();
        dialog.run();
        dialog.get_by_role_and_label(Role::ComboBox, &t.t("prejoin-mic")).click();
        dialog.run();
        dialog.get_by_label("Headset").click();
        dialog.run();
        let chosen = Action::Choose(Kind::Microphone, "device:pulse:Headset".into());
        assert_eq!(dialog.state().actions, [Action::TestSpeaker, Action::TestMic, chosen]);
        dialog.get_by_label(&t.t("close")).click();
        dialog.run();
        assert_eq!(dialog.state().actions.last(), Some(&Action::OpenDevices(false)));
    }
}

#[test]
fn it_is_closed_by_the_keyboard() {
    let mut dialog = dialog(Lang::En, given());
    dialog.key_press(egui::Key::Escape);
    dialog.run();
    assert_eq!(dialog.state().actions, [Action::OpenDevices(false)]);
}

#[test]
fn each_stage_of_the_trial_and_each_outcome_is_said() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let stages = [
            (None, false, "devices-mic-hint"),
            (None, true, "devices-mic-heard"),
            (Some(Stage::Recording(0.5)), false, "devices-recording"),
            (Some(Stage::Playing(0.5)), false, "devices-playing"),
            (Some(Stage::Done(0.5)), false, "devices-done"),
            (Some(Stage::Done(0.001)), false, "devices-quiet"),
            (Some(Stage::Done(0.0)), false, "devices-nothing"),
        ];
        for (check, heard, said) in stages {
            let dialog = dialog(lang, Given { check, heard, ..given() });
            assert!(dialog.query_all_by_label(&t.t(said)).next().is_some(), "{check:?}: {said}");
        }
    }
}

#[test]
fn a_failure_stands_beside_its_device() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (kind, error) in [
            (SourceErrorKind::NoDevice, "error-mic-missing"),
            (SourceErrorKind::Busy, "error-mic-busy"),
            (SourceErrorKind::Denied, "error-mic-denied"),
            (SourceErrorKind::UnsupportedFormat, "error-mic-format"),
            (SourceErrorKind::Stalled, "error-mic-stalled"),
            (SourceErrorKind::Silent, "error-mic-silent"),
        ] {
            let mut given = given();
            given.states[1].failure = Some(SourceError::new(kind, "os error 5"));
            let mut dialog = dialog(lang, given);
            dialog.get_by_label(&t.t(error));
            dialog.get_by_label(&t.t("retry")).click();
            dialog.run();
            assert_eq!(dialog.state().actions, [Action::RetryDevice(Kind::Microphone)]);
        }
    }
}

#[test]
fn e2e_a_headset_that_comes_and_goes_in_a_call_is_told() {
    let sound = Sound::start().unwrap();
    let child = "screens::devices::child_headset_in_a_call";
    let output =
        sound.command(std::env::current_exe().unwrap()).args(["--exact", child, "--ignored", "--nocapture"]).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "runs as a child of e2e_a_headset_that_comes_and_goes_in_a_call_is_told"]
fn child_headset_in_a_call() {
    let plug = || {
        let arguments = ["load-module", "module-remap-source", "source_name=headset", "master=micfeed.monitor"];
        pactl(&[&arguments[..], &["source_properties=device.description=Headset"]].concat()).unwrap()
    };
    let module = plug();
    let (runtime, t) = (runtime(), texts(Lang::En));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("parlor.json");
    std::fs::write(&config, r#"{"host_port": 0}"#).unwrap();
    let args = "--server here --lang en --name Ada --source none --mic device:pulse:headset --create Kitchen";
    let mut app = open(&runtime, &config, args);
    wait_for(&mut app, &t.t("call-alone"));
    // Nothing is played into it: exact zeros.
    wait_for(&mut app, &t.t("error-mic-silent"));
    app.get_by_label(&t.t("devices-without")).click();
    wait_for(&mut app, &t.t("mic-unmute"));
    assert!(app.query_by_label(&t.t("error-mic-silent")).is_none(), "a microphone that is off need not be heard");

    pactl(&["unload-module", &module]).unwrap();
    let told = |key: &str, name: &str| {
        let kind = t.t("prejoin-mic");
        t.with(key, &[("kind", (&kind).into()), ("lost", "Headset".into()), ("name", name.into())])
    };
    wait_for(&mut app, &told("toast-device-gone", "Desk microphone"));
    app.get_by_label(&t.t("devices-choose-another")).click();
    wait_for(&mut app, &t.with("devices-in-use", &[("name", "Desk microphone".into())]));
    // The choice is remembered while it is away, and followed when it is back.
    let shown = app.get_by_role_and_label(Role::ComboBox, &t.t("prejoin-mic")).accesskit_node().value();
    assert_eq!(shown, Some(t.with("source-missing", &[("name", "headset".into())])));
    app.get_by_label(&t.t("devices-test-mic")).click();
    wait_for(&mut app, &t.t("devices-nothing"));
    app.key_press(egui::Key::Escape);
    plug();
    wait_for(&mut app, &told("toast-device-back", "Headset"));
    app.get_by_label(&t.t("undo")).click();
    app.run_steps(2);
    app.get_by_label(&t.t("devices-open")).click();
    wait_for(&mut app, &t.with("devices-in-use", &[("name", "Desk microphone".into())]));
    drop(app);
    let kept = std::fs::read_to_string(&config).unwrap();
    assert!(kept.contains("\"audio\": \"device\""), "what was undone is remembered: {kept}");
}
