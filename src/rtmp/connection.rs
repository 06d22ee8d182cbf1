//! What both roles have in common: handshake, chunks in and out, and the messages that are about the connection itself
//! (acknowledgements, bandwidth, pings), which are dealt with here and never seen outside.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Error,
    amf0::Value,
    chunk::{self, Message, Output},
    handshake::{Handshake, Side},
    message::{self, Command, kind, user},
    packet::{Packet, PacketKind},
};

/// The size of our chunks. Most messages are one chunk: one header and its payload, uncut. A large picture is many, and sound may pass
/// between any two of them: on 700 kbit/s it waits 50 ms at most.
pub(super) const CHUNK_SIZE: u32 = 4096;

/// How many bytes we let pass until we want an acknowledgement, and send one where the peer does not say.
pub(super) const WINDOW: u32 = 2_500_000;

/// After how many bytes a publisher of ours wants an acknowledgement from a server of ours: few enough to tell how long a picture was on
/// its way, and at most one for each read of the server.
pub(super) const NARROW_WINDOW: u32 = 1024;

/// How many answers may wait for output. One read from a socket holds a few; a peer that sends thousands of pings or
/// commands at once is after our memory.
const MAX_WAITING_ANSWERS: usize = 2048;

/// Our chunk streams. Each kind of media has its own, so that timestamps of one kind compress against each other.
mod chunk_stream {
    pub const CONTROL: u8 = 2;
    pub const COMMAND: u8 = 3;
    pub const AUDIO: u8 = 4;
    pub const DATA: u8 = 5;
    pub const VIDEO: u8 = 6;
}

#[derive(Debug)]
pub(super) struct Connection {
    handshake: Handshake,
    reader: chunk::Reader,
    writer: chunk::Writer,
    output: Output,
    waiting_answers: usize,
    /// Bytes received after the handshake, modulo 2^32 as in the acknowledgement message.
    received: u32,
    acknowledged: u32,
    /// After how many bytes the peer wants an acknowledgement.
    peer_window: u32,
    /// The window that we last told the peer.
    own_window: u32,
    /// What the peer last acknowledged.
    peer_received: Option<u32>,
}

impl Connection {
    pub fn new(side: Side, now: Duration) -> Self {
        let (handshake, start) = Handshake::new(side, now);
        let mut output = Output::default();
        output.share(start.into());
        Self {
            handshake,
            reader: chunk::Reader::default(),
            writer: chunk::Writer::default(),
            output,
            waiting_answers: 0,
            received: 0,
            acknowledged: 0,
            peer_window: WINDOW,
            own_window: 0,
            peer_received: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.handshake.is_done()
    }

    /// Reads on until there is a message that the session must see, or the input is used up.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Error> {
        if !self.handshake.is_done() {
            let answer = self.handshake.read(input)?;
            self.output.share(answer.into());
            if !self.handshake.is_done() {
                return Ok(None);
            }
        }
        loop {
            let before = input.len();
            let message = self.reader.read(input);
            self.received = self.received.wrapping_add((before - input.len()) as u32);
            match message? {
                None => return Ok(None),
                Some(message) => {
                    if let Some(message) = self.handle(message)? {
                        return Ok(Some(message));
                    }
                }
            }
        }
    }

    /// Acknowledges what has come if the peer's window is reached: once per read from the socket, however small the
    /// window.
    pub fn acknowledge(&mut self) {
        if self.received.wrapping_sub(self.acknowledged) >= self.peer_window {
            self.acknowledged = self.received;
            self.control(&message::control(kind::ACKNOWLEDGEMENT, self.received));
        }
    }

    /// Handles messages about the connection; gives the others back.
    fn handle(&mut self, message: Message) -> Result<Option<Message>, Error> {
        match message.kind {
            kind::WINDOW_ACKNOWLEDGEMENT_SIZE => match message::control_value(&message)? {
                0 => {}
                window => self.peer_window = window,
            },
            kind::SET_PEER_BANDWIDTH => {
                let window = message::control_value(&message)?;
                if window != self.own_window {
                    self.announce_window(window);
                }
            }
            kind::USER_CONTROL => match message::user_event(&message)? {
                (user::PING_REQUEST, time) => self.control(&message::user_control(user::PING_RESPONSE, &[time])),
                (user::STREAM_EOF, _) => return Ok(Some(message)),
                _ => {}
            },
            // We do not wait for acknowledgements (TCP does), but they tell what has arrived.
            kind::ACKNOWLEDGEMENT => self.peer_received = Some(message::control_value(&message)?),
            // The reader has obeyed these.
            kind::SET_CHUNK_SIZE | kind::ABORT => {}
            _ => return Ok(Some(message)),
        }
        if self.waiting_answers > MAX_WAITING_ANSWERS {
            return Err(Error::Flood);
        }
        Ok(None)
    }

    pub fn announce_window(&mut self, window: u32) {
        self.own_window = window;
        self.control(&message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, window));
    }

    pub fn announce_chunk_size(&mut self) {
        self.control(&message::control(kind::SET_CHUNK_SIZE, CHUNK_SIZE));
        self.writer.set_chunk_size(CHUNK_SIZE);
    }

    /// Writes a protocol or user control message.
    pub fn control(&mut self, message: &Message) {
        self.waiting_answers += 1;
        self.writer.write(chunk_stream::CONTROL, message, &mut self.output);
    }

    /// Writes a command.
    pub fn command(&mut self, stream_id: u32, command: Command) {
        self.waiting_answers += 1;
        let message = Message { timestamp_ms: 0, kind: kind::COMMAND_AMF0, stream_id, payload: command.encode() };
        self.writer.write(chunk_stream::COMMAND, &message, &mut self.output);
    }

    /// What the peer last acknowledged: bytes after the handshake, modulo 2^32.
    pub fn peer_received(&self) -> Option<u32> {
        self.peer_received
    }

    /// Writes bytes that [`framed`] made.
    pub fn framed(&mut self, bytes: Bytes) {
        self.output.share(bytes);
    }

    /// Refuses to go on if the peer's commands cause more answers than are written.
    pub fn check_answers(&self) -> Result<(), Error> {
        if self.waiting_answers > MAX_WAITING_ANSWERS { Err(Error::Flood) } else { Ok(()) }
    }

    /// The next bytes to write.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        let piece = self.output.pop();
        if piece.is_none() {
            self.waiting_answers = 0;
        }
        piece
    }
}

/// A packet as all players get it: see [`chunk::framed`].
pub(super) fn framed(stream_id: u32, packet: &Packet) -> Bytes {
    chunk::framed(chunk_stream_of(packet.kind), &message::of_packet(packet, stream_id), CHUNK_SIZE)
}

/// Where others may come between the bytes of a packet that was [`framed`].
pub(super) fn cuts(framed: &[u8]) -> chunk::Cuts {
    chunk::Cuts::of(framed, CHUNK_SIZE)
}

fn chunk_stream_of(kind: PacketKind) -> u8 {
    match kind {
        PacketKind::Audio => chunk_stream::AUDIO,
        PacketKind::Video => chunk_stream::VIDEO,
        PacketKind::Data => chunk_stream::DATA,
    }
}

/// The FourCCs that enhanced RTMP peers tell each other in `connect` and its answer.
pub(super) fn four_cc_list() -> Value {
    Value::StrictArray(["avc1", "hvc1", "av01", "vp09", "Opus", "mp4a"].map(Value::from).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        let mut connection = Connection::new(Side::Server, Duration::ZERO);
        let mut hello = vec![0; 1 + 2 * 1536];
        hello[0] = 3;
        assert_eq!(connection.read(&mut &hello[..]), Ok(None));
        assert!(connection.is_open());
        while connection.poll_output().is_some() {}
        connection
    }

    fn written(messages: &[Message]) -> Vec<u8> {
        let (mut writer, mut output) = (chunk::Writer::default(), Output::default());
        for message in messages {
            writer.write(2, message, &mut output);
        }
        std::iter::from_fn(|| output.pop()).flatten().collect()
    }

    fn answers(connection: &mut Connection) -> Vec<Message> {
        let bytes: Vec<u8> = std::iter::from_fn(|| connection.poll_output()).flatten().collect();
        let (mut reader, mut rest) = (chunk::Reader::default(), &bytes[..]);
        std::iter::from_fn(|| reader.read(&mut rest).unwrap()).collect()
    }

    #[test]
    fn the_acknowledged_count_wraps() {
        let mut connection = open();
        let wire = written(&[
            message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, 40),
            message::user_control(user::STREAM_BEGIN, &[1]),
            message::user_control(user::STREAM_BEGIN, &[1]),
        ]);
        connection.received = u32::MAX - 19;
        connection.acknowledged = connection.received;
        assert_eq!(connection.read(&mut &wire[..]), Ok(None));
        connection.acknowledge();
        connection.acknowledge();
        let expected = (wire.len() - 20) as u32;
        assert_eq!(answers(&mut connection), [message::control(kind::ACKNOWLEDGEMENT, expected)]);
        // The next one counts from there.
        connection.received = connection.received.wrapping_add(39);
        connection.acknowledge();
        assert_eq!(answers(&mut connection), []);
    }

    #[test]
    fn peer_bandwidth_is_answered_once_and_pings_always() {
        let mut connection = open();
        let wire = written(&[
            message::set_peer_bandwidth(1000),
            message::set_peer_bandwidth(1000),
            message::user_control(user::PING_REQUEST, &[7]),
        ]);
        assert_eq!(connection.read(&mut &wire[..]), Ok(None));
        let expected =
            [message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, 1000), message::user_control(user::PING_RESPONSE, &[7])];
        assert_eq!(answers(&mut connection), expected);
    }

    #[test]
    fn a_window_of_zero_is_no_window() {
        let mut connection = open();
        let wire = written(&[message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, 0)]);
        assert_eq!(connection.read(&mut &wire[..]), Ok(None));
        connection.acknowledge();
        assert_eq!(answers(&mut connection), []);
    }

    #[test]
    fn a_flood_of_pings_ends_the_connection() {
        let mut connection = open();
        let wire = written(&vec![message::user_control(user::PING_REQUEST, &[7]); MAX_WAITING_ANSWERS + 1]);
        assert_eq!(connection.read(&mut &wire[..]), Err(Error::Flood));
    }
}
