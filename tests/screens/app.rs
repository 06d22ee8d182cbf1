//! The whole program in a window without a window system.

use clap::Parser;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use parlor::app::call::videos::Graphics;
use parlor::app::cli::Args;
use parlor::app::i18n::{Lang, Texts};
use parlor::app::settings::Settings;
use parlor::app::{App, Options};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(super) fn open<'a>(runtime: &Runtime, config: &Path, args: &str) -> Harness<'a, App> {
    let args = Args::parse_from(std::iter::once("parlor").chain(args.split_whitespace()));
    let options = Options {
        started: Duration::ZERO,
        args,
        runtime: runtime.handle().clone(),
        config: Some(config.to_owned()),
        system_fonts: false,
        painter: None,
        graphics: Graphics::Card,
        listener: Default::default(),
    };
    Harness::builder().with_size((1180.0, 760.0)).with_max_steps(64).build_eframe(move |cc| App::new(&cc.egui_ctx, options))
}

/// Runs the program until `label` is on the screen.
pub(super) fn wait_for(app: &mut Harness<'_, App>, label: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        app.run_steps(2);
        if app.query_all_by_label_contains(label).next().is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "{label:?} is not on the screen: {:#?}", app.root());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_server_that_is_not_there_is_a_sentence_on_every_way_in() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("parlor.json");
    let server = format!("127.0.0.1:{}", closed_port());
    for lang in ["en", "zh"] {
        let texts = Texts::new(lang.parse().unwrap());
        let said = texts.with("error-unreachable", &[("server", (&server).into())]);
        let mut app = open(&runtime, &config, &format!("--server {server} --lang {lang}"));
        wait_for(&mut app, &said);
        let mut app =
            open(&runtime, &config, &format!("--server {server} --lang {lang} --name Ada --source none --mic none --enter x"));
        wait_for(&mut app, &said);
        app.get_by_label(&texts.t("ended-home")).click();
        wait_for(&mut app, &texts.t("home-title"));
    }
}

#[test]
fn something_else_on_the_port_is_told_apart() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // The question is read first: a connection closed on an unread question is reset, and the answer lost.
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"500 what is POST?\r\n");
        }
    });
    let mut app = open(&runtime, &folder.path().join("parlor.json"), &format!("--server {server} --lang en"));
    wait_for(&mut app, &Texts::new(Lang::En).with("error-not-parlor", &[("server", (&server).into())]));
}

#[test]
fn choices_are_remembered_and_damaged_settings_are_reported() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("parlor.json");
    std::fs::write(&config, "{broken").unwrap();
    let args = format!("--server 127.0.0.1:{}", closed_port());
    let mut app = open(&runtime, &config, &format!("{args} --lang en"));
    wait_for(&mut app, "parlor.json.damaged");
    assert_eq!(std::fs::read_to_string(folder.path().join("parlor.json.damaged")).unwrap(), "{broken");
    app.get_by_label(Lang::Zh.name()).click();
    let zh = Texts::new(Lang::Zh);
    wait_for(&mut app, &zh.t("home-title"));
    drop(app);
    let kept: Settings = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    assert_eq!(kept.lang, Some(Lang::Zh));
    let mut app = open(&runtime, &config, &args);
    wait_for(&mut app, &zh.t("home-title"));
}

#[test]
fn from_the_first_page_to_the_page_before_a_call_and_back() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let texts = Texts::new(Lang::En);
    let config = folder.path().join("parlor.json");
    std::fs::write(&config, "{\"host_port\": 0}").unwrap();
    let mut app = open(&runtime, &config, "--server here --lang en --name Ada --source pattern --mic tone");
    wait_for(&mut app, &texts.t("rooms-empty"));
    app.get_by_label(&texts.t("mode-duo")).click();
    wait_for(&mut app, &texts.t("create-continue"));
    app.get_by_label(&texts.t("create-continue")).click();
    wait_for(&mut app, &texts.t("prejoin-create-button"));
    wait_for(&mut app, "Ada");
    app.get_by_label(&texts.t("back")).click();
    // What was typed is there again.
    wait_for(&mut app, &texts.t("create-title"));
    app.get_by_label(&texts.t("close")).click();
    wait_for(&mut app, &texts.t("home-title"));
    let started = Instant::now();
    drop(app);
    assert!(started.elapsed() < Duration::from_secs(5), "the program ends promptly");
}

#[test]
fn one_person_alone_can_try_everything_with_a_test_partner() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let texts = Texts::new(Lang::En);
    let config = folder.path().join("parlor.json");
    std::fs::write(&config, "{\"host_port\": 0}").unwrap();
    let mut app = open(&runtime, &config, "--server here --lang en --name Ada --source pattern --mic tone --create Kitchen");
    wait_for(&mut app, &texts.t("call-alone"));
    app.get_by_label(&texts.t("call-copy-invite"));
    app.get_by_label(&texts.t("call-local"));
    app.get_by_label(&texts.t("call-test-partner")).click();
    wait_for(&mut app, &texts.with("toast-joined", &[("name", (&texts.t("call-partner-name")).into())]));
    app.get_by_label(&texts.t("stats-open")).click();
    wait_for(&mut app, &texts.t("stat-encode"));
    app.get_by_label(&texts.t("mic-mute")).click();
    wait_for(&mut app, &texts.with("tile-muted", &[("name", "Ada (you)".into())]));
    app.get_by_label(&texts.t("leave")).click();
    app.run_steps(4);
    app.get_by_label(&texts.t("home-title"));
    let started = Instant::now();
    drop(app);
    assert!(started.elapsed() < Duration::from_secs(6), "leaving is prompt and complete");
}
