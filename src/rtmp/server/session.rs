//! The session: its state, and what its owner may do.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;

use super::{Config, Error, Event, MAX_EVENTS, MAX_HELD_BYTES, MAX_HELD_PACKETS, Reject, status};
use crate::rtmp::{
    Packet, Reception,
    amf0::Value,
    chunk::Message,
    connection::Connection,
    handshake::Side,
    message::{self, Aggregate, Command, kind, user},
};

/// The serving side of one connection.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) connection: Connection,
    pub(super) client: Option<Client>,
    pub(super) streams: BTreeMap<u32, Stream>,
    events: VecDeque<Event>,
    now: Duration,
    /// Since when no stream is used or asked for.
    idle_since: Option<Duration>,
    heard: Duration,
    pinged: Duration,
}

/// Who has connected.
#[derive(Debug)]
pub(super) struct Client {
    pub app: String,
    pub parlor: bool,
}

/// A message stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub name: String,
    pub state: State,
}

#[derive(Debug)]
pub(super) enum State {
    Idle,
    /// Asks to publish; what it sent already.
    WantsPublish(Vec<Packet>),
    Publishing,
    WantsPlay,
    Playing,
}

impl Session {
    /// A session of a connection that has just been accepted.
    pub fn new(config: Config, now: Duration) -> Self {
        Self {
            config,
            connection: Connection::new(Side::Server, now),
            client: None,
            streams: BTreeMap::new(),
            events: VecDeque::new(),
            now,
            idle_since: Some(now),
            heard: now,
            pinged: now,
        }
    }

    /// Takes bytes from the peer. Events and output must be polled afterwards, also after an error; then the connection
    /// is to be closed.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> Result<(), Error> {
        self.now = now;
        self.heard = now;
        let mut input = bytes;
        while let Some(message) = self.connection.read(&mut input)? {
            self.handle(&message)?;
            self.connection.check_answers()?;
        }
        self.connection.acknowledge();
        Ok(())
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to write. Poll until there are none, and write all with one call.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.connection.poll_output()
    }

    /// To be called now and then (each second will do): pings and timeouts.
    pub fn tick(&mut self, now: Duration) -> Result<(), Error> {
        self.now = now;
        if let Some(since) = self.idle_since
            && now.saturating_sub(since) > self.config.set_up_timeout
        {
            return Err(Error::SetUpTimeout(self.config.set_up_timeout));
        }
        let silence = now.saturating_sub(self.heard);
        if silence > self.config.silence_timeout {
            return Err(Error::Silent(silence));
        }
        if self.client.is_some() && now.saturating_sub(self.pinged.max(self.heard)) >= self.config.ping_interval {
            self.pinged = now;
            self.connection.control(&message::user_control(user::PING_REQUEST, &[now.as_millis() as u32]));
        }
        Ok(())
    }

    /// Lets the publisher or player of a stream begin. A player whose publisher has ended may be accepted again.
    pub fn accept(&mut self, stream_id: u32, now: Duration) {
        self.now = now;
        let Some(stream) = self.streams.get_mut(&stream_id) else { return };
        match std::mem::replace(&mut stream.state, State::Idle) {
            State::WantsPublish(held) => {
                stream.state = State::Publishing;
                status::publishing(&mut self.connection, stream_id, &stream.name);
                self.events.extend(held.into_iter().map(|packet| Event::Packet { stream_id, packet }));
            }
            State::WantsPlay => {
                stream.state = State::Playing;
                status::playing(&mut self.connection, stream_id, &stream.name);
            }
            other => stream.state = other,
        }
    }

    /// Refuses the publisher or player of a stream. The connection stays; most clients close it.
    pub fn reject(&mut self, stream_id: u32, reason: Reject, now: Duration) {
        self.now = now;
        let Some(stream) = self.streams.get_mut(&stream_id) else { return };
        let publisher = matches!(stream.state, State::WantsPublish(_) | State::Publishing);
        if matches!(stream.state, State::Idle) {
            return;
        }
        stream.state = State::Idle;
        status::rejected(&mut self.connection, stream_id, publisher, &stream.name, &reason);
        self.note_idle();
    }

    /// Sends a packet to a player. Sent to nobody unless the player was accepted, nor if it is longer than any receiver of ours would take.
    ///
    /// The owner may as well write what [`framed`](super::framed) gives itself, between two pieces of output, while
    /// [`is_playing`](Self::is_playing).
    pub fn send(&mut self, stream_id: u32, packet: &Packet) {
        if self.is_playing(stream_id)
            && let Some(bytes) = super::framed(stream_id, packet)
        {
            self.connection.framed(bytes);
        }
    }

    /// Whether a player was accepted on this stream, and has not stopped.
    pub fn is_playing(&self, stream_id: u32) -> bool {
        self.streams.get(&stream_id).is_some_and(|stream| matches!(stream.state, State::Playing))
    }

    /// Ends a stream from this side. A player is told that its publisher has gone, and waits again; a publisher is told that
    /// it does not publish any more.
    pub fn end(&mut self, stream_id: u32) {
        let Some(stream) = self.streams.get_mut(&stream_id) else { return };
        match stream.state {
            State::Playing => {
                stream.state = State::WantsPlay;
                status::publisher_gone(&mut self.connection, stream_id, &stream.name);
            }
            State::Publishing => {
                stream.state = State::Idle;
                status::unpublished(&mut self.connection, stream_id, &stream.name);
                self.note_idle();
            }
            State::Idle | State::WantsPublish(_) | State::WantsPlay => {}
        }
    }

    /// Asks a publisher for a key frame, if it understands that.
    pub fn request_key_frame(&mut self, stream_id: u32) {
        if self.understands(stream_id) {
            self.connection.command(stream_id, Command::new("onKeyFrameRequest", 0.0, Value::Null, vec![]));
        }
    }

    /// Tells a publisher how its stream arrives, if it understands that.
    pub fn report(&mut self, stream_id: u32, reception: Reception) {
        if self.understands(stream_id) {
            self.connection.command(stream_id, Command::new("onReception", 0.0, Value::Null, reception.to_values()));
        }
    }

    /// Whether a publisher of ours is on this stream.
    fn understands(&self, stream_id: u32) -> bool {
        let ours = self.client.as_ref().is_some_and(|client| client.parlor);
        ours && self.streams.get(&stream_id).is_some_and(|stream| matches!(stream.state, State::Publishing))
    }

    fn handle(&mut self, message: &Message) -> Result<(), Error> {
        match message.kind {
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => {
                let command = Command::decode(message)?;
                self.command(message.stream_id, command)
            }
            kind::AGGREGATE => {
                for part in Aggregate::new(message) {
                    self.media(&part?)?;
                }
                Ok(())
            }
            _ => self.media(message),
        }
    }

    /// Media on a stream that does not publish is left alone: it may have crossed our refusal on the way.
    fn media(&mut self, message: &Message) -> Result<(), Error> {
        let Some(packet) = message::packet(message) else { return Ok(()) };
        let stream_id = message.stream_id;
        match self.streams.get_mut(&stream_id).map(|stream| &mut stream.state) {
            Some(State::Publishing) => self.event(Event::Packet { stream_id, packet }),
            Some(State::WantsPublish(held)) => {
                let bytes: usize = held.iter().map(|packet| packet.payload.len()).sum();
                if held.len() == MAX_HELD_PACKETS || bytes + packet.payload.len() > MAX_HELD_BYTES {
                    return Err(Error::Impatient);
                }
                held.push(packet);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn event(&mut self, event: Event) -> Result<(), Error> {
        if self.events.len() >= MAX_EVENTS {
            return Err(Error::Flood);
        }
        self.events.push_back(event);
        Ok(())
    }

    /// Notes a stream's new use.
    pub(super) fn note_used(&mut self) {
        self.idle_since = None;
    }

    /// Notes since when no stream is used, if that is so.
    pub(super) fn note_idle(&mut self) {
        if self.streams.values().all(|stream| matches!(stream.state, State::Idle)) {
            self.idle_since.get_or_insert(self.now);
        }
    }
}
