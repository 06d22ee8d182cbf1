//! Flash against beep: the test pattern and its tone, looked at where they leave the player. For bots; nobody else pays for it.
//!
//! The pattern flashes and the tone beeps at the start of each second of their publisher's clock. When that start is heard is seen in the
//! samples that go to the mixed output, when it is seen in the pictures that go to the screen: the first one of a flash says by its mark
//! how long after the start it was drawn. No timestamp of the stream is trusted.

use crate::media::capture::{mark, pattern};
use crate::media::frame::{CHUNK_SAMPLES, Rgba, SAMPLE_RATE};
use crate::media::stats::Sync;
use std::collections::VecDeque;
use std::time::Duration;

/// Flash and beep further apart than this are not of the same second.
const SAME: Duration = Duration::from_millis(500);
/// A sample louder than this is part of a beep (of half of full scale)...
const LOUD: f32 = 0.15;
/// ...which lasts until it has been quiet for this long.
const QUIET: Duration = Duration::from_millis(20);
/// So long a beep is whole, give or take what a codec and concealment add; the start of a shorter one was not heard.
const WHOLE: std::ops::RangeInclusive<Duration> = Duration::from_millis(85)..=Duration::from_millis(180);
/// Luma of a flash, at least.
const WHITE: u8 = 160;
/// Flashes and beeps that wait for their other half.
const WAITING: usize = 4;
/// Measurements kept: over an hour.
const MOST: usize = 4_000;
/// Length of a second in milliseconds, as marks count.
const SECOND_MS: u64 = 1_000;

/// Flashes and beeps of one peer.
#[derive(Debug, Default)]
pub(super) struct Beats {
    /// When seconds began to be seen, and which ones.
    seen: VecDeque<Duration>,
    last_second: Option<u64>,
    /// When seconds began to be heard.
    heard: VecDeque<Duration>,
    beep: Option<(Duration, Duration)>,
    offsets_ms: Vec<f32>,
}

impl Beats {
    /// A picture is shown at `now`.
    pub(super) fn picture(&mut self, now: Duration, picture: &Rgba) {
        let width = picture.width as usize;
        let luma = |x: usize, y: usize| picture.data.get((y * width + x) * 4 + 1).copied().unwrap_or_default();
        let area = pattern::flash_area(picture.width);
        if luma(area.x + area.width / 2, area.y + area.height / 2) < WHITE {
            return;
        }
        let Some(value) = mark::read(width, luma) else { return };
        let Some(drawn_ms) = complete(value, now) else { return };
        let (second, into) = (drawn_ms / SECOND_MS, drawn_ms % SECOND_MS);
        if self.last_second.replace(second) != Some(second) {
            remember(&mut self.seen, now.saturating_sub(Duration::from_millis(into)));
            self.pair();
        }
    }

    /// These samples are heard from `due` on.
    pub(super) fn sound(&mut self, due: Duration, samples: &[f32; CHUNK_SAMPLES]) {
        let at = |i: usize| due + Duration::from_secs_f64(i as f64 / f64::from(SAMPLE_RATE));
        for (i, _) in samples.iter().enumerate().filter(|(_, s)| s.abs() > LOUD) {
            let now = at(i);
            match &mut self.beep {
                Some((_, last)) => *last = now,
                None => self.beep = Some((now, now)),
            }
        }
        let over = self.beep.filter(|(_, last)| due > *last + QUIET);
        if let Some((first, last)) = over {
            self.beep = None;
            if WHOLE.contains(&last.saturating_sub(first)) {
                remember(&mut self.heard, first);
                self.pair();
            }
        }
    }

    /// Another stream begins: a half of a pair that is left will not find its other half.
    pub(super) fn restart(&mut self) {
        self.seen.clear();
        self.heard.clear();
        self.beep = None;
    }

    /// What was measured so far; `None` before the first pair.
    pub(super) fn figures(&self) -> Option<Sync> {
        let mut sorted = self.offsets_ms.clone();
        sorted.sort_by(f32::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        Some(Sync { p50: sorted[sorted.len() / 2], min, max, beats: sorted.len() })
    }

    fn pair(&mut self) {
        let near = |a: &Duration, b: &Duration| a.abs_diff(*b) < SAME;
        let Some(found) = self.seen.iter().position(|seen| self.heard.iter().any(|heard| near(seen, heard))) else { return };
        let Some(seen) = self.seen.remove(found) else { return };
        let Some(of) = self.heard.iter().position(|heard| near(&seen, heard)).and_then(|at| self.heard.remove(at)) else {
            return;
        };
        if self.offsets_ms.len() < MOST {
            self.offsets_ms.push((seen.as_secs_f64() - of.as_secs_f64()) as f32 * 1000.0);
        }
    }
}

/// The moment of a mark that was drawn some time around `now`, in milliseconds: a mark has the lower 32 bits.
fn complete(value: u32, now: Duration) -> Option<u64> {
    let now = u64::try_from(now.as_millis()).ok()?;
    now.checked_add_signed(i64::from(value.wrapping_sub(now as u32) as i32))
}

fn remember(list: &mut VecDeque<Duration>, at: Duration) {
    if list.len() == WAITING {
        list.pop_front();
    }
    list.push_back(at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::capture::pattern::Pattern;
    use crate::media::capture::{Format, tone};
    use crate::media::convert::ToRgba;

    const START: u64 = 1_795_345_678_000;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(START + ms)
    }

    /// Pictures late by `picture_ms`, sound by `sound_ms`, for five seconds.
    fn run(fps: u32, picture_ms: u64, sound_ms: u64, shown: impl Fn(u64) -> bool) -> Option<Sync> {
        let mut beats = Beats::default();
        let pattern = Pattern::new(Format { width: 320, height: 180, fps });
        let mut convert = ToRgba::new();
        let mut next = at(0);
        for ms in 0..5_000 {
            if next <= at(ms) {
                if shown(ms) {
                    let picture = convert.picture(&pattern.draw(next)).unwrap();
                    beats.picture(next + Duration::from_millis(picture_ms), &picture);
                }
                next = pattern.next_due(at(ms));
            }
            if ms % 10 == 0 {
                beats.sound(at(ms + sound_ms), &tone::chunk((START + ms) / 10).samples);
            }
        }
        beats.figures()
    }

    #[test]
    fn the_offset_is_picture_minus_sound() {
        let late = run(30, 130, 100, |_| true).unwrap();
        assert!((late.p50 - 30.0).abs() < 1.5 && late.max - late.min < 2.0 && late.beats >= 4, "{late:?}");
        let early = run(15, 80, 100, |_| true).unwrap();
        assert!((early.p50 + 20.0).abs() < 1.5, "{early:?}");
    }

    #[test]
    fn a_flash_whose_first_picture_is_missing_counts_from_where_it_should_have_begun() {
        let sync = run(30, 130, 100, |ms| ms % 1000 > 20).unwrap();
        assert!((sync.p50 - 30.0).abs() < 1.5, "{sync:?}");
        assert!(run(30, 130, 100, |ms| ms % 1000 > 120).is_none(), "no flash, no measurement");
        assert!(run(30, 900, 100, |_| true).is_none_or(|sync| sync.max.abs() <= 500.0));
    }
}
