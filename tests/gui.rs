//! Every screen, in both languages, found by what a screen reader would say.

mod screens;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use parlor::app::call::ended;
use parlor::app::errors::{Remedy, Sentence};
use parlor::app::home::sidebar;
use parlor::app::home::{Home, HomeView};
use parlor::app::i18n::Lang;
use parlor::app::settings::{ServerChoice, Theme};
use parlor::app::view::{Action, RoomsView, ServerKind, ServerView};
use parlor::proto::api::RoomSummary;
use parlor::proto::{Mode, RoomId};
use screens::{SIZE, Screen, screen, texts, type_into};

fn sentence(remedy: Remedy) -> Sentence {
    Sentence { text: "It went wrong.".into(), detail: Some("os error 111".into()), remedy }
}

fn home<'a>(lang: Lang, size: (f32, f32), server: ServerView, choice: ServerChoice) -> Screen<'a, Home> {
    screen(lang, size, Home::default(), move |ui, cx, home| {
        home.show(ui, cx, &HomeView { theme: Theme::System, choice: &choice, server: &server, sidebar: false });
    })
}

fn ready() -> ServerView {
    ServerView::Ready { address: "192.168.1.20:1935".into(), link: "192.168.1.20:1935".into(), kind: ServerKind::Own }
}

#[test]
fn home_offers_the_modes_and_speaks_both_languages() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = home(lang, SIZE, ready(), ServerChoice::Here);
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
        let mut page = home(Lang::En, SIZE, ready(), ServerChoice::Here);
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
            let mut page = home(lang, SIZE, ready(), ServerChoice::Here);
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
        let mut page = home(lang, SIZE, ServerView::Starting, ServerChoice::Here);
        page.get_by_label(&t.t("server-starting"));
        page.get_by_label(&t.t("server-other")).click();
        page.run();
        type_into(&mut page, &t.t("server-address"), "10.0.0.1:1935");
        page.get_by_label(&t.t("server-use")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::UseServer(ServerChoice::Address("10.0.0.1:1935".into()))]);

        let failed = ServerView::Failed(sentence(Remedy::TryAgain));
        let mut page = home(lang, SIZE, failed, ServerChoice::Address("10.0.0.1".into()));
        page.get_by_label("It went wrong.");
        assert!(page.query_by_label("os error 111").is_none(), "codes are shown only on demand");
        page.get_by_label(&t.t("details")).click();
        page.run();
        page.get_by_label("os error 111");
        page.get_by_label(&t.t("retry")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::TryAgain]);
    }
}

#[test]
fn home_fits_the_smallest_window() {
    for lang in Lang::ALL {
        let page = home(lang, (640.0, 480.0), ready(), ServerChoice::Here);
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
        info: String::new(),
    }
}

fn list<'a>(lang: Lang, rooms: RoomsView, here: Option<RoomId>) -> Screen<'a, ()> {
    screen(lang, SIZE, (), move |ui, cx, ()| sidebar::show(ui, cx, &rooms, here.as_ref()))
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
fn the_end_of_a_call_is_explained_and_offers_what_helps() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (remedy, retry) in [(Remedy::TryAgain, true), (Remedy::Nothing, false)] {
            let mut page = screen(lang, SIZE, (), move |ui, cx, ()| ended::show(ui, cx, &sentence(remedy), true));
            page.get_by_label("It went wrong.");
            assert_eq!(page.query_by_label(&t.t("retry")).is_some(), retry);
            page.get_by_label(&t.t("ended-home")).click();
            page.run();
            assert_eq!(page.state().actions, [Action::Home]);
        }
    }
}

#[test]
fn everything_on_the_first_page_can_be_reached_by_keyboard() {
    let t = texts(Lang::En);
    let mut page = home(Lang::En, SIZE, ready(), ServerChoice::Here);
    let mut reached = Vec::new();
    for _ in 0..12 {
        page.key_press(Key::Tab);
        page.run();
        let focused = page.get_by(|node| node.is_focused());
        reached.extend(focused.accesskit_node().label());
    }
    for key in ["mode-duo", "mode-multi", "join-label", "join-button", "server-here", "server-copy"] {
        assert!(reached.contains(&t.t(key)), "{key} is not among {reached:?}");
    }
    page.get_by_label(&t.t("mode-duo")).focus();
    page.run();
    page.key_press_modifiers(Modifiers::NONE, Key::Enter);
    page.run();
    assert_eq!(page.state().actions, [Action::New(Mode::Duo)]);
}
