//! People who sign in, open rooms and enter them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::{Value, json};

use parlor::rtmp::client::Role;
use parlor::rtmp::{Packet, PacketKind};

use crate::http::{Wire, request};
use crate::line::{Line, Manner, Target};

/// Somebody with a seat.
#[derive(Clone, Debug)]
pub struct Member {
    pub room: String,
    pub token: String,
    pub publish_url: String,
    /// Where they have heard everything up to.
    pub next: u64,
}

/// The addresses that strangers come from: 127.x.y.1, so that each has its own rates.
pub fn address(number: usize) -> Ipv4Addr {
    let low = u16::try_from(number % 60_000).unwrap_or_default();
    let [high, low] = (low + 256).to_be_bytes();
    Ipv4Addr::new(127, high, low, 1)
}

/// One who asks things of the server.
pub struct Asker {
    pub server: SocketAddr,
    pub wire: Wire,
}

impl Asker {
    pub fn new(server: SocketAddr, from: Ipv4Addr) -> Self {
        Self { server, wire: Wire::new(server, from) }
    }

    /// Asks; anything but success is an error.
    pub async fn ask(&mut self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.wire.ask(&request(method, path, self.server, token, &text)).await?;
        if answer.status != 200 {
            bail!("{method} {path}: {} {}", answer.status, answer.body);
        }
        serde_json::from_str(&answer.body).with_context(|| format!("{method} {path}: no JSON"))
    }

    pub async fn login(&mut self, name: &str) -> Result<String> {
        let session = self.ask("POST", "/v1/login", None, &json!({ "name": name })).await?;
        Ok(session["token"].as_str().context("no token")?.to_owned())
    }

    pub async fn create(&mut self, token: String, name: &str) -> Result<Member> {
        let wish = json!({ "name": name, "mode": "multi", "dissolve_on_creator_exit": true });
        let seat = self.ask("POST", "/v1/rooms", Some(&token), &wish).await?;
        seated(token, &seat)
    }

    pub async fn enter(&mut self, token: String, room: &str) -> Result<Member> {
        let seat = self.ask("POST", &format!("/v1/rooms/{room}/members"), Some(&token), &json!({})).await?;
        seated(token, &seat)
    }

    pub async fn leave(&mut self, member: &Member) -> Result<()> {
        let path = format!("/v1/rooms/{}/members/me", member.room);
        self.ask("DELETE", &path, Some(&member.token), &Value::Null).await.map(|_| ())
    }
}

fn seated(token: String, seat: &Value) -> Result<Member> {
    let text = |key: &str| seat[key].as_str().map(str::to_owned).with_context(|| format!("a seat without {key}: {seat}"));
    Ok(Member { room: text("room")?, token, publish_url: text("publish_url")?, next: seat["seq"].as_u64().unwrap_or_default() })
}

/// `(application, stream)` of a stream's URL.
pub fn parts(url: &str) -> Result<(Target, String)> {
    let (base, name) = url.rsplit_once('/').context("a stream's URL without a stream")?;
    Ok((Target::parse(base)?, name.to_owned()))
}

/// Shows the server that the member's stream flows, which is what makes somebody a member.
pub async fn show_oneself(member: &Member) -> Result<()> {
    let (target, name) = parts(&member.publish_url)?;
    let mut line = Line::open(&target, Role::Publish, &name, Manner::default()).await?;
    line.session.send(&sound(0));
    line.flush().await?;
    // What has not been read when a connection closes may be lost.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

/// A packet of sound.
pub fn sound(timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Audio, timestamp_ms, payload: Bytes::from_static(&[0xaf; 80]) }
}
