//! The peer that every delay is compared with: ffmpeg publishes to nginx-rtmp, ffplay shows it, with sound, each with
//! the settings for low delay that their manuals name.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use parlor_lab::net::{Network, Side};

use super::engine::{free_port, start_nginx};
use super::mark;
use super::screen::{Area, Reading, Screen, unix_ms};
use crate::command::{Running, find};
use crate::temporary::Folder;

/// What is published.
pub const WIDTH: usize = 640;
pub const HEIGHT: usize = 360;
pub const PICTURES_PER_SECOND: u32 = 30;
const KBPS: &str = "600k";
/// Time for the player to fill its buffers and find its pace before anything is measured.
const SETTLE: Duration = Duration::from_secs(5);
/// The engine's in a namespace of its own, where nobody else listens.
const PORT: u16 = 1935;
const START_LIMIT: Duration = Duration::from_secs(30);

/// Shows marked pictures by way of the peer's programs for `seconds`, and reads their delay off the screen.
pub fn measure(screen: &mut Screen, seconds: u64) -> Result<Reading> {
    let folder = Folder::new("peer")?;
    let address = format!("127.0.0.1:{}", free_port()?);
    let _nginx = start_nginx(folder.path(), &address, "master_process off;\n")?;
    let url = format!("rtmp://{address}/live/peer");
    let mut ffmpeg = publish(&url)?;
    let input = ffmpeg.0.stdin.take().context("ffmpeg has no standard input")?;
    let _source = Source::start(input);
    let area = Area { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    let _player = play(screen, &url)?;
    screen.find_mark(area, START_LIMIT).context("ffplay shows no marked picture")?;
    thread::sleep(SETTLE);
    let place = screen.find_mark(area, START_LIMIT)?;
    screen.watch(place, seconds)
}

/// The same with an emulated network between engine and player: `begin` is called when the player shows pictures, and then it is watched.
pub fn measure_through(screen: &mut Screen, network: &Network, seconds: u64, begin: impl FnOnce()) -> Result<Reading> {
    let folder = Folder::new("peer")?;
    let address = format!("{}:{PORT}", Side::Far.address());
    let url = format!("rtmp://{address}/live/peer");
    let _nginx = network.inside(Side::Far, || start_nginx(folder.path(), &address, "master_process off;\n"))??;
    let mut ffmpeg = network.inside(Side::Far, || publish(&url))??;
    let input = ffmpeg.0.stdin.take().context("ffmpeg has no standard input")?;
    let _source = Source::start(input);
    let area = Area { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    let _player = network.inside(Side::Near, || play(screen, &url))??;
    screen.find_mark(area, START_LIMIT).context("ffplay shows no marked picture")?;
    thread::sleep(SETTLE);
    let place = screen.find_mark(area, START_LIMIT)?;
    begin();
    screen.watch(place, seconds)
}

/// ffmpeg: raw pictures from its standard input and a tone, as H.264 and AAC, without delaying anything.
fn publish(url: &str) -> Result<Running> {
    let (size, rate) = (format!("{WIDTH}x{HEIGHT}"), PICTURES_PER_SECOND.to_string());
    let mut ffmpeg = Command::new(find("ffmpeg").context("ffmpeg is missing")?);
    ffmpeg.args(["-loglevel", "error", "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0"]);
    ffmpeg.args(["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", &size, "-framerate", &rate, "-i", "pipe:0"]);
    ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline", "-threads", "1"]);
    ffmpeg.args(["-g", "60", "-b:v", KBPS, "-maxrate", KBPS, "-bufsize", "300k", "-c:a", "aac", "-b:a", "64k"]);
    ffmpeg.args(["-flush_packets", "1", "-f", "flv", url]);
    let ffmpeg = ffmpeg.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(Running(ffmpeg.context("cannot start ffmpeg")?))
}

/// ffplay in the upper left corner of the screen, with SDL's own sound card that swallows everything in real time:
/// through PulseAudio's silent sink ffplay is half a second later, and the peer shall be seen at its best.
fn play(screen: &Screen, url: &str) -> Result<Running> {
    let mut ffplay = Command::new(find("ffplay").context("ffplay is missing (package ffmpeg)")?);
    ffplay.args(["-loglevel", "error", "-fflags", "nobuffer", "-flags", "low_delay", "-noborder", "-left", "0", "-top", "0"]);
    ffplay.arg(url).env("SDL_AUDIODRIVER", "dummy").env("SDL_RENDER_DRIVER", "software");
    let ffplay = screen.show(&mut ffplay).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Ok(Running(ffplay.context("cannot start ffplay")?))
}

/// Draws marked pictures at an even pace until dropped.
struct Source {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Source {
    fn start(to: ChildStdin) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::Builder::new().name("marked pictures".to_owned()).spawn(move || draw_until(&stopped, to)).ok();
        Self { stop, thread }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn draw_until(stop: &AtomicBool, mut to: ChildStdin) {
    let mut picture = vec![128; WIDTH * HEIGHT * 3 / 2];
    let begin = Instant::now();
    for index in 0u32.. {
        let due = begin + Duration::from_secs(1) / PICTURES_PER_SECOND * index;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let shift = index as usize * 5;
        let (luma, _) = picture.split_at_mut(WIDTH * HEIGHT);
        for row in luma.chunks_exact_mut(WIDTH) {
            // A ramp that moves: the encoder has work to do in every picture.
            row.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = 40 + ((x + shift) % WIDTH * 180 / WIDTH) as u8);
        }
        mark::draw(luma, WIDTH, unix_ms() as u32);
        if to.write_all(&picture).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2e_the_peer_shows_the_pictures_it_is_given() {
        let mut screen = Screen::start(800, 600).unwrap();
        let reading = measure(&mut screen, 3).unwrap();
        println!("{:?} p95 {:?} {:.1}/s", reading.percentile(0.5), reading.percentile(0.95), reading.pictures_per_second());
        assert!(reading.delays_ms.len() > 3, "{} pictures in 3 s", reading.delays_ms.len());
        assert!(reading.delays_ms.iter().all(|delay| (0.0..10_000.0).contains(delay)), "{:?}", reading.delays_ms);
    }
}
