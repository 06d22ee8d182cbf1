//! Rooms that are encrypted from end to end: who sees and hears, who does not, and what the server knows.

use crate::stage::{PATIENCE, Person, Stage, enter, peer};
use parlor::base::SecretKey;
use parlor::call::snapshot::Protection;
use parlor::call::{Call, Command as Ask, Config, Ended, Entry, Event, Place, Recorded};
use parlor::media::seal::Trouble;
use parlor::proto::api::Enter;
use parlor::proto::{Code, Invite, Mode};
use parlor::room::{Client, ErrorKind};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

fn create(stage: &Stage, name: &str, key: &SecretKey) -> Person {
    let entry = Entry::Create { name: "Room 会议".into(), mode: Mode::Multi, password: None, dissolve: true };
    let person = Person::new(Call::start(Config { key: Some(key.clone()), ..stage.config(entry, name) }));
    person.in_call();
    stage.listed();
    person
}

fn come(stage: &Stage, name: &str, key: Option<&SecretKey>) -> Person {
    Person::new(Call::start(Config { key: key.cloned(), ..stage.config(enter(None), name) }))
}

fn unreadable(event: &Event) -> Option<(String, Trouble)> {
    if let Event::PeerUnreadable { name, why, .. } = event { Some((name.clone(), *why)) } else { None }
}

#[test]
fn e2e_only_those_with_the_key_see_hear_and_read() {
    let stage = Stage::new();
    let (key, wrong) = (SecretKey::random(), SecretKey::random());
    let ann = create(&stage, "Ann", &key);
    let ben = come(&stage, "Ben", Some(&key));
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    let seen = ben.until("a picture's age", |s| peer(s, "Ann").is_some_and(|p| p.stats.delay.recent.is_some()));
    assert_eq!(seen.protection(), Some(Protection::EndToEnd));
    assert_eq!(seen.room.as_ref().unwrap().invite.to_string().parse::<Invite>().unwrap().key, Some(key.clone()));
    ann.call.send(Ask::SendText("unter uns 你好".into()));
    let said = |lines: usize| move |s: &parlor::call::Snapshot| s.chat.len() == lines;
    assert_eq!(ben.until("a line", said(1)).chat[0].text.as_deref(), Some("unter uns 你好"));
    // What the server does not take comes back as it was typed.
    ann.call.send(Ask::SendText("x".repeat(5000)));
    let back = |e: &Event| if let Event::TextFailed { text, .. } = e { Some(text.clone()) } else { None };
    assert_eq!(ann.event("a refusal", back), "x".repeat(5000));

    // Without a key there is no way in.
    assert!(matches!(come(&stage, "Cem", None).ended(), Ended::Failed(e) if e.kind() == ErrorKind::Problem(Code::KeyRequired)));
    // With another one there is, and nothing comes of it.
    let eve = come(&stage, "Eve", Some(&wrong));
    assert_eq!(eve.event("Ann cannot be read", unreadable).1, Trouble::KeyWrong);
    assert_eq!(ann.event("Eve cannot be read", unreadable), ("Eve".into(), Trouble::KeyWrong));
    eve.until("bytes, at least", |s| {
        peer(s, "Ann").is_some_and(|p| p.receiving && p.stats.kbps > 20.0 && p.unreadable == Some(Trouble::KeyWrong))
    });
    eve.call.send(Ask::SendText("let me in".into()));
    let lines = |person: &Person| person.until("two lines", said(2)).chat.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    assert_eq!(lines(&ann), [Some("unter uns 你好".into()), None]);
    assert_eq!(lines(&eve), [None, Some("let me in".into())]);
    let ann_there = eve.peer("Ann").unwrap();
    assert!(ann_there.stats.picture.shown == 0 && ann_there.picture.take().is_none());
    assert!(ann_there.stats.sound.rms_max == 0.0 && ann_there.stats.sound.first_ms.is_none(), "{ann_there:?}");

    // Who comes late reads what was said before, and recordings hold what is seen.
    let dua = come(&stage, "Dua", Some(&key));
    dua.sees_and_hears("Ann");
    assert_eq!(lines(&dua)[0].as_deref(), Some("unter uns 你好"));
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().into(), slice: None };
    let what = Recorded::Peer(dua.peer("Ann").unwrap().member);
    dua.call.send(Ask::Record { what: what.clone(), place });
    dua.until("a recording", |s| s.me.recordings.first().is_some_and(|r| r.length.as_millis() > 1500));
    dua.call.send(Ask::StopRecording(what));
    let files = dua
        .event("its end", |e| if let Event::RecordingEnded { files, error: None, .. } = e { Some(files.clone()) } else { None });
    let decoded =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&files[0]).args(["-f", "null", "-"]).output().expect("ffmpeg");
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
}

/// A server in a process of its own, which says all that it can; killed with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn e2e_a_server_has_neither_the_key_nor_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut process = Command::new(env!("CARGO_BIN_EXE_parlor-server"))
        .args(["--listen", "127.0.0.1:0", "--log-level", "trace", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let server = Server(process);
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let stage = Stage::at(ready["listen"].as_str().unwrap().parse().unwrap());

    let key = SecretKey::random();
    let ann = create(&stage, "Ann", &key);
    let ben = come(&stage, "Ben", Some(&key));
    ben.sees_and_hears("Ann");
    ann.call.send(Ask::SendText("nobody else reads this line".into()));
    ben.until("a line", |s| s.chat.len() == 1);

    // Somebody with a seat, and with an address that may be played, gets bytes and no picture.
    let client = Client::new(&stage.address.to_string()).unwrap();
    let url = stage.runtime.block_on(async {
        client.login("Tool").await.unwrap();
        let listed = client.get_room_list(0, 1).await.unwrap().rooms.remove(0);
        assert!(listed.sealed && !listed.locked);
        let seat = client.take_seat(listed.room.as_str(), &Enter { sealed: true, ..Enter::default() }).await.unwrap();
        assert!(seat.state.sealed);
        seat.state.members.iter().find(|member| member.name == "Ann").unwrap().play_url.clone().unwrap()
    });
    let film = folder.path().join("film.yuv");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "repeat+error", "-y", "-i", &url, "-map", "0:v", "-f", "rawvideo"])
        .arg(&film)
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .expect("ffmpeg");
    let complaints = BufReader::new(ffmpeg.stderr.take().unwrap()).lines().map_while(Result::ok);
    // The decoder has been given so many pictures, and found none in them.
    let begun = Instant::now();
    let nothing =
        complaints.filter(|line| line.contains("no frame!")).take_while(|_| begun.elapsed() < PATIENCE).take(20).count();
    ffmpeg.kill().unwrap();
    ffmpeg.wait().unwrap();
    assert_eq!((nothing, std::fs::metadata(&film).map_or(0, |film| film.len())), (20, 0));
    ben.sees_and_hears("Ann");

    let log = std::fs::read(&log).unwrap();
    let memory = memory(server.0.id());
    for place in [&log, &memory] {
        assert!(has(place, b"stream"), "this is not what it should be");
        assert!(!has(place, key.to_text().as_bytes()), "the server has the key");
        assert!(!has(place, key.expose()), "the server has the key");
        assert!(!has(place, b"nobody else reads"), "the server reads what is said");
    }
}

/// All that a process of ours has in its memory.
#[cfg(target_os = "linux")]
fn memory(process: u32) -> Vec<u8> {
    use std::os::unix::fs::FileExt as _;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mem = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|place| u64::from_str_radix(place, 16).unwrap());
        let mut piece = vec![0; usize::try_from(to - from).unwrap()];
        // Some of it cannot be read by anybody.
        if mem.read_exact_at(&mut piece, from).is_ok() {
            all.append(&mut piece);
        }
    }
    all
}

#[cfg(not(target_os = "linux"))]
fn memory(_: u32) -> Vec<u8> {
    b"stream".to_vec()
}

fn has(place: &[u8], text: &[u8]) -> bool {
    place.windows(text.len()).any(|window| window == text)
}

#[test]
fn e2e_bots_meet_by_the_invite_that_one_of_them_prints() {
    let stage = Stage::new();
    let address = stage.address.to_string();
    let bot = |arguments: &[&str]| {
        let mut bot = Command::new(env!("CARGO_BIN_EXE_parlor-bot"));
        bot.args(["--size", "320x180", "--fps", "15", "--json"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        bot.spawn().unwrap()
    };
    let mut host = bot(&["--server", &address, "--create", "Bots", "--mode", "multi", "--sealed", "--seconds", "600"]);
    let mut told = BufReader::new(host.stderr.take().unwrap()).lines().map_while(Result::ok);
    let invite = told.find_map(|line| line.strip_prefix("invite: ").map(str::to_owned)).unwrap();
    assert!(invite.contains("#k="), "{invite}");
    let guest = bot(&["--invite", &invite, "--name", "Guest", "--seconds", "20", "--expect", "1"]);
    let plain = bot(&["--invite", invite.split('#').next().unwrap(), "--name", "Plain", "--seconds", "20"]);
    let plain = plain.wait_with_output().unwrap();
    assert!(!plain.status.success() && has(&plain.stderr, b"encrypted from end to end"), "{plain:?}");
    let guest = guest.wait_with_output().unwrap();
    assert!(guest.status.success(), "{guest:?}");
    host.kill().unwrap();
    let mut rest = String::new();
    host.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    host.wait().unwrap();
}
