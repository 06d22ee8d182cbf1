//! Leaving takes no time, whatever the network does just then.

use crate::diary::Note;
use crate::lab::{Ann, Lab, now};
use parlor::call::{Call, Entry, Phase};
use parlor::proto::Mode;
use parlor_lab::net::Side;
use std::thread::sleep;
use std::time::Duration;

/// What a person sees as at once.
const PROMPT: Duration = Duration::from_millis(500);
/// What a machine that does ten other things at the same time may add to that.
const BUSY: Duration = Duration::from_millis(1000);

fn leaves(ann: Ann, when: &str) {
    let took = ann.leave();
    println!("RECOVERY left {when} in {} ms{}", took.as_millis(), if took > PROMPT { " (too slow?)" } else { "" });
    assert!(took < PROMPT + BUSY, "{when}: {took:?}");
}

#[test]
fn e2e_leaving_is_prompt_at_any_moment() {
    let Some(lab) = Lab::new() else { return };
    let enter = || Entry::Create { name: "Elsewhere".into(), mode: Mode::Multi, password: None, dissolve: true };
    let start = || {
        let config = lab.config(lab.server().address(), enter());
        Ann::new(lab.network.inside(Side::Near, || Call::start(config)).unwrap())
    };
    leaves(start(), "at once");

    let connecting = start();
    sleep(Duration::from_millis(120));
    leaves(connecting, "while connecting");

    lab.cut();
    let nowhere = start();
    nowhere.until("entering", |s| matches!(s.phase, Phase::Entering));
    sleep(Duration::from_millis(500));
    leaves(nowhere, "while connecting into nothing");
    lab.heal();

    let ann = start();
    ann.until("in the call", |s| matches!(s.phase, Phase::InCall));
    leaves(ann, "in the call");

    let (ann, ben) = lab.both();
    lab.cut();
    sleep(Duration::from_millis(300));
    leaves(ann, "just after the network went");
    lab.heal();
    drop(ben);

    let ann = start();
    ann.until("in the call", |s| matches!(s.phase, Phase::InCall));
    let cut = lab.cut();
    ann.diary.when(&Note::InCall(false), cut);
    sleep(Duration::from_millis(700));
    leaves(ann, "while reconnecting");
    lab.heal();

    let ann = start();
    ann.until("in the call", |s| matches!(s.phase, Phase::InCall));
    let cut = lab.cut();
    ann.diary.when(&Note::InCall(false), cut);
    let healed = lab.heal();
    sleep((healed + Duration::from_millis(150)).saturating_sub(now()));
    leaves(ann, "just as the network came back");
}
