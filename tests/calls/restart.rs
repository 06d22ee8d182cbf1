//! A server that is killed and started again with the same data folder loses nobody and nothing that was said.

use crate::stage::{Stage, peer};
use parlor::call::{Command as Ask, Event, Snapshot};
use parlor::proto::Mode;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server in a process of its own; killed with it.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(data: &Path, listen: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_parlor-server"))
            .arg("--listen")
            .arg(listen)
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        Self { process, address: ready["listen"].as_str().unwrap().parse().unwrap() }
    }

    /// Without a word to anybody.
    fn kill(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.chat.iter().filter_map(|line| line.text.as_deref()).collect()
}

#[test]
fn e2e_a_killed_server_brings_back_rooms_seats_and_what_was_said() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0");
    let stage = Stage::at(server.address);
    let (ann, ben) = (stage.create(Mode::Multi, "Ann"), stage.enter("Ben"));
    ben.in_call();
    ann.sees_and_hears("Ben");
    ann.call.send(Ask::SendText("one".into()));
    ben.until("the first line", |s| lines(s) == ["one"]);
    ben.call.send(Ask::SendText("two".into()));
    ann.until("the second line", |s| lines(s) == ["one", "two"]);
    let seats = || [&ann, &ben].map(|p| (p.call.snapshot().room.clone().unwrap().id, p.call.snapshot().me.member.clone()));
    let before = seats();

    let address = server.kill();
    ann.reconnecting();
    ben.reconnecting();
    ben.call.send(Ask::SendText("said into the void".into()));
    let _server = Server::start(data.path(), &address);
    for (me, other) in [(&ann, "Ben"), (&ben, "Ann")] {
        me.event("reconnected", |e| matches!(e, Event::Reconnected).then_some(()));
        me.until("the other's stream", |s| peer(s, other).is_some_and(|p| p.receiving && p.stats.picture.shown > 20));
    }
    assert_eq!(seats(), before, "the same room and the same seats");
    ann.until("what Ben said meanwhile", |s| lines(s) == ["one", "two", "said into the void"]);
    let cem = stage.enter("Cem");
    cem.in_call();
    cem.until("what was said before", |s| lines(s) == ["one", "two", "said into the void"]);
    cem.call.send(Ask::SendText("three".into()));
    for person in [&ann, &ben, &cem] {
        person.until("all lines, each once", |s| lines(s) == ["one", "two", "said into the void", "three"]);
    }
}

#[test]
fn e2e_a_host_mutes_and_removes() {
    let stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Multi, "Ann"), stage.enter("Ben"));
    ben.in_call();
    let member = ann.until("Ben", |s| peer(s, "Ben").is_some()).peers[0].member.clone();
    ann.call.send(Ask::RequestMute(member.clone()));
    ben.event("muted", |e| matches!(e, Event::MutedByHost).then_some(()));
    ben.until("muted", |s| !s.me.mic);
    ann.until("Ben's mark", |s| peer(s, "Ben").is_some_and(|p| !p.mic));
    ben.call.send(Ask::RequestMute(member.clone()));
    ben.event("refused", |e| matches!(e, Event::Refused(_)).then_some(()));
    ann.call.send(Ask::RemoveMember(member));
    assert!(matches!(ben.ended(), parlor::call::Ended::Removed));
    ann.until("alone", |s| s.peers.is_empty());
}
