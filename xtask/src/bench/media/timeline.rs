//! A bot's tenths of seconds, and what they say about a disturbance. Pure.

use serde_json::{Value, json};

/// A picture that stays longer than this is noticed...
const STILL_MS: f64 = 200.0;
/// ...and this is what everybody calls frozen.
const FROZEN_MS: f64 = 500.0;
/// Back is who is no later than this after what was usual before the disturbance, in ms...
const BACK_MS: f64 = 50.0;
/// ...for so many tenths of a second.
const STEADY: usize = 10;

/// What was at a tenth of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Seconds since the beginning of the scenario.
    pub at: f64,
    /// Of the oldest picture shown meanwhile, in ms; not a number if none was.
    pub delay: f64,
    pub buffer: f64,
    pub target: f64,
    /// How long a picture stayed, in ms.
    pub still: f64,
    /// Concealed sound since the point before, in ms.
    pub gap: f64,
    pub av_offset: f64,
    pub kbps: f64,
}

/// The points of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Timeline(pub Vec<Point>);

/// What a timeline says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// p50, p95, p99 and largest delay, in ms.
    pub delay: [f64; 4],
    /// Pictures that stayed for over 200 ms, and for over 500.
    pub stills: usize,
    pub freezes: usize,
    pub longest_still: f64,
    /// Times that sound was concealed, and for how long in all, in ms.
    pub gaps: usize,
    pub gap: f64,
    /// Seconds from the end of the disturbance until the delay is as before; not a number if it never is.
    pub recovered: f64,
}

impl Timeline {
    /// From a bot's points, whose own time began `zero` seconds before the scenario did; those of the first `seconds`.
    pub fn read(points: &[Value], zero: f64, seconds: f64) -> Self {
        let number = |point: &Value, key: &str| point[key].as_f64().unwrap_or(f64::NAN);
        let mut gap_before = 0.0;
        let mut all = Vec::new();
        for point in points {
            let gap = number(point, "gap_ms");
            all.push(Point {
                at: number(point, "t_ms") / 1000.0 - zero,
                delay: number(point, "delay_ms"),
                buffer: number(point, "buffer_ms"),
                target: number(point, "target_ms"),
                still: number(point, "still_ms"),
                // A player that starts anew counts from zero.
                gap: (gap - gap_before).max(0.0),
                av_offset: number(point, "av_offset_ms"),
                kbps: number(point, "kbps"),
            });
            gap_before = gap;
        }
        all.retain(|point| (0.0..seconds).contains(&point.at));
        Self(all)
    }

    /// From pictures seen at these seconds, so many milliseconds old.
    pub fn of_pictures(seen: &[(f64, f64)]) -> Self {
        let mut before = seen.first().map_or(0.0, |(at, _)| *at);
        let point = |&(at, delay): &(f64, f64)| {
            let still = (at - std::mem::replace(&mut before, at)) * 1000.0;
            Point { at, delay, still, ..Point::default() }
        };
        Self(seen.iter().map(point).collect())
    }

    /// A line for a plot.
    pub fn line(&self, of: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
        self.0.iter().map(|point| (point.at, of(point))).collect()
    }

    /// All figures; of a disturbance that lasts between these seconds.
    pub fn figures(&self, disturbed: Option<f64>, calm: Option<f64>) -> Figures {
        let mut delays: Vec<f64> = self.0.iter().map(|point| point.delay).filter(|delay| delay.is_finite()).collect();
        delays.sort_by(f64::total_cmp);
        let stills = runs(self.0.iter().map(|point| point.still), STILL_MS);
        Figures {
            delay: [0.5, 0.95, 0.99, 1.0].map(|share| percentile(&delays, share)),
            freezes: stills.iter().filter(|longest| **longest > FROZEN_MS).count(),
            longest_still: stills.iter().copied().fold(0.0, f64::max),
            stills: stills.len(),
            gaps: runs(self.0.iter().map(|point| point.gap), 0.0).len(),
            gap: self.0.iter().map(|point| point.gap).filter(|gap| gap.is_finite()).sum(),
            recovered: disturbed.zip(calm).map_or(0.0, |(from, to)| self.recovered(from, to)),
        }
    }

    fn recovered(&self, disturbed: f64, calm: f64) -> f64 {
        let mut before: Vec<f64> =
            self.0.iter().filter(|point| point.at < disturbed && point.delay.is_finite()).map(|point| point.delay).collect();
        before.sort_by(f64::total_cmp);
        let limit = percentile(&before, 0.5) + BACK_MS;
        let after: Vec<&Point> = self.0.iter().filter(|point| point.at >= calm).collect();
        let back = after.windows(STEADY).find(|points| points.iter().all(|point| point.delay <= limit));
        back.and_then(|points| points.first()).map_or(f64::NAN, |point| point.at - calm)
    }
}

impl Figures {
    pub fn to_json(&self) -> Value {
        let [p50, p95, p99, max] = self.delay;
        json!({
            "delay_ms": { "p50": p50, "p95": p95, "p99": p99, "max": max },
            "freezes_over_200_ms": self.stills, "freezes_over_500_ms": self.freezes, "longest_still_ms": self.longest_still,
            "sound_gaps": self.gaps, "sound_gap_ms": self.gap,
            "recovered_s": self.recovered.is_finite().then_some(self.recovered),
        })
    }
}

/// The largest value of each run of values above `limit`.
fn runs(values: impl Iterator<Item = f64>, limit: f64) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    let mut inside = false;
    for value in values {
        let above = value > limit;
        match found.last_mut() {
            Some(largest) if inside && above => *largest = largest.max(value),
            _ if above => found.push(value),
            _ => {}
        }
        inside = above;
    }
    found
}

/// Of sorted values; not a number if there are none.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(of: impl Fn(f64) -> (Value, f64, f64)) -> Timeline {
        let points: Vec<Value> = (0..300)
            .map(|tenth| {
                let (delay, still, gap) = of(f64::from(tenth) / 10.0 - 5.0);
                json!({ "t_ms": tenth * 100, "delay_ms": delay, "still_ms": still, "gap_ms": gap, "buffer_ms": 20, "target_ms": 20 })
            })
            .collect();
        Timeline::read(&points, 5.0, 20.0)
    }

    #[test]
    fn a_disturbance_is_told_from_before_and_after() {
        let timeline = timeline(|at| {
            let cut = (5.0..10.0).contains(&at);
            let back = (10.0..11.45).contains(&at);
            let delay = if cut { Value::Null } else { json!(if back { 400.0 } else { 50.0 }) };
            (delay, if cut { (at - 5.0) * 1000.0 } else { 33.0 }, 7.0 + (at.clamp(5.0, 7.0) - 5.0) * 1000.0)
        });
        assert_eq!(timeline.0.len(), 200);
        let figures = timeline.figures(Some(5.0), Some(10.0));
        assert_eq!(figures.delay, [50.0, 400.0, 400.0, 400.0]);
        assert_eq!((figures.stills, figures.freezes, figures.gaps), (1, 1, 1));
        assert!((4_800.0..=5_000.0).contains(&figures.longest_still) && (figures.gap - 2_000.0).abs() < 1.0, "{figures:?}");
        assert!((figures.recovered - 1.5).abs() < 0.11, "{figures:?}");
    }

    #[test]
    fn who_never_comes_back_has_not_recovered() {
        let figures = timeline(|at| (json!(if at < 5.0 { 50.0 } else { 101.0 }), 33.0, 0.0)).figures(Some(5.0), Some(10.0));
        assert!(figures.recovered.is_nan() && figures.to_json()["recovered_s"].is_null());
        assert_eq!((figures.stills, figures.gaps), (0, 0));
    }
}
