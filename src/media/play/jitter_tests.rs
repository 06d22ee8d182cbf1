//! Simulated arrival patterns.

use super::*;
use crate::media::play::Smoothness;
use crate::media::play::decode::tests::{Pcm, pcm};
use std::collections::VecDeque;
use std::f32::consts::TAU;

/// Sound of 20 ms packets through a simulated network into the buffer, 10 ms ticks out of it.
struct Bench {
    sound: Sound,
    /// Arrival and number of packets under way.
    flight: VecDeque<(Duration, i64)>,
    sent: i64,
    tick: i64,
    heard: Vec<f32>,
    delays: Vec<i64>,
    /// How much faster the publisher's clock runs.
    drift: f64,
}

const START: Duration = Duration::from_secs(1000);
const HERTZ: f32 = 300.0;

impl Bench {
    fn new() -> Self {
        Self::with(Latency::Call)
    }

    fn with(latency: Latency) -> Self {
        let mut sound = Sound::new(latency);
        sound.set_decoder(Box::new(Pcm));
        Self { sound, flight: VecDeque::new(), sent: 0, tick: 0, heard: Vec::new(), delays: Vec::new(), drift: 0.0 }
    }

    /// Runs for `ms`, each packet delayed by `late(number)` milliseconds (in order, as TCP delivers).
    fn run(&mut self, ms: i64, late: impl Fn(i64) -> f64) {
        let until = self.tick + ms / 10;
        while self.tick < until {
            let now = START + Duration::from_millis(10 * self.tick as u64);
            loop {
                // A packet is sent when its last sample was captured.
                let sent_ms = (self.sent + 1) as f64 * 20.0 / (1.0 + self.drift);
                let arrives = START + Duration::from_secs_f64((sent_ms + 5.0 + late(self.sent)) / 1000.0);
                if START + Duration::from_secs_f64(sent_ms / 1000.0) > now {
                    break;
                }
                let arrives = self.flight.back().map_or(arrives, |(last, _)| arrives.max(*last));
                self.flight.push_back((arrives, self.sent));
                self.sent += 1;
            }
            while let Some((arrives, number)) = self.flight.front().copied().filter(|(at, _)| *at <= now) {
                self.flight.pop_front();
                let samples: Vec<f32> =
                    (0..960).map(|i| 0.5 * (TAU * HERTZ * ((number * 960 + i) % 48_000) as f32 / 48_000.0).sin()).collect();
                self.sound.push(number * 20_000, pcm(&samples), arrives);
            }
            let mut out = [0.0; CHUNK_SAMPLES];
            if let Played::Sound(media_us) = self.sound.pull(now, &mut out) {
                self.delays.push(micros(now) - micros(START) - media_us);
            }
            self.heard.extend_from_slice(&out);
            self.tick += 1;
        }
    }

    /// Leaves so many ticks out; packets come as ever, when somebody looks.
    fn sleep(&mut self, ticks: i64) {
        self.tick += ticks;
    }

    /// Milliseconds between capture and tick, latest first.
    fn delay_ms(&self) -> f64 {
        let last = &self.delays[self.delays.len() - 20..];
        last.iter().sum::<i64>() as f64 / 20_000.0
    }

    /// The steepest step between samples of the last `ms`; a 300 Hz tone at half scale has 0.0196.
    fn steepest(&self, ms: usize) -> f32 {
        let part = &self.heard[self.heard.len() - ms * 48..];
        part.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    }

    fn gap_ms(&self) -> u128 {
        self.sound.concealed().as_millis()
    }
}

/// A noise of 0 to `most`, the same in every run.
fn noise(most: f64) -> impl Fn(i64) -> f64 {
    move |i| ((i.unsigned_abs().wrapping_mul(2_654_435_761) >> 7) % 1000) as f64 / 1000.0 * most
}

#[test]
fn a_clean_network_gets_the_least_delay_and_every_sample() {
    let mut bench = Bench::new();
    bench.run(5_000, |_| 0.0);
    assert_eq!(bench.sound.target_us(), 20_000);
    assert!((bench.delay_ms() - 45.0).abs() < 2.0, "20 captured + 5 network + 20 target, not {}", bench.delay_ms());
    assert_eq!(bench.gap_ms(), 0);
    assert!(bench.steepest(4_500) < 0.021, "a click: {}", bench.steepest(4_500));
}

#[test]
fn jitter_of_30_ms_is_covered_by_the_target() {
    let mut bench = Bench::new();
    bench.run(6_000, noise(30.0));
    let gaps = bench.gap_ms();
    bench.run(10_000, noise(30.0));
    assert!((30_000..80_000).contains(&bench.sound.target_us()), "{}", bench.sound.target_us());
    assert!(bench.gap_ms() - gaps <= 60, "{} ms concealed in 10 s", bench.gap_ms() - gaps);
    // Calm again: the delay comes back.
    bench.run(12_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
}

#[test]
fn a_gap_of_a_second_is_faded_out_and_jumped_over() {
    let mut bench = Bench::new();
    bench.run(3_000, |_| 0.0);
    // Packet n is sent at 20 * (n + 1): all of the fourth second arrive at its end.
    let stall = |i: i64| if (150..200).contains(&i) { f64::from(200 - i as i32) * 20.0 } else { 0.0 };
    bench.run(1_030, stall);
    let silent = &bench.heard[bench.heard.len() - 48 * 500..bench.heard.len() - 48 * 100];
    assert!(silent.iter().all(|s| *s == 0.0), "after 60 ms of concealment there is silence");
    bench.run(300, stall);
    assert!(bench.delay_ms() < 340.0, "the live edge within the limits: {}", bench.delay_ms());
    bench.run(8_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
    assert!(bench.gap_ms() < 1_200, "{}", bench.gap_ms());
    assert!(bench.steepest(9_000) < 0.06, "a click: {}", bench.steepest(9_000));
}

#[test]
fn a_burst_is_drained_by_cutting_periods_without_clicks() {
    let mut bench = Bench::new();
    bench.run(4_000, |_| 0.0);
    // One stall of 150 ms.
    let stall = |i: i64| if (201..208).contains(&i) { f64::from(208 - i as i32) * 20.0 } else { 0.0 };
    bench.run(1_000, stall);
    bench.run(7_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
    assert!(bench.gap_ms() < 200, "{}", bench.gap_ms());
    assert!(bench.steepest(7_500) < 0.06, "a click: {}", bench.steepest(7_500));
}

#[test]
fn a_longer_way_becomes_the_new_floor() {
    let mut bench = Bench::new();
    bench.run(4_000, |_| 0.0);
    bench.run(12_000, |_| 80.0);
    assert!((bench.delay_ms() - 125.0).abs() < 4.0, "{}", bench.delay_ms());
    bench.run(8_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
}

#[test]
fn clocks_that_differ_by_200_ppm_never_run_dry_or_full() {
    for drift in [200e-6, -200e-6] {
        let mut bench = Bench::new();
        bench.drift = drift;
        bench.run(120_000, |_| 0.0);
        // Media time runs ahead of (or behind) the clock by 24 ms in the end; what counts is what waits.
        let waits = bench.sound.buffered_us();
        assert!((5_000..45_000).contains(&waits), "{drift}: {waits} us wait");
        assert!(bench.gap_ms() <= 20, "{drift}: {} ms", bench.gap_ms());
        assert!(bench.steepest(110_000) < 0.03, "{drift}: a click: {}", bench.steepest(110_000));
    }
}

#[test]
fn lost_packets_are_concealed_in_place() {
    let mut bench = Bench::new();
    bench.run(2_000, |_| 0.0);
    bench.sent += 5;
    bench.run(40, |_| 0.0);
    bench.sent -= 5;
    bench.sent += 5;
    bench.run(3_000, |_| 0.0);
    assert!((80..=140).contains(&bench.gap_ms()), "{}", bench.gap_ms());
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
}

#[test]
fn a_new_time_line_starts_over() {
    let mut bench = Bench::new();
    bench.run(2_000, |_| 0.0);
    let now = START + Duration::from_millis(2_000);
    for i in 0..5 {
        bench.sound.push(90_000_000_000 + i * 20_000, pcm(&[0.25; 960]), now + Duration::from_millis(20 * i as u64));
    }
    let mut out = [0.0; CHUNK_SAMPLES];
    let mut heard = false;
    for i in 0..8 {
        heard |=
            matches!(bench.sound.pull(now + Duration::from_millis(10 * i), &mut out), Played::Sound(m) if m >= 90_000_000_000);
    }
    assert!(heard);
}

#[test]
fn the_buffer_is_bounded_and_survives_nonsense() {
    let mut sound = Sound::new(Latency::Call);
    sound.set_decoder(Box::new(Pcm));
    for i in 0..1_000 {
        sound.push(i * 20_000, pcm(&[f32::NAN; 960]), START);
    }
    assert!(sound.buffered_us() <= 2_400_000, "{} us", sound.buffered_us());
    sound.push(i64::from(i32::MIN), Bytes::new(), START);
    let mut out = [0.0; CHUNK_SAMPLES];
    for i in 0..10 {
        sound.pull(START + Duration::from_millis(i * 10), &mut out);
    }
    assert!(out.iter().all(|s| s.is_finite()));
}

/// Lateness in milliseconds of packets that stand from the one numbered `from` on and come together when number `to` is sent.
fn stall(from: i64, to: i64) -> impl Fn(i64) -> f64 {
    move |i| if (from..to).contains(&i) { (to - i) as f64 * 20.0 } else { 0.0 }
}

#[test]
fn a_single_stall_leaves_no_delay_behind() {
    let mut bench = Bench::new();
    bench.run(4_000, |_| 0.0);
    // A second in which nothing comes, then all at once.
    bench.run(2_000, stall(205, 255));
    assert!(bench.delay_ms() < 60.0, "900 ms after the burst: {}", bench.delay_ms());
    assert!(bench.gap_ms() < 1_100, "{}", bench.gap_ms());
}

#[test]
fn stalls_that_come_again_and_again_are_covered() {
    let mut bench = Bench::new();
    bench.run(3_000, |_| 0.0);
    // 160 ms each second.
    let again = |i: i64| if i % 50 < 8 { (8 - i % 50) as f64 * 20.0 } else { 0.0 };
    bench.run(6_000, again);
    let gaps = bench.gap_ms();
    bench.run(10_000, again);
    assert_eq!(bench.gap_ms(), gaps, "none of ten more is heard");
    bench.run(9_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
}

#[test]
fn a_way_that_becomes_much_longer_is_heard_at_once_and_a_shorter_one_is_taken() {
    let mut bench = Bench::new();
    bench.run(4_000, |_| 0.0);
    bench.run(1_500, |_| 600.0);
    let silent = bench.gap_ms();
    assert!((500..900).contains(&silent), "{silent} ms");
    bench.run(4_000, |_| 600.0);
    assert!(bench.gap_ms() - silent < 100, "heard without a break: {} ms", bench.gap_ms());
    assert!(bench.delay_ms() < 645.0 + 40.0, "{}", bench.delay_ms());
    // What was sent before comes 600 ms later, and all after it then.
    bench.run(2_600, |_| 0.0);
    assert!(bench.delay_ms() < 75.0, "{}", bench.delay_ms());
}

#[test]
fn a_queue_that_grows_and_drains_delays_no_longer_than_it_lasts() {
    let mut bench = Bench::new();
    bench.run(4_000, |_| 0.0);
    // Lateness grows to 500 ms in 2.5 s, stays for 2 s, and is gone within half a second.
    let queue = |i: i64| match i - 200 {
        n @ 0..125 => n as f64 * 4.0,
        125..225 => 500.0,
        n @ 225..250 => (250 - n) as f64 * 20.0,
        _ => 0.0,
    };
    bench.run(5_000, queue);
    bench.run(1_500, queue);
    assert!(bench.delay_ms() < 95.0, "1.5 s after: {}", bench.delay_ms());
    bench.run(4_000, |_| 0.0);
    assert!(bench.delay_ms() < 48.0, "{}", bench.delay_ms());
}

#[test]
fn ticks_that_do_not_come_cost_no_delay() {
    for hiccup in [15, 60, 500] {
        let mut bench = Bench::new();
        bench.run(3_000, |_| 0.0);
        bench.sleep(hiccup);
        bench.run(2_000, |_| 0.0);
        assert!(bench.delay_ms() < 55.0, "{hiccup} ticks left out, 2 s later: {}", bench.delay_ms());
    }
}

/// Like the Opus decoder: makes up half-loud sound in steps of 120 samples, recovers a packet as a constant, and takes a byte for silence.
struct Inventive;

impl Decode for Inventive {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), crate::media::play::decode::Error> {
        if packet.len() > 1 {
            return Pcm.decode(packet, out);
        }
        out.extend([0.001; 960]);
        Ok(())
    }

    fn conceals(&self) -> bool {
        true
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) -> bool {
        out.extend(std::iter::repeat_n(0.25, samples.next_multiple_of(120)));
        true
    }

    fn recover(&mut self, _next: &[u8], out: &mut Vec<f32>) -> bool {
        out.extend([0.75; 960]);
        true
    }

    fn is_silence(&self, packet: &[u8]) -> bool {
        packet.len() == 1
    }
}

/// Pushes packet `number` when it has been filled, ticks for 20 ms; returns what was heard.
fn twenty_ms(sound: &mut Sound, number: i64, packet: Option<Bytes>) -> Vec<f32> {
    let now = START + Duration::from_millis(20 * (number as u64 + 1));
    if let Some(packet) = packet {
        sound.push(number * 20_000, packet, now);
    }
    let mut heard = Vec::new();
    for tick in 0..2 {
        let mut out = [0.0; CHUNK_SAMPLES];
        sound.pull(now + Duration::from_millis(10 * tick), &mut out);
        heard.extend_from_slice(&out);
    }
    heard
}

#[test]
fn a_lost_packet_comes_out_of_the_next_one_and_a_late_one_is_made_up() {
    let mut sound = Sound::new(Latency::Call);
    sound.set_decoder(Box::new(Inventive));
    // More delay than a packet, so that the next one is there.
    sound.set_picture_need(60_000);
    let voice = || Some(pcm(&[0.5; 960]));
    let mut heard = Vec::new();
    for number in 0..100 {
        heard.extend(twenty_ms(&mut sound, number, voice().filter(|_| number != 50)));
    }
    let recovered = heard.iter().filter(|s| (0.74..0.76).contains(*s)).count();
    assert!((900..=960).contains(&recovered), "{recovered} samples recovered");
    assert_eq!(heard.iter().skip(9_600).filter(|s| (0.0..0.3).contains(*s)).count(), 0, "nothing made up");
    assert_eq!(sound.concealed().as_millis(), 20);
    // Six that are merely late: 120 ms pass, of which 40 to 60 were in stock.
    for number in 100..106 {
        heard.extend(twenty_ms(&mut sound, number, None));
    }
    assert!(heard[heard.len() - 1_000..].iter().all(|s| *s == 0.25), "the decoder makes it up");
    assert!((60..=100).contains(&(sound.concealed().as_millis() - 20)), "{:?}", sound.concealed());
}

#[test]
fn announced_silence_is_no_gap_and_costs_no_delay() {
    let mut sound = Sound::new(Latency::Call);
    sound.set_decoder(Box::new(Inventive));
    let mut number = 0;
    let mut say = |count: i64, packet: &dyn Fn() -> Option<Bytes>| {
        for _ in 0..count {
            twenty_ms(&mut sound, number, packet());
            number += 1;
        }
        (sound.concealed().as_millis(), sound.target_us())
    };
    assert_eq!(say(50, &|| Some(pcm(&[0.5; 960]))), (0, 20_000));
    assert_eq!(say(50, &|| Some(Bytes::from_static(&[1]))), (0, 20_000), "a byte each 20 ms");
    assert_eq!(say(40, &|| None), (0, 20_000), "nothing at all after it");
    assert_eq!(say(50, &|| Some(pcm(&[0.5; 960]))), (0, 20_000), "and speech again");
}

#[test]
fn a_fast_live_stream_is_a_second_late_and_comes_back_to_it() {
    let mut bench = Bench::with(Latency::Live(Smoothness::Fast));
    bench.run(5_000, |_| 0.0);
    assert!((bench.delay_ms() - 1_025.0).abs() < 10.0, "{}", bench.delay_ms());
    bench.run(3_000, stall(255, 295));
    assert_eq!(bench.gap_ms(), 0, "800 ms are covered");
    bench.run(3_000, stall(405, 555));
    bench.run(3_000, |_| 0.0);
    assert!((bench.delay_ms() - 1_025.0).abs() < 30.0, "after 3 s without anything: {}", bench.delay_ms());
}

#[test]
fn a_smooth_live_stream_leaves_nothing_out_and_is_bounded() {
    let mut bench = Bench::with(Latency::Live(Smoothness::Smooth));
    bench.run(8_000, |_| 0.0);
    assert!((bench.delay_ms() - 5_025.0).abs() < 10.0, "{}", bench.delay_ms());
    bench.run(6_000, stall(405, 605));
    assert_eq!(bench.gap_ms(), 0, "4 s are covered");
    bench.run(9_000, stall(705, 1_055));
    // 7 s of which 5 were in stock; all of it is heard, later.
    assert!((1_500..2_500).contains(&bench.gap_ms()), "{}", bench.gap_ms());
    assert!(bench.delay_ms() > 6_500.0, "{}", bench.delay_ms());
    let steps = bench.delays.windows(2).map(|w| w[1] - w[0]).fold(0, i64::min);
    assert!(steps > -60_000, "no jump: {steps} us");
    bench.run(60_000, |_| 0.0);
    assert!(bench.delay_ms() < 5_100.0, "a little faster, it is back: {}", bench.delay_ms());
    assert!(bench.sound.buffered_us() < 10_000_000);
}

#[test]
fn an_automatic_live_stream_follows_the_network() {
    let mut bench = Bench::with(Latency::Live(Smoothness::Automatic));
    bench.run(5_000, |_| 0.0);
    assert!((bench.delay_ms() - 1_025.0).abs() < 10.0, "{}", bench.delay_ms());
    bench.run(5_000, stall(255, 330));
    assert!((2_000_000..2_400_000).contains(&bench.sound.target_us()), "{}", bench.sound.target_us());
    bench.run(15_000, |_| 0.0);
    let gaps = bench.gap_ms();
    bench.run(4_000, stall(1_260, 1_335));
    assert_eq!(bench.gap_ms(), gaps, "the second stall of 1.5 s is not heard");
}
