//! Sealing what one publisher sends.

use ring::digest::{SHA256, digest};
use std::sync::{Mutex, PoisonError};

use super::StreamKey;
use super::cipher::Cipher;
use super::wire::{self, Kind, Salt};
use crate::rtmp::Packet;
use crate::rtmp::tag::Part;

/// Seals the packets of one publisher, from its first to its last. A new publisher needs a new one.
pub struct Sealer {
    salt: Salt,
    /// For each kind of packet.
    lines: [Mutex<Line>; 2],
}

/// The packets of one kind.
struct Line {
    cipher: Option<Cipher>,
    /// Number of the next packet.
    next: u64,
    /// Hash of the last sequence header.
    config: [u8; 32],
}

/// The cipher of a kind of packet in a session of a stream.
pub(super) fn cipher(key: &StreamKey, salt: &Salt, kind: Kind) -> Option<Cipher> {
    Cipher::derive(&key.room, salt, &[b"parlor e2ee 1 ", &[kind as u8], key.stream.as_bytes()])
}

/// The hash of a sequence header, or of none.
pub(super) fn config_hash(header: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, header).as_ref());
    hash
}

impl Sealer {
    /// A session that has never been, and never comes again.
    pub fn new(key: &StreamKey) -> Self {
        Self::with_salt(key, rand::random())
    }

    pub(super) fn with_salt(key: &StreamKey, salt: Salt) -> Self {
        let line = |kind| Mutex::new(Line { cipher: cipher(key, &salt, kind), next: 0, config: config_hash(&[]) });
        Self { lines: Kind::ALL.map(line), salt }
    }

    /// The packet as it may go to the server; `None` if it cannot be sealed and must not be sent.
    pub fn seal(&self, packet: Packet) -> Option<Packet> {
        let Some(kind) = Kind::of(&packet) else { return Some(packet) };
        let mut line = self.lines[kind.index()].lock().unwrap_or_else(PoisonError::into_inner);
        match kind.part(&packet.payload) {
            Part::Header => {
                line.config = config_hash(&packet.payload);
                Some(packet)
            }
            Part::Coded { at } => {
                let (counter, config) = (line.next, line.config);
                // Before it is used: should anything go wrong from here on, it is used up all the same.
                line.next = counter.checked_add(1)?;
                let (header, data) = packet.payload.split_at_checked(at)?;
                let mut body = wire::head(kind, header, &self.salt, counter, data.len())?;
                let aad = wire::authenticated(kind, packet.timestamp_ms, &config, &body);
                let from = body.len();
                body.extend_from_slice(data);
                line.cipher.as_ref()?.seal(counter, &aad, &mut body, from)?;
                Some(Packet { payload: body.into(), ..packet })
            }
            Part::Other => None,
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}
