//! Somebody goes away: the other person, for good or for half a minute; the server.

use crate::diary::Note;
use crate::lab::{Lab, now};
use parlor::call::Phase;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn e2e_somebody_who_was_killed_stays_as_a_still_picture_and_is_gone_in_the_end() {
    let Some(lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    let killed = now();
    ben.signal("KILL");
    let noticed = ann.diary.when(&Note::Receiving(false), killed);
    // Their place stays, for they may come back.
    assert_eq!(ann.call.snapshot().peers.len(), 1);
    let gone = ann.diary.when(&Note::Left("Ben".into()), killed);
    println!("RECOVERY killed: still picture after {} ms, gone after {} ms", noticed.as_millis(), gone.as_millis());
    assert!(noticed < gone && gone < Duration::from_secs(30));
    assert!(matches!(ann.call.snapshot().phase, Phase::InCall), "Ann herself has lost nothing");
}

/// As when a lid was closed: the program stood still for longer than the server keeps a seat.
#[test]
fn e2e_slow_a_program_that_stood_still_comes_back_at_once() {
    let Some(lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    let stopped = now();
    ben.signal("STOP");
    ann.diary.when(&Note::Receiving(false), stopped);
    ann.diary.when(&Note::Left("Ben".into()), stopped);
    sleep((stopped + Duration::from_secs(30)).saturating_sub(now()));
    let awake = now();
    ben.signal("CONT");
    let times = [
        ("sees", ben.diary.when(&Note::Picture, awake)),
        ("hears", ben.diary.when(&Note::Sound, awake)),
        ("is seen", ann.diary.when(&Note::Picture, awake)),
        ("is heard", ann.diary.when(&Note::Sound, awake)),
    ];
    println!("RECOVERY stopped for 30 s: {times:?}");
    assert!(times.iter().all(|(_, time)| *time < Duration::from_secs(6)), "{times:?}");
    assert_eq!(ann.diary.count(awake, |n| *n == Note::Joined("Ben".into())), 1);
}

#[test]
fn e2e_a_killed_server_is_found_again_at_once() {
    let Some(mut lab) = Lab::new() else { return };
    let (ann, ben) = lab.both();
    let seat = ann.call.snapshot().me.member.clone();
    let killed = now();
    let listen = lab.kill_server();
    ann.diary.when(&Note::InCall(false), killed);
    sleep((killed + Duration::from_secs(3)).saturating_sub(now()));
    lab.start_server(&listen);
    let up = now();
    let mut times = Vec::new();
    for (who, diary) in [("near", &ann.diary), ("far", &ben.diary)] {
        times.extend([(who, "sees", diary.when(&Note::Picture, up)), (who, "hears", diary.when(&Note::Sound, up))]);
    }
    println!("RECOVERY server killed and started again: {times:?}");
    assert!(times.iter().all(|(_, _, time)| *time < Duration::from_secs(6)), "{times:?}");
    assert_eq!(ann.call.snapshot().me.member, seat, "the same seat");
    for diary in [&ann.diary, &ben.diary] {
        assert_eq!(diary.count(killed, |n| matches!(n, Note::Joined(_) | Note::Left(_))), 0);
    }
}
