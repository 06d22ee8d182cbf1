//! Streams over HTTP, as FLV: for a real ffmpeg, and for those who may not see them.

use crate::world::wish;
use parlor::base::Clock;
use parlor::host::{self, Host};
use parlor::proto::Mode;
use parlor::room::Client;
use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::link::{Options, Publication};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Far longer than anything takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn host(open: bool) -> Host {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let config = host::Config { listen, open, open_live: open, clock: Clock::system(), ..host::Config::default() };
    host::start(config).await.unwrap()
}

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a program that ends by itself has to say.
async fn output(name: &'static str, arguments: &[&str]) -> Output {
    let mut command = program(name, arguments);
    let ended = tokio::task::spawn_blocking(move || command.output());
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("{name} goes on for ever"));
    ended.unwrap().unwrap_or_else(|error| panic!("this test needs {name}: {error}"))
}

/// A program that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The address of the same stream over HTTP.
fn over_http(rtmp_url: &str) -> String {
    let (path, query) = rtmp_url.split_once('?').unwrap_or((rtmp_url, ""));
    format!("{}.flv?{query}", path.replacen("rtmp://", "http://", 1))
}

/// Asks for `url`; what comes until there are `enough` bytes, or the answer ends.
async fn get(url: &str, enough: usize) -> Vec<u8> {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while answer.len() < enough {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                n => answer.extend_from_slice(&buffer[..n]),
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("nothing comes");
    answer
}

/// Publishes pictures and sound until dropped.
struct Push(tokio::task::JoinHandle<()>);

impl Push {
    async fn to(url: &str) -> Self {
        let publication = Publication::start(&Handle::current(), url, Options::default());
        let mut state = publication.watch();
        tokio::time::timeout(PATIENCE, state.wait_for(|s| s.is_live())).await.expect("it is not accepted").unwrap();
        Self(tokio::spawn(async move {
            let packet = |kind, timestamp_ms, payload| Packet { kind, timestamp_ms, payload };
            publication.send(packet(PacketKind::Video, 0, tag::avc_sequence_header(b"config")));
            for t in (0..).step_by(20) {
                publication.send(packet(PacketKind::Video, t, tag::avc_frame(t % 1000 == 0, 0, &[7; 300])));
                publication.send(packet(PacketKind::Audio, t, vec![0xaf, 1, 7].into()));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_ffmpeg_plays_over_http_what_ffmpeg_pushes_over_rtmp() {
    let host = host(true).await;
    let rtmp = format!("rtmp://{}/live/show", host.addr());
    let arguments = "-v error -re -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 \
                     -c:v libx264 -preset ultrafast -tune zerolatency -g 50 -c:a aac -t 600 -f flv";
    let arguments: Vec<&str> = arguments.split_whitespace().chain([rtmp.as_str()]).collect();
    let _push = Running(program("ffmpeg", &arguments).spawn().expect("this test needs ffmpeg"));

    // It may come first: it waits for the publisher like a player.
    let url = over_http(&rtmp);
    let probe = output("ffprobe", &["-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", &url]).await;
    let seen = String::from_utf8_lossy(&probe.stdout).into_owned();
    assert!(seen.contains("h264,320") && seen.contains("aac"), "{seen} {}", String::from_utf8_lossy(&probe.stderr));

    // The group that is running comes at once, so the first pictures can be decoded without an error.
    let count = ["-v", "error", "-i", &url, "-t", "2", "-map", "0:v", "-f", "framecrc", "-"];
    let decoded = output("ffmpeg", &count).await;
    let pictures = String::from_utf8_lossy(&decoded.stdout).lines().filter(|line| !line.starts_with('#')).count();
    assert!(decoded.stderr.is_empty() && pictures >= 40, "{pictures} pictures; {}", String::from_utf8_lossy(&decoded.stderr));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_of_a_live_room_watch_over_http_with_their_token_and_nobody_else_does() {
    let host = host(false).await;
    let client = async |name: &str| {
        let client = Client::new(&host.addr().to_string()).unwrap();
        client.login(name).await.unwrap();
        client
    };
    let (ann, ben) = (client("Ann").await, client("Ben").await);
    for (mode, name) in [(Mode::Live, "Show"), (Mode::Multi, "Call")] {
        let seat = ann.create_room(&wish(name, mode)).await.unwrap();
        let _push = Push::to(&seat.publish_url).await;
        let began = Instant::now();
        while ben.get_room_list(0, 10).await.unwrap().rooms.iter().all(|room| room.name != name) {
            assert!(began.elapsed() < PATIENCE, "{name} does not appear");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let bens = ben.enter_room(name, None).await.unwrap();
        let members = ben.get_room(&bens.room).await.unwrap().members;
        let url = over_http(&members.into_iter().find_map(|member| member.play_url).expect("Ann's stream"));
        let bare = url.split('?').next().unwrap().to_owned();
        for wrong in [bare.clone(), format!("{bare}?token=x.y.z"), bare.replace("/live/", "/live/x")] {
            let answer = String::from_utf8_lossy(&get(&wrong, usize::MAX).await).into_owned();
            assert!(answer.starts_with("HTTP/1.1 40") && answer.contains("\"code\""), "{wrong}: {answer}");
        }
        let answer = get(&url, if mode == Mode::Live { 5000 } else { usize::MAX }).await;
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        if mode == Mode::Live {
            assert!(text.starts_with("http/1.1 200") && text.contains("content-type: video/x-flv"), "{text}");
            assert!(text.contains("access-control-allow-origin: *") && text.contains("flv\u{1}\u{5}"), "{text}");
            assert!(answer.windows(6).any(|bytes| bytes == b"config"), "the codec's configuration comes");
        } else {
            assert!(text.starts_with("http/1.1 403") && text.contains("live rooms"), "{text}");
        }
    }
    host.stop().await;
}
