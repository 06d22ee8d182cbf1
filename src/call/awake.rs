//! Whether the computer, or this program, has been asleep: nobody says so, but the clocks do. Pure; both clocks are arguments.

use std::time::{Duration, SystemTime};

/// A look comes several times a second: one that comes so late comes after a sleep (or a debugger).
const MISSED: Duration = Duration::from_secs(5);

/// The wall clock runs on in a sleep in which the steady one stands. Small steps are corrections of the wall clock, which everybody's gets.
const JUMP: Duration = Duration::from_secs(3);

/// Looks at the clocks.
#[derive(Debug)]
pub(super) struct Awake {
    steady: Duration,
    wall: SystemTime,
}

impl Awake {
    pub(super) fn new(steady: Duration, wall: SystemTime) -> Self {
        Self { steady, wall }
    }

    /// Whether there was a sleep since the last look. A wall clock that is put back, or forward by the person, looks the same as a sleep at worst: then
    /// connections are made anew that need not be.
    pub(super) fn slept(&mut self, steady: Duration, wall: SystemTime) -> bool {
        let passed = steady.saturating_sub(self.steady);
        let shown = wall.duration_since(self.wall).unwrap_or(passed);
        (self.steady, self.wall) = (steady, wall);
        passed > MISSED || shown.saturating_sub(passed) > JUMP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn sleep_shows_on_one_clock_or_the_other_and_nothing_else_does() {
        let wall = SystemTime::UNIX_EPOCH + s(1e9);
        let mut awake = Awake::new(s(10.0), wall);
        let mut look = |steady: f64, shown: f64| awake.slept(s(steady), wall + s(shown));
        assert!(!look(10.1, 0.1));
        // A slow machine, and the time service at work.
        assert!(!look(12.1, 2.1));
        assert!(!look(12.2, 3.0));
        // The lid was closed for an hour: the steady clock stood.
        assert!(look(12.3, 3603.0));
        assert!(!look(12.4, 3603.1));
        // The program was stopped for half a minute: both ran.
        assert!(look(42.4, 3633.1));
        assert!(!look(42.5, 3633.2));
        // The wall clock was put back.
        assert!(!look(42.6, 0.0));
        assert!(!look(42.7, 0.1));
    }
}
