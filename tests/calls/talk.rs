//! What people do in a call: see, hear, mute, write, come and go.

use crate::stage::{LOUD, PATIENCE, Person, SILENT, Stage, enter, joined, left, peer};
use parlor::call::{Call, Command, Config, Ended, Entry, Event, Phase};
use parlor::media::capture::{AudioSource, SourceErrorKind, VideoSource};
use parlor::proto::{Code, Mode};
use parlor::room::ErrorKind;
use std::time::{Duration, Instant};

#[test]
fn e2e_two_people_see_and_hear_each_other() {
    let stage = Stage::new();
    let ann = stage.create(Mode::Duo, "Ann");
    ann.event("entered", |e| matches!(e, Event::Entered).then_some(()));
    let ben = stage.enter("Ben");
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    assert_eq!(ann.event("a join", joined), "Ben");
    let room = ann.call.snapshot().room.clone().unwrap();
    assert_eq!((room.name.as_str(), room.mode, room.cap, room.mine), ("Room 会议", Mode::Duo, 2, true));
    assert_eq!(room.invite.to_string(), format!("parlor://{}/{}", stage.address, room.id));
    assert!(!ben.call.snapshot().room.as_ref().unwrap().mine);
    // The picture arrives as it was sent, and its age is known.
    let seen = ben.until("a picture's age", |s| peer(s, "Ann").is_some_and(|p| p.stats.delay.recent.is_some()));
    let ann_there = peer(&seen, "Ann").unwrap();
    assert_eq!((ann_there.stats.picture.width, ann_there.stats.picture.height), (320, 180));
    assert!(ann_there.picture.take_within(PATIENCE).is_some());
    let (sound, picture) = (ann_there.stats.sound.first_ms.unwrap(), ann_there.stats.picture.first_ms.unwrap());
    println!(
        "from enter to the first remote sound {sound:.0} ms, picture {picture:.0} ms, delay {:?}",
        ann_there.stats.delay.recent
    );
    // Leaving is prompt and complete, and seen by the other.
    let begin = Instant::now();
    ben.call.leave();
    println!("left in {:?}", begin.elapsed());
    assert_eq!(ann.event("a leave", left), "Ben");
    ann.until("alone again", |s| s.peers.is_empty());
}

#[test]
fn e2e_four_people_in_one_room() {
    let stage = Stage::new();
    let names = ["Ann", "Ben", "Cem", "Dua"];
    let mut people = vec![stage.create(Mode::Multi, names[0])];
    for name in &names[1..] {
        let person = stage.enter(name);
        person.in_call();
        people.push(person);
    }
    for (i, person) in people.iter().enumerate() {
        for name in names.iter().filter(|n| **n != names[i]) {
            person.sees_and_hears(name);
        }
        assert_eq!(person.call.snapshot().peers.len(), 3);
    }
    // Ann saw them come in order.
    assert_eq!([0; 3].map(|_| people[0].event("a join", joined)), ["Ben", "Cem", "Dua"]);
    let order: Vec<String> = people[0].call.snapshot().peers.iter().map(|p| p.name.clone()).collect();
    assert_eq!(order, ["Ben", "Cem", "Dua"]);
    // A fifth finds no seat.
    let fifth = stage.enter("Eve");
    assert!(matches!(fifth.ended(), Ended::Failed(e) if e.kind() == ErrorKind::Problem(Code::RoomFull)));
    // One leaves, the rest go on, and the seat is free.
    drop(people.remove(1));
    for person in &people {
        assert_eq!(person.event("a leave", left), "Ben");
    }
    people[1].sees_and_hears("Dua");
    let late = stage.enter("Fay");
    late.sees_and_hears("Ann");
}

#[test]
fn e2e_mute_is_heard_as_silence_and_camera_off_keeps_the_sound() {
    let stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Duo, "Ann"), stage.enter("Ben"));
    ben.sees_and_hears("Ann");
    ann.call.send(Command::SetMic(false));
    ben.until("the mark of a muted microphone", |s| peer(s, "Ann").is_some_and(|p| !p.mic && p.camera));
    assert!(!ann.call.snapshot().me.mic);
    ben.until("silence", |s| peer(s, "Ann").is_some_and(|p| p.stats.sound.rms < SILENT));
    // The tone beeps every second: not one beep in three.
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        assert!(ben.peer("Ann").unwrap().stats.sound.rms < SILENT);
        std::thread::sleep(Duration::from_millis(20));
    }
    let frames = ben.peer("Ann").unwrap().stats.picture.shown;
    ben.until("pictures go on", |s| peer(s, "Ann").is_some_and(|p| p.stats.picture.shown > frames + 10));

    ann.call.send(Command::SetMic(true));
    ann.call.send(Command::SetCamera(false));
    ben.until("the mark of a camera that is off", |s| peer(s, "Ann").is_some_and(|p| p.mic && !p.camera));
    ben.until("sound again", |s| peer(s, "Ann").is_some_and(|p| p.stats.sound.rms > LOUD));
    // The stream goes on with a still picture, which nobody here is shown.
    ben.until("the pause picture", |s| peer(s, "Ann").is_some_and(|p| (0.5..7.0).contains(&p.stats.picture.fps)));
    ben.until("silence between beeps", |s| peer(s, "Ann").is_some_and(|p| p.stats.sound.rms < SILENT));
    ben.until("the next beep", |s| peer(s, "Ann").is_some_and(|p| p.stats.sound.rms > LOUD));
    assert!(!ben.peer("Ann").unwrap().camera);

    ann.call.send(Command::SetCamera(true));
    ben.until("the camera's mark", |s| peer(s, "Ann").is_some_and(|p| p.camera));
    ben.sees_and_hears("Ann");
    assert!(matches!(ann.call.snapshot().phase, Phase::InCall));
}

#[test]
fn e2e_without_camera_and_microphone_the_call_goes_on() {
    let stage = Stage::new();
    let entry = Entry::Create { name: "Room 会议".into(), mode: Mode::Duo, password: None, dissolve: true };
    let missing = |word: &str| std::path::PathBuf::from(format!("/nonexistent/{word}"));
    let ann = Person::new(Call::start(Config {
        video: VideoSource::File(missing("film.mp4")),
        audio: AudioSource::File(missing("sound.wav")),
        ..stage.config(entry, "Ann")
    }));
    let mut kinds = [None; 2];
    for _ in 0..2 {
        let (at, kind) = ann.event("a failed source", |e| match e {
            Event::VideoSourceFailed(error) => Some((0, error.kind)),
            Event::AudioSourceFailed(error) => Some((1, error.kind)),
            _ => None,
        });
        kinds[at] = Some(kind);
    }
    assert_eq!(kinds, [Some(SourceErrorKind::BrokenFile); 2]);
    ann.in_call();
    stage.listed();
    let ben = stage.enter("Ben");
    ann.sees_and_hears("Ben");
    ben.until("Ann without devices", |s| peer(s, "Ann").is_some_and(|p| !p.mic && !p.camera));
    // A source that works can be chosen any time.
    ann.call.send(Command::SetVideoSource(VideoSource::Pattern));
    ann.call.send(Command::SetAudioSource(AudioSource::Tone));
    ann.call.send(Command::SetCamera(true));
    ann.call.send(Command::SetMic(true));
    ben.sees_and_hears("Ann");
}

#[test]
fn e2e_messages_reach_everybody_in_order() {
    let stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Duo, "Ann"), stage.enter("Ben 本"));
    ann.until("Ben there", |s| s.peers.len() == 1);
    ben.in_call();
    ann.call.send(Command::SendText("你好，世界 <b>&".into()));
    ben.until("the first line", |s| s.chat.len() == 1);
    ben.call.send(Command::SendText("hello".into()));
    ben.call.send(Command::SendCustom { command: "wave".into(), data: "👋".into() });
    for (person, own) in [(&ann, [true, false]), (&ben, [false, true])] {
        let chat = person.until("both lines", |s| s.chat.len() == 2).chat.clone();
        let lines: Vec<_> = chat.iter().map(|l| (l.name.as_str(), l.text.as_deref().unwrap(), l.own)).collect();
        assert_eq!(lines, [("Ann", "你好，世界 <b>&", own[0]), ("Ben 本", "hello", own[1])]);
        assert!(chat[0].seq < chat[1].seq && chat[0].at_us > 0);
    }
    let custom = ann.event("a custom message", |e| match e {
        Event::Custom { command, data, .. } => Some((command.clone(), data.clone())),
        _ => None,
    });
    assert_eq!(custom, ("wave".into(), "👋".into()));
    // Too long for the server: said so, nothing else happens.
    ann.call.send(Command::SendText("x".repeat(100_000)));
    let failed = ann.event("a refusal", |e| match e {
        Event::TextFailed { error, text } => Some((error.kind(), text.len())),
        _ => None,
    });
    assert_eq!(failed, (ErrorKind::Problem(Code::TooLarge), 100_000));
    assert!(matches!(ann.call.snapshot().phase, Phase::InCall));
}

#[test]
fn e2e_whoever_may_not_enter_is_told_why() {
    let stage = Stage::new();
    let _ann = stage.create_with(Mode::Duo, "Ann", Some("geheim"));
    let refused = |entry: Entry, name: &str| match Person::new(Call::start(stage.config(entry, name))).ended() {
        Ended::Failed(error) => error.kind(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(enter(None), "Ben"), ErrorKind::Problem(Code::WrongPassword));
    assert_eq!(refused(enter(Some("wrong")), "Ben"), ErrorKind::Problem(Code::WrongPassword));
    assert_eq!(refused(Entry::Enter { room: "nowhere".into(), password: None }, "Ben"), ErrorKind::Problem(Code::RoomNotFound));
    assert_eq!(refused(enter(Some("geheim")), "a<b"), ErrorKind::Problem(Code::BadName));
    let _ben = Person::new(Call::start(stage.config(enter(Some("geheim")), "Ben")));
    _ben.in_call();
    assert_eq!(refused(enter(Some("geheim")), "Cem"), ErrorKind::Problem(Code::RoomFull));
}

#[test]
fn e2e_the_creators_leaving_dissolves_the_room() {
    let stage = Stage::new();
    let (ann, ben) = (stage.create(Mode::Duo, "Ann"), stage.enter("Ben"));
    ben.sees_and_hears("Ann");
    ann.call.leave();
    assert!(matches!(ben.ended(), Ended::Dissolved(_)));
    let cem = stage.enter("Cem");
    assert!(matches!(cem.ended(), Ended::Failed(e) if e.kind() == ErrorKind::Problem(Code::RoomNotFound)));
}
