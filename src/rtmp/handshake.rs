//! The simple handshake (RTMP 1.0, section 5.2), both roles.
//!
//! The "complex" one (digests over the random bytes, which Adobe's player wanted) is not done: clients that try it see a
//! server version of zero and fall back.

use std::time::Duration;

/// The length of C1, S1, C2 and S2.
pub const PACKET: usize = 1536;

/// The version byte of plain RTMP.
pub const VERSION: u8 = 3;

/// Why the peer's handshake is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not RTMP, or an encrypted form of it.
    #[error("RTMP version {0} is not supported")]
    Version(u8),
}

/// Which side we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// We speak first.
    Client,
    /// We answer.
    Server,
}

/// A handshake under way.
#[derive(Debug)]
pub struct Handshake {
    side: Side,
    /// What has come of the packet that is being waited for.
    received: Vec<u8>,
    state: State,
    now: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// C0 and C1, or S0 and S1.
    First,
    /// C2 or S2.
    Second,
    Done,
}

impl Handshake {
    /// A handshake, and the bytes with which it starts (a client's C0 and C1).
    pub fn new(side: Side, now: Duration) -> (Self, Vec<u8>) {
        let start = if side == Side::Client { first(now) } else { Vec::new() };
        (Self { side, received: Vec::with_capacity(1 + PACKET), state: State::First, now }, start)
    }

    /// Whether all has been received; what follows are chunks.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads what belongs to the handshake, moving `input` on; gives bytes to send.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Vec<u8>, Error> {
        let mut answer = Vec::new();
        if self.state == State::First {
            if let Some(version) = self.received.first().or(input.first())
                && *version != VERSION
            {
                return Err(Error::Version(*version));
            }
            if !self.fill(1 + PACKET, input) {
                return Ok(answer);
            }
            if self.side == Side::Server {
                answer = first(self.now);
            }
            // C2 and S2 repeat the peer's packet exactly: some peers compare all of it.
            answer.extend_from_slice(&self.received[1..]);
            self.received.clear();
            self.state = State::Second;
        }
        if self.state == State::Second && self.fill(PACKET, input) {
            // What the peer repeats is not compared: clients that try the digest form send something else.
            self.received = Vec::new();
            self.state = State::Done;
        }
        Ok(answer)
    }

    /// Collects `wanted` bytes; whether they are all there.
    fn fill(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        let (head, rest) = input.split_at(input.len().min(wanted - self.received.len()));
        self.received.extend_from_slice(head);
        *input = rest;
        self.received.len() == wanted
    }
}

/// C0 and C1, or S0 and S1: version, time, four zeros (which mean: no digest), and bytes that need only differ between
/// connections (xorshift of the time; nothing secret hangs on them).
fn first(now: Duration) -> Vec<u8> {
    let mut packet = Vec::with_capacity(1 + 2 * PACKET);
    packet.push(VERSION);
    packet.extend_from_slice(&(now.as_millis() as u32).to_be_bytes());
    packet.extend_from_slice(&[0; 4]);
    let mut random = now.as_nanos() as u64 | 1;
    while packet.len() < 1 + PACKET {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        packet.extend_from_slice(&random.to_be_bytes());
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves bytes between both sides in pieces until nothing moves; what is left over on each side.
    fn run(piece: usize, extra_client: &[u8], extra_server: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut client, mut to_server) = Handshake::new(Side::Client, Duration::from_secs(5));
        let (mut server, mut to_client) = Handshake::new(Side::Server, Duration::from_secs(9));
        let feed = |side: &mut Handshake, wire: &mut Vec<u8>| {
            let mut answer = Vec::new();
            while !wire.is_empty() && !side.is_done() {
                let chunk: Vec<u8> = wire.drain(..piece.min(wire.len())).collect();
                let mut rest = &chunk[..];
                answer.extend(side.read(&mut rest).unwrap());
                wire.splice(..0, rest.iter().copied());
            }
            answer
        };
        for _ in 0..3 {
            let answer = feed(&mut server, &mut to_server);
            to_client.extend(answer);
            let answer = feed(&mut client, &mut to_client);
            let finished = !answer.is_empty();
            to_server.extend(answer);
            if finished {
                to_server.extend_from_slice(extra_client);
                to_client.extend_from_slice(extra_server);
            }
        }
        assert!(client.is_done() && server.is_done());
        (to_server, to_client)
    }

    #[test]
    fn both_sides_agree_whatever_the_pieces() {
        for piece in [1, 7, 1536, 1537, 4096] {
            assert_eq!(run(piece, b"chunks", b"more"), (b"chunks".to_vec(), b"more".to_vec()));
        }
    }

    #[test]
    fn the_server_repeats_the_clients_packet_and_claims_no_digest() {
        let (mut server, start) = Handshake::new(Side::Server, Duration::ZERO);
        assert!(start.is_empty());
        let mut c1 = vec![VERSION];
        c1.extend((0..PACKET).map(|at| at as u8));
        let answer = server.read(&mut &c1[..]).unwrap();
        assert_eq!(answer.len(), 1 + 2 * PACKET);
        assert_eq!(answer[0], VERSION);
        assert_eq!(answer[5..9], [0; 4]);
        assert_eq!(answer[1 + PACKET..], c1[1..]);
    }

    #[test]
    fn other_versions_are_refused_at_the_first_byte() {
        for version in [0, 2, 6, b'G', 0xff] {
            let (mut server, _) = Handshake::new(Side::Server, Duration::ZERO);
            assert_eq!(server.read(&mut &[version][..]), Err(Error::Version(version)));
        }
    }
}
