//! Whether the server at the other end is still there. Pure; time is an argument.
//!
//! A network that breaks says nothing. Whoever only listens would wait for ever, so after a short silence a ping is sent, and after a longer one
//! the connection is given up: a fresh one works as soon as the network does, while the old one first sits out its doubling waits.

use std::time::Duration;

/// Silence after which a sign of life is asked for, and between two such questions.
const PING: Duration = Duration::from_millis(700);

/// When nobody has looked for so long, it is not the server that was silent.
const ASLEEP: Duration = Duration::from_secs(1);

/// The signs of life of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Duration,
    heard: Duration,
    pinged: Duration,
    looked: Duration,
    /// Whether the server has been asked and so has something to answer.
    asked: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Fine,
    Ping,
    Dead,
}

impl Pulse {
    /// Of a connection on which something was heard at `now`, with so much `patience`.
    pub(super) fn new(patience: Duration, now: Duration) -> Self {
        Self { patience, heard: now, pinged: now, looked: now, asked: false }
    }

    /// Something came, or could not have come.
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard = now;
        self.asked = false;
    }

    /// To be called several times a second.
    pub(super) fn look(&mut self, now: Duration) -> Beat {
        if now.saturating_sub(self.looked) > ASLEEP {
            self.heard = now;
        }
        self.looked = now;
        let silent = now.saturating_sub(self.heard);
        if self.asked && silent >= self.patience {
            Beat::Dead
        } else if silent >= PING && now.saturating_sub(self.pinged) >= PING {
            Beat::Ping
        } else {
            Beat::Fine
        }
    }

    /// A ping has been sent.
    pub(super) fn pinged(&mut self, now: Duration) {
        self.pinged = now;
        self.asked = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Looks every 250 ms at a server that answers pings (or does not) until `until`; when it is given up, and the pings.
    fn watch(pulse: &mut Pulse, from: u64, until: u64, answers: bool) -> (Option<u64>, u32) {
        let mut pings = 0;
        for now in (from..until).step_by(250) {
            match pulse.look(ms(now)) {
                Beat::Fine => {}
                Beat::Ping => {
                    pings += 1;
                    pulse.pinged(ms(now));
                    if answers {
                        pulse.heard(ms(now + 50));
                    }
                }
                Beat::Dead => return (Some(now), pings),
            }
        }
        (None, pings)
    }

    #[test]
    fn a_quiet_server_that_answers_lives_and_a_silent_one_is_given_up_in_time() {
        let mut pulse = Pulse::new(ms(2000), ms(0));
        let (dead, pings) = watch(&mut pulse, 250, 60_000, true);
        assert_eq!(dead, None);
        assert!((50..=90).contains(&pings), "{pings}");
        pulse.heard(ms(60_000));
        let (dead, pings) = watch(&mut pulse, 60_000, 80_000, false);
        assert!(dead.is_some_and(|at| (62_000..62_500).contains(&at)), "{dead:?}");
        assert!(pings >= 2);
    }

    #[test]
    fn who_slept_does_not_blame_the_server() {
        let mut pulse = Pulse::new(ms(2000), ms(0));
        assert_eq!((pulse.look(ms(700)), pulse.look(ms(40_000))), (Beat::Ping, Beat::Fine));
        let (dead, _) = watch(&mut pulse, 40_250, 60_000, false);
        assert!(dead.is_some_and(|at| (42_000..42_500).contains(&at)), "{dead:?}");
    }

    #[test]
    fn a_server_that_cannot_be_asked_is_never_given_up() {
        let mut pulse = Pulse::new(ms(2000), ms(0));
        for now in (250..60_000).step_by(250) {
            assert_ne!(pulse.look(ms(now)), Beat::Dead);
        }
    }
}
