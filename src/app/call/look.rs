//! How a person has arranged the stage: who is large, pinned, turned or in a window of their own. Plain state; drawing it is the
//! [`stage`](super::stage)'s work.

use crate::call::{Peer, Snapshot};
use crate::proto::MemberId;
use crate::ui::arrangement::Arrangement;
use crate::ui::picture::Turn;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Somebody on the stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Oneself.
    Me,
    /// One of the others.
    Peer(MemberId),
}

/// What is asked of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Show everybody in another way.
    Arrange(Arrangement),
    /// Cut pictures to their tiles, or show them whole.
    Fill(bool),
    /// See oneself as in a mirror.
    MirrorView(bool),
    /// Have the others see one as in a mirror.
    MirrorSent(bool),
    /// Keep somebody large; `None`: nobody.
    Pin(Option<Who>),
    /// Show nobody but this one, in all of the screen; `None`: everybody again.
    Full(Option<Who>),
    /// Give somebody a window of their own, or take them back.
    Pop(Who, bool),
    /// Turn somebody's picture by a quarter.
    Turn(Who),
    /// Show or hide somebody's figures.
    Figures(Who),
    /// Use all of the screen, or a window.
    FullScreen(bool),
    /// A small window above all others, or the usual one.
    Compact(bool),
    /// Show or hide what has happened.
    Log(bool),
    /// Show or hide what the keys do.
    Help(bool),
    /// Ask whether something is meant.
    Ask(Option<Question>),
    /// What was asked is meant.
    Yes(Question),
    /// Ask somebody's program to mute their microphone.
    MuteThem(MemberId),
    /// Use a key for talking that works while another program has the keyboard; `None`: none.
    TalkKey(Option<String>),
    /// Esc: one step back.
    Back,
}

/// What is only done when it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// End the room for everybody.
    EndForAll,
    /// Remove somebody for good.
    Remove(MemberId, String),
}

/// What is remembered from call to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// How everybody is shown.
    pub arrangement: Arrangement,
    /// Pictures are cut to their tiles.
    pub fill: bool,
    /// One sees oneself as in a mirror.
    pub mirror_view: bool,
    /// The others do, too.
    pub mirror_sent: bool,
    /// The key for talking that works everywhere.
    pub talk_key: Option<String>,
}

impl Default for Saved {
    fn default() -> Self {
        Self { arrangement: Arrangement::Grid, fill: false, mirror_view: true, mirror_sent: false, talk_key: None }
    }
}

/// How the stage of one call is arranged.
#[derive(Debug, Default)]
pub struct Look {
    /// Kept large.
    pub pinned: Option<Who>,
    /// Alone on all of the screen.
    pub full: Option<Who>,
    /// In windows of their own.
    pub popped: BTreeSet<Who>,
    /// Turned.
    pub turns: BTreeMap<Who, Turn>,
    /// Whose figures are shown, beside when everybody's are.
    pub figures: BTreeSet<Who>,
    /// The window has all of the screen.
    pub full_screen: bool,
    /// The window is small and above all others.
    pub compact: bool,
    /// Whoever is alone on the screen was given it from a window.
    pub full_from_window: bool,
    /// The size that the window had before it was small.
    pub compact_from: Option<egui::Vec2>,
    /// What has happened is shown.
    pub log: bool,
    /// What the keys do is shown.
    pub help: bool,
    /// What is being asked.
    pub question: Option<Question>,
    /// Of the others, who shares a screen: texts have to be read.
    shares: Option<MemberId>,
    /// Of the others, who spoke last.
    spoke: Option<MemberId>,
    /// Whom the seats belonged to when last looked at.
    names: BTreeMap<MemberId, String>,
    /// A click that may still become a double one, and when it was.
    clicked: Option<(Who, Duration)>,
}

/// So long a click waits for a second one: tiles change places when one is pinned, and the second would land on somebody else.
const DOUBLE: Duration = Duration::from_millis(300);

impl Look {
    /// Takes note of who is there and who speaks. Whoever comes back on another seat stays as they were arranged; who left is forgotten.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let now: BTreeMap<MemberId, String> = snapshot.peers.iter().map(|p| (p.member.clone(), p.name.clone())).collect();
        let before = std::mem::replace(&mut self.names, now);
        let names = &self.names;
        let moved = |member: &MemberId| {
            let name = before.get(member)?;
            names.iter().find(|(new, other)| !before.contains_key(*new) && *other == name).map(|(new, _)| new.clone())
        };
        let seat = |who: Who| match who {
            Who::Peer(member) if !names.contains_key(&member) => moved(&member).map(Who::Peer),
            who => Some(who),
        };
        self.shares = snapshot.peers.iter().find(|peer| peer.sharing).map(|peer| peer.member.clone());
        self.pinned = self.pinned.take().and_then(seat);
        self.full = self.full.take().and_then(seat);
        self.popped = std::mem::take(&mut self.popped).into_iter().filter_map(seat).collect();
        self.figures = std::mem::take(&mut self.figures).into_iter().filter_map(seat).collect();
        self.turns = std::mem::take(&mut self.turns).into_iter().filter_map(|(who, turn)| Some((seat(who)?, turn))).collect();
        let speaks = snapshot.speaker.as_ref().filter(|member| names.contains_key(*member));
        let spoke = speaks.cloned().or(self.spoke.take()).map(Who::Peer).and_then(seat);
        self.spoke = spoke.and_then(|who| if let Who::Peer(member) = who { Some(member) } else { None });
    }

    /// Who is on the stage, in order: the others as they came, then oneself. Not those in windows of their own.
    pub fn on_stage(&self, peers: &[Peer]) -> Vec<Who> {
        let everybody = peers.iter().map(|p| Who::Peer(p.member.clone())).chain([Who::Me]);
        match &self.full {
            Some(one) => vec![one.clone()],
            None => everybody.filter(|who| !self.popped.contains(who)).collect(),
        }
    }

    /// Which of these is the large one: whoever is pinned, else who of the others shares a screen, or spoke last, else the first.
    pub fn main(&self, shown: &[Who]) -> usize {
        let place = |wanted: &Who| shown.iter().position(|who| who == wanted);
        let peer = |member: &Option<MemberId>| member.clone().and_then(|member| place(&Who::Peer(member)));
        self.pinned.as_ref().and_then(place).or_else(|| peer(&self.shares)).or_else(|| peer(&self.spoke)).unwrap_or(0)
    }

    /// How these are shown: somebody who is pinned or shares a screen is large in any case.
    pub fn arrangement(&self, saved: &Saved) -> Arrangement {
        match saved.arrangement {
            Arrangement::Grid if self.pinned.is_some() || self.shares.is_some() => Arrangement::Main,
            chosen => chosen,
        }
    }

    /// How somebody's picture is turned.
    pub fn turn(&self, who: &Who) -> Turn {
        self.turns.get(who).copied().unwrap_or_default()
    }

    /// Somebody was clicked. A second click within a moment is a double one, which gives them all of the screen (or takes it back).
    pub fn click(&mut self, who: Who, now: Duration) -> Option<Act> {
        match self.clicked.take() {
            Some((before, at)) if before == who && now.saturating_sub(at) < DOUBLE => {
                Some(Act::Full((self.full.as_ref() != Some(&who)).then_some(who)))
            }
            _ => {
                self.clicked = Some((who, now));
                None
            }
        }
    }

    /// A click that stayed alone pins, or lets go; else, after how long to ask again.
    pub fn settle(&mut self, now: Duration) -> Result<Option<Act>, Duration> {
        let Some((who, at)) = self.clicked.take() else { return Ok(None) };
        let left = DOUBLE.saturating_sub(now.saturating_sub(at));
        if left > Duration::ZERO {
            self.clicked = Some((who, at));
            return Err(left);
        }
        // Of one alone there is nobody to be larger than.
        Ok(self.full.is_none().then(|| Act::Pin((self.pinned.as_ref() != Some(&who)).then_some(who))))
    }

    /// Whether nothing but pictures is shown.
    pub fn is_bare(&self) -> bool {
        self.full_screen || self.compact
    }

    /// What Esc means now, if anything.
    pub fn back(&self) -> Option<Act> {
        if self.question.is_some() {
            Some(Act::Ask(None))
        } else if self.help {
            Some(Act::Help(false))
        } else if self.full.is_some() {
            Some(Act::Full(None))
        } else if self.full_screen {
            Some(Act::FullScreen(false))
        } else if self.compact {
            Some(Act::Compact(false))
        } else {
            self.pinned.is_some().then_some(Act::Pin(None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(member: &str, name: &str) -> Peer {
        Peer {
            member: MemberId::new(member),
            name: name.into(),
            mic: true,
            camera: true,
            recording: false,
            sharing: false,
            picture: crate::base::Slot::new(),
            receiving: true,
            volume: crate::call::Volume::default(),
            stats: Default::default(),
            trouble: None,
            unreadable: None,
        }
    }

    fn call(peers: &[(&str, &str)], speaker: Option<&str>) -> Snapshot {
        let peers = peers.iter().map(|(member, name)| peer(member, name)).collect();
        Snapshot { peers, speaker: speaker.map(MemberId::new), ..Snapshot::default() }
    }

    fn who(member: &str) -> Who {
        Who::Peer(MemberId::new(member))
    }

    #[test]
    fn the_large_one_is_whoever_is_pinned_or_spoke_last() {
        let mut look = Look::default();
        let mut see = |speaker| {
            let snapshot = call(&[("a", "Ada"), ("b", "Bob")], speaker);
            look.follow(&snapshot);
            let shown = look.on_stage(&snapshot.peers);
            assert_eq!(shown.len(), 3);
            look.main(&shown)
        };
        assert_eq!([see(None), see(Some("b")), see(None), see(Some("me")), see(Some("a"))], [0, 1, 1, 1, 0]);
        look.pinned = Some(Who::Me);
        let snapshot = call(&[("a", "Ada"), ("b", "Bob")], Some("b"));
        look.follow(&snapshot);
        assert_eq!(look.main(&look.on_stage(&snapshot.peers)), 2);
        assert_eq!(look.arrangement(&Saved::default()), Arrangement::Main);
    }

    #[test]
    fn a_shared_screen_is_large_without_being_asked_for() {
        let mut look = Look::default();
        let mut snapshot = call(&[("a", "Ada"), ("b", "Bob")], Some("a"));
        snapshot.peers[1].sharing = true;
        look.follow(&snapshot);
        let shown = look.on_stage(&snapshot.peers);
        assert_eq!((look.main(&shown), look.arrangement(&Saved::default())), (1, Arrangement::Main));
        look.pinned = Some(who("a"));
        assert_eq!(look.main(&shown), 0, "who was chosen stays large");
        snapshot.peers[1].sharing = false;
        look.pinned = None;
        look.follow(&snapshot);
        assert_eq!(look.arrangement(&Saved::default()), Arrangement::Grid);
    }

    #[test]
    fn whoever_comes_back_on_another_seat_is_arranged_as_before() {
        let mut look = Look { pinned: Some(who("a")), ..Look::default() };
        look.turns.insert(who("a"), Turn::Half);
        look.popped.insert(who("b"));
        look.follow(&call(&[("a", "Ada"), ("b", "Bob")], Some("a")));
        look.follow(&call(&[("a2", "Ada"), ("b", "Bob")], None));
        assert_eq!(
            (look.pinned.clone(), look.turn(&who("a2")), look.main(&[who("b"), who("a2")])),
            (Some(who("a2")), Turn::Half, 1)
        );
        look.follow(&call(&[("a2", "Ada")], None));
        assert!(look.popped.is_empty(), "who left is forgotten");
        look.follow(&call(&[("c", "Carl")], None));
        assert_eq!((look.pinned, look.turns.len(), look.spoke), (None, 0, None));
    }

    #[test]
    fn a_click_pins_and_a_double_click_fills_the_screen() {
        let at = Duration::from_millis;
        let mut look = Look::default();
        assert_eq!(look.click(who("a"), at(0)), None);
        assert_eq!(look.settle(at(100)), Err(at(200)));
        assert_eq!(look.settle(at(300)), Ok(Some(Act::Pin(Some(who("a"))))));
        assert_eq!(look.settle(at(400)), Ok(None), "once");
        look.pinned = Some(who("a"));
        look.click(who("a"), at(1000));
        assert_eq!(look.settle(at(1300)), Ok(Some(Act::Pin(None))));
        look.click(who("a"), at(2000));
        assert_eq!(look.click(who("a"), at(2200)), Some(Act::Full(Some(who("a")))));
        assert_eq!(look.settle(at(3000)), Ok(None));
        // Two quick clicks on different people are two single ones.
        look.click(who("a"), at(4000));
        assert_eq!(look.click(who("b"), at(4100)), None);
        look.full = Some(who("a"));
        look.click(who("a"), at(5000));
        assert_eq!(look.settle(at(5300)), Ok(None), "there is nobody beside them");
        look.click(who("a"), at(6000));
        assert_eq!(look.click(who("a"), at(6100)), Some(Act::Full(None)));
    }

    #[test]
    fn escape_goes_back_one_step_at_a_time() {
        let mut look =
            Look { pinned: Some(Who::Me), full: Some(Who::Me), full_screen: true, compact: true, help: true, ..Look::default() };
        look.question = Some(Question::EndForAll);
        assert_eq!(look.back(), Some(Act::Ask(None)));
        look.question = None;
        assert_eq!(look.back(), Some(Act::Help(false)));
        look.help = false;
        assert_eq!(look.back(), Some(Act::Full(None)));
        look.full = None;
        assert_eq!(look.back(), Some(Act::FullScreen(false)));
        look.full_screen = false;
        assert_eq!(look.back(), Some(Act::Compact(false)));
        look.compact = false;
        assert_eq!(look.back(), Some(Act::Pin(None)));
        look.pinned = None;
        assert_eq!(look.back(), None);
    }

    #[test]
    fn what_is_remembered_can_be_read_from_older_versions() {
        let read: Saved = serde_json::from_str(r#"{"arrangement": "inset"}"#).unwrap();
        assert_eq!(read, Saved { arrangement: Arrangement::Inset, ..Saved::default() });
    }
}
