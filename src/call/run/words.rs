//! What the room service tells that has happened: messages, and what the host asks for.

use super::super::Event;
use super::super::seat::Ask;
use super::super::snapshot::{Line, MAX_LINES};
use super::Actor;
use crate::media::audio::Chime;
use crate::media::publish::Publisher;
use crate::media::seal::text;
use crate::proto::api::{Message, MessageBody};
use crate::proto::{self, EventKind, name};
use crate::room;

impl Actor<'_> {
    pub(super) fn happened(&mut self, event: proto::Event) {
        if matches!(event.kind, EventKind::Joined { .. }) && self.rules.repeat_every_ms.is_some() {
            // Somebody begins to watch, or, if it was oneself, everybody does; the engine in between asks for no key frame.
            self.publisher.iter().for_each(Publisher::expect_viewer);
        }
        if matches!(&event.kind, EventKind::MuteRequested { member } if self.member.as_ref() == Some(member))
            && self.sources.sending().mic
        {
            self.sources.set_mic(false);
            self.connect_sources();
            self.shared.tell(Event::MutedByHost);
        }
        // Who is there comes with the list that is fetched after this.
        let EventKind::Message { member, name, body, .. } = event.kind else { return };
        let own = self.member.as_ref() == Some(&member);
        match body {
            MessageBody::Text { text } => {
                let text = self.opened_text(&name, text);
                self.write_down(Line { seq: event.seq, name: name.clone(), text: text.clone(), own, at_us: event.at_us });
                let Some(text) = text else { return };
                if !own {
                    self.ring(Chime::Message);
                }
                self.shared.tell(Event::Text { member, name, text, own, earlier: false });
            }
            MessageBody::Custom { .. } if own => {}
            MessageBody::Custom { command, data } => self.shared.tell(Event::Custom { member, command, data }),
        }
    }

    /// What was said before one came, or while one was away: without a sound, in its place.
    pub(super) fn said(&mut self, messages: Vec<Message>) {
        for Message { seq, at_us, member, name, body, .. } in messages {
            let own = self.member.as_ref() == Some(&member);
            match body {
                MessageBody::Text { text } => {
                    let text = self.opened_text(&name, text);
                    self.write_down(Line { seq, name: name.clone(), text: text.clone(), own, at_us });
                    if let Some(text) = text {
                        self.shared.tell(Event::Text { member, name, text, own, earlier: true });
                    }
                }
                MessageBody::Custom { .. } => {}
            }
        }
    }

    /// Says a line of chat.
    pub(super) fn say(&mut self, line: String) {
        let text = match &self.config.key {
            None => Some(line),
            Some(key) => text::seal(key, &self.own_name(), &line),
        };
        match text {
            Some(text) => self.ask(Ask::Send(MessageBody::Text { text })),
            None => tracing::error!("a line of chat cannot be sealed, and is not sent"),
        }
    }

    /// A line of one's own that the server did not take.
    pub(super) fn not_said(&mut self, text: String, error: room::Error) {
        let text = self.opened_text(&self.own_name(), text).unwrap_or_default();
        self.shared.tell(Event::TextFailed { text, error });
    }

    /// What somebody has said; `None`: it cannot be read.
    fn opened_text(&self, name: &str, text: String) -> Option<String> {
        match &self.config.key {
            Some(key) => text::open(key, name, &text),
            None => Some(text).filter(|text| !text::is_sealed(text)),
        }
    }

    /// One's name as the others see it.
    fn own_name(&self) -> String {
        name::check(&self.config.name).unwrap_or(&self.config.name).to_owned()
    }

    fn write_down(&mut self, line: Line) {
        // By time first: a server that forgot the room numbers its events from the beginning again.
        let place = self.chat.partition_point(|other| (other.at_us, other.seq) <= (line.at_us, line.seq));
        self.chat.insert(place, line);
        if self.chat.len() > MAX_LINES {
            self.chat.pop_front();
        }
    }
}
