//! Ids: short, of characters that are told apart when read aloud.

use crate::proto::{MemberId, RoomId};
use crate::server::token::Holder;
use rand::RngExt as _;

/// Characters of a room's id: 39 bits; it is an address, not a secret.
pub const ROOM_CHARS: usize = 8;
/// Characters of a seat's id.
pub const MEMBER_CHARS: usize = 12;
/// Characters of a person's id: 99 bits, never met twice.
pub const IDENTITY_CHARS: usize = 20;
/// Digits and small letters without 0, 1, i, l, o.
const ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";

/// A random id.
pub fn random(chars: usize) -> String {
    let mut rng = rand::rng();
    (0..chars).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

/// An id that follows from a hash.
pub fn from_hash(hash: &[u8; 32], chars: usize) -> String {
    // 256 is no multiple of the alphabet's length; that some characters come a little more often does no harm.
    hash.iter().take(chars).map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()])).collect()
}

/// Whether a room of ours may have that id.
pub fn is_room_id(text: &str) -> bool {
    text.len() == ROOM_CHARS && text.bytes().all(|b| ALPHABET.contains(&b))
}

/// The name of a seat's stream.
pub fn stream_name(room: &RoomId, member: &MemberId) -> String {
    format!("{room}_{member}")
}

/// The seat of a stream, if the name looks like one of a seat. Whether it exists is the room's to say.
pub fn holder_of(stream: &str) -> Option<Holder> {
    let (room, member) = stream.split_once('_')?;
    is_room_id(room).then(|| Holder { room: RoomId::new(room), member: MemberId::new(member) })
}
