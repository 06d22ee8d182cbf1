//! What is captured is what is on the screen.

use super::stage::{Plain, keep, on_a_screen, press};
use parlor::base::{Clock, Slot, Stop};
use parlor::media::capture::screen::{self, Area, Kind, Mode, Picker, Target};
use parlor::media::capture::{Outlet, SourceErrorKind, Video, VideoSource};
use parlor::media::frame::Rgba;
use parlor_lab::poll;
use std::time::Duration;

const RED: u32 = 0x00d0_2020;
const BLUE: u32 = 0x0020_30d0;

struct Shown {
    video: Video,
    slot: Slot<Rgba>,
    _shown: Outlet,
}

fn capture(target: Target) -> Shown {
    let video = Video::open(VideoSource::Screen(target), Mode::Detail.format(), Clock::system()).unwrap();
    let slot = Slot::new();
    let _shown = video.show_in(slot.clone());
    Shown { video, slot, _shown }
}

impl Shown {
    /// Waits for a picture of this size, with this colour at a place.
    fn until(&self, size: (u32, u32), (x, y): (u32, u32), colour: u32) -> Rgba {
        let [_, red, green, blue] = colour.to_be_bytes();
        poll(&format!("{size:?} with {colour:06x} at {x},{y}"), || {
            let picture = self.slot.take_within(Duration::from_millis(500))?;
            if (picture.width, picture.height) != size {
                return None;
            }
            let at = ((y * picture.width + x) * 4) as usize;
            let near = picture.data[at..at + 3].iter().zip([red, green, blue]).all(|(a, b)| a.abs_diff(b) < 12);
            near.then_some(picture)
        })
    }
}

#[test]
fn e2e_share_windows_are_captured_whatever_covers_them_in_every_size_and_until_they_are_closed() {
    on_a_screen("capture::e2e_share_windows_are_captured_whatever_covers_them_in_every_size_and_until_they_are_closed", || {
        assert_eq!(screen::picker(), Picker::Own { areas: true });
        let red = Plain::open("Red", (100, 100), (400, 300), RED);
        let blue = Plain::open("Blue", (150, 150), (300, 200), BLUE);
        blue.raise();
        let offers = screen::list(Kind::Window).unwrap();
        let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
        assert!(names.contains(&"Red") && names.contains(&"Blue"), "{names:?}");
        let offer = offers.iter().find(|offer| offer.target == red.target()).unwrap();
        let thumbnail = offer.thumbnail.as_ref().unwrap();
        assert_eq!((offer.size, thumbnail.width, thumbnail.height), ((400, 300), 266, 200));
        assert!(
            thumbnail.data.chunks_exact(4).all(|pixel| pixel[0] > 150 && pixel[2] < 90),
            "red, though the other one is before it"
        );

        let shown = capture(red.target());
        keep("window", &shown.until((400, 300), (200, 150), RED));
        red.paint(BLUE);
        shown.until((400, 300), (10, 10), BLUE);
        red.resize(640, 420);
        shown.until((640, 420), (600, 400), BLUE);
        let delivered = shown.video.delivered();
        poll("pictures of what does not change", || (shown.video.delivered() > delivered + 4).then_some(()));
        red.close();
        poll("the end", || shown.video.failure().filter(|failure| failure.kind == SourceErrorKind::Gone));
        let again = Video::open(VideoSource::Screen(Target::Window(77)), Mode::Detail.format(), Clock::system());
        assert_eq!(again.unwrap_err().kind, SourceErrorKind::Gone);
    });
}

#[test]
fn e2e_share_screens_and_areas_are_captured_with_the_pointer() {
    on_a_screen("capture::e2e_share_screens_and_areas_are_captured_with_the_pointer", || {
        let _red = Plain::open("Red", (100, 100), (400, 300), RED);
        press(&["mousemove", "900", "700"]);
        let screens = screen::list(Kind::Screen).unwrap();
        assert_eq!((screens.len(), screens[0].size), (1, (1280, 800)));
        let shown = capture(screens[0].target.clone());
        let whole = shown.until((1280, 800), (300, 250), RED);
        keep("screen", &whole);
        drop(shown);
        // A rectangle inside of the red window.
        let area = Area { x: 200, y: 200, width: 100, height: 80 };
        let shown = capture(Target::Region(area));
        let plain = shown.until((100, 80), (50, 40), RED);
        let differing = |picture: &Rgba| picture.data.chunks_exact(4).filter(|p| p[0].abs_diff(0xd0) > 60).count();
        assert_eq!(differing(&plain), 0);
        press(&["mousemove", "250", "240"]);
        poll("the pointer", || (differing(&shown.slot.take_within(Duration::from_millis(500))?) > 10).then_some(()));
        let gone = Target::Region(Area { x: 4000, ..area });
        let refused = Video::open(VideoSource::Screen(gone), Mode::Detail.format(), Clock::system());
        assert_eq!(refused.unwrap_err().kind, SourceErrorKind::Gone);
    });
}

#[test]
fn e2e_share_an_area_is_dragged_and_can_be_thought_better_of() {
    on_a_screen("capture::e2e_share_an_area_is_dragged_and_can_be_thought_better_of", || {
        let pick = || {
            let stop = Stop::new();
            let picking = std::thread::spawn(move || screen::pick_area(&stop).unwrap());
            // It takes a moment to get hold of the pointer.
            std::thread::sleep(Duration::from_secs(1));
            picking
        };
        let picking = pick();
        press(&[
            "mousemove",
            "600",
            "500",
            "mousedown",
            "1",
            "mousemove",
            "500",
            "450",
            "mousemove",
            "400",
            "300",
            "mouseup",
            "1",
        ]);
        assert_eq!(picking.join().unwrap(), Some(Area { x: 400, y: 300, width: 200, height: 200 }));
        let picking = pick();
        press(&["key", "Escape"]);
        assert_eq!(picking.join().unwrap(), None);
        let picking = pick();
        press(&["click", "3"]);
        assert_eq!(picking.join().unwrap(), None);
        let stop = Stop::new();
        stop.set();
        assert_eq!(screen::pick_area(&stop).unwrap(), None);
    });
}
