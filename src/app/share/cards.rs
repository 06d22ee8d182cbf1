//! Screens and windows as small pictures to choose from.

use crate::app::i18n::Texts;
use crate::app::view::Cx;
use crate::media::capture::screen::{Offer, Target};
use crate::ui::theme::space;
use crate::ui::{Video, picture_card};
use egui::{Context, Ui};

/// The least width of a card.
const LEAST_WIDTH: f32 = 170.0;

/// Something to choose.
#[derive(Debug)]
pub struct Choice {
    /// What it is.
    pub target: Target,
    name: String,
    /// The only one of its kind.
    only: bool,
    picture: Video,
}

impl Choice {
    /// What the person calls it. A single screen has no name that anybody knows.
    pub(super) fn title(&self, texts: &Texts) -> String {
        match &self.target {
            Target::Screen(_) if self.only => texts.t("share-whole-screen"),
            Target::Screen(_) => texts.with("share-screen-named", &[("name", (&self.name).into())]),
            _ => self.name.clone(),
        }
    }
}

/// What is offered now; pictures of what was there before go on as textures.
pub(super) fn update(ctx: &Context, old: Vec<Choice>, offers: Vec<Offer>) -> Vec<Choice> {
    let mut old = old;
    let only = offers.len() == 1;
    let choice = |offer: Offer| {
        let known = old.iter().position(|choice| choice.target == offer.target);
        let mut picture = known.map(|at| old.swap_remove(at).picture).unwrap_or_default();
        if let Some(rgba) = &offer.thumbnail {
            picture.set(ctx, rgba.width, rgba.height, &rgba.data);
        }
        Choice { target: offer.target, name: offer.name, only, picture }
    };
    offers.into_iter().map(choice).collect()
}

/// Draws them in rows; returns which was chosen, and whether by a double click.
pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, choices: &[Choice], chosen: Option<&Target>) -> Option<(Target, bool)> {
    let gap = space::S;
    let room = ui.available_width() - space::M;
    let columns = (((room + gap) / (LEAST_WIDTH + gap)).floor() as usize).clamp(1, choices.len().clamp(2, 3));
    let width = (room + gap) / columns as f32 - gap;
    let mut clicked = None;
    for row in choices.chunks(columns) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for choice in row {
                let selected = chosen == Some(&choice.target);
                let response = picture_card::show(ui, width, &choice.title(cx.texts), &choice.picture, selected);
                if response.clicked() || response.double_clicked() {
                    clicked = Some((choice.target.clone(), response.double_clicked()));
                }
            }
        });
        ui.add_space(gap - ui.spacing().item_spacing.y);
    }
    clicked
}
