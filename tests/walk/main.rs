//! A walk through the program, as two people take it: two windows on one screen, used with mouse and keyboard only, by what stands on them. What each
//! step comes to is looked for in the other window, in its pixels, in the server's list of rooms, or in files.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod board;
mod keyboard;
mod window;

use board::{Board, ORANGE};
use image::GenericImageView;
use parlor::app::i18n::Lang;
use parlor_lab::access::{Access, Node};
use parlor_lab::poll;
use parlor_lab::screen::Screen;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use window::Window;

/// Where it takes place.
pub struct Stage {
    screen: Screen,
    access: Access,
    folder: tempfile::TempDir,
    port: u16,
}

impl Stage {
    fn new() -> Self {
        let screen = Screen::start().unwrap();
        let access = Access::start(&screen).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { screen, access, folder: tempfile::tempdir().unwrap(), port }
    }

    fn xdotool(&self, args: &[&str]) -> String {
        self.screen.xdotool(args).unwrap()
    }
}

/// The server's list of rooms, as anybody may read it: names, and who is inside.
struct Rooms {
    client: parlor::room::Client,
    runtime: tokio::runtime::Runtime,
}

impl Rooms {
    fn of(server: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = parlor::room::Client::new(server).unwrap();
        runtime.block_on(client.login("Witness")).unwrap();
        Self { client, runtime }
    }

    fn wait_for(&self, wanted: &[(&str, &[&str])]) {
        poll(&format!("the rooms {wanted:?}"), || {
            let page = self.runtime.block_on(self.client.get_room_list(0, 10)).ok()?;
            let names = |room: &parlor::proto::api::RoomSummary, (name, people): &(&str, &[&str])| {
                room.name == *name && room.members == **people
            };
            let same =
                page.rooms.len() == wanted.len() && page.rooms.iter().zip(wanted).all(|(room, wanted)| names(room, wanted));
            same.then_some(())
        });
    }
}

/// How many pixels of a part of a picture have this colour.
fn pixels(picture: &image::RgbaImage, (left, top, width, height): (i32, i32, i32, i32), colour: [u8; 3], off_by: u8) -> usize {
    let part = image::imageops::crop_imm(picture, left.max(0) as u32, top.max(0) as u32, width as u32, height as u32);
    part.pixels().filter(|(_, _, p)| p.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= off_by)).count()
}

/// Kinds of streams in a film that can be decoded from end to end.
fn streams(film: &Path) -> Vec<String> {
    let decoded = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(["-f", "null", "-"]).output().unwrap();
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{}", String::from_utf8_lossy(&decoded.stderr));
    let probe = ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"];
    let said = Command::new("ffprobe").args(probe).arg(film).output().unwrap().stdout;
    String::from_utf8(said).unwrap().lines().map(|line| line.trim_end_matches(',').to_owned()).collect()
}

const ROOM: &str = "周末聚会";
const FIRST: &str = "大家好，我到了👋";
const ANSWER: &str = "你好！😀";

#[test]
fn e2e_walk_two_people_meet_write_share_record_and_leave() {
    let stage = Stage::new();
    keyboard::teach(stage.screen.display(), &[ROOM, FIRST, ANSWER].concat());
    let board = Board::open(stage.screen.display(), "Board");
    let films = stage.folder.path().join("films");
    let films_arg = films.display().to_string();
    let server = format!("127.0.0.1:{}", stage.port);

    // Ada makes a room: a click on the card, its name, Enter, a look at the camera, in.
    let mut ada = Window::open(
        &stage,
        "Ada",
        Lang::En,
        0,
        &["--server", "here", "--lang", "en", "--theme", "light", "--recordings", &films_arg],
    );
    ada.see(&ada.t("home-title"));
    ada.keep("walk-1-home");
    ada.click(&ada.t("mode-multi"));
    // What is proposed as a name is replaced by what is typed.
    ada.write(&ada.t("prejoin-room"), ROOM);
    ada.click(&ada.t("prejoin-create-button"));
    ada.see(&ada.t("call-alone"));
    let rooms = Rooms::of(&server);
    rooms.wait_for(&[(ROOM, &["Ada"])]);

    // Xiaoming enters by its name; each sees the other.
    let mut ming = Window::open(&stage, "小明", Lang::Zh, 642, &["--server", &server, "--lang", "zh", "--theme", "dark"]);
    ming.click(&ming.t("join-label"));
    ming.write(&ming.t("join-label"), ROOM);
    ming.see(&ming.t("prejoin-join-button"));
    ming.keep("walk-2-prejoin");
    ming.click(&ming.t("prejoin-join-button"));
    rooms.wait_for(&[(ROOM, &["Ada", "小明"])]);
    for (window, other) in [(&mut ada, "小明"), (&mut ming, "Ada")] {
        // Three of the bars of the test pattern.
        poll("the other's picture", || {
            let tile = |nodes: &[Node]| nodes.iter().find(|node| node.name == other && node.is_control()).map(|node| node.place);
            let place = window.see_that(other, tile);
            let picture = window.picture();
            let colours = [[190, 190, 0], [0, 190, 0], [190, 0, 0]];
            colours.iter().all(|colour| pixels(&picture, place, *colour, 24) > 400).then_some(())
        });
    }

    // They write to each other; what has not been read is counted on the button.
    ming.press("c");
    ming.write(&ming.t("chat-input"), FIRST);
    let unread = ada.texts.with("chat-open-unread", &[("count", 1_usize.into())]);
    let badge = ada.see(&unread).place;
    let accent = parlor::ui::theme::LIGHT.accent;
    let corner = (badge.0 + badge.2 / 2, badge.1 - 10, badge.2 / 2 + 10, badge.3 / 2 + 10);
    poll("the badge", || (pixels(&ada.picture(), corner, [accent.r(), accent.g(), accent.b()], 8) > 60).then_some(()));
    ada.keep("walk-3-unread");
    ada.click(&unread);
    ada.see(FIRST);
    ada.write(&ada.t("chat-input"), ANSWER);
    ming.see(ANSWER);
    ming.keep("walk-4-chat");
    for window in [&mut ada, &mut ming] {
        window.click(&window.t("close"));
        window.see_no(&window.t("chat-input"));
        // The button has nothing to tell any more.
        window.see(&window.t("chat-open"));
    }

    // M mutes.
    ada.press("m");
    ada.see(&ada.t("mic-unmute"));
    ming.see(&ming.texts.with("tile-muted", &[("name", "Ada".into())]));

    // Ada shares a window, chosen by its picture.
    ada.press("s");
    ada.click(&ada.t("share-window"));
    ada.click("Board");
    ada.keep("walk-5-choose");
    ada.click(&ada.t("share-start"));
    let sharing = ming.texts.with("tile-sharing", &[("name", "Ada".into())]);
    ming.see(&sharing);
    poll("the board in the other window", || {
        let place = ming.see(&sharing).place;
        (pixels(&ming.picture(), place, ORANGE, 16) > 8000).then_some(())
    });
    ming.keep("walk-6-shared");

    // A click keeps somebody large.
    let tile = |nodes: &[Node]| nodes.iter().find(|node| node.name == "小明" && node.is_control()).map(|node| node.place);
    let before = ada.see_that("the tile", tile);
    ada.click("小明");
    ada.see_that("a larger tile", |nodes| tile(nodes).filter(|now| now.2 * 10 > before.2 * 13));

    // R records the whole call, which the other is told; the film has pictures and sound.
    ada.press("r");
    ming.see(&ming.texts.with("tile-records", &[("name", "Ada".into())]));
    poll("some seconds of a film", || {
        let film = std::fs::read_dir(&films).ok()?.next()?.ok()?;
        (film.metadata().ok()?.len() > 300_000).then_some(())
    });
    ada.keep("walk-7-recording");
    ada.press("r");
    ada.see(".mkv");
    ming.see_no(&ming.texts.with("tile-records", &[("name", "Ada".into())]));
    let film = std::fs::read_dir(&films).unwrap().next().unwrap().unwrap().path();
    assert_eq!(streams(&film), ["video", "audio"]);

    // They leave: the guest by the red button, then she who opened the room, which ends it.
    ming.click(&ming.t("leave"));
    ming.see(&ming.t("home-title"));
    rooms.wait_for(&[(ROOM, &["Ada"])]);
    ming.keep("walk-8-left");
    ada.click(&ada.t("leave"));
    ada.see(&ada.t("home-title"));
    rooms.wait_for(&[]);
    drop(board);
    ming.terminate();
    ada.terminate();
}
