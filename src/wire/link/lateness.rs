//! How late a stream's pictures arrive, for its publisher to know. Pure bookkeeping; time is an argument.

use std::time::Duration;

use crate::rtmp::{PacketKind, Reception};

/// The shortest way seen is forgotten after this long, or twice as long: clocks drift, and the way may change.
const BASE_AGE: Duration = Duration::from_secs(10);

/// How often it may be told: fast enough to act upon, and next to nothing to send.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Lateness below this is the network's ordinary unrest: nothing is told.
const LEAST: Duration = Duration::from_millis(50);

/// Time stamps that jump by more than this begin another time line.
const JUMP_US: i64 = 5_000_000;

/// What a receiver sees of one stream.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// Least arrival time minus time stamp, in microseconds: of this span, and of the one before; and when this one began.
    base: (Option<i64>, Option<i64>, Duration),
    /// Of the pictures since the last look: the least late one, so that a single large one does not count.
    least_us: Option<i64>,
    bytes: usize,
    since: Duration,
    /// Whether trouble was told last.
    told: bool,
}

impl Lateness {
    /// Notes a packet.
    pub fn note(&mut self, kind: PacketKind, timestamp_ms: u32, bytes: usize, now: Duration) {
        self.bytes += bytes;
        if kind != PacketKind::Video {
            return;
        }
        let way = i64::try_from(now.as_micros()).unwrap_or(i64::MAX).saturating_sub(i64::from(timestamp_ms) * 1000);
        let base = self.base();
        if base.is_none_or(|base| (way - base).abs() > JUMP_US) {
            (self.base, self.least_us) = ((Some(way), None, now), None);
        }
        let (this, before, since) = &mut self.base;
        if now.saturating_sub(*since) > BASE_AGE {
            (*before, *this, *since) = (*this, None, now);
        }
        *this = Some(this.map_or(way, |least| least.min(way)));
        let late = way - self.base().unwrap_or(way);
        self.least_us = Some(self.least_us.map_or(late, |least| least.min(late)));
    }

    fn base(&self) -> Option<i64> {
        self.base.0.into_iter().chain(self.base.1).min()
    }

    /// What the publisher should be told now, if anything.
    pub fn poll(&mut self, now: Duration) -> Option<Reception> {
        let span = now.saturating_sub(self.since);
        if span < TELL_EVERY {
            return None;
        }
        let bits = std::mem::take(&mut self.bytes) as f64 * 8.0;
        self.since = now;
        let late = Duration::from_micros(u64::try_from(self.least_us.take()?).unwrap_or(0));
        let bad = late >= LEAST;
        // The end of it is told once.
        let told = std::mem::replace(&mut self.told, bad);
        let kbps = (bits / 1000.0 / span.as_secs_f64()) as u32;
        (bad || told).then(|| Reception { late_ms: u32::try_from(late.as_millis()).unwrap_or(u32::MAX), kbps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_that_is_late_as_a_whole_is_told_of() {
        let mut lateness = Lateness::default();
        let mut told = Vec::new();
        for n in 0..300_u64 {
            // One large picture a second comes late alone; from the 100th to the 149th all do, more and more.
            let late = match n {
                100..150 => (n - 100) * 5,
                n if n % 30 == 29 => 30,
                _ => n % 4,
            };
            let now = Duration::from_millis(n * 33 + 20 + late);
            lateness.note(PacketKind::Video, (n * 33) as u32, 2500, now);
            lateness.note(PacketKind::Audio, 0, 100, now);
            told.extend(lateness.poll(now).map(|reception| (n, reception)));
        }
        let (first, last) = (told.first().unwrap(), told.last().unwrap());
        assert!((110..120).contains(&first.0) && (50..100).contains(&first.1.late_ms), "{first:?}");
        assert!((150..170).contains(&last.0) && last.1.late_ms < 10, "{last:?}");
        assert!(told.len() >= 4 && (400..900).contains(&first.1.kbps), "{told:?}");
    }

    #[test]
    fn another_time_line_begins_anew() {
        let mut lateness = Lateness::default();
        for n in 0..100_u64 {
            let timestamp_ms = if n < 50 { 1_000_000 + n * 33 } else { n * 33 };
            let now = Duration::from_millis(n * 33);
            lateness.note(PacketKind::Video, timestamp_ms as u32, 100, now);
            assert_eq!(lateness.poll(now), None);
        }
    }
}
