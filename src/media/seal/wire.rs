//! What a sealed packet looks like.

use crate::rtmp::tag::{self, Part};
use crate::rtmp::{Packet, PacketKind};

use super::cipher::TAG;

/// What every sealed packet begins with, behind its tag header.
const MARK: [u8; 2] = [0xe2, 0xee];
const VERSION: u8 = 1;
/// Length and type of the NAL unit around a sealed picture: 24 to 31 are the application's (ITU-T H.264, table 7-1), and no picture refers to it.
const UNIT: usize = 5;
const UNIT_TYPE: u8 = 30;

/// Bytes of the session's salt.
pub(super) const SALT: usize = 12;
/// Most that sealing makes a packet longer.
pub(super) const OVERHEAD: usize = UNIT + MARK.len() + 1 + SALT + 8 + TAG;

/// Random bits that tell one publisher's keys from the next one's.
pub(super) type Salt = [u8; SALT];

/// A kind of packet that can be sealed. Their numbers are part of keys and of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sound = 8,
    Picture = 9,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Sound, Self::Picture];

    /// The kind of a packet, if it can be sealed.
    pub(super) fn of(packet: &Packet) -> Option<Self> {
        match packet.kind {
            PacketKind::Audio => Some(Self::Sound),
            PacketKind::Video => Some(Self::Picture),
            PacketKind::Data => None,
        }
    }

    pub(super) fn index(self) -> usize {
        usize::from(self == Self::Picture)
    }

    /// What kind of tag it is, and where its data begins.
    pub(super) fn part(self, body: &[u8]) -> Part {
        match self {
            Self::Sound => tag::audio_part(body),
            Self::Picture => tag::video_part(body),
        }
    }
}

/// Where the parts of a sealed packet's body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the tag header ends.
    pub(super) header: usize,
    pub(super) salt: Salt,
    pub(super) counter: u64,
    /// Where the sealed data begins.
    pub(super) at: usize,
}

/// The body of a packet up to its data: the tag header, and what sealing puts behind it. `data` bytes will follow, and the authentication tag.
pub(super) fn head(kind: Kind, header: &[u8], salt: &Salt, counter: u64, data: usize) -> Option<Vec<u8>> {
    let digits = counter.to_be_bytes();
    let digits = &digits[skipped(counter)..];
    let inner = MARK.len() + 1 + SALT + digits.len() + data + TAG;
    let mut body = Vec::with_capacity(header.len() + UNIT + inner);
    body.extend_from_slice(header);
    if kind == Kind::Picture {
        body.extend_from_slice(&u32::try_from(1 + inner).ok()?.to_be_bytes());
        body.push(UNIT_TYPE);
    }
    body.extend_from_slice(&MARK);
    body.push(VERSION << 4 | (digits.len() - 1) as u8);
    body.extend_from_slice(salt);
    body.extend_from_slice(digits);
    Some(body)
}

/// Reads what [`head`] wrote into a body whose tag header ends `at`; `None` if it is not sealed.
pub(super) fn read(kind: Kind, body: &[u8], at: usize) -> Option<Layout> {
    let mut rest = body.get(at..)?;
    if kind == Kind::Picture {
        let (length, unit) = rest.split_first_chunk::<4>()?;
        rest = unit.strip_prefix(&[UNIT_TYPE])?;
        if usize::try_from(u32::from_be_bytes(*length)).ok()? != unit.len() {
            return None;
        }
    }
    let rest = rest.strip_prefix(&MARK)?;
    let (version, rest) = rest.split_first()?;
    let digits = usize::from(version & 0x0f) + 1;
    let (salt, rest) = rest.split_first_chunk::<SALT>()?;
    if version >> 4 != VERSION || digits > 8 || rest.len() < digits + TAG {
        return None;
    }
    let counter = rest[..digits].iter().fold(0, |value, digit| value << 8 | u64::from(*digit));
    // Each counter is written in one way only.
    (8 - skipped(counter) == digits).then_some(Layout { header: at, salt: *salt, counter, at: body.len() - rest.len() + digits })
}

/// Leading bytes of a counter that are not written.
fn skipped(counter: u64) -> usize {
    (counter.leading_zeros() as usize / 8).min(7)
}

/// What the authentication tag covers beside the data: kind, timestamp, the last sequence header's hash, and all before the data.
pub(super) fn authenticated(kind: Kind, timestamp_ms: u32, config: &[u8; 32], head: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(1 + 4 + config.len() + head.len());
    aad.push(kind as u8);
    aad.extend_from_slice(&timestamp_ms.to_be_bytes());
    aad.extend_from_slice(config);
    aad.extend_from_slice(head);
    aad
}
