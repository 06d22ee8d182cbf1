//! A stream's figures at each tenth of a second of a run, for tools that draw them.

use crate::media::stats::{History, Sample};
use serde::Serialize;
use std::time::Duration;

/// Points kept at most: over an hour.
const MOST: usize = 40_000;

/// What was at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point<S> {
    /// Milliseconds since the enter request.
    pub t_ms: u64,
    /// What it was.
    #[serde(flatten)]
    pub sample: S,
}

/// A whole run of what a [`History`] keeps for a minute.
#[derive(Clone, Debug)]
pub(super) struct Timeline<S> {
    start: Duration,
    last: Duration,
    points: Vec<Point<S>>,
}

impl<S: Sample> Timeline<S> {
    /// An empty one that counts from `start`.
    pub(super) fn new(start: Duration) -> Self {
        Self { start, last: Duration::ZERO, points: Vec::new() }
    }

    /// An empty one that counts from the same moment.
    pub(super) fn beside<T: Sample>(&self) -> Timeline<T> {
        Timeline::new(self.start)
    }

    /// Takes over what is new; to be called at least once a minute.
    pub(super) fn follow(&mut self, history: &History<S>) {
        for sample in history.after(self.last) {
            self.last = sample.at();
            if self.points.len() < MOST {
                let t_ms = u64::try_from(sample.at().saturating_sub(self.start).as_millis()).unwrap_or(u64::MAX);
                self.points.push(Point { t_ms, sample });
            }
        }
    }

    /// All points so far.
    pub(super) fn points(&self) -> Vec<Point<S>> {
        self.points.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::stats::PlaySample;

    #[test]
    fn every_sample_comes_once_and_is_timed_from_the_start() {
        let history = History::default();
        let mut timeline = Timeline::new(Duration::from_secs(100));
        for tenth in 0..20_u64 {
            history.add(PlaySample { at: Duration::from_millis(100_000 + tenth * 100), kbps: 5.0, ..PlaySample::default() });
            if tenth % 3 == 0 {
                timeline.follow(&history);
            }
        }
        timeline.follow(&history);
        timeline.follow(&history);
        let times: Vec<u64> = timeline.points().iter().map(|p| p.t_ms).collect();
        assert_eq!(times, (0..20).map(|tenth| tenth * 100).collect::<Vec<_>>());
        let json = serde_json::to_value(timeline.points()[1]).unwrap();
        assert_eq!((&json["t_ms"], &json["kbps"], json.get("at")), (&100.into(), &5.0.into(), None));
    }
}
