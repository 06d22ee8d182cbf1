//! A real V4L2 camera device, where there is one: `/dev/video0`. Without it these tests say so and do nothing; the guest of the
//! laboratory has one (`lab -b uml target/debug/deps/real_camera-...`).
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use parlor::base::{Clock, Slot};
use parlor::media::capture::{Format, SourceErrorKind, Video, VideoSource, cameras};
use parlor::media::devices::Moved;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// Patience with a slow machine.
const LIMIT: Duration = Duration::from_secs(30);

fn camera_is_there(test: &str) -> bool {
    let there = Path::new("/dev/video0").exists();
    if !there {
        eprintln!("SKIPPED {test}: this computer has no /dev/video0");
    }
    there
}

/// Opens the first camera and looks at `count` pictures: how many were different, and the rate they came at.
fn look(format: Format, count: usize) -> (usize, f64) {
    let video = Video::open(VideoSource::Camera(None), format, Clock::system()).unwrap();
    let (slot, preview) = (Slot::new(), Slot::new());
    let (_connected, _shown) = (video.connect(slot.clone()), video.show_in(preview.clone()));
    let (mut different, mut times) = (HashSet::new(), Vec::new());
    for _ in 0..count {
        let picture = slot.take_within(LIMIT).expect("the camera gives no pictures");
        assert_eq!((picture.width, picture.height), (format.width, format.height));
        let [luma, u, _] = picture.planes();
        assert!(luma.iter().any(|y| y.abs_diff(luma[0]) > 30), "nothing in the picture");
        assert!(u.iter().any(|c| c.abs_diff(128) > 20), "no colour in the picture");
        different.insert(luma.iter().fold(0_u64, |hash, y| hash.wrapping_mul(31).wrapping_add(u64::from(*y))));
        times.push(picture.captured);
    }
    let rgba = preview.take_within(LIMIT).expect("no preview");
    assert_eq!((rgba.width, rgba.height), (format.width, format.height));
    assert!(times.windows(2).all(|w| w[0] < w[1]));
    assert_eq!(video.failure(), None);
    let rate = (times.len() - 1) as f64 / (times[times.len() - 1] - times[0]).as_secs_f64();
    eprintln!("{format}: opened as {}, {rate:.1} pictures a second, {} different", video.format(), different.len());
    (different.len(), rate)
}

#[test]
fn a_camera_is_listed_and_opens_by_its_id() {
    if !camera_is_there("a_camera_is_listed_and_opens_by_its_id") {
        return;
    }
    let list = cameras();
    eprintln!("{list:?}");
    let first = list.first().expect("the camera is not listed");
    let video = Video::open(VideoSource::Camera(Some(first.id.clone())), Format::default(), Clock::system()).unwrap();
    let slot = Slot::new();
    let _connected = video.connect(slot.clone());
    slot.take_within(LIMIT).expect("the camera gives no pictures");
    // Listing while it runs must not disturb it.
    assert!(!cameras().is_empty());
    slot.take();
    slot.take_within(LIMIT).expect("listing stopped the camera");
}

#[test]
fn pictures_come_in_every_size() {
    if !camera_is_there("pictures_come_in_every_size") {
        return;
    }
    for (width, height, fps) in [(640, 360, 30), (320, 240, 15), (1280, 720, 15)] {
        let (different, rate) = look(Format { width, height, fps }, 20);
        assert!(different > 10, "the picture stands still");
        assert!(rate > 3.0, "{rate}");
    }
}

#[test]
fn a_camera_can_be_opened_again_and_again() {
    if !camera_is_there("a_camera_can_be_opened_again_and_again") {
        return;
    }
    for _ in 0..3 {
        look(Format::default(), 3);
    }
}

#[test]
fn another_camera_stands_in_for_one_that_is_not_there() {
    if !camera_is_there("another_camera_stands_in_for_one_that_is_not_there") {
        return;
    }
    let video = Video::open(VideoSource::Camera(Some("no-such-camera".into())), Format::default(), Clock::system()).unwrap();
    let news = video.using().unwrap().news(&mut None).expect("nobody is told");
    assert!(
        matches!(&news.how, Moved::FellBack { id, why: SourceErrorKind::NoDevice, .. } if id == "no-such-camera"),
        "{news:?}"
    );
}

/// Where a driver's devices are taken away and given back. Only a virtual camera is unplugged by a test.
const VIVID: &str = "/sys/bus/platform/drivers/vivid";

#[test]
fn a_camera_that_is_unplugged_is_replaced_or_waited_for_and_used_again() {
    let test = "a_camera_that_is_unplugged_is_replaced_or_waited_for_and_used_again";
    if !camera_is_there(test) {
        return;
    }
    let unplug = |how: &str| std::fs::write(format!("{VIVID}/{how}"), "vivid.0");
    if !Path::new(VIVID).join("vivid.0").exists() {
        eprintln!("SKIPPED {test}: this camera is not vivid's, or may not be unplugged");
        return;
    }
    let id = cameras().remove(0).id;
    let video = Video::open(VideoSource::Camera(Some(id.clone())), Format::default(), Clock::system()).unwrap();
    let slot = Slot::new();
    let _connected = video.connect(slot.clone());
    slot.take_within(LIMIT).expect("the camera gives no pictures");
    let using = video.using().unwrap();
    let mut seen = None;
    assert_eq!(using.news(&mut seen), None);
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let started = std::time::Instant::now();
        while !done() {
            assert!(started.elapsed() < LIMIT, "never: {what}; {:?}, {:?}", using.now(), video.failure());
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{what} after {:?}", started.elapsed());
    };
    unplug("unbind").unwrap();
    wait("the loss is noticed", &|| video.failure().is_some() || using.now().is_some_and(|u| u.id.as_ref() != Some(&id)));
    unplug("bind").unwrap();
    slot.take();
    wait("there are pictures again", &|| video.failure().is_none() && using.now().is_some_and(|u| u.id.as_ref() == Some(&id)));
    slot.take_within(LIMIT).expect("the camera gives no pictures");
    if let Some(news) = using.news(&mut seen) {
        assert_eq!(news.how, Moved::Returned);
    }
}
