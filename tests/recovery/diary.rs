//! What somebody saw and heard, moment by moment.

use parlor::base::Clock;
use parlor::call::{Call, Event, Phase};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything that should come at once; a loaded machine may need it.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// How often people are looked at.
const LOOK: Duration = Duration::from_millis(5);
/// A tone is far above this, silence far below.
const LOUD: f32 = 0.02;

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A picture of somebody else.
    Picture,
    /// Somebody else was heard.
    Sound,
    /// In the call; or not (any more).
    InCall(bool),
    /// Somebody's stream comes; or not.
    Receiving(bool),
    /// Somebody's microphone is on; or not.
    Mic(bool),
    Joined(String),
    Left(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture => f.write_str("picture"),
            Self::Sound => f.write_str("sound"),
            Self::InCall(yes) => write!(f, "in-call {yes}"),
            Self::Receiving(yes) => write!(f, "receiving {yes}"),
            Self::Mic(yes) => write!(f, "mic {yes}"),
            Self::Joined(name) => write!(f, "joined {name}"),
            Self::Left(name) => write!(f, "left {name}"),
        }
    }
}

impl FromStr for Note {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let yes = rest == "true";
        Ok(match word {
            "picture" => Self::Picture,
            "sound" => Self::Sound,
            "in-call" => Self::InCall(yes),
            "receiving" => Self::Receiving(yes),
            "mic" => Self::Mic(yes),
            "joined" => Self::Joined(rest.to_owned()),
            "left" => Self::Left(rest.to_owned()),
            _ => return Err(text.to_owned()),
        })
    }
}

/// Notes with their moments, which are the same in all processes.
#[derive(Clone, Default)]
pub struct Diary(Arc<Mutex<Vec<(Duration, Note)>>>);

impl Diary {
    pub fn add(&self, at: Duration, note: Note) {
        self.0.lock().unwrap().push((at, note));
    }

    /// When this was first noted after `moment`; waits for it.
    pub fn when(&self, note: &Note, moment: Duration) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.0.lock().unwrap().iter().find(|(at, noted)| *at > moment && noted == note).map(|(at, _)| *at);
            if let Some(at) = found {
                return at - moment;
            }
            assert!(Instant::now() < deadline, "waited in vain for: {note}; the last of it all: {:?}", self.last());
            thread::sleep(LOOK);
        }
    }

    /// How often something of this kind was noted after `moment`.
    pub fn count(&self, moment: Duration, kind: impl Fn(&Note) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|(at, note)| *at > moment && kind(note)).count()
    }

    fn last(&self) -> Vec<(Duration, Note)> {
        let notes = self.0.lock().unwrap();
        notes[notes.len().saturating_sub(20)..].to_vec()
    }
}

/// Looks at a call until `stop`, and hands what it sees to `write`.
pub fn observe(call: &Call, stop: &AtomicBool, mut write: impl FnMut(Duration, Note)) {
    let clock = Clock::system();
    let (mut in_call, mut receiving, mut mic) = (false, false, true);
    while !stop.load(Ordering::Acquire) {
        let snapshot = call.snapshot();
        let now = clock.now();
        let mut note = |note| write(now, note);
        for event in call.events() {
            match event {
                Event::PeerJoined { name, .. } => note(Note::Joined(name)),
                Event::PeerLeft { name, .. } => note(Note::Left(name)),
                _ => {}
            }
        }
        let mut changed = |was: &mut bool, is: bool, kind: fn(bool) -> Note| {
            if std::mem::replace(was, is) != is {
                note(kind(is));
            }
        };
        changed(&mut in_call, matches!(snapshot.phase, Phase::InCall), Note::InCall);
        if let Some(peer) = snapshot.peers.first() {
            changed(&mut receiving, peer.receiving, Note::Receiving);
            changed(&mut mic, peer.mic, Note::Mic);
            if peer.picture.take().is_some() {
                note(Note::Picture);
            }
            if peer.stats.sound.rms > LOUD {
                note(Note::Sound);
            }
        }
        thread::sleep(LOOK);
    }
}
