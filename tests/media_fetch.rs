//! The player against streams over HTTP, made by a real ffmpeg and served by a small web server of this file: FLV that goes on, HLS, what is not there.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, ServerClock, Slot};
use parlor::media::audio::Output;
use parlor::media::frame::Rgba;
use parlor::media::play::{Config, Latency, Player, Smoothness, State};
use parlor::media::trouble::Kind;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough on a computer that does ten other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the files of a folder; `/live.flv` is what a fresh ffmpeg writes, for as long as somebody reads it.
fn serve(folder: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let folder = folder.clone();
            std::thread::spawn(move || answer(stream.unwrap(), &folder));
        }
    });
    address
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut line = String::new();
    BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
    if path == "live.flv" {
        let mut ffmpeg = made(&["-f", "flv", "-"]);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-flv\r\n\r\n");
        let mut from = ffmpeg.stdout.take().unwrap();
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if stream.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = (ffmpeg.kill(), ffmpeg.wait());
        return;
    }
    let body = std::fs::read(folder.join(&path));
    let _ = match body {
        Ok(body) => {
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Err(_) => stream.write_all(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    };
}

/// An ffmpeg that makes moving pictures with B-frames, and a tone, in real time.
fn made(to: &[&str]) -> Child {
    Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i"])
        .args(["sine=frequency=440:sample_rate=44100", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"])
        .args(to)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs ffmpeg")
}

/// Ends a program at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

struct Watching {
    player: Player,
    picture: Slot<Rgba>,
    _runtime: tokio::runtime::Runtime,
}

fn watch(url: String) -> Watching {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let picture = Slot::new();
    let clock = ServerClock::default();
    let player = Player::start(Config {
        url,
        output: Output::silent(Clock::system()).unwrap(),
        start: clock.local().now(),
        clock,
        runtime: runtime.handle().clone(),
        proxy: Default::default(),
        picture: picture.clone(),
        latency: Latency::Live(Smoothness::Fast),
        history: Default::default(),
        sync: false,
        tap: Default::default(),
        opener: Default::default(),
    });
    Watching { player, picture, _runtime: runtime }
}

impl Watching {
    /// Waits until it plays evenly: pictures, and a tone as loud as ffmpeg makes it.
    fn plays(&self) {
        let begun = Instant::now();
        loop {
            let stats = self.player.stats();
            if stats.picture.shown > 40 && stats.sound.rms > 0.05 && self.player.state() == State::Playing {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{:?} {stats:?}", self.player.state());
            std::thread::sleep(Duration::from_millis(50));
        }
        let picture = self.picture.take_within(PATIENCE).unwrap();
        assert_eq!((picture.width, picture.height), (320, 180));
        let first = picture.data[0];
        assert!(picture.data.iter().any(|value| value.abs_diff(first) > 100), "it shows something");
    }

    fn fails_as(&self, kind: Kind) {
        let begun = Instant::now();
        loop {
            match self.player.state() {
                State::Closed(trouble) if trouble.kind == kind => return,
                state => assert!(begun.elapsed() < PATIENCE, "{state:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn e2e_flv_over_http_is_seen_and_heard() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(folder.path());
    let watching = watch(format!("http://{address}/live.flv"));
    watching.plays();
    let stats = watching.player.stats();
    assert_eq!((stats.picture.codec.as_str(), stats.route.server), ("H.264", address.to_string()));
    // Dropping it does not wait for a server that has nothing to say.
    let begun = Instant::now();
    drop(watching);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn e2e_hls_is_seen_and_heard_and_a_recording_ends() {
    let folder = tempfile::tempdir().unwrap();
    let list: PathBuf = folder.path().join("live.m3u8");
    let running = Running(made(&[
        "-f",
        "hls",
        "-hls_time",
        "1",
        "-hls_list_size",
        "4",
        "-hls_flags",
        "delete_segments",
        list.to_str().unwrap(),
    ]));
    let address = serve(folder.path());
    // Nothing is there until the first segment is: the player asks again.
    let watching = watch(format!("http://{address}/live.m3u8"));
    watching.plays();
    let freezes = watching.player.stats().picture.freezes;
    std::thread::sleep(Duration::from_secs(4));
    assert!(watching.player.stats().picture.freezes <= freezes + 2, "segments flow: {:?}", watching.player.stats().picture);
    drop((watching, running));
    let recorded = folder.path().join("done.m3u8");
    let to = [
        "-t",
        "3",
        "-f",
        "hls",
        "-hls_time",
        "1",
        "-hls_list_size",
        "0",
        "-hls_segment_type",
        "fmp4",
        "-hls_playlist_type",
        "vod",
        recorded.to_str().unwrap(),
    ];
    let mut ffmpeg = Running(made(&to));
    assert!(ffmpeg.0.wait().unwrap().success());
    let watching = watch(format!("http://{address}/done.m3u8"));
    watching.fails_as(Kind::Finished);
    let shown = watching.player.stats().picture.shown;
    assert!(shown >= 20, "{shown} of 75 pictures were shown before the end was told");
}

#[test]
fn e2e_what_is_not_there_or_no_stream_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page.html"), "<html>hello</html>".repeat(100)).unwrap();
    let address = serve(folder.path());
    watch(format!("http://{address}/nothing.flv")).fails_as(Kind::NotFound);
    watch(format!("http://{address}/page.html")).fails_as(Kind::NoStream);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    watch(format!("http://{free}/live.flv")).fails_as(Kind::Unreachable);
}
