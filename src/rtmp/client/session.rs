//! The session: its state, what the server's messages do to it, and what its owner may do.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};

use super::{Config, Error, Event, MAX_EVENTS, Role};
use crate::rtmp::{
    Packet, PacketKind, Reception,
    amf0::{self, Value},
    chunk::{self, Message},
    connection::{Connection, NARROW_WINDOW, WINDOW, four_cc_list, framed},
    handshake::Side,
    message::{self, Aggregate, Command, kind, user},
};

/// The calling side of one connection.
#[derive(Debug)]
pub struct Session {
    config: Config,
    connection: Connection,
    state: State,
    /// Whether the server says that it is ours.
    parlor: bool,
    events: VecDeque<Event>,
    started: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Connecting,
    CreatingStream,
    /// Asked for the stream.
    Starting(u32),
    Live(u32),
    /// Refused, or closed by us.
    Closed,
}

/// Transactions: what an answer refers to.
mod transaction {
    pub const CONNECT: f64 = 1.0;
    pub const RELEASE_STREAM: f64 = 2.0;
    pub const FC_PUBLISH: f64 = 3.0;
    pub const CREATE_STREAM: f64 = 4.0;
    pub const START: f64 = 5.0;
    pub const FC_UNPUBLISH: f64 = 6.0;
}

impl Session {
    /// A session of a connection that has just been made. There is output at once.
    pub fn new(config: Config, now: Duration) -> Self {
        Self {
            config,
            connection: Connection::new(Side::Client, now),
            state: State::Handshake,
            parlor: false,
            events: VecDeque::new(),
            started: now,
        }
    }

    /// Takes bytes from the server. Events and output must be polled afterwards, also after an error; then the
    /// connection is to be closed.
    pub fn receive(&mut self, bytes: &[u8], _now: Duration) -> Result<(), Error> {
        let mut input = bytes;
        loop {
            let message = self.connection.read(&mut input)?;
            if self.state == State::Handshake && self.connection.is_open() {
                self.connect();
            }
            let Some(message) = message else { break };
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

    /// To be called now and then (each second will do): timeouts.
    pub fn tick(&mut self, now: Duration) -> Result<(), Error> {
        let waits = match self.state {
            State::Handshake | State::Connecting | State::CreatingStream => true,
            State::Starting(_) => self.config.role == Role::Publish,
            State::Live(_) | State::Closed => false,
        };
        if waits && now.saturating_sub(self.started) > self.config.set_up_timeout {
            return Err(Error::SetUpTimeout(self.config.set_up_timeout));
        }
        Ok(())
    }

    /// Sends a packet of the stream that is published. Until [`Event::Started`] there is nobody to send to.
    pub fn send(&mut self, packet: &Packet) {
        if let Some(bytes) = self.framed(packet) {
            self.connection.framed(bytes);
        }
    }

    /// A packet of the stream that is published as bytes, for an owner who writes them itself, between two pieces of output: sound may come
    /// between the [chunks](crate::rtmp::cuts) of a picture. `None` until [`Event::Started`], and for what no receiver would take.
    pub fn framed(&self, packet: &Packet) -> Option<Bytes> {
        let (State::Live(stream_id), Role::Publish) = (self.state, self.config.role) else { return None };
        let packet = with_metadata_kept(packet);
        (packet.payload.len() <= chunk::MAX_MESSAGE_BYTES).then(|| framed(stream_id, &packet))
    }

    /// After how many bytes the server acknowledges what it has received, if that is often enough to learn something from it.
    pub fn window(&self) -> Option<u32> {
        (self.parlor && self.config.role == Role::Publish).then_some(NARROW_WINDOW)
    }

    /// What the server last acknowledged: bytes after the handshake, modulo 2^32.
    pub fn acknowledged(&self) -> Option<u32> {
        self.connection.peer_received()
    }

    /// Tells the publisher of the stream that is played how it arrives, by way of the server, if that understands it.
    pub fn report(&mut self, reception: Reception) {
        if let (State::Live(stream_id), Role::Play, true) = (self.state, self.config.role, self.parlor) {
            self.connection.command(stream_id, Command::new("reportReception", 0.0, Value::Null, reception.to_values()));
        }
    }

    /// Asks for a key frame of the stream that is played, if the server understands that.
    pub fn request_key_frame(&mut self) {
        if let (State::Live(stream_id), Role::Play, true) = (self.state, self.config.role, self.parlor) {
            self.connection.command(stream_id, Command::new("requestKeyFrame", 0.0, Value::Null, vec![]));
        }
    }

    /// Asks the server for a sign of life, if it is one of ours: any server should answer, others may not.
    pub fn ping(&mut self, now: Duration) -> bool {
        let asks = self.parlor && matches!(self.state, State::Starting(_) | State::Live(_));
        if asks {
            self.connection.control(&message::user_control(user::PING_REQUEST, &[now.as_millis() as u32]));
        }
        asks
    }

    /// Says good-bye. What waits for output is to be written before the connection is closed.
    pub fn close(&mut self) {
        if let State::Starting(stream_id) | State::Live(stream_id) = self.state {
            if self.config.role == Role::Publish {
                self.call("FCUnpublish", transaction::FC_UNPUBLISH, vec![self.config.name.as_str().into()]);
            }
            self.call("deleteStream", 0.0, vec![f64::from(stream_id).into()]);
        }
        self.state = State::Closed;
    }

    fn call(&mut self, name: &str, transaction: f64, arguments: Vec<Value>) {
        self.connection.command(0, Command::new(name, transaction, Value::Null, arguments));
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        let mut object = vec![
            ("app", self.config.app.as_str().into()),
            ("flashVer", self.config.flash_ver.as_str().into()),
            ("tcUrl", self.config.tc_url.as_str().into()),
        ];
        match self.config.role {
            Role::Publish => object.push(("type", "nonprivate".into())),
            // What a player can take: any codec of the classic lists, and AMF0.
            Role::Play => object.extend([
                ("fpad", false.into()),
                ("capabilities", 15.0.into()),
                ("audioCodecs", 4071.0.into()),
                ("videoCodecs", 252.0.into()),
                ("videoFunction", 1.0.into()),
            ]),
        }
        object.extend([("objectEncoding", 0.0.into()), ("fourCcList", four_cc_list()), ("parlor", 1.0.into())]);
        let command = Command::new("connect", transaction::CONNECT, Value::object(object), vec![]);
        self.connection.command(0, command);
    }

    fn handle(&mut self, message: &Message) -> Result<(), Error> {
        match message.kind {
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => self.command(&Command::decode(message)?),
            kind::USER_CONTROL => match (message::user_event(message)?, self.state) {
                ((user::STREAM_EOF, ended), State::Live(ours)) if ended == ours => self.ended(),
                _ => Ok(()),
            },
            kind::AGGREGATE => {
                for part in Aggregate::new(message) {
                    self.media(&part?)?;
                }
                Ok(())
            }
            _ => self.media(message),
        }
    }

    fn media(&mut self, message: &Message) -> Result<(), Error> {
        if self.config.role != Role::Play {
            return Ok(());
        }
        let Some(packet) = message::packet(message) else { return Ok(()) };
        if packet.kind == PacketKind::Data
            && matches!(amf0::leading_string(&packet.payload), Some(("|RtmpSampleAccess" | "onStatus", _)))
        {
            // Between the server and its player, not part of the stream.
            return Ok(());
        }
        match self.state {
            // Some servers send media without a word before.
            State::Starting(stream_id) => self.started(stream_id)?,
            State::Live(_) => {}
            State::Handshake | State::Connecting | State::CreatingStream | State::Closed => return Ok(()),
        }
        self.event(Event::Packet(packet))
    }

    fn command(&mut self, command: &Command) -> Result<(), Error> {
        match (command.name.as_str(), self.state) {
            ("_result", State::Connecting) if command.transaction == transaction::CONNECT => {
                self.parlor = command.object.member("parlor").is_some();
                self.create_stream();
                Ok(())
            }
            ("_result", State::CreatingStream) if command.transaction == transaction::CREATE_STREAM => {
                let stream_id = command.stream_id(0).ok_or(Error::OutOfOrder("createStream's answer has no stream"))?;
                self.start(stream_id);
                Ok(())
            }
            ("_error", _) => match command.transaction {
                transaction::CONNECT | transaction::CREATE_STREAM | transaction::START => self.refused(command),
                _ => Ok(()),
            },
            ("onStatus", State::Starting(_) | State::Live(_)) => self.status(command),
            // A server that rejects the connection by status.
            ("onStatus", _) if info(command, "level") == "error" => self.refused(command),
            ("onKeyFrameRequest", State::Live(_)) if self.config.role == Role::Publish => self.event(Event::KeyFrameRequested),
            ("onReception", State::Live(_)) if self.config.role == Role::Publish => {
                match Reception::from_values(&command.arguments) {
                    Some(reception) => self.event(Event::Reception(reception)),
                    None => Ok(()),
                }
            }
            // A server's "close".
            ("close", State::Live(_)) => self.ended(),
            _ => Ok(()),
        }
    }

    fn create_stream(&mut self) {
        self.state = State::CreatingStream;
        self.connection.announce_window(self.window().unwrap_or(WINDOW));
        self.connection.announce_chunk_size();
        if self.config.role == Role::Publish {
            self.call("releaseStream", transaction::RELEASE_STREAM, vec![self.config.name.as_str().into()]);
            self.call("FCPublish", transaction::FC_PUBLISH, vec![self.config.name.as_str().into()]);
        }
        self.call("createStream", transaction::CREATE_STREAM, vec![]);
    }

    fn start(&mut self, stream_id: u32) {
        /// "Live, or recorded if there is no live stream": what FFmpeg asks for.
        const START_ANY: f64 = -2000.0;
        self.state = State::Starting(stream_id);
        let name = Value::from(self.config.name.as_str());
        let (command, arguments) = match self.config.role {
            Role::Publish => ("publish", vec![name, "live".into()]),
            Role::Play => ("play", vec![name, START_ANY.into()]),
        };
        self.connection.command(stream_id, Command::new(command, transaction::START, Value::Null, arguments));
        if self.config.role == Role::Play {
            let buffer = self.config.buffer.as_millis() as u32;
            self.connection.control(&message::user_control(user::SET_BUFFER_LENGTH, &[stream_id, buffer]));
        }
    }

    fn status(&mut self, command: &Command) -> Result<(), Error> {
        match (info(command, "code"), self.state) {
            ("NetStream.Publish.Start" | "NetStream.Play.Start", State::Starting(stream_id)) => self.started(stream_id),
            (
                "NetStream.Play.UnpublishNotify"
                | "NetStream.Play.Stop"
                | "NetStream.Play.Complete"
                | "NetStream.Unpublish.Success",
                State::Live(_),
            ) => self.ended(),
            _ if info(command, "level") == "error" => self.refused(command),
            _ => Ok(()),
        }
    }

    fn started(&mut self, stream_id: u32) -> Result<(), Error> {
        self.state = State::Live(stream_id);
        self.event(Event::Started)
    }

    fn ended(&mut self) -> Result<(), Error> {
        if let State::Live(stream_id) = self.state {
            // A player waits for the next start; a publisher has nothing to wait for.
            self.state = if self.config.role == Role::Play { State::Starting(stream_id) } else { State::Closed };
        }
        self.event(Event::Ended)
    }

    fn refused(&mut self, command: &Command) -> Result<(), Error> {
        self.state = State::Closed;
        let (code, description) = (info(command, "code").to_owned(), info(command, "description").to_owned());
        self.event(Event::Refused { code, description })
    }

    fn event(&mut self, event: Event) -> Result<(), Error> {
        if self.events.len() >= MAX_EVENTS {
            return Err(Error::Flood);
        }
        self.events.push_back(event);
        Ok(())
    }
}

/// Metadata as servers want it told that are to keep it for later players; everything else as it is.
fn with_metadata_kept(packet: &Packet) -> Packet {
    let metadata =
        packet.kind == PacketKind::Data && amf0::leading_string(&packet.payload).is_some_and(|(name, _)| name == "onMetaData");
    if !metadata {
        return packet.clone();
    }
    let prefix = amf0::encode(&["@setDataFrame".into()]);
    let mut payload = BytesMut::with_capacity(prefix.len() + packet.payload.len());
    payload.put(prefix);
    payload.put_slice(&packet.payload);
    Packet { payload: payload.freeze(), ..packet.clone() }
}

/// A text of a status or error's information object.
fn info<'a>(command: &'a Command, key: &str) -> &'a str {
    command.arguments.first().and_then(|info| info.member(key)).and_then(Value::as_str).unwrap_or_default()
}
