//! The bar that says that one shares, and ends it.

use super::{Action, act};
use crate::app::view::Cx;
use crate::call::snapshot::Shared;
use crate::ui::theme::space;
use crate::ui::{card, icons};
use egui::Ui;

/// Draws it, if anything is shared.
pub fn bar(ui: &mut Ui, cx: &mut Cx<'_>, shared: Option<&Shared>) {
    let Some(shared) = shared else { return };
    let key = match (shared.open, shared.sound) {
        (false, _) => "share-opening",
        (true, false) => "share-bar",
        (true, true) => "share-bar-sound",
    };
    let text = cx.with(key, &[("name", (&shared.share.name).into())]);
    if card::banner(ui, card::Tone::Info, &text, icons::ICON_STOP_SCREEN_SHARE, &cx.t("share-stop")) {
        act(cx, Action::Stop);
    }
    ui.add_space(space::XS);
}
