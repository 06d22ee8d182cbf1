//! The network goes away and comes back.

use crate::diary::Note;
use crate::lab::{Ann, Ben, Lab, now};
use parlor::call::{Command, Phase};
use parlor_lab::net::Side;
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::Duration;

/// How long anybody may take to be back; a quiet machine needs less than a second, which is printed.
const BACK: Duration = Duration::from_secs(4);

/// What came when after `moment`, on both sides; Ann's sound only where Ben can hear it.
fn back(what: &str, moment: Duration, ann: &Ann, ben: &Ben, sound: bool) {
    let mut times = vec![
        ("near sees", ann.diary.when(&Note::Picture, moment)),
        ("near hears", ann.diary.when(&Note::Sound, moment)),
        ("far sees", ben.diary.when(&Note::Picture, moment)),
    ];
    if sound {
        times.push(("far hears", ben.diary.when(&Note::Sound, moment)));
    }
    let text: Vec<String> = times.iter().map(|(who, time)| format!("{who} {} ms", time.as_millis())).collect();
    println!("RECOVERY {what}: {}", text.join(", "));
    for (who, time) in times {
        assert!(time < BACK, "{what}: {who} again only after {time:?}");
    }
}

fn outage(lab: &Lab, ann: &Ann, ben: &Ben, length: Duration, sound: bool) {
    let seat = ann.call.snapshot().me.member.clone();
    let cut = lab.cut();
    if length > Duration::from_secs(4) {
        let noticed = ann.diary.when(&Note::InCall(false), cut);
        let seen = ben.diary.when(&Note::Receiving(false), cut);
        println!("RECOVERY noticed: near after {} ms, far after {} ms", noticed.as_millis(), seen.as_millis());
        // The other's place, and the last picture in it, stay.
        assert_eq!(ann.call.snapshot().peers.len(), 1);
        assert!(ann.until("dimmed", |s| s.peers.iter().all(|p| !p.receiving)).me.camera);
    }
    sleep((cut + length).saturating_sub(now()));
    let healed = lab.heal();
    back(&format!("{} s without network", length.as_secs()), healed, ann, ben, sound);
    ann.until("in the call", |s| matches!(s.phase, Phase::InCall) && s.peers.len() == 1);
    if length < Duration::from_secs(15) {
        assert_eq!(ann.call.snapshot().me.member, seat, "the same seat");
        assert_eq!(ben.diary.count(cut, |n| matches!(n, Note::Joined(_) | Note::Left(_))), 0);
    }
    for (diary, other) in [(&ann.diary, "Ben"), (&ben.diary, "Ann")] {
        for note in [Note::Joined(other.into()), Note::Left(other.into())] {
            assert!(diary.count(cut, |n| *n == note) <= 1, "{note} more than once");
        }
    }
    sleep(Duration::from_secs(2));
}

#[test]
fn e2e_a_call_is_back_as_soon_as_the_network_is() {
    let Some(lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    for seconds in [1, 2, 5] {
        outage(&lab, &ann, &ben, Duration::from_secs(seconds), true);
    }
}

/// Ann's seat may be lost by then; nobody notices more than that she left and came.
#[test]
fn e2e_slow_a_call_is_back_after_a_minute_without_network() {
    let Some(lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    outage(&lab, &ann, &ben, Duration::from_secs(20), true);
    // Muted before, muted after.
    let muted = now();
    ann.send(Command::SetMic(false));
    ben.diary.when(&Note::Mic(false), muted);
    outage(&lab, &ann, &ben, Duration::from_secs(60), false);
    let me = ann.call.snapshot().me.clone();
    assert_eq!((me.mic, me.camera), (false, true));
    // A new seat is shown without the mark until its first heartbeat, a moment later.
    let later = muted + Duration::from_secs(5);
    if ben.diary.count(later, |n| *n == Note::Mic(true)) > 0 {
        ben.diary.when(&Note::Mic(false), later);
    }
}

#[test]
fn e2e_another_address_is_another_connection_at_once() {
    let Some(lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    let seat = ann.call.snapshot().me.member.clone();
    let moment = now();
    lab.network.readdress(Side::Near, None).unwrap();
    lab.network.readdress(Side::Near, Some(Ipv4Addr::new(10, 77, 0, 99))).unwrap();
    let moved = now();
    println!("RECOVERY the address changed in {} ms", (moved - moment).as_millis());
    let noticed = ann.diary.when(&Note::InCall(false), moment);
    println!("RECOVERY noticed after {} ms", noticed.as_millis());
    // What was on its way is not what is asked for.
    back("another address, from when it was noticed", moment + noticed + Duration::from_millis(50), &ann, &ben, true);
    ann.until("in the call", |s| matches!(s.phase, Phase::InCall));
    assert_eq!(ann.call.snapshot().me.member, seat);
}
