//! Choosing what to share of the screen.

use super::{Screen, picture, screen, texts};
use egui::Key;
use egui_kittest::kittest::Queryable;
use parlor::app::i18n::Lang;
use parlor::app::share::{self, Action, Dialog};
use parlor::app::view;
use parlor::call::Share;
use parlor::call::snapshot::Shared;
use parlor::media::capture::screen::{Kind, Mode, Offer, Picker, Target};
use parlor::media::capture::{SourceError, SourceErrorKind};
use parlor::media::frame::{Pool, Rgba};
use std::time::Duration;

const OWN: Picker = Picker::Own { areas: true };

fn offer(target: &str, name: &str, colour: u8) -> Offer {
    let (width, height) = (32, 20);
    let mut data = Pool::new().take(width as usize * height as usize * 4);
    data.fill(colour);
    let thumbnail = Some(Rgba { width, height, captured: None, data });
    Offer { target: target.parse().unwrap(), name: name.into(), size: (1280, 800), thumbnail }
}

/// The dialog, with what is told to it before the first picture.
fn dialog<'a>(
    lang: Lang,
    size: (f32, f32),
    picker: Picker,
    lists: Vec<(Kind, Result<Vec<Offer>, SourceError>)>,
) -> Screen<'a, Dialog> {
    let mut lists = Some(lists);
    screen(lang, size, Dialog::new(picker, Mode::Detail, false), move |ui, cx, dialog| {
        for (kind, listed) in lists.take().into_iter().flatten() {
            dialog.take(ui.ctx(), kind, listed);
        }
        dialog.show(ui.ctx(), cx);
    })
}

fn shares(screen: &Screen<'_, Dialog>) -> Vec<Action> {
    let actions = screen.state().actions.iter();
    actions.filter_map(|action| if let view::Action::Share(action) = action { Some(action.clone()) } else { None }).collect()
}

fn lists() -> Vec<(Kind, Result<Vec<Offer>, SourceError>)> {
    let windows = vec![offer("window:7", "Notes", 90), offer("window:8", "\u{7f51}\u{9875}", 160), offer("window:9", "Film", 40)];
    vec![(Kind::Screen, Ok(vec![offer("screen:DP-1", "DP-1", 200)])), (Kind::Window, Ok(windows))]
}

#[test]
fn a_screen_a_window_or_an_area_is_shared_in_both_languages() {
    for lang in Lang::ALL {
        for size in [super::SIZE, (480.0, 360.0)] {
            let t = texts(lang);
            let mut page = dialog(lang, size, OWN, lists());
            page.run();
            picture(&mut page, &format!("share-{}-{}", lang.tag(), size.0));
            page.get_by_label(&t.t("share-whole-screen"));
            page.get_by_label(&t.t("share-start")).click();
            page.run();
            page.get_by_label(&t.t("share-window")).click();
            page.run();
            picture(&mut page, &format!("share-window-{}-{}", lang.tag(), size.0));
            page.get_by_label("Notes").click();
            page.run();
            // In the smallest window it is further down.
            page.get_by_label(&t.t("share-motion")).scroll_to_me();
            page.run();
            page.get_by_label(&t.t("share-motion")).click();
            page.run();
            page.get_by_label(&t.t("share-start")).click();
            page.run();
            page.get_by_label(&t.t("share-area")).scroll_to_me();
            page.run();
            page.get_by_label(&t.t("share-area")).click();
            page.run();
            page.get_by_label(&t.t("share-drag")).click();
            page.run();
            let share = |target: &str, name: &str, mode| {
                Action::Start(Share { target: target.parse().unwrap(), name: name.into(), mode, sound: false })
            };
            let screen = share("screen:DP-1", &t.t("share-whole-screen"), Mode::Detail);
            let window = share("window:7", "Notes", Mode::Motion);
            assert_eq!(shares(&page), [screen, window, Action::PickArea { mode: Mode::Motion, sound: false }]);
        }
    }
}

#[test]
fn what_is_not_chosen_cannot_be_shared_and_what_is_gone_is_not_chosen() {
    let t = texts(Lang::En);
    let mut page = dialog(Lang::En, super::SIZE, OWN, lists());
    page.run();
    page.get_by_label(&t.t("share-window")).click();
    page.run();
    page.get_by_label(&t.t("share-start")).click();
    page.run();
    assert_eq!(shares(&page), []);
    page.get_by_label("Film").click();
    page.run();
    let ctx = page.ctx.clone();
    page.state_mut().screen.take(&ctx, Kind::Window, Ok(vec![offer("window:7", "Notes", 90)]));
    page.run();
    page.get_by_label(&t.t("share-start")).click();
    page.run();
    assert_eq!(shares(&page), []);
    page.key_press(Key::Escape);
    page.run();
    assert_eq!(shares(&page), [Action::Open(false)]);
}

#[test]
fn the_keyboard_is_enough_for_the_only_screen() {
    let t = texts(Lang::En);
    let mut page = dialog(Lang::En, super::SIZE, OWN, lists());
    page.run();
    page.key_press(Key::Enter);
    page.run();
    let share =
        Share { target: Target::Screen(Some("DP-1".into())), name: t.t("share-whole-screen"), mode: Mode::Detail, sound: false };
    assert_eq!(shares(&page), [Action::Start(share)]);
}

#[test]
fn the_computers_sound_is_offered_where_it_can_be_kept_apart_and_only_there() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for sound in [true, false] {
            let mut page = screen(lang, super::SIZE, Dialog::new(Picker::System, Mode::Detail, sound), |ui, cx, dialog| {
                dialog.show(ui.ctx(), cx);
            });
            page.run();
            match (page.query_by_label(&t.t("share-sound")), sound) {
                (Some(switch), true) => switch.click(),
                (None, false) => {}
                (found, _) => panic!("{found:?}"),
            }
            page.run();
            page.get_by_label(&t.t("share-start")).click();
            page.run();
            assert!(matches!(&shares(&page)[..], [Action::Start(share)] if share.sound == sound));
        }
    }
}

#[test]
fn several_screens_have_names_and_none_is_chosen_for_the_person_but_the_first() {
    let t = texts(Lang::En);
    let screens = vec![offer("screen:DP-1", "DP-1", 200), offer("screen:HDMI-2", "HDMI-2", 30)];
    let mut page = dialog(Lang::En, super::SIZE, OWN, vec![(Kind::Screen, Ok(screens))]);
    page.run();
    page.get_by_label(&t.with("share-screen-named", &[("name", "HDMI-2".into())])).click();
    page.run();
    page.get_by_label(&t.t("share-start")).click();
    page.run();
    assert!(matches!(&shares(&page)[..], [Action::Start(Share { target: Target::Screen(Some(name)), .. })] if name == "HDMI-2"));
}

#[test]
fn where_the_system_asks_it_is_said_and_where_nothing_goes_too() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = dialog(lang, super::SIZE, Picker::System, Vec::new());
        page.run();
        page.get_by_label(&t.t("share-system"));
        page.get_by_label(&t.t("share-start")).click();
        page.run();
        assert!(matches!(&shares(&page)[..], [Action::Start(Share { target: Target::Portal, .. })]));

        let mut page = dialog(lang, super::SIZE, Picker::None, Vec::new());
        page.run();
        page.get_by_label(&t.t("share-none"));

        let denied = SourceError::new(SourceErrorKind::Denied, "BadAccess");
        let mut page = dialog(lang, super::SIZE, OWN, vec![(Kind::Screen, Err(denied))]);
        page.run();
        page.get_by_label(&t.t("error-screen-denied"));
        assert!(page.query_by_label_contains("BadAccess").is_none());
    }
}

#[test]
fn lists_are_asked_for_again_now_and_then_and_only_the_one_that_is_seen() {
    let mut dialog = Dialog::new(OWN, Mode::Detail, false);
    let s = Duration::from_secs;
    assert_eq!([s(10), s(11), s(14)].map(|now| dialog.wants(now)), [Some(Kind::Screen), None, Some(Kind::Screen)]);
    assert_eq!(Dialog::new(Picker::System, Mode::Detail, false).wants(s(10)), None);
}

#[test]
fn the_bar_says_what_is_shared_and_ends_it() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (open, sound, key) in [(false, false, "share-opening"), (true, false, "share-bar"), (true, true, "share-bar-sound")] {
            let share = Share { target: Target::Window(7), name: "Notes".into(), mode: Mode::Detail, sound };
            let shared = Shared { share, open, sound, shown: true };
            let mut page = screen(lang, (480.0, 360.0), (), move |ui, cx, ()| share::bar(ui, cx, Some(&shared)));
            page.run();
            page.get_by_label(&t.with(key, &[("name", "Notes".into())]));
            page.get_by_label(&t.t("share-stop")).click();
            page.run();
            assert_eq!(page.state().actions, [view::Action::Share(Action::Stop)]);
        }
    }
}
