//! One direction of a link, without I/O: packets and times in, packets out when they are due.
//!
//! Knows no clock: times are since whatever the caller likes, so that a test steps through a minute in no time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::plan::Conditions;

/// What an Ethernet frame adds to a packet, as far as a rate is concerned.
const FRAME: usize = 14;

/// Bytes under way at once; more than any sensible rate times delay. What comes on top is dropped like at a full queue.
const MAX_UNDER_WAY: usize = 64 << 20;

/// What became of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came in.
    pub taken: u64,
    /// Lost by chance, or because the link was cut.
    pub lost: u64,
    /// Dropped by a full queue.
    pub overflowed: u64,
    /// Went out, duplicates included.
    pub passed: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Link {
    conditions: Conditions,
    dice: Dice,
    /// Whether a burst of losses is going on.
    losing: bool,
    /// When the packets taken so far will have been sent at the rate.
    free: Duration,
    /// When the last packet in order comes out.
    last: Duration,
    under_way: BinaryHeap<Reverse<Packet>>,
    bytes_under_way: usize,
    number: u64,
    counts: Counts,
}

/// Ordered by when it comes out, then by when it came in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Duration,
    number: u64,
    bytes: Vec<u8>,
}

impl Link {
    /// A link that is quiet so far. The same seed throws the same dice.
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            dice: Dice(seed),
            losing: false,
            free: Duration::ZERO,
            last: Duration::ZERO,
            under_way: BinaryHeap::new(),
            bytes_under_way: 0,
            number: 0,
            counts: Counts::default(),
        }
    }

    /// How it is now.
    pub fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// From now on it is like this; what is under way already comes out as it would have.
    pub fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// A packet comes in.
    pub fn take(&mut self, packet: &[u8], now: Duration) {
        self.counts.taken += 1;
        let Conditions { rate, queue, delay, jitter, reorder, duplicate, cut, .. } = self.conditions;
        if cut || self.is_lost() {
            self.counts.lost += 1;
            return;
        }
        let mut due = now;
        if rate > 0 {
            let begin = self.free.max(now);
            if begin - now > queue {
                self.counts.overflowed += 1;
                return;
            }
            self.free = begin + Duration::from_secs_f64((packet.len() + FRAME) as f64 * 8.0 / rate as f64);
            due = self.free;
        }
        if !self.dice.hit(reorder) {
            let swing = jitter.mul_f64(self.dice.throw() * 2.0);
            due = (due + delay + swing).saturating_sub(jitter).max(due).max(self.last);
            self.last = due;
        }
        let copies = if self.dice.hit(duplicate) { 2 } else { 1 };
        for _ in 0..copies {
            if self.bytes_under_way + packet.len() > MAX_UNDER_WAY {
                self.counts.overflowed += 1;
                return;
            }
            self.number += 1;
            self.bytes_under_way += packet.len();
            self.under_way.push(Reverse(Packet { due, number: self.number, bytes: packet.to_vec() }));
        }
    }

    /// When the next packet comes out.
    pub fn next_due(&self) -> Option<Duration> {
        self.under_way.peek().map(|Reverse(packet)| packet.due)
    }

    /// A packet that has come out by `now`, and how long ago it should have.
    pub fn pop_due(&mut self, now: Duration) -> Option<(Vec<u8>, Duration)> {
        let late = now.checked_sub(self.next_due()?)?;
        let Reverse(packet) = self.under_way.pop()?;
        self.bytes_under_way -= packet.bytes.len();
        self.counts.passed += 1;
        self.counts.bytes += packet.bytes.len() as u64;
        Some((packet.bytes, late))
    }

    /// What became of the packets so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Gilbert's model: a good state, in which nothing is lost, and a bad one, in which everything is.
    fn is_lost(&mut self) -> bool {
        let Conditions { loss, burst, .. } = self.conditions;
        if loss <= 0.0 {
            self.losing = false;
        } else if loss >= 1.0 || burst <= 1.0 {
            self.losing = self.dice.hit(loss);
        } else {
            let leave = 1.0 / burst;
            let chance = if self.losing { 1.0 - leave } else { leave * loss / (1.0 - loss) };
            self.losing = self.dice.hit(chance);
        }
        self.losing
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (SplitMix64). Any seed is good.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// From 0 up to, but not including, 1.
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Throws only if it matters: conditions that are not set do not change the luck of others.
    fn hit(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.throw() < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 1000] = [0; 1000];

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn link(conditions: Conditions) -> Link {
        Link::new(conditions, 1)
    }

    /// Numbered packets, one each `every`; the numbers and times of those that come out.
    fn through(link: &mut Link, packets: u32, every: Duration) -> Vec<(u32, Duration)> {
        for number in 0..packets {
            link.take(&number.to_be_bytes(), every * number);
        }
        let mut out = Vec::new();
        while let Some(due) = link.next_due() {
            let (bytes, late) = link.pop_due(due).unwrap();
            assert_eq!(late, Duration::ZERO);
            out.push((u32::from_be_bytes(bytes.try_into().unwrap()), due));
        }
        out
    }

    #[test]
    fn a_perfect_link_passes_everything_at_once() {
        let out = through(&mut link(Conditions::default()), 100, ms(1));
        assert!(out.iter().copied().eq((0..100).map(|number| (number, ms(number.into())))));
    }

    #[test]
    fn delay_is_exact_and_nothing_comes_early() {
        let mut link = link(Conditions { delay: ms(50), ..Conditions::default() });
        link.take(&PACKET, ms(10));
        assert_eq!((link.next_due(), link.pop_due(ms(59))), (Some(ms(60)), None));
        assert_eq!(link.pop_due(ms(63)), Some((PACKET.to_vec(), ms(3))));
        assert_eq!(link.next_due(), None);
    }

    #[test]
    fn jitter_swings_around_the_delay_and_keeps_the_order() {
        let mut link = link(Conditions { delay: ms(50), jitter: ms(20), ..Conditions::default() });
        let out = through(&mut link, 1000, ms(100));
        let delays: Vec<f64> = out.iter().map(|(number, due)| (*due - ms(100) * *number).as_secs_f64() * 1000.0).collect();
        assert!(delays.iter().all(|delay| (30.0..=70.0).contains(delay)));
        let mean = delays.iter().sum::<f64>() / 1000.0;
        assert!((48.0..52.0).contains(&mean), "{mean}");
        // Closer together than the jitter is wide.
        let mut link = Link::new(Conditions { delay: ms(5), jitter: ms(20), ..Conditions::default() }, 1);
        let out = through(&mut link, 1000, ms(1));
        assert!(out.iter().map(|(number, _)| *number).eq(0..1000));
    }

    #[test]
    fn loss_has_its_share_and_its_bursts() {
        for (loss, burst) in [(0.05, 1.0), (0.05, 4.0), (0.3, 10.0)] {
            let mut link = link(Conditions { loss, burst, ..Conditions::default() });
            let out = through(&mut link, 100_000, ms(1));
            let counts = link.counts();
            assert_eq!((counts.taken, counts.lost + counts.passed), (100_000, 100_000));
            let share = counts.lost as f64 / 100_000.0;
            assert!((loss * 0.85..loss * 1.15).contains(&share), "{share} instead of {loss}");
            let runs = out.windows(2).filter(|pair| pair[1].0 != pair[0].0 + 1).count();
            let run = counts.lost as f64 / runs as f64;
            let wanted = if burst == 1.0 { 1.0 / (1.0 - loss) } else { burst };
            assert!((wanted * 0.85..wanted * 1.15).contains(&run), "{run} in a row instead of {wanted}");
        }
        let mut link = link(Conditions { loss: 1.0, burst: 5.0, ..Conditions::default() });
        assert!(through(&mut link, 100, ms(1)).is_empty());
    }

    #[test]
    fn a_rate_spreads_packets_and_its_queue_is_short() {
        // 1014 bytes at 81.12 kbit/s: one packet in 100 ms.
        let mut link = link(Conditions { rate: 81_120, queue: ms(250), ..Conditions::default() });
        for _ in 0..10 {
            link.take(&PACKET, Duration::ZERO);
        }
        let mut times = Vec::new();
        while let Some(due) = link.next_due() {
            link.pop_due(due).unwrap();
            times.push(due.as_millis());
        }
        assert_eq!((times, link.counts().overflowed), (vec![100, 200, 300], 7));
        // Idle time is not saved up.
        link.take(&PACKET, ms(5000));
        assert_eq!(link.next_due(), Some(ms(5100)));
    }

    #[test]
    fn some_overtake_and_some_come_twice() {
        let mut reordering = link(Conditions { delay: ms(50), reorder: 0.1, ..Conditions::default() });
        let out = through(&mut reordering, 1000, ms(10));
        let early = out.iter().filter(|(number, due)| *due == ms(10) * *number).count();
        assert!((60..140).contains(&early), "{early}");
        assert!(out.windows(2).any(|pair| pair[1].0 < pair[0].0));
        let mut doubling = link(Conditions { duplicate: 0.1, ..Conditions::default() });
        let out = through(&mut doubling, 1000, ms(10));
        assert!((1060..1140).contains(&out.len()), "{}", out.len());
    }

    #[test]
    fn a_cut_link_passes_what_was_under_way_and_no_more() {
        let mut link = link(Conditions { delay: ms(50), ..Conditions::default() });
        link.take(&PACKET, ms(0));
        link.set(Conditions { cut: true, ..link.conditions() });
        link.take(&PACKET, ms(10));
        assert_eq!(link.pop_due(ms(100)).map(|(_, late)| late), Some(ms(50)));
        assert_eq!((link.pop_due(ms(1000)), link.counts().lost), (None, 1));
        link.set(Conditions { cut: false, ..link.conditions() });
        link.take(&PACKET, ms(20));
        assert_eq!(link.next_due(), Some(ms(70)));
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut link = link(Conditions { delay: ms(60_000), ..Conditions::default() });
        let packet = vec![0; 1 << 20];
        for _ in 0..100 {
            link.take(&packet, ms(0));
        }
        assert_eq!(link.counts().overflowed, 36);
    }

    #[test]
    fn the_same_seed_throws_the_same_dice() {
        let run = |seed| {
            let conditions = Conditions { loss: 0.5, ..Conditions::default() };
            through(&mut Link::new(conditions, seed), 100, ms(1))
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
