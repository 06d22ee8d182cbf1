//! The page after a call that ended by itself, or that did not come about.

use crate::app::errors::{Remedy, Sentence};
use crate::app::home;
use crate::app::view::{Action, Cx};
use crate::ui::button::{self, Button};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{RichText, Ui};

/// Draws the page. `entered`: one had been in the call before it ended.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, sentence: &Sentence, entered: bool) {
    let p = theme::palette(ui);
    let title = if entered { cx.t("ended-title") } else { cx.t("ended-failed") };
    ui.add_space((ui.available_height() * 0.5 - 150.0).max(space::L));
    ui.vertical_centered(|ui| {
        ui.set_max_width(440.0);
        card::frame(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            button::sign(ui, icons::ICON_CALL_END, 40.0, p.text_weak);
            ui.label(RichText::new(title).font(theme::strong(size::TITLE - 4.0)));
            ui.add_space(space::XS);
            ui.add(egui::Label::new(&sentence.text).wrap().selectable(true));
            crate::app::home::details(ui, cx, sentence.detail.as_deref());
            ui.add_space(space::M);
            let width = ui.available_width();
            let helps = match sentence.remedy {
                Remedy::TryAgain => Some(("retry", Action::TryAgain)),
                Remedy::ComeBack => Some(("ended-come-back", Action::TryAgain)),
                Remedy::OpenAgain => Some(("ended-open-again", Action::First(home::Action::OpenAgain))),
                Remedy::Network => Some(("retry", Action::TryAgain)),
                Remedy::Server | Remedy::Password | Remedy::Link | Remedy::Name | Remedy::Device | Remedy::Nothing => None,
            };
            let home = match sentence.remedy {
                Remedy::Server => cx.t("ended-choose-server"),
                _ => cx.t("ended-home"),
            };
            let button = if helps.is_some() { Button::new(&home) } else { Button::primary(&home) };
            if let Some((key, action)) = helps
                && ui.add(Button::primary(&cx.t(key)).min_width(width)).clicked()
            {
                cx.act(action);
            }
            home::network(ui, cx, sentence, width);
            if ui.add(button.min_width(width)).clicked() {
                cx.act(Action::Home);
            }
        });
    });
}
