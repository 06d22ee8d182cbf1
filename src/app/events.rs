//! What arrives: answers of the server, what happened in the call.

use super::call::chat::Notice;
use super::call::session::Plan;
use super::call::stage::unreadable;
use super::errors::{self, Remedy};
use super::home::create::Create;
use super::notices::About;
use super::prejoin::PreJoin;
use super::prejoin::sealed::Sealed;
use super::record;
use super::view::Action;
use super::{App, Page};
use crate::call::{Command, Ended, Entry, Event, Recorded};
use crate::media::devices::Kind as Part;
use crate::media::publish::{Cause, Change};
use crate::proto::event::DissolveReason;
use crate::ui::toast::Kind;
use egui::Context;
use std::time::Duration;

/// A trouble that comes again and again is said once in so long.
const SAY_AGAIN: Duration = Duration::from_secs(60);

impl App {
    /// Takes everything that has arrived since the last time.
    pub(super) fn take_events(&mut self, ctx: &Context) {
        let answered = self.server.poll();
        if let Some(reason) = self.timetable.failure() {
            self.say(Kind::Error, self.texts.with("toast-screenshot-failed", &[("reason", (&reason).into())]));
        }
        if let Some(path) = self.unshown.take() {
            self.cannot_show(&path);
        }
        self.go_on_starting(answered);
        let (events, lost_partners) = match &mut self.page {
            Page::Call(session) => session.poll(&mut self.janitor),
            Page::Live(stage) => return stage.poll(&mut self.janitor),
            _ => return,
        };
        for event in events {
            self.take_event(ctx, event);
        }
        for why in lost_partners {
            let reason = errors::ended(&self.texts, &why).text;
            self.say(Kind::Error, self.texts.with("toast-partner-failed", &[("reason", (&reason).into())]));
        }
    }

    /// Devices given back, server there: the call can start.
    fn go_on_starting(&mut self, answered: bool) {
        let Page::Starting { devices, .. } = &mut self.page else { return };
        let freed = devices.as_ref().is_some_and(|slot| slot.take().is_some());
        if freed {
            *devices = None;
        }
        if (freed || answered)
            && let Page::Starting { plan, devices } = std::mem::replace(&mut self.page, Page::Home)
        {
            match devices {
                None => self.start(*plan),
                devices => self.page = Page::Starting { plan, devices },
            }
        }
    }

    fn take_event(&mut self, ctx: &Context, event: Event) {
        match event {
            Event::Entered => {
                self.server.refresh();
                self.note_room();
                if self.options.args.record {
                    self.apply_record(record::Action::Start(Recorded::Stage));
                }
                for text in std::mem::take(&mut self.to_say) {
                    self.apply(ctx, Action::Say(text));
                }
                if let Some(share) = self.sharing.to_share.take() {
                    self.command(Command::Share(share));
                }
                for _ in 0..std::mem::take(&mut self.partners_to_call) {
                    self.call_partner();
                }
            }
            Event::PeerJoined { name, .. } => {
                self.server.refresh();
                self.note(Notice::Joined(name.clone()));
                let said = self.texts.with("toast-joined", &[("name", (&name).into())]);
                self.notify(About::People, &said);
                self.say(Kind::Info, said);
            }
            Event::PeerLeft { name, .. } => {
                self.server.refresh();
                self.note(Notice::Left(name.clone()));
                let said = self.texts.with("toast-left", &[("name", (&name).into())]);
                self.notify(About::People, &said);
                self.say(Kind::Info, said);
            }
            Event::Text { name, text, own, earlier, .. } => {
                let open = matches!(&self.page, Page::Call(session) if session.page.chat_open);
                if !own && !earlier {
                    self.notify(
                        About::Chat,
                        &self.texts.with("toast-message", &[("name", (&name).into()), ("text", (&text).into())]),
                    );
                }
                if !own && !open && !earlier {
                    let short: String = text.chars().take(80).collect();
                    let said = self.texts.with("toast-message", &[("name", (&name).into()), ("text", (&short).into())]);
                    let action = (self.texts.t("chat-open"), Action::ToggleChat);
                    self.toasts.push(Kind::Info, said, Some(action), self.clock.now());
                }
            }
            Event::PeerUnreadable { name, why, .. } => {
                let reason = unreadable(&self.texts, why);
                self.say(
                    Kind::Error,
                    self.texts.with("toast-unreadable", &[("name", (&name).into()), ("reason", (&reason).into())]),
                );
            }
            Event::PeerShares { name, on: true, .. } => {
                self.say(Kind::Info, self.texts.with("toast-shares", &[("name", (&name).into())]));
            }
            Event::ShareFailed(error) => self.share_failed(&error),
            Event::SharedWithoutSound(error) => {
                tracing::warn!(%error, "shared without sound");
                self.say(Kind::Error, self.texts.t("toast-share-no-sound"));
            }
            Event::Quality(change) => self.quality_changed(change),
            Event::Reconnected => {
                self.note(Notice::Back);
                self.say(Kind::Success, self.texts.t("toast-reconnected"));
            }
            Event::VideoSourceFailed(error) => self.device_failed(Part::Camera, &error),
            Event::AudioSourceFailed(error) => self.device_failed(Part::Microphone, &error),
            Event::SpeakerFailed(error) => self.device_failed(Part::Speaker, &error),
            Event::DeviceMoved { kind, news } => self.device_moved(kind, &news),
            Event::PauseImageFailed(error) => {
                tracing::warn!(%error, "the pause picture cannot be used");
                self.say(Kind::Error, self.texts.t("toast-pause-image"));
            }
            Event::TextFailed { text, error } => {
                let reason = errors::room(&self.texts, &error).text;
                self.say(Kind::Error, self.texts.with("toast-text-failed", &[("reason", (&reason).into())]));
                // Nothing that was typed is lost.
                if let Page::Call(session) = &mut self.page
                    && session.page.chat.draft.is_empty()
                {
                    session.page.chat.draft = text;
                }
            }
            event @ (Event::PeerRecording { .. }
            | Event::RecordingEnded { .. }
            | Event::SnapshotTaken { .. }
            | Event::SnapshotFailed { .. }) => self.recording_event(event),
            Event::MutedByHost => {
                self.note(Notice::Muted);
                let said = self.texts.t("toast-muted-by-host");
                self.notify(About::Call, &said);
                self.say(Kind::Info, said);
            }
            Event::TalkingWhileMuted => {
                let action = (self.texts.t("mic-unmute"), Action::SetMic(true));
                self.toasts.push(Kind::Info, self.texts.t("toast-talking-muted"), Some(action), self.clock.now());
            }
            Event::Refused(error) => {
                let reason = errors::room(&self.texts, &error).text;
                self.say(Kind::Error, self.texts.with("toast-refused", &[("reason", (&reason).into())]));
            }
            Event::Ended(why) => self.call_ended(&why),
            // The stage shows it; applications' own messages have nobody to read them here.
            Event::Reconnecting | Event::PeerShares { on: false, .. } | Event::Custom { .. } => {}
        }
    }

    /// The tile's sign stays; once a minute it is also said what it means.
    fn quality_changed(&mut self, change: Change) {
        let key = match change.cause {
            Cause::Network => "trouble-my-network",
            Cause::Computer => "trouble-my-computer",
            Cause::Receiver | Cause::Viewers | Cause::Recovery => return,
        };
        let now = self.clock.now();
        if self.trouble_said.is_none_or(|at| now.saturating_sub(at) >= SAY_AGAIN) {
            self.trouble_said = Some(now);
            self.say(Kind::Info, self.texts.t(key));
        }
    }

    fn call_ended(&mut self, why: &Ended) {
        let Page::Call(session) = &self.page else { return };
        let plan = session.plan.clone();
        let entered = session.room().is_some();
        let mine = session.snapshot().room.as_ref().is_some_and(|room| room.mine);
        self.go_home();
        self.server.refresh();
        if matches!(why, Ended::Left) {
            return;
        }
        if mine && matches!(why, Ended::Dissolved(DissolveReason::Ended)) {
            // Who has done it knows why.
            return self.say(Kind::Success, self.texts.t("toast-ended-for-all"));
        }
        let sentence = errors::ended(&self.texts, why);
        self.notify(About::Call, &sentence.text);
        if sentence.remedy == Remedy::Name
            && let Some(create) = Create::from_form(&form_of(plan.clone(), &self.settings))
        {
            self.home.create = Some(Create { failure: Some(sentence), ..create });
        } else if sentence.remedy == Remedy::Password {
            let form = PreJoin { locked: true, failure: Some(sentence), ..form_of(plan, &self.settings) };
            self.prepare(form);
        } else if sentence.remedy == Remedy::Link {
            // The password, if one was asked for, was the right one.
            let (password, sealed) = (plan.password(), Sealed::without_key(true));
            let form =
                PreJoin { locked: password.is_some(), password: password.unwrap_or_default(), ..form_of(plan, &self.settings) };
            self.prepare(PreJoin { sealed, failure: Some(sentence), ..form });
        } else {
            self.page = Page::Ended { sentence, plan: Some(Box::new(plan)), entered };
        }
    }

    /// Tells through the desktop what happens, while another window is in use.
    fn notify(&mut self, about: About, text: &str) {
        if self.settings.notifications && !self.focused {
            let title = match &self.page {
                Page::Call(session) => session.plan.title().to_owned(),
                _ => "Parlor".to_owned(),
            };
            self.notifier.tell(about, &title, text, &self.texts.t("notice-open"));
        }
    }

    /// Writes between the lines of chat what has happened.
    fn note(&mut self, notice: Notice) {
        if let Page::Call(session) = &mut self.page {
            let snapshot = session.latest();
            session.page.chat.note(notice, &snapshot.chat);
        }
    }

    /// Shows a toast.
    fn say(&mut self, kind: Kind, text: String) {
        if let Page::Call(session) = &mut self.page {
            session.page.log.say(self.clock.now(), text.clone());
        }
        self.toasts.push(kind, text, None, self.clock.now());
    }
}

/// The page before a call, filled in as it was.
fn form_of(plan: Plan, settings: &super::Settings) -> PreJoin {
    let sealed = Sealed::of(plan.key);
    let (server, name, mic, camera, mode) = (plan.server, plan.name, plan.mic, plan.camera, plan.mode);
    let (password, dissolve) = match plan.entry {
        Entry::Create { password, dissolve, .. } => (password.unwrap_or_default(), dissolve),
        Entry::Enter { .. } => (String::new(), true),
    };
    PreJoin { server, name, mic, camera, mode, password, dissolve, sealed, ..PreJoin::new(plan.target, settings) }
}
