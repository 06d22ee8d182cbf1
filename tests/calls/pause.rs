//! What is sent while the camera is off: a still picture, for players and recordings that know nothing of Parlor.

use crate::stage::{PATIENCE, Person, Stage, enter, peer};
use parlor::base::avatar;
use parlor::call::{Call, Command, Config, Entry, Event};
use parlor::media::capture::{SourceErrorKind, VideoSource};
use parlor::proto::Mode;
use parlor::proto::api::Sending;
use parlor::room::Client;
use std::process;
use std::time::Duration;

const RED: [u8; 3] = [200, 40, 60];

/// Somebody in a room of their own, without a camera.
fn alone(stage: &Stage, change: impl FnOnce(&mut Config)) -> Person {
    let entry = Entry::Create { name: "Room 会议".into(), mode: Mode::Duo, password: None, dissolve: true };
    let mut config = Config { camera: false, ..stage.config(entry, "Ada Lovelace") };
    change(&mut config);
    let person = Person::new(Call::start(config));
    person.in_call();
    person
}

/// Where anybody with a token plays somebody's stream; the seat that goes with it is held for as long as the stage stands.
fn address(stage: &Stage, person: &Person) -> String {
    let client = Client::new(&stage.address.to_string()).unwrap();
    let room = person.call.snapshot().room.clone().unwrap().id;
    stage.runtime.block_on(async {
        client.login("Recorder").await.unwrap();
        client.enter_room(room.as_str(), None).await.unwrap();
        // The address is there as soon as the stream is.
        let address = async {
            loop {
                let members = client.get_room(&room).await.unwrap().members;
                if let Some(url) = members.into_iter().find(|m| m.name == "Ada Lovelace").and_then(|m| m.play_url) {
                    break url;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let address = tokio::time::timeout(parlor_lab::PATIENCE, address).await.unwrap();
        stage.runtime.spawn(async move {
            while client.heartbeat(&room, Sending::default()).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        address
    })
}

fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output =
        process::Command::new(program).args(["-v", "error", "-analyzeduration", "1000000"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Seconds between pictures, as ffprobe sees them.
fn gaps(url: &str) -> Vec<f64> {
    let arguments =
        ["-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", "-read_intervals", "%+#15", url];
    let text = String::from_utf8(output("ffprobe", &arguments)).unwrap();
    let times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    assert!(times.len() >= 10, "{text}");
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The pixel at that place of a picture of 320x180, as ffmpeg sees it.
fn pixel(url: &str, x: usize, y: usize) -> [u8; 3] {
    let bytes = output("ffmpeg", &["-i", url, "-map", "0:v", "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]);
    assert_eq!(bytes.len(), 320 * 180 * 3);
    let at = (y * 320 + x) * 3;
    [bytes[at], bytes[at + 1], bytes[at + 2]]
}

fn assert_near(seen: [u8; 3], wanted: [u8; 3]) {
    assert!(seen.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 12), "{seen:?} instead of {wanted:?}");
}

#[test]
fn e2e_an_image_stands_for_a_camera_that_is_off_and_makes_way_for_it() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("me.png");
    image::RgbImage::from_pixel(320, 180, image::Rgb(RED)).save(&image).unwrap();
    let ada = alone(&stage, |config| config.pause_image = Some(image));
    let url = address(&stage, &ada);
    assert_near(pixel(&url, 160, 90), RED);
    let gaps = gaps(&url);
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((0.17..0.25).contains(&mean), "five a second, not one each {mean} s");
    let snapshot = ada.call.snapshot();
    println!("the pause picture takes {:.0} kbit/s", snapshot.me.stats.picture.kbps);
    assert!(!snapshot.me.camera && snapshot.me.stats.picture.kbps < 100.0, "{:?}", snapshot.me.stats.picture);

    ada.call.send(Command::SetCamera(true));
    ada.until("the camera's pictures", |s| s.me.stats.picture.fps > 10.0);
    let seen = pixel(&url, 160, 90);
    assert!(seen.iter().zip(RED).any(|(a, b)| a.abs_diff(b) > 12), "still {seen:?}");
    ada.call.send(Command::SetCamera(false));
    ada.until("the pause picture", |s| (3.0..7.0).contains(&s.me.stats.picture.fps));
    assert_near(pixel(&url, 160, 90), RED);
}

#[test]
fn e2e_initials_stand_for_a_camera_that_fails_and_for_an_image_that_is_none() {
    let stage = Stage::new();
    let ada = alone(&stage, |config| {
        config.camera = true;
        config.video = VideoSource::Camera(Some("no-such-camera".into()));
        config.pause_image = Some("/no/such/image.png".into());
    });
    let kind = ada.event("the image's failure", |e| match e {
        Event::PauseImageFailed(error) => Some(error.kind),
        _ => None,
    });
    assert_eq!(kind, SourceErrorKind::BrokenFile);
    // In the circle, above the letters.
    assert_near(pixel(&address(&stage, &ada), 160, 60), avatar::colour("Ada Lovelace"));
}

#[test]
fn e2e_peers_count_no_freeze_while_the_camera_is_off() {
    let stage = Stage::new();
    let ada = alone(&stage, |_| {});
    stage.listed();
    let ben = Person::new(Call::start(stage.config(enter(None), "Ben")));
    ben.until("Ada's pictures", |s| peer(s, "Ada Lovelace").is_some_and(|p| !p.camera && p.stats.picture.shown > 10));
    let seen = ben.peer("Ada Lovelace").unwrap();
    assert_eq!((seen.stats.picture.freezes, seen.receiving), (0, true));
    assert!(seen.picture.take_within(PATIENCE).is_some());
    drop(ada);
}
