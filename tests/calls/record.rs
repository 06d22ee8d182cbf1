//! Recordings and snapshots in a call: what is in the files, and who is told.

use crate::stage::{Stage, peer};
use parlor::call::{Command, Event, Place, Recorded};
use parlor::proto::Mode;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;

/// What ffprobe reads from a file: seconds, and packets of pictures and of sound.
fn probe(path: &Path) -> (f64, usize, usize) {
    let packets = Program::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=codec_type:format=duration", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe");
    let text = String::from_utf8_lossy(&packets.stdout).into_owned();
    let count = |kind: &str| text.lines().filter(|line| line.trim_end_matches(',') == kind).count();
    let seconds = text.lines().find_map(|line| line.trim_end_matches(',').parse().ok()).unwrap_or(0.0);
    (seconds, count("video"), count("audio"))
}

fn ended(event: &Event) -> Option<(String, Vec<PathBuf>)> {
    match event {
        Event::RecordingEnded { name, files, error: None } => Some((name.clone(), files.clone())),
        _ => None,
    }
}

#[test]
fn e2e_one_records_another_and_oneself_and_everybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().join("films"), slice: None };
    let stage = Stage::new();
    let ann = stage.create(Mode::Duo, "Ann");
    let ben = stage.enter("Ben");
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    let recorded = [Recorded::Peer(ann.peer("Ben").unwrap().member), Recorded::Me];
    for what in &recorded {
        ann.call.send(Command::Record { what: what.clone(), place: place.clone() });
    }
    let on = |wanted: bool| move |e: &Event| matches!(e, Event::PeerRecording { on, .. } if *on == wanted).then_some(());
    ben.event("Ann records", on(true));
    ben.until("Ann's mark", |s| peer(s, "Ann").is_some_and(|p| p.recording));
    ann.until("two recordings of some length", |s| {
        s.me.recordings.len() == 2 && s.me.recordings.iter().all(|r| r.length > Duration::from_millis(2500))
    });
    ann.call.send(Command::TakeSnapshot { of: Some(ann.peer("Ben").unwrap().member), folder: place.folder.clone() });
    let taken = |e: &Event| if let Event::SnapshotTaken { path, .. } = e { Some(path.clone()) } else { None };
    let still = image::open(ann.event("a snapshot", taken)).unwrap();
    assert_eq!((still.width(), still.height()), (320, 180));
    ann.call.send(Command::TakeSnapshot { of: None, folder: place.folder.clone() });
    assert!(ann.event("a snapshot of oneself", taken).file_name().unwrap().to_string_lossy().starts_with("Ann "));
    for what in recorded {
        ann.call.send(Command::StopRecording(what));
    }
    for _ in 0..2 {
        let (name, files) = ann.event("the end of a recording", ended);
        let (seconds, pictures, sounds) = probe(&files[0]);
        assert_eq!(files.len(), 1);
        assert!(seconds > 2.4 && pictures > 20 && sounds > 80, "{name}: {seconds} s, {pictures} pictures, {sounds} of sound");
    }
    ben.event("Ann records no more", on(false));
    ben.until("no mark", |s| peer(s, "Ann").is_some_and(|p| !p.recording));
}

#[test]
fn e2e_the_whole_call_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new();
    let ann = stage.create(Mode::Duo, "Ann");
    let ben = stage.enter("Ben");
    ann.sees_and_hears("Ben");
    ann.call.send(Command::Record { what: Recorded::Stage, place: Place { folder: folder.path().to_owned(), slice: None } });
    ben.until("Ann's mark", |s| peer(s, "Ann").is_some_and(|p| p.recording));
    ann.until("some length", |s| s.me.recordings.iter().any(|r| r.length > Duration::from_secs(3)));
    ann.call.send(Command::StopRecording(Recorded::Stage));
    let (name, files) = ann.event("the end of a recording", ended);
    let (seconds, pictures, sounds) = probe(&files[0]);
    assert!(name == "Room 会议" && seconds > 3.0 && pictures > 20 && sounds > 140, "{name}: {seconds} s, {pictures}, {sounds}");
}

#[test]
fn e2e_a_recording_is_whole_when_the_other_leaves_or_the_call_ends() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().to_owned(), slice: Some(Duration::from_secs(1)) };
    let stage = Stage::new();
    let ann = stage.create(Mode::Duo, "Ann");
    let ben = stage.enter("Ben");
    ann.sees_and_hears("Ben");
    ann.call.send(Command::Record { what: Recorded::Peer(ann.peer("Ben").unwrap().member), place: place.clone() });
    ann.call.send(Command::Record { what: Recorded::Me, place });
    ann.until("slices", |s| s.me.recordings.len() == 2 && s.me.recordings.iter().all(|r| r.files.len() >= 2));
    ben.call.leave();
    let (name, files) = ann.event("the end of Ben", ended);
    assert!(name == "Ben" && files.len() >= 2);
    ann.call.leave();
    let mut films = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let (seconds, pictures, sounds) = probe(&entry.unwrap().path());
        // The last slice may have just begun: with a picture, and no sound yet.
        let begun = seconds < 0.3 && pictures + sounds > 0;
        assert!(begun || (pictures > 0 && sounds > 0), "{seconds} s, {pictures} pictures, {sounds} of sound");
        films += 1;
    }
    assert!(films >= 4);
}
