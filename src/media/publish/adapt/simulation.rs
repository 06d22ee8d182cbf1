//! The controller on simulated lines, with stepped time: what it sends, how late that is, and how often it changes its mind.

use super::*;
use crate::wire::link::Flight;
use std::collections::VecDeque;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What came of it, after the first `skip` milliseconds that the caller does not look at.
#[derive(Debug, Default)]
struct Outcome {
    /// Milliseconds that each picture waited beyond the way itself, by when it was made.
    delays: Vec<(u64, f64)>,
    /// Bits of pictures and sound that were sent in each tenth of a second.
    tenths: Vec<f64>,
    changes: Vec<(u64, Change)>,
    pictures: Vec<u64>,
    targets: Vec<(u64, Target)>,
}

impl Outcome {
    fn p95(&self, from: u64, to: u64) -> f64 {
        let mut delays: Vec<f64> =
            self.delays.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, delay)| *delay).collect();
        delays.sort_by(f64::total_cmp);
        delays[(delays.len() - 1) * 95 / 100]
    }

    fn kbps(&self, from: u64, to: u64) -> f64 {
        let tenths = &self.tenths[from as usize / 100..to as usize / 100];
        tenths.iter().sum::<f64>() / tenths.len() as f64 / 100.0
    }

    /// Longest time without a picture.
    fn gap(&self, from: u64, to: u64) -> u64 {
        let seen: Vec<u64> = self.pictures.iter().copied().filter(|at| (from..to).contains(at)).collect();
        seen.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(to - from)
    }

    fn changes(&self, from: u64, to: u64) -> usize {
        self.changes.iter().filter(|(at, _)| (from..to).contains(at)).count()
    }
}

/// A line whose rate, extra way and blocking depend on the millisecond.
struct World<F, G, H> {
    kbps: F,
    extra_ms: G,
    blocked: H,
    way: u64,
    /// Whether it is not one's own line but a receiver's, of which only the receiver's reports tell.
    theirs: bool,
    /// How much of the rate the encoder needs: little when nothing moves.
    share: f64,
}

/// An encoder that obeys its rate as x264 does: a key frame each three seconds, and a buffer for it.
fn run(full: Full, length: u64, world: &World<impl Fn(u64) -> f64, impl Fn(u64) -> u64, impl Fn(u64) -> bool>) -> Outcome {
    const SOUND: usize = 90;
    let mut adapt = Adapt::new(full, ms(0));
    let mut flight = Flight::new(1024, ms(0));
    let mut out = Outcome::default();
    let start = 3073_u64;
    let (mut written, mut taken) = (start, start);
    // What waits for the line: when it was made, end, whether it is a picture.
    let mut queue: VecDeque<(u64, u64, bool)> = VecDeque::new();
    let mut acks: VecDeque<(u64, u64)> = VecDeque::new();
    let (mut credit, mut last_ack, mut next_picture, mut phase, mut tenth) = (0.0, start, 0, 0.0, 0.0);
    let mut seed = 7_u32;
    let (mut report, mut at_last_look) = (None, start);
    for now in 0..length {
        let at = ms(now);
        // The line takes what it can.
        if !(world.blocked)(now) {
            credit = (credit + (world.kbps)(now) / 8.0).min(3000.0);
        }
        let take = (written - taken).min(credit as u64);
        taken += take;
        credit = if taken == written { credit.min(1500.0) } else { credit - take as f64 };
        while let Some((made, _, picture)) = queue.pop_front_if(|(_, end, _)| *end <= taken) {
            if picture {
                out.delays.push((made, (now - made) as f64 + (world.extra_ms)(now) as f64));
                out.pictures.push(now);
            }
        }
        if world.theirs && now % 200 == 0 {
            // What a player would tell: the least late picture of the last 200 ms, and what came in them.
            let came = taken - at_last_look;
            at_last_look = taken;
            let recent = out.pictures.iter().rev().zip(out.delays.iter().rev()).take_while(|(shown, _)| **shown + 200 > now);
            let late = recent.map(|(_, (_, delay))| *delay as u64).min().unwrap_or(0);
            if late >= 50 || report.is_some_and(|(_, path): (u64, Path)| path.late >= ms(50)) {
                report = Some((now, Path { late: ms(late), kbps: Some((came * 8 / 200) as u32), ..Path::default() }));
            }
        }
        if taken - last_ack >= 1024 {
            last_ack = taken;
            acks.push_back((now + world.way + (world.extra_ms)(now), taken));
        }
        while let Some((_, total)) = acks.pop_front_if(|(due, _)| *due <= now) {
            flight.acknowledged((total - start) as u32, at);
        }
        let mut send = |bytes: usize, picture: bool, adapt: &mut Adapt, flight: &mut Flight, written: &mut u64| {
            flight.sent(*written, bytes, at, at);
            adapt.sent(bytes, at);
            *written += bytes as u64;
            queue.push_back((now, *written, picture));
            tenth += bytes as f64 * 8.0;
        };
        if now % 20 == 0 {
            send(SOUND, false, &mut adapt, &mut flight, &mut written);
        }
        if now >= next_picture {
            next_picture = now + 1000 / 30;
            let line = flight.line(written, at);
            let own = Path { age: line.age, late: line.late, kbps: line.kbps };
            let told = report.filter(|(told, _)| now >= told + world.way && now < told + world.way + 1200);
            let signals = Signals {
                line: if world.theirs { Path::default() } else { own },
                receiver: told.map(|(_, path)| path),
                sound_kbps: 36.0,
                ..Signals::default()
            };
            if let Some(change) = adapt.update(&signals, at) {
                out.changes.push((now, change));
            }
            let target = adapt.target();
            flight.expect_rate(adapt.line_kbps(), written, at);
            phase += f64::from(target.fps) / 30.0;
            if phase >= 1.0 && !adapt.should_skip(&signals) {
                phase = (phase - 1.0).min(1.0);
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let share = world.share * f64::from(target.kbps) * 1000.0 / 8.0 / f64::from(target.fps);
                let noise = 0.7 + 0.4 * f64::from(seed >> 8) / f64::from(1 << 24);
                // A key frame each three seconds (ten, when there is little), of a tenth of a second or so.
                let every = if target.constrained { 10_000 } else { 3000 };
                let key = now % every < 33;
                let size = if key { share * f64::from(target.fps) * 0.12 } else { share * noise };
                send(size as usize, true, &mut adapt, &mut flight, &mut written);
            }
            out.targets.push((now, target));
        }
        if now % 100 == 99 {
            out.tenths.push(tenth);
            tenth = 0.0;
        }
    }
    out
}

const HD: Full = Full { kbps: 1500, fps: 30, width: 1280, height: 720, shared_floor_kbps: 0 };
const SD: Full = Full { kbps: 600, fps: 30, width: 640, height: 360, shared_floor_kbps: 0 };

fn steady(kbps: f64) -> World<impl Fn(u64) -> f64, impl Fn(u64) -> u64, impl Fn(u64) -> bool> {
    World { kbps: move |_| kbps, extra_ms: |_| 0, blocked: |_| false, way: 30, theirs: false, share: 1.0 }
}

#[test]
fn a_line_with_room_is_left_alone() {
    for full in [SD, HD] {
        let out = run(full, 60_000, &steady(10_000.0));
        assert_eq!(out.changes, []);
        assert!(out.p95(0, 60_000) < 40.0);
        assert!(out.kbps(0, 60_000) > f64::from(full.kbps) * 0.85);
    }
}

#[test]
fn a_step_down_and_up_again() {
    for full in [SD, HD] {
        let kbps = |now| if (20_000..50_000).contains(&now) { 700.0 } else { 10_000.0 };
        let out = run(full, 90_000, &World { kbps, extra_ms: |_| 0, blocked: |_| false, way: 30, theirs: false, share: 1.0 });
        println!(
            "{} kbit/s: p95 {:.0} ms in the first 2 s, {:.0} after; {:.0} kbit/s of 700; gap {} ms; changes {:?}",
            full.kbps,
            out.p95(20_000, 22_000),
            out.p95(22_000, 50_000),
            out.kbps(22_000, 50_000),
            out.gap(19_000, 90_000),
            out.changes.iter().map(|(at, change)| (*at, change.cause, change.target.kbps)).collect::<Vec<_>>()
        );
        assert!(out.p95(20_000, 22_000) < 450.0);
        assert!(out.p95(22_000, 50_000) < 150.0, "{}", out.p95(22_000, 50_000));
        assert!(out.p95(0, 90_000) < 150.0);
        assert!(out.gap(19_000, 90_000) < 500, "{}", out.gap(19_000, 90_000));
        assert!(out.kbps(25_000, 50_000) > 0.7 * 700.0, "{}", out.kbps(25_000, 50_000));
        let back = out.targets.iter().find(|(at, target)| *at > 50_000 && target.kbps == full.kbps).map(|(at, _)| *at);
        assert!(back.is_some_and(|at| at < 75_000), "{back:?}");
        assert!(out.changes(0, 90_000) <= 14, "{}", out.changes.len());
    }
}

#[test]
fn a_receivers_line_that_gets_narrow_and_wide_again() {
    let kbps = |now| if (20_000..50_000).contains(&now) { 700.0 } else { 10_000.0 };
    let out = run(HD, 90_000, &World { kbps, extra_ms: |_| 0, blocked: |_| false, way: 50, theirs: true, share: 1.0 });
    println!(
        "theirs: p95 {:.0} ms in the first 3 s, {:.0} after; {:.0} kbit/s of 700; gap {} ms; changes {:?}",
        out.p95(20_000, 23_000),
        out.p95(23_000, 50_000),
        out.kbps(25_000, 50_000),
        out.gap(19_000, 90_000),
        out.changes.iter().map(|(at, change)| (*at, change.cause, change.target.kbps)).collect::<Vec<_>>()
    );
    assert!(out.p95(20_000, 23_000) < 900.0, "{}", out.p95(20_000, 23_000));
    assert!(out.p95(23_000, 50_000) < 250.0, "{}", out.p95(23_000, 50_000));
    assert!(out.kbps(25_000, 50_000) > 0.55 * 700.0, "{}", out.kbps(25_000, 50_000));
    assert!(out.targets.iter().any(|(at, target)| *at < 80_000 && *at > 50_000 && target.kbps == HD.kbps));
}

#[test]
fn a_saw_of_capacity_is_followed_without_getting_late() {
    let kbps = |now: u64| 300.0 + (now % 10_000) as f64 * 0.12;
    let out = run(HD, 120_000, &World { kbps, extra_ms: |_| 0, blocked: |_| false, way: 30, theirs: false, share: 1.0 });
    println!("saw: p95 {:.0} ms, {:.0} kbit/s of 900", out.p95(5000, 120_000), out.kbps(5000, 120_000));
    assert!(out.p95(5000, 120_000) < 300.0, "{}", out.p95(5000, 120_000));
    assert!(out.kbps(5000, 120_000) > 0.3 * 900.0);
    assert!(out.gap(5000, 120_000) < 600, "{}", out.gap(5000, 120_000));
}

#[test]
fn jitter_alone_changes_nothing_for_long() {
    let extra_ms = |now: u64| (now * 7919 / 13) % 31;
    let out = run(SD, 60_000, &World { kbps: |_| 5000.0, extra_ms, blocked: |_| false, way: 30, theirs: false, share: 1.0 });
    assert!(out.changes.len() <= 1, "{:?}", out.changes);
    assert!(out.kbps(10_000, 60_000) > 500.0);
}

#[test]
fn short_stalls_of_a_lossy_line_do_not_ruin_the_picture() {
    // What TCP makes of 1 % of loss at 30 ms: some stalls of about 60 ms, now and then one of 200.
    let blocked = |now: u64| now % 1700 < 60 || now % 9100 < 200;
    let out = run(SD, 120_000, &World { kbps: |_| 8000.0, extra_ms: |_| 0, blocked, way: 30, theirs: false, share: 1.0 });
    println!("stalls: {:.0} kbit/s, p95 {:.0} ms, {} changes", out.kbps(10_000, 120_000), out.p95(0, 120_000), out.changes.len());
    assert!(out.kbps(10_000, 120_000) > 330.0, "{}", out.kbps(10_000, 120_000));
    assert!(out.p95(0, 120_000) < 200.0);
}

#[test]
fn who_sends_little_is_not_taken_for_one_who_cannot_send_more() {
    let blocked = |now: u64| now % 5000 < 240;
    let world = World { kbps: |_| 10_000.0, extra_ms: |_| 0, blocked, way: 30, theirs: false, share: 0.25 };
    let out = run(HD, 60_000, &world);
    let least = out.targets.iter().map(|(_, target)| (target.kbps, target.height)).min().unwrap();
    println!("a quarter: {least:?} at least, {:?}", out.changes);
    assert!(least.0 > 600 && least.1 == 720, "{least:?}");
}

#[test]
fn a_flow_that_comes_and_goes_takes_its_share_and_gives_it_back() {
    // Another flow takes half of a line of 1 Mbit/s for ten seconds in twenty.
    let kbps = |now: u64| if now % 20_000 < 10_000 { 1000.0 } else { 500.0 };
    let out = run(SD, 120_000, &World { kbps, extra_ms: |_| 0, blocked: |_| false, way: 60, theirs: false, share: 1.0 });
    println!("flow: p95 {:.0} ms, {:.0} kbit/s, {} changes", out.p95(0, 120_000), out.kbps(0, 120_000), out.changes.len());
    assert!(out.p95(0, 120_000) < 200.0, "{}", out.p95(0, 120_000));
    assert!(out.kbps(0, 120_000) > 380.0);
    assert!(out.changes(0, 120_000) <= 40, "{}", out.changes.len());
}

#[test]
fn a_line_just_below_the_rate_settles_without_swinging() {
    let out = run(SD, 120_000, &steady(500.0));
    let late: Vec<u32> = out.targets.iter().filter(|(at, _)| *at > 30_000).map(|(_, target)| target.kbps).collect();
    let (least, most) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    println!("500: between {least} and {most}, p95 {:.0} ms, {} changes", out.p95(5000, 120_000), out.changes.len());
    let probing = late.iter().filter(|kbps| **kbps > 500).count() as f64 / late.len() as f64;
    assert!(*least > 280 && probing < 0.2, "{least} {most} {probing}");
    assert!(out.p95(5000, 120_000) < 150.0, "{}", out.p95(5000, 120_000));
    assert!(out.changes(30_000, 120_000) <= 12, "{:?}", out.changes);
    assert!(out.kbps(10_000, 120_000) > 370.0, "{}", out.kbps(10_000, 120_000));
}

#[test]
fn next_to_nothing_still_carries_sound_and_a_picture_now_and_then() {
    let out = run(SD, 60_000, &steady(110.0));
    let last = out.targets.last().unwrap().1;
    println!("110: {last:?}, p95 {:.0} ms, gap {}", out.p95(15_000, 60_000), out.gap(15_000, 60_000));
    assert!(last.height <= 180 && last.kbps < 130, "{last:?}");
    assert!(out.p95(15_000, 60_000) < 700.0, "{}", out.p95(15_000, 60_000));
}
