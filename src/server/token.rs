//! Signed tokens: who somebody is, and what they may do with which stream. HMAC-SHA256; checked in constant time; nothing is stored.
//!
//! A publish token is no play token and the other way round: the action, room, member, stream and expiry are all under the signature.

pub use super::keyring::KeyError;
use super::keyring::{self, Ring};
use crate::base::Clock;
use crate::proto::{Identity, MemberId, RoomId};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Bytes of a mark: enough that nobody meets another one's by accident.
const MARK_BYTES: usize = 10;

/// What a stream token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sending the stream.
    Publish,
    /// Receiving it.
    Play,
    /// Receiving it as another server, for its own players.
    Relay,
}

impl Action {
    const fn label(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Play => "play",
            Self::Relay => "relay",
        }
    }
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The server's name for them.
    pub identity: Identity,
    /// Display name.
    pub name: String,
    /// When they signed in, in microseconds since 1970, if they did so under a key of their own: whoever has the key may do so again, elsewhere.
    /// Otherwise 0.
    pub issued_us: u64,
}

/// Whose stream token it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The room it is for.
    pub room: RoomId,
    /// The seat it was given to.
    pub member: MemberId,
}

/// The server's secrets: clones share them. `Debug` does not show them.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<Arc<Ring>>>, bool);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Secrets for this process only.
    pub fn random() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Ring::random(Clock::system().now())))), false)
    }

    /// These secrets.
    pub fn new(ring: Ring) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(ring))), true)
    }

    /// The secrets of a data folder; made, readable by its owner only, if there are none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged.
    pub fn load(folder: &Path) -> Result<Self, KeyError> {
        Ring::load(folder, Clock::system().now()).map(Self::new)
    }

    /// The secrets as they are now.
    pub fn ring(&self) -> Arc<Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes other secrets, from now on.
    pub fn set_ring(&self, ring: Ring) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// A bearer token for a person.
    pub fn session(&self, person: &Person, expires: Duration) -> String {
        let (identity, issued, expires) = (person.identity.as_str(), person.issued_us.to_string(), expires.as_secs().to_string());
        let name = hex::encode(&person.name);
        let signature = self.sign(&["session", identity, &issued, &expires, &name]);
        format!("{identity}.{issued}.{expires}.{name}.{signature}")
    }

    /// The person of a bearer token, if it is ours and has not expired.
    pub fn check_session(&self, token: &str, now: Duration) -> Option<Person> {
        let [identity, issued, expires, name, signature] = parts(token)?;
        self.verify(&["session", identity, issued, expires, name], signature)?;
        unexpired(expires, now)?;
        let name = String::from_utf8(hex::decode(name).ok()?).ok()?;
        Some(Person { identity: Identity::new(identity), name, issued_us: issued.parse().ok()? })
    }

    /// A token that lets the holder of a seat do `action` with `stream`.
    pub fn stream(&self, action: Action, holder: &Holder, stream: &str, expires: Duration) -> String {
        let (room, member, expires) = (holder.room.as_str(), holder.member.as_str(), expires.as_secs());
        let signature = self.sign(&["stream", action.label(), room, member, stream, &expires.to_string()]);
        format!("{room}.{member}.{expires}.{signature}")
    }

    /// Whose token it is, if it allows `action` with `stream` now. Whether the seat still exists is the room's to say.
    pub fn check_stream(&self, token: &str, action: Action, stream: &str, now: Duration) -> Option<Holder> {
        let [room, member, expires, signature] = parts(token)?;
        self.verify(&["stream", action.label(), room, member, stream, expires], signature)?;
        unexpired(expires, now)?;
        Some(Holder { room: RoomId::new(room), member: MemberId::new(member) })
    }

    /// Who signs in with that key of their own: always the same, on every server with these secrets.
    pub fn identity(&self, key: &str) -> Identity {
        let digest = mac(&self.ring().root, &["identity", key]).finalize().into_bytes();
        Identity::new(hex::encode(&digest[..16]))
    }

    /// A password as rooms keep it. Without the key nobody can aim at a given digest, so digests may be compared as they are.
    pub fn password(&self, password: &str) -> PasswordDigest {
        PasswordDigest(mac(&self.ring().root, &["password", password]).finalize().into_bytes().into())
    }

    /// Whether the secrets are the same after a restart.
    pub fn are_lasting(&self) -> bool {
        self.1
    }

    /// What follows from some words and the secrets; it does not change when keys do.
    pub fn hash(&self, fields: &[&str]) -> [u8; 32] {
        mac(&self.ring().root, &[&["hash"], fields].concat()).finalize().into_bytes().into()
    }

    /// A short name for something, which nobody can make or read without the secrets.
    pub fn mark(&self, fields: &[&str]) -> String {
        hex::encode(&self.hash(fields)[..MARK_BYTES])
    }

    pub(super) fn sign(&self, fields: &[&str]) -> String {
        hex::encode(mac(self.ring().signing(), fields).finalize().into_bytes())
    }

    pub(super) fn verify(&self, fields: &[&str], signature: &str) -> Option<()> {
        let mut given = [0; 32];
        hex::decode_to_slice(signature, &mut given).ok()?;
        self.ring().verifying().find_map(|key| mac(key, fields).verify_slice(&given).ok())
    }
}

fn mac(key: &keyring::Bytes, fields: &[&str]) -> Hmac<Sha256> {
    // A key shorter than the hash's block is filled up with zeros (RFC 2104, section 2).
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for field in fields {
        // Each field's length goes first: no two lists of fields look the same.
        mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(field.as_bytes());
    }
    mac
}

/// A room's password, unreadable.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordDigest([u8; 32]);

impl std::fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordDigest(..)")
    }
}

fn parts<const N: usize>(token: &str) -> Option<[&str; N]> {
    let mut fields = token.split('.');
    let mut parts = [""; N];
    for part in &mut parts {
        *part = fields.next()?;
    }
    fields.next().is_none().then_some(parts)
}

fn unexpired(expires: &str, now: Duration) -> Option<()> {
    (expires.parse::<u64>().ok()? > now.as_secs()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::limits::SESSION;

    const NOW: Duration = Duration::from_secs(1_000_000);
    const LATER: Duration = Duration::from_secs(1_000_100);

    fn holder(room: &str, member: &str) -> Holder {
        Holder { room: RoomId::new(room), member: MemberId::new(member) }
    }

    #[test]
    fn a_stream_token_is_good_for_one_action_on_one_stream_until_it_expires() {
        let keys = Keys::random();
        let ann = holder("room", "ann");
        let publish = keys.stream(Action::Publish, &ann, "room_ann", LATER);
        let play = keys.stream(Action::Play, &ann, "room_bob", LATER);
        assert_eq!(keys.check_stream(&publish, Action::Publish, "room_ann", NOW), Some(ann.clone()));
        assert_eq!(keys.check_stream(&play, Action::Play, "room_bob", NOW), Some(ann));
        assert_eq!(keys.check_stream(&publish, Action::Play, "room_ann", NOW), None);
        assert_eq!(keys.check_stream(&play, Action::Publish, "room_bob", NOW), None);
        assert_eq!(keys.check_stream(&publish, Action::Publish, "room_bob", NOW), None);
        assert_eq!(keys.check_stream(&publish, Action::Publish, "room_ann", LATER), None);
        assert_eq!(Keys::random().check_stream(&publish, Action::Publish, "room_ann", NOW), None);
    }

    #[test]
    fn no_changed_character_passes() {
        let keys = Keys::random();
        let token = keys.stream(Action::Publish, &holder("room", "ann"), "room_ann", LATER);
        for i in 0..token.len() {
            for with in [b'0', b'a', b'.', b'z'] {
                let mut forged = token.clone().into_bytes();
                if forged[i] == with {
                    continue;
                }
                forged[i] = with;
                let forged = String::from_utf8(forged).unwrap();
                assert_eq!(keys.check_stream(&forged, Action::Publish, "room_ann", NOW), None, "{forged}");
            }
        }
        for garbage in ["", ".", "...", "....", "a.b.c.d", &format!("{token}.x"), &token[..token.len() - 2]] {
            assert_eq!(keys.check_stream(garbage, Action::Publish, "room_ann", NOW), None, "{garbage}");
        }
    }

    #[test]
    fn sessions_carry_the_name_and_expire() {
        let keys = Keys::random();
        let ann = Person { identity: Identity::new("u1"), name: "Ann 周".into(), issued_us: 7 };
        let token = keys.session(&ann, LATER);
        assert!(token.is_ascii());
        assert_eq!(keys.check_session(&token, NOW), Some(ann));
        assert_eq!(keys.check_session(&token, LATER), None);
        assert_eq!(keys.check_session(&token.replacen("u1", "u2", 1), NOW), None);
    }

    #[test]
    fn tokens_outlive_the_key_that_signed_them_until_they_expire() {
        let keys = Keys::random();
        let ann = Person { identity: Identity::new("u1"), name: "Ann".into(), issued_us: 0 };
        let (token, password) = (keys.session(&ann, NOW + SESSION), keys.password("sesame"));
        let mut ring = Ring::clone(&keys.ring());
        ring.rotate(NOW);
        keys.set_ring(ring.clone());
        assert_eq!(keys.check_session(&token, NOW), Some(ann.clone()));
        assert_eq!(keys.check_session(&keys.session(&ann, LATER), NOW), Some(ann.clone()));
        assert_eq!(keys.password("sesame"), password, "a locked room opens to the same password");
        ring.forget(NOW + SESSION + Duration::from_secs(1));
        keys.set_ring(ring);
        assert_eq!(keys.check_session(&token, NOW), None);
    }
}
