//! What clicks about sharing do, and what comes of lists and rectangles that were asked for.

use super::{Action, Dialog};
use crate::app::errors::{self, Part};
use crate::app::{App, Page};
use crate::base::{Slot, Worker};
use crate::call::{Command, Share};
use crate::media::capture::screen::{self, Area, Kind, Mode, Offer, Target};
use crate::media::capture::{SourceError, SourceErrorKind, SystemSound};
use crate::ui::toast;
use egui::{Context, ViewportCommand};
use std::time::Duration;

/// How long one's own window takes to get out of the way.
const OUT_OF_THE_WAY: Duration = Duration::from_millis(400);

type Picked = Result<Option<Share>, SourceError>;
type Listed = (Kind, Result<Vec<Offer>, SourceError>);

/// What the program knows of sharing while it goes on.
#[derive(Debug, Default)]
pub struct Sharing {
    /// The dialog, while it is open.
    pub(in crate::app) dialog: Option<Dialog>,
    lists: Slot<Listed>,
    /// A rectangle that is being dragged: its thread, and what becomes of it.
    area: Option<(Worker, Slot<Picked>)>,
    /// The mode that was chosen last.
    mode: Mode,
    /// What to share once in the room.
    pub(in crate::app) to_share: Option<Share>,
}

impl App {
    /// Does what was clicked about sharing.
    pub(in crate::app) fn apply_share(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::Open(true) => {
                self.sharing.dialog = Some(Dialog::new(screen::picker(), self.sharing.mode, SystemSound::is_there()));
            }
            Action::Open(false) => self.sharing.dialog = None,
            Action::Start(share) => {
                self.sharing.dialog = None;
                self.sharing.mode = share.mode;
                self.command(Command::Share(share));
            }
            Action::PickArea { mode, sound } => {
                self.sharing.dialog = None;
                self.sharing.mode = mode;
                let name = self.texts.t("share-name-area");
                self.pick_area(ctx, move |area| Share { target: Target::Region(area), name, mode, sound });
            }
            Action::Stop => self.command(Command::StopShare),
        }
    }

    /// Gets out of the way and lets a rectangle be dragged.
    fn pick_area(&mut self, ctx: &Context, share: impl FnOnce(Area) -> Share + Send + 'static) {
        let (slot, wake) = (Slot::new(), self.wake.clone());
        let answer = slot.clone();
        let worker = Worker::spawn("pick-area", move |stop| {
            if !stop.wait(OUT_OF_THE_WAY) {
                answer.put(screen::pick_area(stop).map(|area| area.map(share)));
            }
            wake();
        });
        match worker {
            Ok(worker) => {
                ctx.send_viewport_cmd(ViewportCommand::Minimized(true));
                self.sharing.area = Some((worker, slot));
            }
            Err(error) => self.share_failed(&error.into()),
        }
    }

    /// Takes what has arrived, and asks for what the dialog lacks.
    pub(in crate::app) fn take_sharing(&mut self, ctx: &Context) {
        if !matches!(self.page, Page::Call(_)) {
            (self.sharing.dialog, self.sharing.area) = (None, None);
            return;
        }
        let picked = self.sharing.area.as_ref().and_then(|(_, slot)| slot.take());
        if let Some(picked) = picked {
            self.sharing.area = None;
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
            match picked {
                Ok(Some(share)) => self.command(Command::Share(share)),
                Ok(None) => {}
                Err(error) => self.share_failed(&error),
            }
        }
        let Some(dialog) = &mut self.sharing.dialog else { return };
        if let Some((kind, listed)) = self.sharing.lists.take() {
            dialog.take(ctx, kind, listed);
        }
        if let Some(kind) = dialog.wants(self.clock.now()) {
            let (lists, wake) = (self.sharing.lists.clone(), self.wake.clone());
            self.options.runtime.spawn_blocking(move || {
                lists.put((kind, screen::list(kind)));
                wake();
            });
        }
        ctx.request_repaint_after(super::FRESH);
    }

    /// Says why nothing is shared, or not any more. Who cancels knows.
    pub(in crate::app) fn share_failed(&mut self, error: &SourceError) {
        if error.kind == SourceErrorKind::Cancelled {
            return;
        }
        let sentence = errors::source(&self.texts, Part::Screen, error);
        tracing::warn!(detail = sentence.detail, "{}", sentence.text);
        let kind = if error.kind == SourceErrorKind::Gone { toast::Kind::Info } else { toast::Kind::Error };
        self.toasts.push(kind, sentence.text, None, self.clock.now());
    }
}
