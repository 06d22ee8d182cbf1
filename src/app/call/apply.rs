//! What clicks on the stage do.

use super::look::{Act, Look, Question};
use super::talk::By;
use crate::app::view::Action;
use crate::app::{App, Page};
use crate::call::Command;
use egui::{Context, Vec2, ViewportCommand, WindowLevel, vec2};

/// Size of the small window, when it opens and at least; in points.
const COMPACT: Vec2 = vec2(360.0, 220.0);
const COMPACT_LEAST: Vec2 = vec2(200.0, 120.0);
/// The smallest window that the pages are made for, in points.
pub const LEAST: Vec2 = vec2(480.0, 360.0);

impl App {
    /// Does what was asked of the stage.
    pub(in crate::app) fn arrange(&mut self, ctx: &Context, act: Act) {
        let saved = &mut self.settings.stage;
        match act {
            Act::Arrange(arrangement) => {
                saved.arrangement = arrangement;
                // Who is kept large would be large in any case.
                self.look(|look| look.pinned = None);
            }
            Act::Fill(on) => saved.fill = on,
            Act::MirrorView(on) => saved.mirror_view = on,
            Act::MirrorSent(on) => {
                saved.mirror_sent = on;
                self.command(Command::SetMirror(on));
            }
            Act::Pin(who) => self.look(|look| look.pinned = who),
            Act::Full(who) => self.full(ctx, who.is_some(), |look| look.full = who),
            Act::Pop(who, out) => self.look(|look| {
                if out {
                    look.pinned.take_if(|pinned| *pinned == who);
                    look.popped.insert(who);
                } else {
                    look.popped.remove(&who);
                }
            }),
            Act::Turn(who) => self.look(|look| {
                let turn = look.turn(&who).next();
                look.turns.insert(who, turn);
            }),
            Act::Figures(who) => self.look(|look| {
                if !look.figures.remove(&who) {
                    look.figures.insert(who);
                }
            }),
            Act::FullScreen(on) => self.full_screen(ctx, on),
            Act::Compact(on) => self.compact(ctx, on),
            Act::Log(on) => self.look(|look| look.log = on),
            Act::Help(on) => self.look(|look| look.help = on),
            Act::Ask(question) => self.look(|look| look.question = question),
            Act::Yes(question) => {
                self.look(|look| look.question = None);
                self.command(match question {
                    Question::EndForAll => Command::Dissolve,
                    Question::Remove(member, _) => Command::RemoveMember(member),
                });
            }
            Act::MuteThem(member) => self.command(Command::RequestMute(member)),
            Act::TalkKey(key) => saved.talk_key = key,
            Act::Back => {
                let Page::Call(session) = &self.page else { return };
                if let Some(act) = session.page.look.back() {
                    self.arrange(ctx, act);
                }
            }
        }
    }

    fn look(&mut self, change: impl FnOnce(&mut Look)) {
        if let Page::Call(session) = &mut self.page {
            change(&mut session.page.look);
        }
    }

    /// Somebody alone has all of the screen, and gives it back if it was a window before.
    fn full(&mut self, ctx: &Context, on: bool, change: impl FnOnce(&mut Look)) {
        let Page::Call(session) = &mut self.page else { return };
        let look = &mut session.page.look;
        change(look);
        if on && !look.full_screen {
            look.full_from_window = true;
            self.full_screen(ctx, true);
        } else if !on && std::mem::take(&mut look.full_from_window) {
            self.full_screen(ctx, false);
        }
    }

    fn full_screen(&mut self, ctx: &Context, on: bool) {
        self.look(|look| look.full_screen = on);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
    }

    /// A small window above all others, and back to the size that it had.
    fn compact(&mut self, ctx: &Context, on: bool) {
        let size = ctx.input(|i| i.viewport().inner_rect.map_or(i.content_rect().size(), |rect| rect.size()));
        let mut back = None;
        self.look(|look| {
            back = look.compact_from.take();
            look.compact = on;
            look.compact_from = on.then_some(back.unwrap_or(size));
        });
        let (level, least, size) = match on {
            true => (WindowLevel::AlwaysOnTop, COMPACT_LEAST, COMPACT),
            false => (WindowLevel::Normal, LEAST, back.unwrap_or(size)),
        };
        ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(least));
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
        ctx.send_viewport_cmd(ViewportCommand::WindowLevel(level));
    }

    /// When a call is over, the window is as usual again.
    pub(in crate::app) fn straighten(&mut self, ctx: &Context) {
        if let Page::Call(session) = &self.page {
            let look = &session.page.look;
            self.unusual = look.is_bare().then_some((look.full_screen, look.compact_from));
        } else if let Some((full_screen, size)) = self.unusual.take() {
            if full_screen {
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(false));
            }
            if let Some(size) = size {
                ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(LEAST));
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
                ctx.send_viewport_cmd(ViewportCommand::WindowLevel(WindowLevel::Normal));
            }
        }
    }

    /// Holds the key for talking while one is in a call, and does what it says.
    pub(in crate::app) fn take_talk_key(&mut self, ctx: &Context) {
        let wanted = self.settings.stage.talk_key.as_deref().filter(|_| matches!(self.page, Page::Call(_)));
        self.talk_key.hold(wanted);
        while let Some(down) = self.talk_key.pressed() {
            let Page::Call(session) = &mut self.page else { return };
            let mic = session.snapshot().me.mic;
            if let Some(on) = session.page.talk.key(By::Anywhere, down, mic) {
                self.apply(ctx, Action::Talk(on));
            }
        }
    }
}
