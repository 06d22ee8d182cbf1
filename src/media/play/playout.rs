//! The one playout clock of a peer: which moment of its stream is heard and seen when.
//!
//! Sound is the master: its jitter buffer decides which media time is heard at which tick, and pictures follow. A picture may lead or
//! follow the sound by 20 ms, well within what people notice (45 ms early, 125 ms late: ITU-R BT.1359); the player uses that to show
//! pictures as early as they come steadily, because sound is inevitably late by the length of its packets. Without sound the
//! pictures run by their own arrival.

use super::delay::{Arrivals, micros, moment};
use super::jitter::{Played, Sound};
use super::meter::Level;
use super::pace::Latency;
use crate::media::audio::Tick;
use crate::media::frame::CHUNK_SAMPLES;
use std::time::Duration;

/// A picture is shown at most this much before its sound is heard...
const LEAD_US: i64 = 20_000;
/// ...and planned at most this much after it.
const LAG_US: i64 = 20_000;
/// Sound that has not been heard for this long no longer leads.
const SILENT: Duration = Duration::from_millis(500);
/// When sound fails to come, pictures wait with it for this long: it goes on from where it stands. A longer gap ends with a jump.
const MOST_WAIT_US: i64 = 100_000;
/// Where pictures have come that are newer than the sound by more than this, no sound is sent.
const MUTE_US: i64 = 40_000;
/// Length of a tick.
const TICK_US: i64 = 10_000;
/// No picture waits longer than the delay limit and this: its timestamp must be wrong.
const IMPLAUSIBLE: Duration = Duration::from_secs(1);

/// Tells the pictures that a relay keeps for late comers from those that come as they are taken: they come all at once. How late they are
/// says nothing about the network.
#[derive(Debug, Default)]
enum CatchingUp {
    #[default]
    NoPictureYet,
    /// Media time and arrival of the last one.
    Since(i64, Duration),
    Done,
}

impl CatchingUp {
    /// Whether the picture that arrived now was sent before we were there. The first of all counts as such.
    fn is_old(&mut self, media_us: i64, arrived: Duration) -> bool {
        let old = match *self {
            Self::NoPictureYet => true,
            Self::Since(last_us, last) => micros(arrived.saturating_sub(last)) < (media_us - last_us) / 2,
            Self::Done => false,
        };
        *self = if old { Self::Since(media_us, arrived) } else { Self::Done };
        old
    }
}

/// The playout clock and the jitter buffer of one peer.
pub(super) struct Playout {
    pub(super) sound: Sound,
    pictures: Arrivals,
    /// Media time and arrival of the last picture, while those come that were sent before we were there.
    catching_up: CatchingUp,
    /// When media time zero is heard, in microseconds by the local clock, and when that was so.
    heard: Option<(i64, Duration)>,
    /// How long its next sample has been waited for, in microseconds.
    waits_us: i64,
    /// Media time of the newest picture that has come.
    newest_picture_us: Option<i64>,
    /// From tick to ear, in microseconds.
    latency_us: i64,
    /// From arrival to decoded, in microseconds.
    decode_us: i64,
    pub(super) level: Level,
    /// When the first sound was played.
    pub(super) first_sound: Option<Duration>,
}

impl Playout {
    /// A clock that delays as `latency` says.
    pub(super) fn new(latency: Latency) -> Self {
        Self {
            sound: Sound::new(latency),
            pictures: Arrivals::default(),
            catching_up: CatchingUp::default(),
            heard: None,
            waits_us: 0,
            newest_picture_us: None,
            latency_us: 0,
            decode_us: 0,
            level: Level::default(),
            first_sound: None,
        }
    }

    /// Another stream begins.
    pub(super) fn restart(&mut self) {
        self.sound.restart();
        self.pictures.clear();
        self.catching_up = CatchingUp::default();
        self.heard = None;
        (self.waits_us, self.newest_picture_us) = (0, None);
    }

    /// The next 10 ms of sound.
    pub(super) fn render(&mut self, tick: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        self.latency_us = micros(tick.due) - micros(tick.now);
        match self.sound.pull(tick.now, out) {
            Played::Sound(media_us) => {
                self.heard = Some((micros(tick.due) - media_us, tick.now));
                self.waits_us = 0;
                self.first_sound.get_or_insert(tick.due);
            }
            // The time line goes on as it was.
            Played::Silence => self.heard = self.heard.map(|(zero, _)| (zero, tick.now)),
            // Behind a hole it goes on where the hole ends.
            Played::Nothing if self.sound.is_starved() => self.wait(),
            Played::Nothing => {}
        }
        self.level.add(out);
    }

    /// Nothing has come to be played: what was due at this tick is heard at the next one at the earliest. Unless pictures go on, without their sound.
    fn wait(&mut self) {
        let missing = self.sound.tail_us().zip(self.newest_picture_us).is_some_and(|(sound, picture)| picture <= sound + MUTE_US);
        self.waits_us = if missing { (self.waits_us + TICK_US).min(MOST_WAIT_US) } else { 0 };
    }

    /// Notes that a coded picture arrived. Returns whether it belongs to another time line than those before.
    pub(super) fn picture_arrived(&mut self, media_us: i64, arrived: Duration) -> bool {
        let foreign = self.pictures.is_foreign(media_us, arrived);
        self.newest_picture_us = Some(media_us);
        if foreign {
            self.pictures.clear();
        }
        if self.catching_up.is_old(media_us, arrived) {
            return foreign;
        }
        self.pictures.note(media_us, arrived);
        if let (Some(ready), Some(floor)) = (self.ready_us(), self.sound.arrivals().floor_us()) {
            self.sound.set_picture_need(ready - floor - self.latency_us - LAG_US);
        }
        foreign
    }

    /// Notes how long decoding takes.
    pub(super) fn decoding_takes(&mut self, time: Duration) {
        self.decode_us += (micros(time) - self.decode_us) / 16;
    }

    /// When the picture of this media time is to be shown.
    pub(super) fn picture_due(&self, media_us: i64, now: Duration) -> Duration {
        let ready = self.ready_us();
        let heard = self.heard.filter(|(_, at)| now.saturating_sub(*at) < SILENT).map(|(zero, _)| zero + self.waits_us);
        let zero = match (heard, ready) {
            (Some(heard), Some(ready)) => ready.clamp(heard - LEAD_US, heard + LAG_US),
            (Some(heard), None) => heard - LEAD_US,
            (None, Some(ready)) => self.alone_us().map_or(ready, |alone| ready.max(alone)),
            (None, None) => return now,
        };
        let due = moment(media_us.saturating_add(zero));
        if due > now + self.sound.pace().longest() + IMPLAUSIBLE { now } else { due }
    }

    /// How much earlier than a picture shown at `shown` its sound is heard, in microseconds.
    pub(super) fn offset_us(&self, media_us: i64, shown: Duration) -> Option<i64> {
        let (zero, at) = self.heard?;
        (shown.saturating_sub(at) < SILENT).then(|| micros(shown) - media_us.saturating_add(zero))
    }

    /// Interarrival jitter in microseconds: of the sound if there is any, else of the pictures.
    pub(super) fn jitter_us(&self) -> f64 {
        let sound = self.sound.arrivals();
        if sound.last().is_some() { sound.jitter_us() } else { self.pictures.jitter_us() }
    }

    /// Arrival and decoding minus media time that 95 % of the pictures do not exceed.
    fn ready_us(&self) -> Option<i64> {
        self.pictures.ready_us().map(|late| late + self.decode_us)
    }

    /// When media time zero is seen where there is no sound to follow: in a live stream as late as its sound would be.
    fn alone_us(&self) -> Option<i64> {
        let floor = self.pictures.floor_us().filter(|_| self.sound.pace().is_live())?;
        Some(floor + self.sound.target_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::play::decode;

    const START: Duration = Duration::from_secs(500);

    fn at(ms: i64) -> Duration {
        START + Duration::from_millis(ms as u64)
    }

    fn playout() -> Playout {
        let mut playout = Playout::new(Latency::Call);
        playout.sound.set_decoder(Box::new(decode::tests::Pcm));
        playout
    }

    /// Runs sound (20 ms packets) and pictures (40 ms apart, `late` ms late) for `ms`; returns delay and offset of the pictures in ms.
    fn run(playout: &mut Playout, ms: i64, late: impl Fn(i64) -> i64, sound: bool) -> Vec<(i64, Option<i64>)> {
        let mut shown = Vec::new();
        let mut waiting = Vec::new();
        for t in 0..ms {
            if sound && t % 20 == 0 && t >= 20 {
                playout.sound.push((t - 20) * 1000, decode::tests::pcm(&[0.1; 960]), at(t + 1));
            }
            if sound && t % 10 == 0 {
                let tick = Tick { now: at(t), due: at(t) };
                playout.render(tick, &mut [0.0; CHUNK_SAMPLES]);
            }
            let i = t / 40;
            if t == i * 40 + late(i) {
                assert!(!playout.picture_arrived(i * 40_000, at(t)));
                waiting.push(i * 40);
            }
            waiting.retain(|&media| {
                let due = playout.picture_due(media * 1000, at(t)) <= at(t);
                if due {
                    shown.push((t - media, playout.offset_us(media * 1000, at(t)).map(|us| us / 1000)));
                }
                !due
            });
        }
        shown
    }

    #[test]
    fn on_a_clean_network_pictures_are_early_and_within_20_ms_of_their_sound() {
        let shown = run(&mut playout(), 4_000, |_| 6, true);
        let (delay, offset) = shown[shown.len() - 1];
        assert!((20..=30).contains(&delay), "{delay} ms");
        assert!((-21..=-19).contains(&offset.unwrap()), "{offset:?} ms");
    }

    #[test]
    fn pictures_wait_with_sound_that_fails_to_come_but_not_with_one_that_is_not_sent() {
        for muted in [false, true] {
            let mut playout = playout();
            let mut due = Vec::new();
            for t in (0..2_000_i64).step_by(10) {
                // Nothing comes for 80 ms; what was sent meanwhile comes at once.
                let came = match t {
                    1_000..1_080 => t..t,
                    1_080 => 1_000..1_090,
                    _ => t..t + 10,
                };
                for t in came.step_by(10).filter(|t| t % 20 == 0 && *t >= 20) {
                    playout.sound.push((t - 20) * 1000, decode::tests::pcm(&[0.1; 960]), at(t + 1));
                    playout.picture_arrived(t * 1000, at(t + 1));
                }
                if muted && (1_000..1_080).contains(&t) {
                    playout.picture_arrived(t * 1000, at(t));
                }
                playout.render(Tick { now: at(t), due: at(t) }, &mut [0.0; CHUNK_SAMPLES]);
                due.push(micros(playout.picture_due(t * 1000, at(t))) / 1000 - micros(at(t)) / 1000);
            }
            let (before, during) = (due[99], due[107]);
            match muted {
                false => assert!((20..=80).contains(&(during - before)), "{before} -> {during}"),
                true => assert!((-20..=20).contains(&(during - before)), "{before} -> {during}"),
            }
        }
    }

    #[test]
    fn steadily_late_pictures_draw_the_sound_along() {
        let shown = run(&mut playout(), 20_000, |_| 38, true);
        let late = run(&mut playout(), 20_000, |i| if i % 2 == 0 { 10 } else { 36 }, true);
        for shown in [shown, late] {
            let (_, offset) = shown[shown.len() - 1];
            assert!(offset.unwrap().abs() <= 25, "{offset:?}");
        }
    }

    #[test]
    fn without_sound_pictures_run_by_themselves_and_smoothly() {
        let shown = run(&mut playout(), 4_000, |i| (i * 7) % 20, false);
        let last = &shown[shown.len() - 40..];
        assert!(last.iter().all(|(delay, offset)| (18..=20).contains(delay) && offset.is_none()), "{last:?}");
    }

    #[test]
    fn pictures_from_before_do_not_count_as_late() {
        let mut playout = playout();
        // A second of pictures at once, then one each 40 ms, 5 ms after it was taken.
        for i in 0..25 {
            playout.picture_arrived(i * 40_000, at(1_000));
        }
        for i in 25..50 {
            playout.picture_arrived(i * 40_000, at(i * 40 + 5));
        }
        assert_eq!(playout.ready_us(), Some(micros(START) + 5_000));
    }

    #[test]
    fn an_absurd_timestamp_does_not_hold_a_picture_for_ever() {
        let mut playout = playout();
        playout.picture_arrived(0, at(0));
        playout.picture_arrived(40_000, at(40));
        assert_eq!(playout.picture_due(3_600_000_000, at(41)), at(41));
        assert!(playout.picture_arrived(7_200_000_000, at(42)), "a new time line");
    }
}
