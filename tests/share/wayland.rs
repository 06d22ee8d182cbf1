//! Wayland, by hand: it needs a compositor with a portal that asks nobody, which few systems have.
//!
//! Tried under `WLR_BACKENDS=headless WLR_RENDERER=pixman sway` with pipewire, wireplumber, xdg-desktop-portal and xdg-desktop-portal-wlr, whose
//! configuration says `[screencast] chooser_type=none output_name=HEADLESS-1`:
//! `cargo test --test share -- --ignored e2e_share_the_portal`. (xdg-desktop-portal-wlr 0.7 wants a graphics card even for pictures in plain
//! memory; 0.7.1 with that one condition taken out does without.)

use super::stage::keep;
use parlor::base::{Clock, Slot};
use parlor::media::capture::screen::{self, Mode, Picker, Target};
use parlor::media::capture::{Video, VideoSource};
use parlor_lab::poll;
use std::time::Duration;

#[test]
#[ignore = "needs a Wayland desktop whose portal asks nobody"]
fn e2e_share_the_portals_screen_is_seen_again_and_again() {
    assert_eq!(screen::picker(), Picker::System);
    for round in 0..3 {
        let video = Video::open(VideoSource::Screen(Target::Portal), Mode::Detail.format(), Clock::system()).unwrap();
        let slot = Slot::new();
        let _shown = video.show_in(slot.clone());
        let picture = poll("a picture", || slot.take_within(Duration::from_millis(500)));
        keep(&format!("portal-{round}"), &picture);
        assert!(picture.data.chunks_exact(4).any(|pixel| pixel[..3] != [0, 0, 0]), "all of it is black");
        let before = video.delivered();
        poll("more of them", || (video.delivered() > before + 3).then_some(()));
        assert_eq!(video.failure(), None);
    }
}
