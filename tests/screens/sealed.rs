//! Rooms that are encrypted from end to end: made, found in the list, asked for their link, and seen in a call.

use super::{SIZE, Screen, app, call, picture, screen, texts, type_into};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use parlor::app::home::create::Create;
use parlor::app::home::sidebar;
use parlor::app::i18n::Lang;
use parlor::app::prejoin::sealed::Sealed;
use parlor::app::prejoin::{PreJoin, PreJoinView, Target};
use parlor::app::settings::{Settings, Theme};
use parlor::app::view::{Action, RoomsView};
use parlor::base::SecretKey;
use parlor::call::snapshot::Line;
use parlor::host;
use parlor::media::devices::Lists;
use parlor::media::seal::Trouble;
use parlor::proto::api::RoomSummary;
use parlor::proto::{Invite, Mode, RoomId};
use parlor::ui::Video;

fn summary() -> RoomSummary {
    RoomSummary {
        room: RoomId::new("k7wq2mnd"),
        name: "周会".into(),
        mode: Mode::Multi,
        members: vec!["Ada".into()],
        cap: 4,
        locked: true,
        sealed: true,
        info: String::new(),
    }
}

fn page<'a>(lang: Lang, size: (f32, f32), sealed: Sealed, mode: Option<Mode>) -> Screen<'a, PreJoin> {
    let settings = Settings { name: "Ada".into(), ..Settings::default() };
    let form = PreJoin::new(Target::Enter { room: "k7wq2mnd".into(), shown: "周会".into() }, &settings);
    let (video, lists) = (Video::default(), Lists::default());
    screen(lang, size, PreJoin { sealed, mode, ..form }, move |ui, cx, form| {
        let view = PreJoinView {
            theme: Theme::System,
            video: &video,
            opening: false,
            video_failure: None,
            audio_failure: None,
            level: 0.1,
            lists: &lists,
        };
        form.show(ui, cx, &view);
    })
}

#[test]
fn a_room_is_made_with_a_key_of_its_own() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let create = Create::new("周会".into(), Mode::Multi);
        let mut page =
            screen(lang, SIZE, create, |ui, cx, create: &mut Create| create.show(ui.ctx(), cx, &RoomsView::Loading, false));
        page.get_by_label(&t.t("create-sealed-text"));
        page.get_by_role_and_label(Role::CheckBox, &t.t("create-sealed")).click();
        page.run();
        picture(&mut page, &format!("create-sealed-{lang:?}"));
        let create = page.state().screen.clone();
        assert!(create.sealed);
        let (one, other) = (create.clone().into_form(&Settings::default()), create.into_form(&Settings::default()));
        assert!(one.sealed.key.is_some() && one.sealed != other.sealed);
        assert!(Create::from_form(&one).unwrap().sealed, "back in the dialog it is still ticked");
        assert!(!Create::from_form(&Create::new("x".into(), Mode::Duo).into_form(&Settings::default())).unwrap().sealed);
    }
}

#[test]
fn the_list_marks_it() {
    for lang in Lang::ALL {
        let rooms = RoomsView::List(vec![summary()]);
        let mut page = screen(lang, SIZE, String::new(), move |ui, cx, search| sidebar::show(ui, cx, &rooms, None, search));
        let mark = texts(lang).t("sealed");
        page.get_by(|node| node.label().is_some_and(|l| l.contains("周会") && l.contains(&mark))).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Enter(summary())]);
        picture(&mut page, &format!("rooms-sealed-{lang:?}"));
    }
}

#[test]
fn who_comes_without_the_link_is_asked_for_it() {
    let (key, id) = (SecretKey::random(), "k7wq2mnd");
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, Sealed::without_key(true), Some(Mode::Multi));
        page.get_by_label(&t.t("sealed"));
        page.get_by_label(&t.t("sealed-need-link"));
        assert!(page.query_by_label(&t.t("sealed-link-empty")).is_none(), "nobody is scolded before trying");
        page.get_by_label(&t.t("prejoin-join-button")).click();
        page.run();
        for (link, wrong) in [
            (String::new(), "sealed-link-empty"),
            (format!("parlor://h/{id}"), "sealed-link-no-key"),
            (format!("parlor://h/{id}#k=short"), "join-bad-key"),
            (format!("parlor://h/elsewhere#k={}", key.to_text()), "sealed-link-other-room"),
        ] {
            page.state_mut().screen.sealed.link = link;
            page.run();
            page.get_by_label(&t.t(wrong));
            page.get_by_label(&t.t("prejoin-join-button")).click();
            page.run();
            assert!(page.state().actions.is_empty() && page.state().screen.entry().is_none(), "{wrong}");
        }
        picture(&mut page, &format!("prejoin-sealed-{lang:?}"));
        page.state_mut().screen.sealed.link.clear();
        page.run();
        type_into(&mut page, &t.t("sealed-link"), &format!("parlor://h/{id}#k={}", key.to_text()));
        page.get_by_label(&t.t("prejoin-join-button")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Start]);
        assert!(page.state().screen.entry().is_some());
    }
}

#[test]
fn who_comes_by_the_link_is_asked_for_nothing() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, (640.0, 480.0), Sealed::of(Some(SecretKey::random())), None);
        page.get_by_label(&t.t("sealed-have-key"));
        assert!(page.query_by_role_and_label(Role::TextInput, &t.t("sealed-link")).is_none());
        page.get_by_label(&t.t("prejoin-join-button")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Start]);
    }
}

#[test]
fn in_the_call_it_is_marked_and_what_cannot_be_read_says_why() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut snapshot = call::call(3);
        snapshot.room.as_mut().unwrap().invite.key = Some(SecretKey::random());
        let reasons = [Trouble::KeyWrong, Trouble::KeyMissing, Trouble::NotSealed];
        let keys = ["unreadable-key-wrong", "unreadable-key-missing", "unreadable-not-sealed"];
        for (peer, why) in snapshot.peers.iter_mut().zip(reasons) {
            (peer.unreadable, peer.picture) = (Some(why), Default::default());
        }
        snapshot.chat = vec![Line { seq: 1, name: "Eve".into(), text: None, own: false, at_us: 0 }];
        let names: Vec<String> = snapshot.peers.iter().map(|peer| peer.name.clone()).collect();
        let mut page = call::page(lang, SIZE, snapshot);
        page.get_by_label(&t.t("call-sealed"));
        for (name, key) in names.iter().zip(keys) {
            page.get_by_label(&format!("{name}: {}", t.t(key)));
        }
        page.state_mut().screen.page.toggle_chat();
        page.run();
        page.get_by_label(&t.t("chat-unreadable"));
        picture(&mut page, &format!("call-sealed-{lang:?}"));
    }
}

#[test]
fn from_the_first_room_to_the_second_window_with_and_without_the_link() {
    let runtime = app::runtime();
    let folder = tempfile::tempdir().unwrap();
    let config = host::Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..host::Config::default() };
    let host = runtime.block_on(host::start(config)).unwrap();
    let (hers, his) = (folder.path().join("hers.json"), folder.path().join("his.json"));
    let t = texts(Lang::En);
    let common = format!("--server {} --lang en --source pattern --mic tone", host.addr());
    let mut ada = app::open(&runtime, &hers, &format!("{common} --name Ada --create Kitchen --sealed"));
    app::wait_for(&mut ada, &t.t("call-sealed"));
    app::wait_for(&mut ada, &t.t("call-alone"));
    // What is remembered of the room leads there again.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let recent = loop {
        ada.run_steps(2);
        let settings: Option<Settings> = std::fs::read(&hers).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(recent) = settings.and_then(|settings| settings.recent.first().cloned()) {
            break recent;
        }
        assert!(std::time::Instant::now() < deadline, "the room is not remembered");
    };
    let server = host.addr().to_string().parse().ok();
    let invite = Invite { server, room: RoomId::new(recent.room.clone()), key: recent.key.clone() }.to_string();
    assert!(recent.key.is_some(), "{recent:?}");

    let mut bob = app::open(&runtime, &his, &format!("{common} --name Bob --enter {}", recent.room));
    app::wait_for(&mut bob, &t.t("error-key-required"));
    app::wait_for(&mut bob, &t.t("sealed-need-link"));
    bob.get_by_role_and_label(Role::TextInput, &t.t("sealed-link")).focus();
    bob.run_steps(2);
    bob.get_by_role_and_label(Role::TextInput, &t.t("sealed-link")).type_text(&invite);
    bob.run_steps(2);
    bob.get_by_label(&t.t("prejoin-join-button")).click();
    app::wait_for(&mut bob, &t.t("call-sealed"));
    let there = |app: &mut egui_kittest::Harness<'_, parlor::app::App>, name: &str| app::wait_for(app, name);
    there(&mut bob, "Ada");
    there(&mut ada, &t.with("toast-joined", &[("name", "Bob".into())]));
    assert!(bob.query_all_by_label_contains(&t.t("unreadable-key-wrong")).next().is_none());
    drop((ada, bob));
    runtime.block_on(host.stop());
}
