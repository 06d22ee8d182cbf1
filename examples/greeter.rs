//! Opens a room, says how to come in, greets whoever comes, and prints what happens until everybody who came is gone again:
//!
//! ```sh
//! cargo run --example greeter -- 127.0.0.1:1935 "Front desk"
//! ```
#![allow(clippy::print_stdout)]

use parlor::call::{Call, Command, Config, Entry, Event, Phase, Speaker};
use parlor::media::capture::{AudioSource, VideoSource};
use parlor::proto::Mode;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:1935".to_owned());
    let name = arguments.next().unwrap_or_else(|| "Front desk".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;

    // Whenever something has changed we are told; one waiting word is enough, however much it was.
    let (changed, changes) = sync_channel(1);
    let call = Call::start(Config {
        video: VideoSource::None,
        audio: AudioSource::None,
        speaker: Speaker::Silent,
        on_change: Arc::new(move || _ = changed.try_send(())),
        ..Config::new(
            server,
            Entry::Create { name, mode: Mode::Multi, password: None, dissolve: true },
            "Greeter",
            runtime.handle().clone(),
        )
    });

    let (mut invited, mut here) = (false, HashSet::new());
    loop {
        let _ = changes.recv_timeout(Duration::from_secs(1));
        let now = call.snapshot();
        if let Some(room) = now.room.as_ref().filter(|_| !std::mem::replace(&mut invited, now.room.is_some())) {
            println!("invitation: {}", room.invite);
        }
        for event in call.events() {
            match event {
                Event::PeerJoined { member, name } => {
                    println!("{name} came");
                    call.send(Command::SendText(format!("Welcome, {name}!")));
                    here.insert(member);
                }
                Event::PeerLeft { member, name } => {
                    println!("{name} is gone");
                    if here.remove(&member) && here.is_empty() {
                        return Ok(());
                    }
                }
                Event::Text { name, text, own: false, .. } => println!("{name}: {text}"),
                _ => {}
            }
        }
        if let Phase::Ended(how) = &now.phase {
            anyhow::bail!("the call is over: {how:?}");
        }
    }
}
