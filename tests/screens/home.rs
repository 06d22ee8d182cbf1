//! The first page: modes, the box for invites, servers, recent rooms, the room list, and the dialog for a new room.

use super::{SIZE, Screen, picture, screen, sentence, texts, type_into};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use parlor::app::errors::Remedy;
use parlor::app::home::create::Create;
use parlor::app::home::sidebar;
use parlor::app::home::{self, Home, HomeView};
use parlor::app::i18n::Lang;
use parlor::app::settings::page;
use parlor::app::settings::{Recent, SavedServer, ServerChoice, Theme};
use parlor::app::view::{Action, ProbeView, RoomsView, ServerKind, ServerView};
use parlor::proto::api::RoomSummary;
use parlor::proto::{Mode, RoomId};

/// What the page is shown, for it to own.
#[derive(Clone)]
struct Shown {
    server: ServerView,
    choice: ServerChoice,
    servers: Vec<SavedServer>,
    probe: Option<ProbeView>,
    recent: Vec<Recent>,
    rooms: RoomsView,
    lost: Option<Recent>,
}

impl Default for Shown {
    fn default() -> Self {
        let address = "192.168.1.20:1935".to_owned();
        Self {
            server: ServerView::Ready { link: address.clone(), address, kind: ServerKind::Own },
            choice: ServerChoice::Here,
            servers: Vec::new(),
            probe: None,
            recent: Vec::new(),
            rooms: RoomsView::Loading,
            lost: None,
        }
    }
}

const NOW: u64 = 1_800_000_000;

fn home<'a>(lang: Lang, size: (f32, f32), shown: Shown) -> Screen<'a, Home> {
    screen(lang, size, Home::default(), move |ui, cx, home| {
        let view = HomeView {
            theme: Theme::System,
            choice: &shown.choice,
            server: &shown.server,
            servers: &shown.servers,
            probe: shown.probe.as_ref(),
            recent: &shown.recent,
            rooms: &shown.rooms,
            today: NOW,
            lost: shown.lost.as_ref(),
            sidebar: false,
        };
        home.show(ui, cx, &view);
    })
}

fn elsewhere(address: &str) -> ServerChoice {
    ServerChoice::Address(address.into())
}

fn saved(address: &str) -> SavedServer {
    SavedServer { address: address.into(), access_key: String::new() }
}

fn recent(name: &str, room: &str, server: Option<&str>, ago: u64) -> Recent {
    Recent { name: name.into(), room: room.into(), mode: Mode::Duo, server: server.map(Into::into), key: None, at: NOW - ago }
}

#[test]
fn home_offers_the_modes_and_speaks_both_languages() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = home(lang, SIZE, Shown::default());
        page.get_by_label(&t.t("home-title"));
        page.get_by_label(&t.with("server-ready-here", &[("address", "192.168.1.20:1935".into())]));
        page.get_by_label(&t.t("mode-duo")).click();
        page.get_by_label(&t.t("mode-multi")).click();
        let other = Lang::ALL.into_iter().find(|l| *l != lang).unwrap();
        page.get_by_label(other.name()).click();
        page.run();
        let wanted = [Action::SetLang(other), Action::New(Mode::Duo), Action::New(Mode::Multi)];
        for action in wanted {
            assert!(page.state().actions.contains(&action), "{action:?}");
        }
    }
}

#[test]
fn one_box_takes_links_codes_and_names() {
    let t = texts(Lang::En);
    for (typed, server, room) in
        [("parlor://calls.example/k7wq2mnd", Some("calls.example:1935"), "k7wq2mnd"), ("周会", None, "周会")]
    {
        let mut page = home(Lang::En, SIZE, Shown::default());
        type_into(&mut page, &t.t("join-label"), typed);
        page.get_by_role_and_label(egui::accesskit::Role::Button, &t.t("join-button")).click();
        page.run();
        match page.state().actions.as_slice() {
            [Action::Join(invite)] => {
                assert_eq!((invite.server.as_ref().map(ToString::to_string).as_deref(), invite.room.as_str()), (server, room));
            }
            other => panic!("{typed}: {other:?}"),
        }
    }
}

#[test]
fn a_bad_invite_is_refused_in_words() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (typed, said) in [("", "join-empty"), ("ftp://x/y", "join-not-invite"), ("parlor://host/", "join-no-room")] {
            let mut page = home(lang, SIZE, Shown::default());
            if !typed.is_empty() {
                type_into(&mut page, &t.t("join-label"), typed);
            }
            page.get_by_role_and_label(egui::accesskit::Role::Button, &t.t("join-button")).click();
            page.run();
            page.get_by_label(&t.t(said));
            assert!(page.state().actions.is_empty());
        }
    }
}

#[test]
fn the_server_can_be_chosen_and_its_failure_is_a_sentence() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let servers = vec![saved("calls.example#pin=abc")];
        let mut page = home(lang, SIZE, Shown { server: ServerView::Starting, servers, ..Shown::default() });
        page.get_by_label(&t.t("server-starting"));
        page.get_by_role_and_label(Role::ComboBox, &t.t("server-choose")).click();
        page.run();
        page.get_by_label("calls.example").click();
        page.run();
        assert_eq!(page.state().actions, [Action::UseServer(elsewhere("calls.example#pin=abc"))]);

        let server = ServerView::Failed(sentence(Remedy::TryAgain));
        let mut page = home(lang, SIZE, Shown { server, choice: elsewhere("10.0.0.1"), ..Shown::default() });
        page.get_by_label("It went wrong.");
        assert!(page.query_by_label("os error 111").is_none(), "codes are shown only on demand");
        page.get_by_label(&t.t("details")).click();
        page.run();
        page.get_by_label("os error 111");
        page.get_by_label(&t.t("retry")).click();
        page.get_by_label(&t.with("server-forget", &[("address", "10.0.0.1".into())])).click();
        page.run();
        let forget = Action::First(home::Action::ForgetServer("10.0.0.1".into()));
        for action in [Action::TryAgain, forget] {
            assert!(page.state().actions.contains(&action), "{action:?}");
        }
        page.get_by_label(&t.t("server-change")).click();
        page.run();
        let label = t.t("server-address");
        let field = page.get_by_role_and_label(Role::TextInput, &label);
        assert_eq!(field.accesskit_node().value().as_deref(), Some("10.0.0.1"));
    }
}

#[test]
fn another_server_is_tried_while_it_is_typed_and_then_remembered() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let open = |probe: Option<ProbeView>| {
            let mut page = home(lang, SIZE, Shown { probe, ..Shown::default() });
            page.get_by_role_and_label(Role::ComboBox, &t.t("server-choose")).click();
            page.run();
            page.get_by_label(&t.t("server-other")).click();
            page.run();
            page
        };
        let mut page = open(None);
        type_into(&mut page, &t.t("server-address"), "10.0.0.1:1935");
        assert!(page.state().actions.is_empty(), "nobody is asked while one types");
        page.state_mut().now += std::time::Duration::from_secs(1);
        page.run();
        let server = saved("10.0.0.1:1935");
        assert_eq!(page.state().actions, [Action::First(home::Action::Test(server.clone()))]);
        page.get_by_label(&t.t("server-use")).click();
        page.run();
        assert_eq!(page.state().actions.last(), Some(&Action::First(home::Action::Use(server))));
        assert!(page.query_by_label(&t.t("server-use")).is_none(), "the box closes");

        // What is pasted is tried at once.
        let mut page = open(None);
        page.get_by_role_and_label(Role::TextInput, &t.t("server-address")).focus();
        page.run();
        page.event(egui::Event::Paste("parlor://calls.example".into()));
        page.run();
        assert_eq!(page.state().actions, [Action::First(home::Action::Test(saved("parlor://calls.example")))]);

        open(Some(ProbeView::Checking)).get_by_label(&t.t("server-checking"));
        open(Some(ProbeView::Works)).get_by_label(&t.t("server-works"));
        let failed = |key_wanted| ProbeView::Failed { sentence: sentence(Remedy::Server), key_wanted };
        let page = open(Some(failed(false)));
        page.get_by_label("It went wrong.");
        assert!(page.query_by_label(&t.t("server-access-key")).is_none(), "a key is asked for where one is wanted");
        open(Some(failed(true))).get_by_role_and_label(Role::PasswordInput, &t.t("server-access-key"));
    }
}

#[test]
fn recent_rooms_are_one_click_away() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let shown = Shown {
            recent: vec![
                recent("周会 Weekly", "a", None, 60),
                recent("Lunch", "b", Some("calls.example:1935#pin=abc"), 3 * 3600),
                recent("Book club", "c", None, 5 * 86_400),
            ],
            rooms: RoomsView::List(vec![room("a", "周会 Weekly", &["Ada"], 2, false)]),
            ..Shown::default()
        };
        let mut page = home(lang, SIZE, shown.clone());
        let people = t.with("room-people", &[("count", 1usize.into())]);
        page.get_by_label_contains(&t.with("recent-open", &[("people", (&people).into())]));
        page.get_by_label_contains(&t.with("ago-days", &[("count", 5usize.into())]));
        let ago = t.with("ago-hours", &[("count", 3usize.into())]);
        let line = t.with("recent-line", &[("ago", (&ago).into()), ("server", "calls.example:1935".into())]);
        page.get_by_label_contains(&line).click();
        page.get_by_label(&t.with("recent-forget", &[("name", "Book club".into())])).click();
        page.run();
        let wanted = [home::Action::EnterRecent(shown.recent[1].clone()), home::Action::ForgetRecent(shown.recent[2].clone())];
        for action in wanted.map(Action::First) {
            assert!(page.state().actions.contains(&action), "{action:?}");
        }
        picture(&mut page, &format!("home-recent-{lang:?}"));
        // One below the other where the window is narrow.
        let mut page = home(lang, (480.0, 700.0), shown);
        page.run();
        page.get_by_label(&t.t("recent-title"));
        picture(&mut page, &format!("home-recent-narrow-{lang:?}"));
    }
}

#[test]
fn the_room_one_was_in_when_the_program_ended_is_offered() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (key, back) in [("rejoin-yes", true), ("rejoin-no", false)] {
            let mut page = home(lang, SIZE, Shown { lost: Some(recent("周会", "a", None, 60)), ..Shown::default() });
            page.get_by_label(&t.with("rejoin-text", &[("room", "周会".into())]));
            page.get_by_label(&t.t(key)).click();
            page.run();
            assert_eq!(page.state().actions, [Action::First(home::Action::Rejoin(back))]);
        }
    }
}

#[test]
fn the_settings_are_opened_from_the_first_page() {
    let t = texts(Lang::En);
    let mut page = home(Lang::En, SIZE, Shown::default());
    page.get_by_label(&t.t("settings-open")).click();
    page.run();
    assert_eq!(page.state().actions, [Action::Settings(page::Action::Open(None))]);
}

#[test]
fn home_fits_the_smallest_window() {
    for lang in Lang::ALL {
        let page = home(lang, (640.0, 480.0), Shown::default());
        let t = texts(lang);
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(640.0, 480.0));
        for key in ["mode-duo", "mode-multi", "home-title", "sidebar-show"] {
            let rect = page.get_by_label(&t.t(key)).rect();
            assert!(window.contains_rect(rect), "{key} at {rect:?}");
        }
    }
}

fn room(id: &str, name: &str, members: &[&str], cap: usize, locked: bool) -> RoomSummary {
    let mode = if cap == 2 { Mode::Duo } else { Mode::Multi };
    RoomSummary {
        room: RoomId::new(id),
        name: name.into(),
        mode,
        members: members.iter().map(|m| (*m).into()).collect(),
        cap,
        locked,
        sealed: false,
        info: String::new(),
    }
}

fn list<'a>(lang: Lang, rooms: RoomsView, here: Option<RoomId>) -> Screen<'a, String> {
    screen(lang, SIZE, String::new(), move |ui, cx, search| sidebar::show(ui, cx, &rooms, here.as_ref(), search))
}

#[test]
fn the_room_list_says_who_is_where_and_what_is_free() {
    for lang in Lang::ALL {
        let rooms = vec![
            room("a", "周会 Weekly", &["Ada", "李雷"], 4, false),
            room("b", "Secret", &["Eve"], 4, true),
            room("c", "Full", &["A", "B"], 2, false),
            room("d", "Mine", &["Me"], 4, false),
        ];
        let mut page = list(lang, RoomsView::List(rooms.clone()), Some(RoomId::new("d")));
        let t = texts(lang);
        let free = t.with("room-free", &[("free", 2usize.into())]);
        page.get_by(|node| node.label().is_some_and(|l| l.contains("周会 Weekly") && l.contains(&free))).click();
        page.run();
        assert_eq!(page.state().actions, [Action::Enter(rooms[0].clone())]);
        page.get_by_label_contains(&t.t("room-locked"));
        page.get_by(|node| node.label().is_some_and(|l| l.contains("Full"))).click();
        page.get_by_label_contains(&t.t("room-here")).click();
        page.run();
        assert_eq!(page.state().actions.len(), 1, "neither a full room nor one's own is entered");
        page.get_by_label(&t.t("rooms-refresh")).click();
        page.get_by_label(&t.t("sidebar-hide")).click();
        page.run();
        for action in [Action::RefreshRooms, Action::ShowSidebar(false)] {
            assert!(page.state().actions.contains(&action));
        }
    }
}

#[test]
fn an_empty_a_loading_and_a_broken_list_say_so() {
    for lang in Lang::ALL {
        let t = texts(lang);
        list(lang, RoomsView::Loading, None).get_by_label(&t.t("rooms-loading"));
        let mut empty = list(lang, RoomsView::List(Vec::new()), None);
        empty.get_by_label(&t.t("rooms-empty"));
        empty.get_by_label(&t.t("rooms-new")).click();
        empty.run();
        assert_eq!(empty.state().actions, [Action::New(Mode::Multi)]);
        let mut failed = list(lang, RoomsView::Failed(sentence(Remedy::TryAgain)), None);
        failed.get_by_label("It went wrong.");
        failed.get_by_label(&t.t("retry")).click();
        failed.run();
        assert_eq!(failed.state().actions, [Action::RefreshRooms]);
    }
}

#[test]
fn many_rooms_can_be_searched_by_name_and_by_who_is_there() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let rooms = |count: usize| {
            let names = ["Kitchen", "周会", "Lunch", "Garden"];
            RoomsView::List(
                (0..count).map(|i| room(&i.to_string(), names[i], &[["Ada", "李雷", "Eve", "Bob"][i]], 4, false)).collect(),
            )
        };
        assert!(list(lang, rooms(2), None).query_by_label(&t.t("rooms-search")).is_none(), "two are seen at a glance");
        for (typed, found, gone) in [("kit", "Kitchen", "周会"), ("李", "周会", "Kitchen"), ("EVE", "Lunch", "Garden")] {
            let mut page = list(lang, rooms(4), None);
            type_into(&mut page, &t.t("rooms-search"), typed);
            page.get_by_label_contains(found);
            assert!(page.query_by_label_contains(gone).is_none(), "{typed} finds {gone}");
        }
        let mut page = list(lang, rooms(4), None);
        type_into(&mut page, &t.t("rooms-search"), "zebra");
        page.get_by_label(&t.with("rooms-not-found", &[("search", "zebra".into())]));
        page.get_by_label(&t.t("rooms-show-all")).click();
        page.run();
        page.get_by_label_contains("Kitchen");
    }
}

fn dialog<'a>(lang: Lang, size: (f32, f32), name: &str, rooms: RoomsView, at_once: bool) -> Screen<'a, Create> {
    let create = Create::new(name.into(), Mode::Multi);
    screen(lang, size, create, move |ui, cx, create| create.show(ui.ctx(), cx, &rooms, at_once))
}

#[test]
fn a_room_is_created_under_good_names_only() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = dialog(lang, SIZE, "", RoomsView::Loading, true);
        page.run();
        page.get_by_label(&t.t("name-empty"));
        page.get_by_label(&t.t("create-continue")).click();
        page.run();
        assert!(page.state().actions.is_empty(), "a room without a name is not created");
        type_into(&mut page, &t.t("prejoin-room"), "a<b");
        page.get_by_label(&t.with("name-forbidden", &[("char", "<".into())]));
        page.state_mut().screen.name = "周会 1".into();
        page.run();
        page.get_by_label(&t.t("mode-duo")).click();
        page.get_by_label(&t.t("create-stays")).click();
        page.get_by_role_and_label(Role::PasswordInput, &t.t("prejoin-password")).focus();
        page.run();
        page.get_by_role_and_label(Role::PasswordInput, &t.t("prejoin-password")).type_text("öffne dich");
        page.run();
        page.get_by_label(&t.t("create-stays-text"));
        picture(&mut page, &format!("create-{lang:?}"));
        page.get_by_label(&t.t("create-continue")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::First(home::Action::Created { prepare: true })]);
        let create = &page.state().screen;
        assert_eq!((create.mode, create.dissolve, create.password.as_str()), (Mode::Duo, false, "öffne dich"));
        page.get_by_label(&t.t("create-at-once")).click();
        page.run();
        assert_eq!(page.state().actions.last(), Some(&Action::First(home::Action::Created { prepare: false })));
        let first = dialog(lang, SIZE, "x", RoomsView::Loading, false);
        assert!(first.query_by_label(&t.t("create-at-once")).is_none(), "nobody goes in unseen the first time");
    }
}

#[test]
fn a_room_of_the_same_name_is_offered_instead() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let there = room("a", "Kitchen", &["Ada"], 4, false);
        let mut page = dialog(lang, SIZE, "Kitchen ", RoomsView::List(vec![there.clone()]), true);
        page.run_steps(8);
        page.get_by_label(&t.t("create-there-already"));
        page.get_by_label(&t.t("create-enter-that")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::First(home::Action::CloseCreate), Action::Enter(there)]);
    }
}

#[test]
fn the_dialog_for_a_new_room_fits_the_smallest_window() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = dialog(lang, (480.0, 360.0), "Kitchen", RoomsView::Loading, true);
        page.run();
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(480.0, 360.0));
        for key in ["create-continue", "create-at-once", "close"] {
            let rect = page.get_by_label(&t.t(key)).rect();
            assert!(window.contains_rect(rect), "{key} at {rect:?}");
        }
        picture(&mut page, &format!("create-small-{lang:?}"));
    }
}

#[test]
fn everything_on_the_first_page_can_be_reached_by_keyboard() {
    let t = texts(Lang::En);
    let mut page = home(Lang::En, SIZE, Shown::default());
    let mut reached = Vec::new();
    for _ in 0..16 {
        page.key_press(Key::Tab);
        page.run();
        let focused = page.get_by(|node| node.is_focused());
        reached.extend(focused.accesskit_node().label());
    }
    for key in ["mode-duo", "mode-multi", "join-label", "join-button", "server-choose", "server-copy"] {
        assert!(reached.contains(&t.t(key)), "{key} is not among {reached:?}");
    }
    page.get_by_label(&t.t("mode-duo")).focus();
    page.run();
    page.key_press_modifiers(Modifiers::NONE, Key::Enter);
    page.run();
    assert_eq!(page.state().actions, [Action::New(Mode::Duo)]);
}
