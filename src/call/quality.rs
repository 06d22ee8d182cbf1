//! How good the call is: what is sent at most, what the others want of it, and whose side trouble is on. Pure; time is an argument.

use crate::media::capture::screen;
use crate::media::publish::{Cause, Change, Quality};
use crate::media::stats::PlayStats;
use crate::proto::api::ReceivedBy;
use crate::proto::{MemberId, Mode};
use std::time::Duration;

/// What others tell with their heartbeats (each 5 s) is old after missing two of them.
const REPORT_AGE: Duration = Duration::from_secs(16);
/// Standing still for so long, within so long, is trouble; and so is a picture that is late by this.
const FROZEN: (u64, Duration) = (700, Duration::from_secs(5));
const LATE_MS: f32 = 700.0;
/// Trouble is shown for a while, so that the sign does not blink.
const SHOWN: Duration = Duration::from_secs(6);

/// Whose side trouble is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// One's own network.
    MyNetwork,
    /// One's own computer.
    MyComputer,
    /// Theirs.
    Theirs,
}

/// What is sent at most with so many people, oneself included. What was asked for by `kbps` is left as it is.
///
/// The more there are, the more pictures each computer has to decode, and the smaller they are shown.
pub(super) fn limits(mode: Mode, people: usize, kbps: Option<u32>) -> Quality {
    let (preset, height) = match (mode, people) {
        (Mode::Live | Mode::Duo, _) => (600, u32::MAX),
        (Mode::Multi, 0..=2) => (400, u32::MAX),
        (Mode::Multi, 3) => (350, u32::MAX),
        (Mode::Multi, 4) => (300, u32::MAX),
        (Mode::Multi, 5 | 6) => (250, 270),
        (Mode::Multi, _) => (200, 240),
    };
    let kbps = kbps.unwrap_or(preset);
    // One of several receivers does not take more than half of it from the others.
    let shared_floor_kbps = if people > 2 { kbps / 2 } else { 0 };
    Quality { kbps, height, shared_floor_kbps, ..Quality::default() }
}

/// What is sent at most of what one shares of the screen: as much as its kind needs, however many there are.
pub(super) fn sharing(mode: screen::Mode, usual: Quality) -> Quality {
    let kbps = mode.kbps().max(usual.kbps);
    let shared_floor_kbps = if usual.shared_floor_kbps > 0 { kbps / 2 } else { 0 };
    Quality { kbps, height: u32::MAX, shared_floor_kbps, ..usual }
}

/// On how many lines it is wanted: of text that is made smaller twice nothing can be read, so it is made smaller where it is shown only.
pub(super) fn wanted_of_share(mode: screen::Mode, lines: Option<u32>) -> Option<u32> {
    match mode {
        screen::Mode::Detail => lines.filter(|lines| *lines == 0),
        screen::Mode::Motion => lines,
    }
}

/// What others told of one's own stream.
#[derive(Debug, Default)]
pub(super) struct Reports {
    told: Vec<ReceivedBy>,
    at: Duration,
}

impl Reports {
    pub(super) fn take(&mut self, told: Vec<ReceivedBy>, now: Duration) {
        (self.told, self.at) = (told, now);
    }

    /// Lines of the largest picture that any of `peers` wants; `None` unless all of them told.
    pub(super) fn wanted<'a>(&self, mut peers: impl Iterator<Item = &'a MemberId>, now: Duration) -> Option<u32> {
        if now.saturating_sub(self.at) > REPORT_AGE {
            return None;
        }
        peers.try_fold(None, |most: Option<u32>, peer| {
            let report = self.told.iter().find(|report| report.member == *peer)?;
            let wanted = u32::from(report.figures.wanted?);
            Some(Some(most.map_or(wanted, |most| most.max(wanted))))
        })?
    }
}

/// Whether one's own stream is in trouble.
#[derive(Debug, Default)]
pub(super) struct Mine(Option<Trouble>);

impl Mine {
    pub(super) fn note(&mut self, change: &Change) {
        match change.cause {
            Cause::Network => self.0 = Some(Trouble::MyNetwork),
            Cause::Computer => self.0 = Some(Trouble::MyComputer),
            Cause::Recovery if !change.target.constrained => self.0 = None,
            Cause::Recovery | Cause::Receiver | Cause::Viewers => {}
        }
    }

    /// What it is.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.0
    }
}

/// Whether somebody's stream comes badly.
#[derive(Debug, Default)]
pub(super) struct Judge {
    since: Duration,
    frozen_ms: u64,
    bad_until: Duration,
}

impl Judge {
    /// Looks at the figures of now.
    pub(super) fn is_bad(&mut self, stats: &PlayStats, now: Duration) -> bool {
        let frozen_ms = stats.picture.freeze_ms;
        if now.saturating_sub(self.since) > FROZEN.1 || frozen_ms < self.frozen_ms {
            (self.since, self.frozen_ms) = (now, frozen_ms);
        }
        let late = stats.delay.recent.is_some_and(|delay| delay.p95 > LATE_MS);
        if late || frozen_ms - self.frozen_ms >= FROZEN.0 {
            self.bad_until = now + SHOWN;
        }
        now < self.bad_until
    }
}

/// Whose side it is on that a stream comes badly: one's own if one's own stream has trouble with the network as well, or if several come
/// badly at once, and all the others' do.
pub(super) fn side(mine: Option<Trouble>, bad: usize, streams: usize) -> Trouble {
    if mine == Some(Trouble::MyNetwork) || (streams > 1 && bad == streams) { Trouble::MyNetwork } else { Trouble::Theirs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::publish::Target;
    use crate::media::stats::PictureIn;
    use crate::proto::api::ReceivedFigures;

    fn report(member: &str, wanted: Option<u16>) -> ReceivedBy {
        let figures = ReceivedFigures {
            member: MemberId::new("me"),
            width: 640,
            height: 360,
            fps: 30,
            kbps: 500,
            delay_p50_ms: None,
            delay_p95_ms: None,
            jitter_ms: 0,
            cache_ms: 0,
            freezes: 0,
            wanted,
        };
        ReceivedBy { member: MemberId::new(member), figures }
    }

    #[test]
    fn a_size_is_wanted_when_all_have_told_theirs() {
        let s = Duration::from_secs;
        let mut reports = Reports::default();
        let (a, b) = (MemberId::new("a"), MemberId::new("b"));
        assert_eq!(reports.wanted([&a].into_iter(), s(1)), None);
        reports.take(vec![report("a", Some(180)), report("b", Some(0)), report("c", None)], s(10));
        assert_eq!(reports.wanted([&a, &b].into_iter(), s(11)), Some(180));
        assert_eq!(reports.wanted([&b].into_iter(), s(11)), Some(0));
        assert_eq!(reports.wanted([&a, &MemberId::new("c")].into_iter(), s(11)), None, "who does not tell may want all");
        assert_eq!(reports.wanted([&a, &MemberId::new("d")].into_iter(), s(11)), None, "who is new has not told yet");
        assert_eq!(reports.wanted([&a, &b].into_iter(), s(40)), None, "that was long ago");
        assert_eq!(reports.wanted([].into_iter(), s(11)), None, "nobody is there");
    }

    #[test]
    fn more_people_get_less_each_and_nobody_takes_all_of_it() {
        let kbps = |people| limits(Mode::Multi, people, None).kbps;
        assert!((2..10).all(|people| kbps(people) >= kbps(people + 1)));
        assert_eq!((kbps(4), limits(Mode::Duo, 2, None).kbps), (300, 600));
        assert_eq!(limits(Mode::Multi, 8, None).height, 240);
        assert_eq!(limits(Mode::Multi, 8, Some(900)).kbps, 900, "who asks for a rate gets it");
        assert_eq!((limits(Mode::Duo, 2, None).shared_floor_kbps, limits(Mode::Multi, 4, None).shared_floor_kbps), (0, 150));
    }

    #[test]
    fn a_screen_gets_what_text_needs() {
        let usual = limits(Mode::Multi, 8, None);
        let detail = sharing(screen::Mode::Detail, usual);
        assert_eq!((detail.kbps, detail.height, detail.shared_floor_kbps), (1500, u32::MAX, 750));
        assert_eq!(sharing(screen::Mode::Motion, limits(Mode::Duo, 2, Some(4000))).kbps, 4000, "who asks for more gets it");
        let wanted = |mode| [None, Some(0), Some(300)].map(|lines| wanted_of_share(mode, lines));
        assert_eq!(wanted(screen::Mode::Detail), [None, Some(0), None]);
        assert_eq!(wanted(screen::Mode::Motion), [None, Some(0), Some(300)]);
    }

    #[test]
    fn trouble_is_shown_for_a_while_and_on_the_right_side() {
        let s = |tenths: u64| Duration::from_millis(tenths * 100);
        let mut judge = Judge::default();
        let frozen = |freeze_ms| PlayStats { picture: PictureIn { freeze_ms, ..PictureIn::default() }, ..PlayStats::default() };
        assert!(!judge.is_bad(&frozen(5000), s(100)), "what was before does not count");
        assert!(!judge.is_bad(&frozen(5600), s(110)));
        assert!(judge.is_bad(&frozen(5800), s(112)) && judge.is_bad(&frozen(5800), s(170)));
        assert!(!judge.is_bad(&frozen(5800), s(240)));
        assert!(!judge.is_bad(&frozen(0), s(250)), "another player counts from nothing");
        assert_eq!(side(None, 1, 1), Trouble::Theirs);
        assert_eq!(side(Some(Trouble::MyNetwork), 1, 3), Trouble::MyNetwork);
        assert_eq!((side(None, 3, 3), side(None, 2, 3)), (Trouble::MyNetwork, Trouble::Theirs));

        let mut mine = Mine::default();
        let target = Target { kbps: 100, fps: 15, width: 320, height: 180, constrained: true, sound_kbps: None };
        mine.note(&Change { target, cause: Cause::Network });
        mine.note(&Change { target, cause: Cause::Recovery });
        assert_eq!(mine.trouble(), Some(Trouble::MyNetwork), "better, but not well");
        mine.note(&Change { target: Target { constrained: false, ..target }, cause: Cause::Recovery });
        assert_eq!(mine.trouble(), None);
    }
}
