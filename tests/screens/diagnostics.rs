//! The dialog that shows what the diagnostics file would hold.

use super::{SIZE, picture, screen, texts};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use parlor::app::diagnostics::Entry;
use parlor::app::diagnostics::page::{Action as Page, Dialog};
use parlor::app::i18n::Lang;
use parlor::app::view::Action;
use std::sync::Arc;

#[test]
fn everything_is_shown_before_it_is_saved() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let entry = |name: &str, text: &str| Entry { name: name.into(), text: text.into() };
        let entries = vec![entry("system.txt", "parlor: 1\nsystem: Debian"), entry("log.txt", "2026 INFO serving 周会")];
        for size in [SIZE, (480.0, 360.0)] {
            let mut dialog = Dialog::default();
            dialog.entries = Some(Arc::new(entries.clone()));
            dialog.shown = "system.txt".into();
            dialog.path = "/tmp/x.zip".into();
            dialog.failure = Some("It went wrong.".into());
            let mut page = screen(lang, size, dialog, |ui, cx, dialog| dialog.show(ui.ctx(), cx));
            page.run();
            page.get_by_label("system: Debian");
            picture(&mut page, &format!("diagnostics-{lang:?}-{}", size.0));
            page.get_by_role_and_label(Role::ComboBox, &t.t("diagnostics-contents")).click();
            page.run();
            page.get_by_label("log.txt").click();
            page.run();
            page.get_by_label("2026 INFO serving 周会");
            page.get_by_label("It went wrong.");
            page.get_by_label(&t.t("diagnostics-save")).click();
            page.run();
            assert_eq!(page.state().actions, [Action::Diagnostics(Page::Save)]);
            page.state_mut().screen.path.clear();
            page.run();
            page.get_by_label(&t.t("diagnostics-save")).click();
            page.run();
            assert_eq!(page.state().actions.len(), 1, "nothing is saved nowhere");
            page.get_by_label(&t.t("settings-choose-file")).click();
            page.run();
            assert_eq!(page.state().actions.last(), Some(&Action::Diagnostics(Page::ChooseFile)));
        }
        let page = screen(lang, SIZE, Dialog::default(), |ui, cx, dialog| dialog.show(ui.ctx(), cx));
        page.get_by_label(&t.t("diagnostics-collecting"));
    }
}
