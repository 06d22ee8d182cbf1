//! The chat: lines with links, notices between them, a field of several lines.

use super::{SIZE, Screen, picture, screen, texts, type_into};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use parlor::app::call::chat::{Chat, Notice};
use parlor::app::i18n::Lang;
use parlor::app::view::Action;
use parlor::call::snapshot::Line;

fn line(seq: u64, name: &str, text: &str, own: bool) -> Line {
    Line { seq, name: name.into(), text: Some(text.into()), own, at_us: i64::try_from(seq).unwrap() }
}

fn page<'a>(lang: Lang, chat: Chat, lines: Vec<Line>) -> Screen<'a, Chat> {
    screen(lang, SIZE, chat, move |ui, cx, chat| chat.show(ui, cx, &lines))
}

#[test]
fn links_can_be_opened_and_notices_stand_between_lines() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let first = vec![line(1, "李雷", "看 https://a.example/b，好吗？ 😀", false)];
        let mut chat = Chat::default();
        chat.note(Notice::Joined("韩梅梅".into()), &first);
        let lines = [first, vec![line(2, "Ada", "ok", true), line(3, "Ada", &"long ".repeat(60), true)]].concat();
        let mut page = page(lang, chat, lines);
        let joined = t.with("toast-joined", &[("name", "韩梅梅".into())]);
        let link = page.get_by_role_and_label(Role::Link, "https://a.example/b").rect();
        let (notice, next) = (page.get_by_label(&joined).rect(), page.get_by_label("ok").rect());
        assert!(link.bottom() <= notice.top() && notice.bottom() <= next.top());
        page.get_by_role_and_label(Role::Link, "https://a.example/b").click();
        page.step();
        let opened = |command: &egui::OutputCommand| matches!(command, egui::OutputCommand::OpenUrl(open) if open.url == "https://a.example/b");
        assert!(page.output().platform_output.commands.iter().any(opened), "a click opens it");
        picture(&mut page, &format!("chat-{lang:?}"));
    }
}

#[test]
fn enter_sends_and_shift_enter_begins_a_new_line() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, Chat::default(), Vec::new());
    page.get_by_label(&t.t("chat-empty"));
    type_into(&mut page, &t.t("chat-input"), "你好");
    page.key_press_modifiers(Modifiers::SHIFT, Key::Enter);
    page.run();
    assert!(page.state().actions.is_empty());
    type_into(&mut page, &t.t("chat-input"), "bye");
    assert_eq!(page.state().screen.draft, "你好\nbye");
    page.key_press(Key::Enter);
    page.run();
    assert_eq!(page.state().actions, [Action::Say("你好\nbye".into())]);
    assert_eq!(page.state().screen.draft, "");
    assert!(page.get_by_role_and_label(Role::MultilineTextInput, &t.t("chat-input")).is_focused());
}
