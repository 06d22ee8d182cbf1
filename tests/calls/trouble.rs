//! What a call survives, and how it ends when it does not.

use crate::proxy::Proxy;
use crate::stage::{PATIENCE, Person, Stage, enter, left, peer};
use parlor::call::snapshot::Trouble;
use parlor::call::{Call, Command, Config, Ended, Event, Phase, Snapshot};
use parlor::media::capture::Format;
use parlor::media::publish::{Cause, Change};
use parlor::proto::Mode;
use parlor::room::ErrorKind;
use std::cell::Cell;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Leaving takes less than half a second; on a loaded machine this much is still "prompt", and far from any network's timeout.
const PROMPT: Duration = Duration::from_millis(1500);

fn leaves_promptly(person: Person, how: &str) {
    let begin = Instant::now();
    person.call.leave();
    let took = begin.elapsed();
    println!("left {how} in {took:?}");
    assert!(took < PROMPT, "leaving {how} took {took:?}");
}

fn reconnected(event: &Event) -> Option<()> {
    matches!(event, Event::Reconnected).then_some(())
}

#[test]
fn e2e_a_restarted_server_brings_both_back() {
    let mut stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Duo, "Ann"), stage.enter("Ben"));
    ben.in_call();
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    ann.call.send(Command::SetMic(false));
    ann.call.send(Command::SendText("before".into()));
    ben.until("the line", |s| s.chat.len() == 1);
    stage.stop();
    ann.reconnecting();
    ben.reconnecting();
    // The other's place, and the last picture in it, stay.
    assert_eq!(ann.call.snapshot().peers.len(), 1);
    stage.start_again();
    let begin = Instant::now();
    for (me, other) in [(&ann, "Ben"), (&ben, "Ann")] {
        me.event("reconnected", reconnected);
        me.until("the other's stream", |s| peer(s, other).is_some_and(|p| p.receiving && p.stats.picture.shown > 20));
        assert_eq!(me.call.snapshot().peers.len(), 1);
        assert_eq!(me.call.snapshot().chat.len(), 1);
    }
    println!("both back {:?} after the server", begin.elapsed());
    ann.sees_and_hears("Ben");
    // Muted before, muted after.
    let there = ben.until("Ann's mark", |s| peer(s, "Ann").is_some_and(|p| !p.mic && p.camera));
    assert!(peer(&there, "Ann").unwrap().stats.sound.rms_max < 0.001);
    assert!(!ann.call.snapshot().me.mic);
    // Nobody was told that somebody left or came.
    for person in [&ann, &ben] {
        assert!(!person.call.events().iter().any(|e| matches!(e, Event::PeerLeft { .. } | Event::PeerJoined { .. })));
    }
    ben.call.send(Command::SendText("after".into()));
    ann.until("a line after it", |s| s.chat.last().is_some_and(|l| l.text.as_deref() == Some("after")));
}

#[test]
fn e2e_a_broken_connection_heals_on_the_same_seats() {
    let stage = Stage::new();
    let proxy = Proxy::to(stage.address);
    let ann = stage.create(Mode::Duo, "Ann");
    let through = Config { server: proxy.address.to_string(), ..stage.config(enter(None), "Ben") };
    let ben = Person::new(Call::start(through));
    ben.in_call();
    ben.sees_and_hears("Ann");
    let seat = ben.call.snapshot().me.member.clone();
    proxy.cut();
    ben.event("reconnected", reconnected);
    assert_eq!(ben.call.snapshot().me.member, seat);
    let frames = ann.peer("Ben").unwrap().stats.picture.shown;
    ann.until("Ben's pictures go on", |s| peer(s, "Ben").is_some_and(|p| p.stats.picture.shown > frames + 20));
    ben.sees_and_hears("Ann");
    assert!(matches!(ann.call.snapshot().phase, Phase::InCall));
}

#[test]
fn e2e_a_slow_network_costs_pictures_and_no_sound_and_all_comes_back() {
    let stage = Stage::new();
    let proxy = Proxy::to(stage.address);
    let ann = stage.create(Mode::Duo, "Ann");
    let through = Config {
        server: proxy.address.to_string(),
        format: Some(Format { width: 480, height: 270, fps: 15 }),
        kbps: Some(500),
        ..stage.config(enter(None), "Ben")
    };
    let ben = Person::new(Call::start(through));
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    let quality = |wanted: Cause| {
        move |event: &Event| match event {
            Event::Quality(Change { cause, target }) if *cause == wanted => Some(*target),
            _ => None,
        }
    };
    proxy.limit(120);
    let begin = Instant::now();
    // Ben's own way, and for Ann, the way to the one who receives her.
    let target = ben.event("his network is busy", quality(Cause::Network));
    println!("noticed after {:?}: {target:?}", begin.elapsed());
    assert!(target.kbps < 400 && target.constrained);
    ann.event("her receiver's network is busy", quality(Cause::Receiver));
    ben.until("he sends less", |s| s.me.stats.kbps < 170.0);
    assert_eq!(ben.call.snapshot().me.trouble, Some(Trouble::MyNetwork));
    let shown = |s: &Snapshot| peer(s, "Ben").map_or(0, |p| p.stats.picture.shown);
    let (before, gaps) = (shown(&ann.call.snapshot()), peer(&ann.call.snapshot(), "Ben").unwrap().stats.sound.gap_ms);
    let there = ann.until("pictures go on", |s| shown(s) > before + 20);
    let lost = peer(&there, "Ben").unwrap().stats.sound.gap_ms - gaps;
    println!("{lost} ms of sound were lost meanwhile");
    assert!(peer(&there, "Ben").unwrap().stats.sound.rms_max > 0.01);
    proxy.limit(0);
    let begin = Instant::now();
    ben.until("he sends all again", |s| s.me.stats.picture.height == 270);
    println!("all sent again after {:?}", begin.elapsed());
    // Who is not looked at is not decoded.
    let member = peer(&ann.call.snapshot(), "Ben").unwrap().member.clone();
    ann.call.send(Command::SetView { member: member.clone(), lines: 0 });
    let last = Cell::new((0, Instant::now()));
    ann.until("nothing is shown any more", |s| {
        if last.get().0 != shown(s) {
            last.set((shown(s), Instant::now()));
        }
        last.get().1.elapsed() > Duration::from_secs(1)
    });
    ben.until("he hears that nobody looks", |s| s.me.stats.picture.height < 270);
    let hidden = shown(&ann.call.snapshot());
    ann.call.send(Command::SetView { member, lines: 720 });
    ann.until("he is seen again", |s| shown(s) > hidden + 10);
    ben.until("he hears that somebody looks", |s| s.me.stats.picture.height == 270);
}

#[test]
fn e2e_leaving_is_prompt_on_a_dead_network() {
    let mut stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Multi, "Ann"), stage.enter("Ben"));
    let proxy = Proxy::to(stage.address);
    let cem = Person::new(Call::start(Config { server: proxy.address.to_string(), ..stage.config(enter(None), "Cem") }));
    cem.sees_and_hears("Ann");
    proxy.freeze();
    leaves_promptly(cem, "with the cable out");
    leaves_promptly(ben, "properly");
    ann.event("a leave", left);
    stage.stop();
    leaves_promptly(ann, "while the server is gone");
}

#[test]
fn e2e_a_server_that_never_answers_is_given_up_and_left_promptly() {
    let stage = Stage::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let to_silent = || Config { server: silent.local_addr().unwrap().to_string(), ..stage.config(enter(None), "Ann") };
    let waiting = Person::new(Call::start(to_silent()));
    let begin = Instant::now();
    let leaving = Person::new(Call::start(to_silent()));
    leaving.until("entering", |s| matches!(s.phase, Phase::Entering));
    leaves_promptly(leaving, "a server that never answers");
    assert!(matches!(waiting.ended(), Ended::Failed(e) if e.kind() == ErrorKind::Timeout));
    println!("gave up after {:?}", begin.elapsed());
    // Nobody listens there any more.
    let gone = to_silent();
    drop(silent);
    assert!(matches!(Person::new(Call::start(gone)).ended(), Ended::Failed(e) if e.kind() == ErrorKind::Unreachable));
}

#[test]
fn e2e_the_crash_of_a_member_is_noticed() {
    let stage = Stage::new();
    let ann = stage.create(Mode::Duo, "Ann");
    let mut bot = std::process::Command::new(env!("CARGO_BIN_EXE_parlor-bot"))
        .args([
            "--server",
            &stage.address.to_string(),
            "--enter",
            "Room 会议",
            "--name",
            "Crash",
            "--seconds",
            "600",
            "--size",
            "320x180",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    ann.sees_and_hears("Crash");
    bot.kill().unwrap();
    bot.wait().unwrap();
    let crashed = Instant::now();
    while ann.call.snapshot().peers.iter().any(|p| p.name == "Crash") {
        assert!(crashed.elapsed() < PATIENCE, "never noticed");
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = crashed.elapsed();
    println!("crash noticed after {took:?}");
    assert_eq!(ann.event("a leave", left), "Crash");
    assert!(took < Duration::from_secs(25), "noticed only after {took:?}");
}
