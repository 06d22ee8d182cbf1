//! A call's pictures and sound move through buffers that are used again: a counting allocator watches a publisher, a relay and a player in one
//! process. (What FFmpeg's C code allocates for itself does not come this way; its pictures lie in pools of its own.)
#![cfg(all(feature = "media", feature = "server"))]
// Unsafe code is allowed in this file alone: an allocator cannot be written without. All of it is handed on to the system's.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, ServerClock, Slot};
use parlor::media::audio::Output;
use parlor::media::capture::pattern::Pattern;
use parlor::media::capture::{AudioSource, Format, Sound, Video, VideoSource};
use parlor::media::convert::ToRgba;
use parlor::media::encode::audio::Codec;
use parlor::media::encode::video;
use parlor::media::play::{self, Latency, Player};
use parlor::media::publish::{self, Publisher, State};
use parlor::media::stats::History;
use parlor::relay::{Hub, Open, serve_connection};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Counts what is asked of the system's allocator.
struct Counting;

/// All, by all threads.
static ALL: AtomicU64 = AtomicU64::new(0);
/// Those as large as a raw picture, by all threads.
static LARGE: AtomicU64 = AtomicU64::new(0);
/// A raw picture of [`FORMAT`] has 345,600 bytes, and 921,600 for the screen; a coded one has far fewer.
const LARGE_BYTES: usize = 200_000;

thread_local! {
    /// All, by this thread.
    static MINE: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    ALL.fetch_add(1, Ordering::Relaxed);
    LARGE.fetch_add(u64::from(bytes >= LARGE_BYTES), Ordering::Relaxed);
    // A thread that ends has no counter any more.
    let _ = MINE.try_with(|mine| mine.set(mine.get() + 1));
}

// SAFETY: the system's allocator with a counter beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const FORMAT: Format = Format { width: 640, height: 360, fps: 30 };
/// Patience with a slow machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Pictures until every buffer has been made, and pictures that count.
const PICTURES: (u64, u64) = (60, 90);
/// Allocations of all threads together for one picture, the 33 ms of sound beside it, and all that goes on meanwhile.
const BUDGET: f64 = 80.0;

/// One after the other: the counters belong to the whole process.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn drawing_converting_and_encoding_need_no_new_picture() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pattern = Pattern::new(FORMAT);
    let config = video::Config {
        width: FORMAT.width,
        height: FORMAT.height,
        rate: video::Rate::new(600, FORMAT.fps),
        choice: video::Choice::Software,
    };
    let (mut encoder, mut to_rgba) = (video::Encoder::open(config).unwrap(), ToRgba::new());
    let mut each = |from: u64, pictures: u64| {
        let before = (MINE.get(), LARGE.load(Ordering::Relaxed));
        for number in from..from + pictures {
            let picture = Arc::new(pattern.draw(Duration::from_millis(1_795_345_678_000 + number * 33)));
            drop(to_rgba.picture(&picture).unwrap());
            assert_eq!(encoder.encode(&picture, number == 0).unwrap().len(), 1);
        }
        ((MINE.get() - before.0) as f64 / pictures as f64, LARGE.load(Ordering::Relaxed) - before.1)
    };
    each(0, 10);
    let (all, large) = each(10, 50);
    println!("{all:.1} allocations for a picture");
    assert_eq!(large, 0, "raw pictures are used again");
    // The picture's Arc, the list of what came out, the coded bytes and who shares them.
    assert!(all <= 6.0, "{all} allocations for a picture");
}

#[test]
fn a_call_goes_on_in_the_buffers_that_it_has() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("rtmp://{}/live/a", listener.local_addr().unwrap());
    let (_stop, stopped) = watch::channel(false);
    let hub = Hub::new(Clock::system());
    runtime.spawn(async move {
        while let Ok((socket, peer)) = listener.accept().await {
            tokio::spawn(serve_connection(socket, peer, hub.clone(), Arc::new(Open), stopped.clone()));
        }
    });
    let (clock, runtime) = (ServerClock::new(Clock::system()), runtime.handle().clone());
    clock.set_offset(0);
    let (pattern, tone) = (
        Video::open(VideoSource::Pattern, FORMAT, Clock::system()).unwrap(),
        Sound::open(AudioSource::Tone, Clock::system()).unwrap(),
    );
    let publisher = Publisher::start(publish::Config {
        url: url.clone(),
        format: FORMAT,
        kbps: 600,
        audio: Codec::Opus,
        repeat_every: None,
        clock: clock.clone(),
        runtime: runtime.clone(),
        proxy: Default::default(),
        history: History::default(),
        tap: Default::default(),
        seal: None,
    });
    publisher.set_video(Some(&pattern));
    publisher.set_sound(Some(&tone));
    let begun = Instant::now();
    while publisher.state() != State::Live {
        assert!(begun.elapsed() < LIMIT, "the relay does not take the stream");
        std::thread::sleep(Duration::from_millis(5));
    }
    let picture = Slot::new();
    let output = Output::silent(Clock::system()).unwrap();
    let start = Clock::system().now();
    let player = Player::start(play::Config {
        url,
        output,
        clock,
        runtime,
        proxy: Default::default(),
        picture: picture.clone(),
        start,
        latency: Latency::Call,
        sync: false,
        history: History::default(),
        tap: Default::default(),
        opener: Default::default(),
    });
    let watch = |pictures: u64| {
        for number in 0..pictures {
            // Looked at and given back, as a window does.
            let shown = picture.take_within(LIMIT).unwrap_or_else(|| panic!("{number} of {pictures}: {:?}", player.state()));
            assert_eq!((shown.width, shown.height), (FORMAT.width, FORMAT.height));
        }
    };
    watch(PICTURES.0);
    let before = (ALL.load(Ordering::Relaxed), LARGE.load(Ordering::Relaxed));
    watch(PICTURES.1);
    let (all, large) = (ALL.load(Ordering::Relaxed) - before.0, LARGE.load(Ordering::Relaxed) - before.1);
    let each = all as f64 / PICTURES.1 as f64;
    println!("{each:.1} allocations for a picture with its sound, {large} as large as a raw picture");
    assert_eq!(large, 0, "raw pictures are used again");
    assert!(each < BUDGET, "{each} allocations for a picture with its sound");
}
