//! What has happened in a call, line by line: what pushers and players report, for whoever wants to know why something is as it is.

use crate::app::i18n::Texts;
use crate::call::{Phase, Snapshot};
use crate::proto::MemberId;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Lines kept.
const LINES: usize = 300;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How long the call had lasted.
    pub at: Duration,
    /// What happened.
    pub text: String,
}

/// The lines, and what was seen last.
#[derive(Debug, Default)]
pub struct EventLog {
    lines: VecDeque<Line>,
    started: Option<Duration>,
    me: Mine,
    peers: BTreeMap<MemberId, Theirs>,
}

/// What of one's own stream is worth a line when it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Mine {
    phase: u8,
    size: (u32, u32),
    encoder: String,
    mic: bool,
    camera: bool,
    server: String,
}

/// The same of somebody else's.
#[derive(Clone, Debug, Default, PartialEq)]
struct Theirs {
    receiving: bool,
    shown: bool,
    size: (u32, u32),
    mic: bool,
    camera: bool,
    freezes: u64,
}

impl EventLog {
    /// Adds a line.
    pub fn say(&mut self, now: Duration, text: String) {
        let at = now.saturating_sub(*self.started.get_or_insert(now));
        if self.lines.len() >= LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { at, text });
    }

    /// Adds what has changed since the last time.
    pub fn watch(&mut self, snapshot: &Snapshot, texts: &Texts, now: Duration) {
        let mut said = Vec::new();
        let me = mine(snapshot);
        let before = std::mem::replace(&mut self.me, me.clone());
        if me.phase != before.phase || self.started.is_none() {
            said.push(texts.t(["log-entering", "log-in-call", "log-reconnecting", "log-ended"][usize::from(me.phase)]));
        }
        if me.server != before.server && !me.server.is_empty() {
            said.push(texts.with("log-push", &[("server", (&me.server).into())]));
        }
        if (me.size != before.size || me.encoder != before.encoder) && me.size.0 > 0 {
            let (width, height) = (me.size.0.to_string(), me.size.1.to_string());
            let values = [("width", (&width).into()), ("height", (&height).into()), ("encoder", (&me.encoder).into())];
            said.push(texts.with("log-encoder", &values));
        }
        if self.started.is_some() {
            let name = &snapshot.me.name;
            said.extend(switches(texts, name, (before.mic, me.mic), (before.camera, me.camera)));
        }
        let old = std::mem::take(&mut self.peers);
        for peer in &snapshot.peers {
            let picture = &peer.stats.picture;
            let is = Theirs {
                receiving: peer.receiving,
                shown: picture.shown > 0,
                size: (picture.width, picture.height),
                mic: peer.mic,
                camera: peer.camera,
                freezes: picture.freezes,
            };
            let was = old.get(&peer.member).cloned();
            let fresh = was.is_none();
            let was = was.unwrap_or_else(|| Theirs { mic: is.mic, camera: is.camera, ..Theirs::default() });
            let named = |key: &str| texts.with(key, &[("name", (&peer.name).into())]);
            match (was.receiving, is.receiving) {
                (false, true) => said.push(named("log-play")),
                (true, false) => said.push(named("log-play-lost")),
                _ if fresh => said.push(named("log-play-wait")),
                _ => {}
            }
            if is.shown && !was.shown {
                said.push(named("log-first-picture"));
            }
            if is.size != was.size && is.size.0 > 0 {
                let (width, height) = (is.size.0.to_string(), is.size.1.to_string());
                let values = [("name", (&peer.name).into()), ("width", (&width).into()), ("height", (&height).into())];
                said.push(texts.with("log-size", &values));
            }
            if is.freezes > was.freezes {
                said.push(named("log-freeze"));
            }
            said.extend(switches(texts, &peer.name, (was.mic, is.mic), (was.camera, is.camera)));
            self.peers.insert(peer.member.clone(), is);
        }
        for text in said {
            self.say(now, text);
        }
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.iter()
    }

    /// All of it, to be given to somebody.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{} {}\n", clock(line.at), line.text)).collect()
    }
}

/// Minutes, seconds and tenths.
pub fn clock(at: Duration) -> String {
    let tenths = at.as_millis() / 100;
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

fn mine(snapshot: &Snapshot) -> Mine {
    let me = &snapshot.me;
    Mine {
        phase: match snapshot.phase {
            Phase::Entering => 0,
            Phase::InCall => 1,
            Phase::Reconnecting { .. } => 2,
            Phase::Ended(_) => 3,
        },
        size: (me.stats.picture.width, me.stats.picture.height),
        encoder: me.stats.picture.encoder.clone(),
        mic: me.mic,
        camera: me.camera,
        server: me.stats.route.server.clone(),
    }
}

/// Words for what somebody has switched on or off.
fn switches(texts: &Texts, name: &str, mic: (bool, bool), camera: (bool, bool)) -> Vec<String> {
    let named = |key: &str| texts.with(key, &[("name", name.into())]);
    let mic = (mic.0 != mic.1).then(|| named(if mic.1 { "log-mic-on" } else { "log-mic-off" }));
    let camera = (camera.0 != camera.1).then(|| named(if camera.1 { "log-camera-on" } else { "log-camera-off" }));
    mic.into_iter().chain(camera).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::i18n::Lang;
    use crate::call::{Me, Peer, Volume};

    fn peer() -> Peer {
        Peer {
            member: MemberId::new("1"),
            name: "Ada".into(),
            mic: true,
            camera: true,
            recording: false,
            sharing: false,
            picture: crate::base::Slot::new(),
            receiving: false,
            volume: Volume::default(),
            stats: Default::default(),
            trouble: None,
            unreadable: None,
        }
    }

    #[test]
    fn changes_are_lines_and_what_stays_is_none() {
        let at = Duration::from_secs;
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let mut log = EventLog::default();
            let me = Me { name: "Me".into(), mic: true, ..Me::default() };
            let mut snapshot = Snapshot { peers: vec![peer()], me, ..Snapshot::default() };
            log.watch(&snapshot, &texts, at(10));
            log.watch(&snapshot, &texts, at(11));
            let named = |key: &str| texts.with(key, &[("name", "Ada".into())]);
            let said = |log: &EventLog| log.lines().map(|line| line.text.clone()).collect::<Vec<_>>();
            assert_eq!(said(&log), [texts.t("log-entering"), named("log-play-wait")]);
            snapshot.phase = Phase::InCall;
            snapshot.peers[0].receiving = true;
            snapshot.peers[0].mic = false;
            snapshot.peers[0].stats.picture.shown = 1;
            log.watch(&snapshot, &texts, at(75));
            let new = ["log-in-call", "log-play", "log-first-picture", "log-mic-off"];
            let new: Vec<String> = new.iter().map(|key| named(key)).collect();
            assert_eq!(said(&log)[2..], new);
            assert!(log.text().contains("01:05.0 "), "{}", log.text());
        }
    }

    #[test]
    fn old_lines_are_forgotten() {
        let mut log = EventLog::default();
        for n in 0..LINES + 5 {
            log.say(Duration::ZERO, n.to_string());
        }
        assert_eq!((log.lines().len(), log.lines().next().unwrap().text.as_str()), (LINES, "5"));
    }
}
