//! Opening what one stream's publishers have sealed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cipher::Cipher;
use super::sealer::{cipher, config_hash};
use super::wire::{self, Kind, Layout, Salt};
use super::{REWIND, StreamKey};
use crate::rtmp::Packet;
use crate::rtmp::tag::Part;

/// Sessions that are over and are remembered as such; of more, the oldest could be played again, by a server that made a publisher connect as
/// often.
const MAX_OVER: usize = 256;

/// What comes of a packet: nothing, the packet, or a sequence header that it has proved and then the packet.
pub type Opened = [Option<Packet>; 2];

/// Why a stream cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// It is sealed, and there is no key.
    KeyMissing,
    /// The key is another one, or the stream was tampered with.
    KeyWrong,
    /// It is not sealed, although the room is.
    NotSealed,
}

/// Opens the packets of one stream, whoever plays it: clones are the same. It outlives the connections, so that nothing old is taken for new.
#[derive(Clone)]
pub struct Opener(Arc<Mutex<State>>);

struct State {
    /// `None`: the room is not sealed, and packets are passed on as they are.
    key: Option<StreamKey>,
    session: Option<Session>,
    over: VecDeque<Salt>,
    headers: [Header; 2],
    trouble: Option<Trouble>,
}

/// The time of one publisher.
struct Session {
    salt: Salt,
    /// For each kind of packet.
    lines: [Line; 2],
}

struct Line {
    cipher: Option<Cipher>,
    /// Lower numbers are old.
    next: u64,
}

/// The last sequence header.
struct Header {
    hash: [u8; 32],
    /// Until a packet proves it.
    waiting: Option<Packet>,
}

/// Why a packet is not opened.
enum Refused {
    /// It was there before.
    Old,
    /// There is no key.
    Missing,
    Wrong,
}

impl Default for Opener {
    /// For a stream that is not sealed.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Opener {
    /// For the stream with this key; `None`: it is not sealed.
    pub fn new(key: Option<StreamKey>) -> Self {
        let headers = [(); 2].map(|()| Header { hash: config_hash(&[]), waiting: None });
        Self(Arc::new(Mutex::new(State { key, session: None, over: VecDeque::new(), headers, trouble: None })))
    }

    /// Another connection begins.
    pub fn restart(&self) {
        let mut state = self.lock();
        for line in state.session.iter_mut().flat_map(|session| &mut session.lines) {
            line.next = line.next.saturating_sub(REWIND);
        }
        state.headers.iter_mut().for_each(|header| header.waiting = None);
    }

    /// What can be played of a packet. Whatever is not what a holder of the key has sealed is held back.
    pub fn open(&self, packet: Packet) -> Opened {
        let Some(kind) = Kind::of(&packet) else { return [Some(packet), None] };
        let mut state = self.lock();
        let part = kind.part(&packet.payload);
        let sealed = match part {
            Part::Coded { at } => wire::read(kind, &packet.payload, at),
            Part::Header | Part::Other => None,
        };
        match (part, sealed) {
            (_, None) if state.key.is_none() => {
                if part != Part::Header {
                    state.trouble = None;
                }
                [Some(packet), None]
            }
            (Part::Header, _) => {
                let hash = config_hash(&packet.payload);
                state.headers[kind.index()] = Header { hash, waiting: Some(packet) };
                [None, None]
            }
            (_, Some(layout)) => state.open(kind, packet, layout),
            (Part::Coded { .. }, None) => {
                state.trouble = Some(Trouble::NotSealed);
                [None, None]
            }
            (Part::Other, None) => [None, None],
        }
    }

    /// Why the last packet could not be read, if it could not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&mut self, kind: Kind, packet: Packet, layout: Layout) -> Opened {
        let opened = match self.read(kind, &packet, layout) {
            Ok(payload) => Ok(payload),
            Err(Refused::Old) => return [None, None],
            Err(Refused::Missing) => Err(Trouble::KeyMissing),
            Err(Refused::Wrong) => Err(Trouble::KeyWrong),
        };
        match opened {
            Ok(payload) => {
                self.trouble = None;
                let packet = Packet { payload: payload.into(), ..packet };
                match self.headers[kind.index()].waiting.take() {
                    Some(header) => [Some(header), Some(packet)],
                    None => [Some(packet), None],
                }
            }
            Err(trouble) => {
                self.trouble = Some(trouble);
                [None, None]
            }
        }
    }

    /// The body as it was before it was sealed.
    fn read(&mut self, kind: Kind, packet: &Packet, layout: Layout) -> Result<Vec<u8>, Refused> {
        let key = self.key.as_ref().ok_or(Refused::Missing)?;
        let Layout { header, salt, counter, at } = layout;
        if self.over.contains(&salt) {
            return Err(Refused::Old);
        }
        let known = self.session.as_mut().filter(|session| session.salt == salt);
        let mut fresh = None;
        let session = match known {
            Some(session) => session,
            None => {
                fresh.insert(Session { salt, lines: Kind::ALL.map(|kind| Line { cipher: cipher(key, &salt, kind), next: 0 }) })
            }
        };
        let line = &mut session.lines[kind.index()];
        if counter < line.next {
            return Err(Refused::Old);
        }
        let aad = wire::authenticated(kind, packet.timestamp_ms, &self.headers[kind.index()].hash, &packet.payload[..at]);
        let mut body = packet.payload.to_vec();
        let cipher = line.cipher.as_ref().ok_or(Refused::Wrong)?;
        let length = cipher.open(counter, &aad, &mut body[at..]).ok_or(Refused::Wrong)?.len();
        line.next = counter.saturating_add(1);
        // Only now that it is known to be true it may end the session before.
        if let Some(fresh) = fresh
            && let Some(old) = self.session.replace(fresh)
        {
            if self.over.len() == MAX_OVER {
                self.over.pop_front();
            }
            self.over.push_back(old.salt);
        }
        body.copy_within(at..at + length, header);
        body.truncate(header + length);
        Ok(body)
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("trouble", &self.trouble()).finish_non_exhaustive()
    }
}
