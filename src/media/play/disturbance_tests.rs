//! Disturbances of sound and picture together: within 2 s of their end all is as before.

use super::*;

/// More than before the disturbance by this is noticed.
const AS_BEFORE: f64 = 35.0;
/// Two seconds.
const BACK: u64 = 2_000;

impl Call {
    /// The mean age of pictures shown in the last `ms`, in milliseconds.
    fn age_ms(&self, ms: u32) -> f64 {
        let from = self.clock.now() - MS * ms;
        let ages: Vec<f64> = self.ages.iter().filter(|(at, _)| *at >= from).map(|(_, age)| age.as_secs_f64() * 1000.0).collect();
        assert!(!ages.is_empty(), "no picture in the last {ms} ms");
        ages.iter().sum::<f64>() / ages.len() as f64
    }

    /// The longest that a picture has stayed since `from`.
    fn longest_still(&self, from: Duration) -> Duration {
        let shown = self.shown.iter().map(|(at, _)| *at).filter(|at| *at >= from);
        let moments: Vec<Duration> = std::iter::once(from).chain(shown).chain([self.clock.now()]).collect();
        moments.windows(2).map(|w| w[1] - w[0]).max().unwrap()
    }

    /// Runs `disturb` after five calm seconds; two seconds later delay, sync and flow have to be as before.
    fn survives(mut self, what: &str, disturb: impl FnOnce(&mut Self)) -> Self {
        self.run(5_000, |_| 0);
        let before = self.age_ms(1_000);
        disturb(&mut self);
        let end = self.clock.now();
        self.run(BACK, |_| 0);
        let calm = self.clock.now();
        self.run(3_000, |_| 0);
        let after = self.ages.iter().filter(|(at, _)| *at > calm).map(|(_, age)| age.as_secs_f64() * 1000.0).fold(0.0, f64::max);
        assert!(after < before + AS_BEFORE, "{what}: {before:.0} ms before, {after:.0} ms after");
        let still = self.longest_still(end);
        assert!(still < MS * 250, "{what}: a picture stays for {still:?} after the end");
        let late: Vec<f64> = offsets(&self).into_iter().rev().take(3).collect();
        assert!(late.iter().all(|ms| ms.abs() <= 40.0), "{what}: flash minus beep: {late:?} ms");
        self
    }
}

#[test]
fn a_stall_and_its_burst() {
    for ms in [150, 300, 1_000, 3_000] {
        Call::new(SMALL, START).survives(&format!("a stall of {ms} ms"), |call| call.run(ms, |t| ms - t));
    }
}

#[test]
fn a_cut_after_which_the_relay_goes_on_with_what_is_new() {
    let call = Call::new(SMALL, START).survives("a cut of 5 s", |call| {
        call.cut = true;
        call.run(5_000, |_| 0);
        call.cut = false;
        call.key = true;
    });
    assert!(call.key_frames_asked <= 1, "{}", call.key_frames_asked);
}

#[test]
fn a_cut_after_which_everything_comes_at_once() {
    Call::new(SMALL, START).survives("5 s in one burst", |call| call.run(5_000, |t| 5_000 - t));
}

#[test]
fn a_narrow_link_for_a_while() {
    // The queue grows to 600 ms in three seconds, stays, and drains in one.
    let queue = |t: u64| match t {
        0..3_000 => t / 5,
        3_000..6_000 => 600,
        _ => 600 - 6 * (t - 6_000) / 10,
    };
    Call::new(SMALL, START).survives("a narrow link", |call| call.run(7_000, queue));
}

#[test]
fn ticks_that_come_late() {
    for ms in [200, 700, 2_500] {
        Call::new(SMALL, START).survives(&format!("no ticks for {ms} ms"), |call| {
            call.ticking = false;
            call.run(ms, |_| 0);
            call.ticking = true;
        });
    }
}

#[test]
fn a_suspended_process() {
    for ms in [1_000, 5_000] {
        Call::new(SMALL, START).survives(&format!("{ms} ms suspended"), |call| {
            (call.ticking, call.awake) = (false, false);
            call.run(ms, |_| 0);
            (call.ticking, call.awake) = (true, true);
        });
    }
}

#[test]
fn a_publisher_that_stops_and_goes_on() {
    Call::new(SMALL, START).survives("a suspended publisher", |call| {
        (call.with_sound, call.with_picture) = (false, false);
        call.run(3_000, |_| 0);
        (call.with_sound, call.with_picture) = (true, true);
        call.next_chunk = tone::number_at(call.clock.now());
        call.next_picture = call.clock.now();
    });
}
