//! The few buttons over the pictures while these have all of the screen, or a small window: they come with the pointer and go when it rests.

use super::look::{Act, Look};
use crate::app::prejoin::mic_button;
use crate::app::view::{Action, Cx};
use crate::ui::button::{self, Look as ButtonLook};
use crate::ui::icons;
use crate::ui::theme::{self, space};
use egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, Ui, vec2};
use std::time::Duration;

/// How long the buttons stay after the pointer has moved.
const STAY: Duration = Duration::from_secs(3);

/// Draws the buttons, if the pointer has moved or the keyboard is on one of them.
pub fn bar(ui: &Ui, cx: &mut Cx<'_>, look: &Look, mic: bool, unread: usize) {
    let rest = Duration::from_secs_f32(ui.input(|i| i.pointer.time_since_last_movement()).clamp(0.0, 3600.0));
    if rest >= STAY && !ui.ctx().egui_wants_keyboard_input() {
        return;
    }
    ui.ctx().request_repaint_after(STAY.saturating_sub(rest));
    let p = theme::palette(ui);
    let area = Area::new(Id::unique("bare buttons")).order(Order::Foreground);
    // In a small window one's own picture is below.
    let small = look.compact && !look.full_screen;
    let (edge, distance) = if small { (Align2::CENTER_TOP, space::S) } else { (Align2::CENTER_BOTTOM, -space::M) };
    area.anchor(edge, vec2(0.0, distance)).show(ui.ctx(), |ui| {
        let frame = Frame::new().fill(p.ground.gamma_multiply(0.9)).corner_radius(CornerRadius::same(30));
        frame.inner_margin(Margin::same(6)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::XS;
                let (icon, (name, hint), shown) = mic_button(cx.texts, mic);
                if button::round(ui, icon, &name, &hint, shown, 0).clicked() {
                    cx.act(Action::SetMic(!mic));
                }
                let (icon, key, back) = match small {
                    true => (icons::ICON_OPEN_IN_FULL, "stage-compact-leave", Act::Compact(false)),
                    false => (icons::ICON_FULLSCREEN_EXIT, "tile-full-leave", Act::Back),
                };
                let name = cx.t(key);
                if button::round(ui, icon, &name, &name, ButtonLook::Normal, unread).clicked() {
                    cx.act(Action::Stage(back));
                }
                if button::round(ui, icons::ICON_CALL_END, &cx.t("leave"), &cx.t("leave-hint"), ButtonLook::Danger, 0).clicked() {
                    cx.act(Action::Leave);
                }
            });
        });
    });
}
