//! Other people's programs over TLS: curl and ffmpeg.

use crate::support::{Server, open, wait_until};
use parlor::wire::link::{Options, Playback};
use std::process::{Child, Command, Output, Stdio};

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl").args(["-s", "-S", "--max-time", "30"]).args(arguments).output().expect("this test needs curl")
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn e2e_curl_talks_to_the_same_port_with_and_without_tls() {
    let server = Server::new();
    let address = server.address();
    for base in [format!("http://{address}"), format!("https://{address}")] {
        let answer = curl(&["-k", &format!("{base}/healthz")]);
        assert!(answer.status.success() && answer.stdout == b"ok\n", "{base}: {answer:?}");
    }
    // Its own check finds nobody who vouches for the certificate, and it does not speak TLS 1.2.
    assert_eq!(curl(&[&format!("https://{address}/healthz")]).status.code(), Some(60));
    assert_eq!(curl(&["-k", "--tls-max", "1.2", &format!("https://{address}/healthz")]).status.code(), Some(35));
    // curl knows pins, too.
    let pin = curl_pin(&server);
    assert!(curl(&["-k", "--pinnedpubkey", &pin, &format!("https://{address}/healthz")]).status.success());
}

/// The same 32 bytes in base64 with padding.
fn curl_pin(server: &Server) -> String {
    use base64::Engine as _;
    format!("sha256//{}", base64::engine::general_purpose::STANDARD.encode(server.pin().0))
}

#[test]
fn a_proxy_on_this_computer_is_believed_when_it_says_that_it_was_tls() {
    let server = Server::new();
    let address = server.address();
    let ask = |method: &str, path: &str, body: &str, header: &str, token: &str| -> serde_json::Value {
        let (url, bearer) = (format!("http://{address}{path}"), format!("authorization: Bearer {token}"));
        let answer = curl(&["-X", method, "-H", header, "-H", &bearer, "-H", "host: calls.example", "-d", body, &url]);
        serde_json::from_slice(&answer.stdout).unwrap_or_else(|e| panic!("{e}: {answer:?}"))
    };
    let session = ask("POST", "/v1/login", r#"{"name":"Ann"}"#, "x: y", "");
    let token = session["token"].as_str().unwrap();
    for (header, base) in [
        ("x-forwarded-proto: https", "rtmps://calls.example:443/live/"),
        ("x-forwarded-proto: http", "rtmp://calls.example:80/live/"),
        ("x: y", "rtmp://calls.example:80/live/"),
    ] {
        let seat = ask("POST", "/v1/rooms", r#"{"name":"Call","mode":"duo"}"#, header, token);
        assert!(seat["publish_url"].as_str().unwrap().starts_with(base), "{header}: {seat}");
    }
}

#[test]
fn e2e_ffmpeg_pushes_and_we_play_over_tls() {
    let server = Server::with(open());
    let url = format!("rtmps://{}/live/obs", server.address());
    let source = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
    let encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac", "-f", "flv"];
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(source).args(encode).args(["-tls_verify", "0", &url]);
    let child = ffmpeg.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("this test needs ffmpeg");
    let _ffmpeg = Program(child);
    let pinned = format!("{url}#pin={}", server.pin());
    let playback = Playback::start(server.runtime.handle(), &pinned, Options::default());
    let (mut pictures, mut sounds) = (0, 0);
    wait_until("pictures and sound come", || {
        while let Some((packet, _)) = playback.packets().pop() {
            match packet.kind {
                parlor::rtmp::PacketKind::Video => pictures += 1,
                parlor::rtmp::PacketKind::Audio => sounds += 1,
                parlor::rtmp::PacketKind::Data => {}
            }
        }
        assert!(playback.state().error().is_none(), "{:?}", playback.state());
        pictures > 50 && sounds > 50
    });
    assert_eq!(playback.stats().carrier.map(|carrier| carrier.name()), Some("tls"));
}
