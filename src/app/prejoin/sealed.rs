//! The key of a room that is encrypted from end to end: where it comes from, and the box that asks for the link which carries it.

use super::Target;
use crate::app::errors;
use crate::app::i18n::Texts;
use crate::app::view::Cx;
use crate::base::SecretKey;
use crate::proto::Invite;
use crate::proto::invite::InviteError;
use crate::ui::field::Field;
use crate::ui::icons;
use crate::ui::theme::{self, space};
use egui::{RichText, Ui};

/// What is known of the room's key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The room is, or is to be, encrypted from end to end.
    pub on: bool,
    /// Its key, from the link that led here.
    pub key: Option<SecretKey>,
    /// The link that is being pasted.
    pub link: String,
}

/// Why a pasted text brings no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing was pasted.
    Empty,
    /// It is no invite.
    NotAnInvite(InviteError),
    /// An invite without a key.
    NoKey,
    /// An invite to another room.
    OtherRoom,
}

impl Sealed {
    /// What a link says: a room with a key in it is encrypted from end to end.
    pub fn of(key: Option<SecretKey>) -> Self {
        Self { on: key.is_some(), key, link: String::new() }
    }

    /// A room of which is known whether it is encrypted from end to end, but no key.
    pub fn without_key(on: bool) -> Self {
        Self { on, ..Self::default() }
    }

    /// The key, if one is needed. `room`: the id of the room one is going to, where that is known.
    ///
    /// # Errors
    /// What is wrong with what was pasted.
    pub fn key(&self, room: Option<&str>) -> Result<Option<SecretKey>, Wrong> {
        match (&self.key, self.on) {
            (Some(key), _) => Ok(Some(key.clone())),
            (None, false) => Ok(None),
            (None, true) if self.link.trim().is_empty() => Err(Wrong::Empty),
            (None, true) => {
                let invite: Invite = self.link.parse().map_err(Wrong::NotAnInvite)?;
                if room.is_some_and(|room| invite.server.is_some() && room != invite.room.as_str()) {
                    return Err(Wrong::OtherRoom);
                }
                invite.key.ok_or(Wrong::NoKey).map(Some)
            }
        }
    }

    /// Draws the mark, and the box while a link is needed; returns the box.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        target: &Target,
        room: Option<&str>,
        strict: bool,
    ) -> Option<egui::Response> {
        if !self.on {
            return None;
        }
        let has_key = self.key.is_some();
        let text = cx.t(match target {
            Target::Create { .. } => "sealed-creating",
            Target::Enter { .. } if has_key => "sealed-have-key",
            Target::Enter { .. } => "sealed-need-link",
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            mark(ui, &cx.t("sealed"), &text);
            if has_key {
                return None;
            }
            let wrong = self.key(room).err().filter(|_| strict || !self.link.is_empty()).map(|wrong| said(cx.texts, wrong));
            let (label, hint) = (cx.t("sealed-link"), cx.t("sealed-link-hint"));
            Some(Field::new(&label).hint(&hint).error(wrong.as_deref()).limit(2048).show(ui, &mut self.link))
        })
        .inner
    }
}

/// The sign of a room that is encrypted from end to end, with what that means here.
pub fn mark(ui: &mut Ui, title: &str, text: &str) {
    let p = theme::palette(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        ui.label(icons::ICON_ENCRYPTED.rich_text().size(theme::size::ICON).color(p.accent));
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(RichText::new(title).font(theme::strong(theme::size::BODY)));
            ui.add(egui::Label::new(RichText::new(text).size(theme::size::SMALL).color(p.text_weak)).wrap());
        });
    });
}

fn said(texts: &Texts, wrong: Wrong) -> String {
    match wrong {
        Wrong::Empty => texts.t("sealed-link-empty"),
        Wrong::NotAnInvite(error) => errors::invite(texts, error),
        Wrong::NoKey => texts.t("sealed-link-no-key"),
        Wrong::OtherRoom => texts.t("sealed-link-other-room"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_brings_the_key_of_its_own_room_only() {
        let key = SecretKey::random();
        let asked = |link: &str| Sealed { on: true, key: None, link: link.into() }.key(Some("abc"));
        assert_eq!(asked(&format!(" parlor://h/abc#k={} ", key.to_text())), Ok(Some(key.clone())));
        assert_eq!(asked(&format!("parlor://h/abd#k={}", key.to_text())), Err(Wrong::OtherRoom));
        assert_eq!(asked("parlor://h/abc"), Err(Wrong::NoKey));
        assert_eq!(asked("abc"), Err(Wrong::NoKey));
        assert_eq!(asked(" "), Err(Wrong::Empty));
        assert_eq!(asked("parlor://h/abc#k=zzz"), Err(Wrong::NotAnInvite(InviteError::BadKey)));
        // By its name one cannot tell which room it is.
        let named = Sealed { on: true, key: None, link: format!("parlor://h/abc#k={}", key.to_text()) };
        assert_eq!(named.key(None), Ok(Some(key.clone())));
        assert_eq!(Sealed::default().key(None), Ok(None));
        assert_eq!(Sealed::of(Some(key.clone())).key(Some("abc")), Ok(Some(key)));
    }
}
