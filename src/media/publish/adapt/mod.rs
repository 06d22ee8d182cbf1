//! What to send under the circumstances: bit rate, pictures a second and size, from what is known of the way, the receivers, the computer
//! and the wishes. Pure: time and [`Signals`] in, a [`Target`] out.
//!
//! Sound comes first: it is a small part of the rate and never left out. When there is less than the picture wants, the bit rate goes down at
//! once; below some rates there are fewer pictures, below others smaller ones. Up it goes slowly, and ever more slowly towards a rate that
//! was too much before.

mod ladder;
mod load;
mod rate;
#[cfg(test)]
mod simulation;

pub use ladder::Full;
pub use rate::Path;

use ladder::Ladder;
use load::Load;
use rate::Rate;
use std::time::Duration;

/// A better level is taken after this long on the one before: once for more pictures, once for larger ones, which cost a key frame.
const UP: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(6));
/// Smaller pictures because nobody wants larger ones: only after this long, for windows are moved about.
const SHRINK: Duration = Duration::from_secs(4);
/// Below this share of the full rate the way counts as busy, and from the other on as free again.
const BUSY: (f64, f64) = (0.75, 0.95);
/// Pictures a second while nobody looks: enough to begin at once when somebody does.
const UNSEEN_FPS: u32 = 5;

/// With less than this in all the sound takes less too, until there is as much as the other again.
const LITTLE: (f64, f64) = (130.0, 200.0);
const LITTLE_SOUND_KBPS: u32 = 16;
/// A new size costs a key frame: not more often than this.
const RESIZE: Duration = Duration::from_secs(1);

/// What is known at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signals {
    /// The way to the server.
    pub line: Path,
    /// The whole way to the receiver who gets it worst, if somebody complains.
    pub receiver: Option<Path>,
    /// Time to encode a picture, as a share of the time between two.
    pub encode_load: f32,
    /// Height of the largest picture that anybody wants, 0 for none at all; `None` if that is not known.
    pub wanted: Option<u32>,
    /// Kilobits of sound a second.
    pub sound_kbps: f32,
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The picture's bit rate.
    pub kbps: u32,
    /// Pictures a second at most.
    pub fps: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Whether the rate is below what was asked for, so that single pictures must not be large.
    pub constrained: bool,
    /// The sound's bit rate where even that has to be less than usual.
    pub sound_kbps: Option<u32>,
}

/// Why something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// One's own network carries less (NET_BUSY).
    Network,
    /// A receiver's network carries less.
    Receiver,
    /// The computer is too slow.
    Computer,
    /// Nobody wants a larger picture, or somebody does again.
    Viewers,
    /// There is room for more again.
    Recovery,
}

impl Cause {
    /// Its name in logs and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "NET_BUSY",
            Self::Receiver => "PEER_BUSY",
            Self::Computer => "CPU_BUSY",
            Self::Viewers => "VIEW_CHANGED",
            Self::Recovery => "RECOVERED",
        }
    }
}

/// A change worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is sent from now on.
    pub target: Target,
    /// Why.
    pub cause: Cause,
}

/// The controller of one stream.
#[derive(Debug)]
pub struct Adapt {
    ladder: Ladder,
    rate: Rate,
    load: Load,
    /// The level that the rate allows, and since when.
    level: (usize, Duration),
    /// The size that somebody wants, as a level's, and since when a smaller one would do.
    wanted: (Option<u32>, Option<Duration>),
    /// Whether that has changed since the last change was told.
    viewers: bool,
    /// When the size last changed, and what it was made of.
    resized: Option<Duration>,
    source: (u32, u32),
    /// What was last told.
    busy: Option<Cause>,
    target: Target,
}

impl Adapt {
    /// Begins with all there is.
    pub fn new(full: Full, now: Duration) -> Self {
        let ladder = Ladder::new(full);
        let target = Target {
            kbps: full.kbps,
            fps: full.fps,
            width: full.width,
            height: full.height,
            constrained: false,
            sound_kbps: None,
        };
        Self {
            rate: Rate::new(f64::from(full.kbps), now),
            load: Load::default(),
            level: (0, now),
            wanted: (None, None),
            viewers: false,
            resized: None,
            source: (full.width, full.height),
            busy: None,
            target,
            ladder,
        }
    }

    /// What is sent when nothing is in the way; a source or the number of people may change it.
    pub fn set_full(&mut self, full: Full, now: Duration) {
        if full == *self.ladder.full() {
            return;
        }
        let level = self.level.0;
        self.ladder = Ladder::new(full);
        self.level = (level.min(self.ladder.last()), now);
        self.target = self.decide(now);
    }

    /// What to send.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Kilobits a second that the line is expected to carry, with sound and headers.
    pub fn line_kbps(&self) -> f64 {
        self.rate.kbps()
    }

    /// Bytes of this stream were handed to the line.
    pub fn sent(&mut self, bytes: usize, now: Duration) {
        self.rate.sent(bytes, now);
    }

    /// Whether the next picture should be left out so that what waits can go: the line is behind, and a newer picture will come.
    pub fn should_skip(&mut self, signals: &Signals) -> bool {
        let skip = signals.line.age > rate::SKIP;
        if skip {
            self.rate.left_out(f64::from(self.target.kbps) * 1000.0 / f64::from(self.target.fps.max(1)));
        }
        skip
    }

    /// Thinks again; to be called for each picture that comes.
    pub fn update(&mut self, signals: &Signals, now: Duration) -> Option<Change> {
        let sound = f64::from(signals.sound_kbps) + rate::HEADERS_KBPS;
        let full = f64::from(self.ladder.full().kbps) + sound;
        let floor = match self.ladder.full().shared_floor_kbps {
            0 => 0.0,
            kbps => f64::from(kbps) + sound,
        };
        let blamed = self.rate.update(signals, full, floor, now);
        let picture = (self.rate.kbps() - sound).max(f64::from(rate::LEAST_PICTURE_KBPS));
        self.load.update(signals.encode_load, self.ladder.last(), now);
        let before = self.target;
        let level = self.climb(picture, now);
        let wanted = self.wanted.0;
        self.note_wanted(signals.wanted, now);
        self.viewers |= self.wanted.0 != wanted;
        self.target = self.decide(now);
        let cause = self.cause(blamed, full, level, before);
        cause.map(|cause| Change { target: self.target, cause })
    }

    /// Moves along the ladder; returns whether it was down or up.
    fn climb(&mut self, picture_kbps: f64, now: Duration) -> std::cmp::Ordering {
        let before = self.level.0;
        let mut level = before;
        while level < self.ladder.last() && picture_kbps < self.ladder.least_kbps(level) {
            level += 1;
        }
        if level == before && level > 0 && picture_kbps >= self.ladder.enough_kbps(level - 1) {
            let resizes = self.ladder.size(level) != self.ladder.size(level - 1);
            let since = now.saturating_sub(self.level.1);
            if since >= if resizes { UP.1 } else { UP.0 } {
                level -= 1;
            }
        }
        if level != before {
            self.level = (level, now);
        }
        before.cmp(&level).reverse()
    }

    fn note_wanted(&mut self, wanted: Option<u32>, now: Duration) {
        let (current, shrink) = &mut self.wanted;
        let larger = match (wanted, *current) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(current)) => wanted >= current,
        };
        if larger || now.saturating_sub(*shrink.get_or_insert(now)) >= SHRINK {
            (*current, *shrink) = (wanted, None);
        }
    }

    fn decide(&mut self, now: Duration) -> Target {
        let full = *self.ladder.full();
        let level = self.level.0.max(self.load.level());
        let (mut fps, mut size) = (self.ladder.fps(level), self.ladder.size(level));
        if let Some(wanted) = self.wanted.0 {
            size = size.min(self.ladder.size_for(wanted));
            if wanted == 0 {
                fps = fps.min(UNSEEN_FPS);
            }
        }
        let (mut width, mut height) = size.of(&full);
        let old = self.target;
        if (width, height) != (old.width, old.height) {
            // Of a source of another shape nothing can be kept.
            let fits = old.width <= full.width && old.height <= full.height && self.source == (full.width, full.height);
            if fits && self.resized.is_some_and(|at| now.saturating_sub(at) < RESIZE) {
                (width, height) = (old.width, old.height);
            } else {
                self.resized = Some(now);
            }
        }
        self.source = (full.width, full.height);
        let most = f64::from(full.kbps);
        let useful = self.ladder.useful_kbps(size, fps);
        let kbps = (self.rate.kbps() - self.rate.sound_kbps()).clamp(f64::from(rate::LEAST_PICTURE_KBPS), most).min(useful);
        let constrained = self.rate.is_constrained();
        // The encoder is told of changes that matter only.
        let old = f64::from(self.target.kbps);
        let same = (width, height, fps) == (self.target.width, self.target.height, self.target.fps);
        let kbps = if same && kbps < most && kbps >= old && kbps < old * 1.04 { old } else { kbps };
        let little = if self.target.sound_kbps.is_some() { LITTLE.1 } else { LITTLE.0 };
        let sound_kbps = (self.rate.kbps() < little && constrained).then_some(LITTLE_SOUND_KBPS);
        Target { kbps: kbps as u32, fps, width, height, constrained, sound_kbps }
    }

    /// Why the target differs from before, if that is worth telling.
    fn cause(&mut self, blamed: Option<Cause>, full: f64, level: std::cmp::Ordering, before: Target) -> Option<Cause> {
        let (share, constrained) = (self.rate.kbps() / full, self.rate.is_constrained());
        if let (None, Some(cause)) = (self.busy, blamed)
            && share < BUSY.0
        {
            self.busy = Some(cause);
            return Some(cause);
        }
        let shape = |target: &Target| (target.width, target.height, target.fps);
        if shape(&before) == shape(&self.target) {
            if self.busy.is_some() && share >= BUSY.1 && !constrained {
                self.busy = None;
                return Some(Cause::Recovery);
            }
            return None;
        }
        let viewers = std::mem::take(&mut self.viewers);
        Some(match level {
            std::cmp::Ordering::Greater => blamed.or(self.busy).unwrap_or(Cause::Network),
            std::cmp::Ordering::Less => Cause::Recovery,
            std::cmp::Ordering::Equal => match self.load.changed() {
                Some(true) => Cause::Computer,
                Some(false) => Cause::Recovery,
                None if viewers => Cause::Viewers,
                // A new size that had to wait for a moment.
                None if self.target.height < before.height => self.busy.unwrap_or(Cause::Network),
                None => Cause::Recovery,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Full = Full { kbps: 600, fps: 30, width: 640, height: 360, shared_floor_kbps: 0 };

    fn s(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    /// Runs for so many tenths of a second, three pictures in each; gives the changes.
    fn run(adapt: &mut Adapt, from: u64, to: u64, signals: Signals) -> Vec<Change> {
        (from * 3..to * 3).filter_map(|n| adapt.update(&signals, Duration::from_millis(n * 100 / 3))).collect()
    }

    #[test]
    fn wishes_change_the_size_up_at_once_and_down_later() {
        let mut adapt = Adapt::new(FULL, s(0));
        let wants = |wanted| Signals { wanted, ..Signals::default() };
        assert_eq!(run(&mut adapt, 0, 30, wants(Some(180))), []);
        let changes = run(&mut adapt, 30, 60, wants(Some(180)));
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].cause, changes[0].target.width, changes[0].target.height), (Cause::Viewers, 320, 180));
        assert!(changes[0].target.kbps < 300 && changes[0].target.fps == 30);
        let changes = run(&mut adapt, 60, 61, wants(Some(300)));
        assert_eq!((changes.len(), changes[0].target.height, changes[0].target.kbps), (1, 360, 600));
        run(&mut adapt, 61, 125, wants(Some(0)));
        assert_eq!((adapt.target().height, adapt.target().fps), (90, UNSEEN_FPS));
        run(&mut adapt, 125, 126, wants(None));
        assert_eq!((adapt.target().height, adapt.target().fps), (360, 30));
    }

    #[test]
    fn a_slow_computer_gets_fewer_pictures_and_then_smaller_ones() {
        let mut adapt = Adapt::new(FULL, s(0));
        let load = |encode_load| Signals { encode_load, ..Signals::default() };
        assert_eq!(run(&mut adapt, 0, 10, load(1.2)), [], "a moment is nothing");
        let changes = run(&mut adapt, 10, 60, load(1.2));
        assert_eq!(changes[0].cause, Cause::Computer);
        assert!(changes.len() >= 2 && adapt.target().fps < 30, "{changes:?}");
        let low = adapt.target();
        assert_eq!(run(&mut adapt, 60, 150, load(0.5)), [], "just right");
        let changes = run(&mut adapt, 150, 800, load(0.05));
        assert!(changes.iter().all(|change| change.cause == Cause::Recovery));
        assert_eq!((adapt.target().fps, adapt.target().height), (30, 360), "from {low:?}");
    }

    #[test]
    fn a_receiver_who_shares_the_stream_does_not_take_all_of_it_from_the_others() {
        let full = Full { shared_floor_kbps: 250, ..FULL };
        let mut adapt = Adapt::new(full, s(0));
        let path = Path { late: Duration::from_millis(400), kbps: Some(20), ..Path::default() };
        let changes = run(&mut adapt, 0, 100, Signals { receiver: Some(path), ..Signals::default() });
        assert_eq!(changes[0].cause, Cause::Receiver);
        assert!((200..=260).contains(&adapt.target().kbps), "{:?}", adapt.target());
        run(&mut adapt, 100, 200, Signals { line: path, ..Signals::default() });
        assert!(adapt.target().kbps < 60, "one's own line is another matter: {:?}", adapt.target());
    }

    #[test]
    fn a_change_of_what_is_asked_for_is_obeyed_at_once() {
        let mut adapt = Adapt::new(FULL, s(0));
        run(&mut adapt, 0, 10, Signals::default());
        adapt.set_full(Full { kbps: 300, fps: 15, ..FULL }, s(10));
        run(&mut adapt, 10, 11, Signals::default());
        assert_eq!((adapt.target().kbps, adapt.target().fps), (300, 15));
        adapt.set_full(FULL, s(11));
        run(&mut adapt, 11, 12, Signals::default());
        assert_eq!((adapt.target().kbps, adapt.target().fps), (600, 30));
    }
}
