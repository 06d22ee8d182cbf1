//! The page of a call.

use super::{Screen, picture, screen, texts, type_into};
use egui::accesskit::Role;
use egui::{Event, ImeEvent, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use parlor::app::call::dialogs::TalkKey;
use parlor::app::call::look::Saved;
use parlor::app::call::page::{CallPage, CallView};
use parlor::app::call::videos::Videos;
use parlor::app::errors::{self, Part, Sentence};
use parlor::app::i18n::Lang;
use parlor::app::view::Action;
use parlor::base::Slot;
use parlor::call::snapshot::{Line, Room, Trouble};
use parlor::call::{Me, Peer, Phase, Snapshot, Volume};
use parlor::media::audio::chain::Noise;
use parlor::media::capture::{SourceError, SourceErrorKind};
use parlor::media::devices::Kind;
use parlor::media::frame::{Pool, Rgba};
use parlor::media::stats::{Delay, Percentiles, PictureIn, PictureOut, PlaySample, PlayStats, PublishStats};
use parlor::proto::{Invite, MemberId, Mode, RoomId};
use std::time::Duration;

pub const WIDE: (f32, f32) = (1180.0, 760.0);
const INVITE: &str = "parlor://192.168.1.20:1935/k7wq2mnd";

/// The page and what it is given.
pub struct Call {
    pub page: CallPage,
    pub snapshot: Snapshot,
    pub saved: Saved,
    pub talk_key: TalkKey,
    videos: Videos,
    failures: Vec<(Kind, Sentence)>,
}

/// A picture of one colour.
fn fill(colour: [u8; 3]) -> Rgba {
    let (width, height) = (64, 36);
    let mut data = Pool::new().take(width as usize * height as usize * 4);
    for pixel in data.chunks_exact_mut(4) {
        pixel.copy_from_slice(&[colour[0], colour[1], colour[2], 255]);
    }
    Rgba { width, height, captured: None, data }
}

const COLOURS: [[u8; 3]; 4] = [[200, 60, 40], [40, 160, 70], [50, 90, 210], [200, 180, 40]];

pub fn peer(number: usize) -> Peer {
    let picture = Slot::new();
    picture.put(fill(COLOURS[number]));
    let recent = Some(Percentiles { p50: 31.0, p95: 44.0, p99: 52.0, max: 61.0 });
    let stats = PlayStats {
        picture: PictureIn { width: 640, height: 360, fps: 30.0, codec: "h264".into(), ..PictureIn::default() },
        delay: Delay { recent, ..Delay::default() },
        ..PlayStats::default()
    };
    for second in 0..60_u16 {
        let at = Duration::from_secs(940 + u64::from(second));
        let delay_ms = (second != 20).then(|| 31.0 + 30.0 * f32::from(second % 7 / 6));
        stats.history.add(PlaySample { at, delay_ms, kbps: 300.0 + f32::from(second), ..PlaySample::default() });
    }
    let name = ["Grace Hopper", "李雷", "韩梅梅", "Alan"][number].to_owned();
    Peer {
        member: MemberId::new(number.to_string()),
        name,
        mic: true,
        camera: true,
        recording: false,
        sharing: false,
        picture,
        receiving: true,
        volume: Volume::default(),
        stats,
        trouble: None,
        unreadable: None,
    }
}

pub fn call(peers: usize) -> Snapshot {
    let me = Me {
        name: "Ada".into(),
        mic: true,
        camera: true,
        stats: PublishStats { picture: PictureOut { encoder: "libx264".into(), ..Default::default() }, ..Default::default() },
        ..Me::default()
    };
    me.preview.put(fill([120, 120, 130]));
    let invite = Invite { server: "192.168.1.20:1935".parse().ok(), room: RoomId::new("k7wq2mnd"), key: None };
    let room = Room { id: RoomId::new("k7wq2mnd"), name: "周会".into(), mode: Mode::Multi, cap: 4, mine: true, invite };
    Snapshot {
        phase: Phase::InCall,
        room: Some(room),
        me,
        peers: (0..peers).map(peer).collect(),
        speaker: None,
        chat: Vec::new(),
    }
}

pub fn page<'a>(lang: Lang, size: (f32, f32), snapshot: Snapshot) -> Screen<'a, Call> {
    opened(lang, size, snapshot, false)
}

/// The page, with or without what it tells by itself: how large everybody is shown.
fn opened<'a>(lang: Lang, size: (f32, f32), snapshot: Snapshot, views: bool) -> Screen<'a, Call> {
    let call = Call {
        page: CallPage::default(),
        snapshot,
        saved: Saved::default(),
        talk_key: TalkKey::Off,
        videos: Videos::default(),
        failures: Vec::new(),
    };
    let mut page = screen(lang, size, call, move |ui, cx, call| {
        call.videos.update(ui.ctx(), &call.snapshot);
        let view = CallView {
            snapshot: &call.snapshot,
            videos: &call.videos,
            camera: true,
            saved: &call.saved,
            talk_key: &call.talk_key,
            noise: Noise::On,
            title: "周会",
            creating: true,
            invite: call.snapshot.room.as_ref().map(|_| INVITE),
            partner_coming: false,
            sidebar: true,
            devices: false,
            failures: &call.failures,
        };
        call.page.show(ui, cx, &view);
        cx.actions.retain(|action| views || !matches!(action, Action::SetView { .. }));
    });
    page.run();
    page
}

fn say(seq: u64, name: &str, text: &str, own: bool) -> Line {
    Line { seq, name: name.into(), text: Some(text.into()), own, at_us: 0 }
}

#[test]
fn everybody_is_on_the_stage_with_name_and_picture() {
    for lang in Lang::ALL {
        for peers in 1..=4 {
            let mut page = page(lang, WIDE, call(peers));
            let mine = texts(lang).with("call-you-name", &[("name", "Ada".into())]);
            let mut centres = vec![(page.get_by_label(&mine).rect().center(), [120, 120, 130])];
            for (number, colour) in COLOURS.iter().enumerate().take(peers) {
                centres.push((page.get_by_label(&peer(number).name).rect().center(), *colour));
            }
            let shown = picture(&mut page, &format!("call-{}-{lang:?}", peers + 1));
            for (at, colour) in centres {
                let pixel = shown.get_pixel(at.x as u32, at.y as u32).0;
                let off = (0..3).map(|i| pixel[i].abs_diff(colour[i])).max().unwrap();
                assert!(off <= 8, "{pixel:?} at {at:?} instead of {colour:?}");
            }
        }
    }
}

#[test]
fn what_is_switched_off_is_said_and_hidden() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut snapshot = call(2);
        snapshot.peers[0].mic = false;
        snapshot.peers[1].camera = false;
        snapshot.peers[1].receiving = false;
        (snapshot.me.mic, snapshot.me.camera) = (false, false);
        let mut page = page(lang, WIDE, snapshot);
        page.get_by_label(&t.with("tile-muted", &[("name", "Grace Hopper".into())]));
        let off = page.get_by_label(&t.with("tile-camera-off", &[("name", "李雷".into())])).rect();
        page.get_by_label(&t.t("mic-unmute"));
        page.get_by_label(&t.t("camera-on"));
        let shown = picture(&mut page, &format!("call-off-{lang:?}"));
        let corner = off.left_top() + egui::vec2(30.0, 30.0);
        let pixel = shown.get_pixel(corner.x as u32, corner.y as u32).0;
        assert!(pixel[1] < 120, "an avatar instead of the last picture: {pixel:?}");
    }
}

#[test]
fn a_poor_connection_has_a_sign_that_says_whose() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut snapshot = call(2);
        snapshot.peers[0].trouble = Some(Trouble::Theirs);
        snapshot.me.trouble = Some(Trouble::MyNetwork);
        let mut page = page(lang, WIDE, snapshot);
        let theirs = t.with("trouble-theirs", &[("name", "Grace Hopper".into())]);
        let tile = page.get_by_label(&format!("Grace Hopper. {theirs}")).rect();
        let me = t.with("call-you-name", &[("name", "Ada".into())]);
        page.get_by_label(&format!("{me}. {}", t.t("trouble-my-network")));
        page.get_by_label("李雷");
        let shown = picture(&mut page, &format!("call-trouble-{lang:?}"));
        let sign = tile.right_top() + egui::vec2(-8.0 - 13.0, 8.0 + 13.0);
        let drawn = (-9..9).flat_map(|x| (-9..9).map(move |y| (x, y))).any(|(x, y)| {
            let pixel = shown.get_pixel((sign.x as i32 + x) as u32, (sign.y as i32 + y) as u32).0;
            pixel[0] > 220 && pixel[1] > 170 && pixel[2] < 130
        });
        assert!(drawn, "no sign at {sign:?}");
    }
}

#[test]
fn it_is_told_how_large_everybody_is_shown() {
    let mut page = opened(Lang::En, WIDE, call(2), true);
    let told = |page: &Screen<'_, Call>| {
        let views = page.state().actions.iter().filter_map(|action| match action {
            Action::SetView { member, lines } => Some((member.to_string(), *lines)),
            _ => None,
        });
        views.collect::<Vec<_>>()
    };
    let first = told(&page);
    assert_eq!(first.iter().map(|(member, _)| member.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    assert!(first.iter().all(|(_, lines)| (150..800).contains(lines)), "{first:?}");
    page.run();
    assert_eq!(told(&page).len(), 2, "once");
    // Nobody sees a window that is hidden, and all is told again when it is back.
    assert_eq!(page.state_mut().screen.page.hide().len(), 2);
    assert_eq!(page.state_mut().screen.page.hide().len(), 0);
    page.run();
    let again = told(&page).split_off(2);
    assert_eq!(again.len(), 2);
    let near =
        |((member, lines), (other, before)): (&(String, u32), &(String, u32))| member == other && lines.abs_diff(*before) < 24;
    assert!(again.iter().zip(&first).all(near), "{again:?} after {first:?}");
}

#[test]
fn it_is_said_who_can_listen() {
    use parlor::media::stats::Carrier;
    for lang in Lang::ALL {
        let t = texts(lang);
        let said = |server: &str, carrier: Carrier, media: &str| {
            let mut snapshot = call(1);
            let room = snapshot.room.as_mut().unwrap();
            room.invite.server = server.parse().ok();
            snapshot.me.stats.route.carrier = Some(carrier);
            snapshot.me.stats.route.server = media.into();
            snapshot.peers[0].stats.route.carrier = Some(carrier);
            let page = page(lang, WIDE, snapshot);
            let signs = ["call-encrypted", "call-local", "call-plain"];
            signs.into_iter().filter(|key| page.query_by_label(&t.t(key)).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(said("calls.example", Carrier::Tls, "calls.example:1935"), ["call-encrypted"]);
        assert_eq!(said("http://calls.example", Carrier::Tcp, "calls.example:80"), ["call-plain"]);
        assert_eq!(said("127.0.0.1:1935", Carrier::Tcp, "127.0.0.1:1935"), ["call-local"]);
    }
}

#[test]
fn someone_alone_is_offered_an_invite_and_a_test_partner() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(0));
        page.get_by_label(&t.t("call-alone"));
        page.get_by_label(&t.t("call-copy-invite")).click();
        page.get_by_label(&t.t("call-test-partner")).click();
        page.run();
        let copy = Action::Copy { text: INVITE.into(), said: t.t("toast-invite-copied") };
        assert!(page.state().actions.contains(&copy) && page.state().actions.contains(&Action::CallPartner));
        picture(&mut page, &format!("call-alone-{lang:?}"));
    }
}

#[test]
fn buttons_and_keys_do_the_same() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let wanted = [Action::SetMic(false), Action::SetCamera(false), Action::ToggleChat, Action::ToggleStats];
        let mut page = page(lang, WIDE, call(1));
        for label in ["mic-mute", "camera-off", "chat-open", "stats-open", "leave"] {
            page.get_by_role_and_label(Role::Button, &t.t(label)).click();
            page.run();
        }
        assert_eq!(page.state().actions[..4], wanted);
        assert_eq!(page.state().actions[4], Action::Leave);
        page.state_mut().actions.clear();
        for key in [Key::M, Key::V, Key::C] {
            page.key_press(key);
            page.run();
        }
        page.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
        page.run();
        assert_eq!(page.state().actions, wanted);
    }
}

#[test]
fn chat_shows_lines_and_sends_them() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut snapshot = call(1);
        snapshot.chat =
            vec![say(1, "李雷", "你好，听得见吗？", false), say(2, "Ada", "Yes!", true), say(3, "李雷", "很好", false)];
        let mut page = page(lang, WIDE, snapshot);
        page.get_by_label(&t.with("chat-open-unread", &[("count", 2usize.into())]));
        page.state_mut().screen.page.toggle_chat();
        page.run();
        page.get_by_label("你好，听得见吗？");
        page.get_by_label(&t.t("chat-you"));
        picture(&mut page, &format!("call-chat-{lang:?}"));
        type_into(&mut page, &t.t("chat-input"), "M, V und C: 再见");
        assert!(page.state().actions.is_empty(), "letters that are typed switch nothing");
        page.key_press(Key::Enter);
        page.run();
        assert_eq!(page.state().actions, [Action::Say("M, V und C: 再见".into())]);
        assert!(
            page.get_by_role_and_label(Role::MultilineTextInput, &t.t("chat-input")).is_focused(),
            "the next line can be typed at once"
        );
        page.key_press(Key::Enter);
        page.run();
        assert_eq!(page.state().actions.len(), 1, "an empty line is not sent");
        page.state_mut().screen.page.toggle_chat();
        page.run();
        page.get_by_label(&t.t("chat-open"));
    }
}

#[test]
fn enter_that_chooses_a_word_does_not_send_the_line() {
    let t = texts(Lang::Zh);
    let mut page = page(Lang::Zh, WIDE, call(1));
    page.state_mut().screen.page.toggle_chat();
    page.run();
    page.event(Event::Ime(ImeEvent::Preedit { text: "ni hao".into(), active_range_chars: None }));
    page.run();
    page.event(Event::Ime(ImeEvent::Preedit { text: String::new(), active_range_chars: None }));
    page.event(Event::Ime(ImeEvent::Commit("你好".into())));
    page.key_press(Key::Enter);
    page.run();
    assert!(page.state().actions.is_empty());
    assert_eq!(page.get_by_role_and_label(Role::MultilineTextInput, &t.t("chat-input")).value().as_deref(), Some("你好"));
    page.state_mut().now += Duration::from_secs(1);
    page.key_press(Key::Enter);
    page.run();
    assert_eq!(page.state().actions, [Action::Say("你好".into())]);
}

#[test]
fn figures_are_shown_on_every_tile() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (peers, size) in [(1, WIDE), (3, WIDE), (3, (640.0, 480.0))] {
            let mut page = page(lang, size, call(peers));
            page.state_mut().screen.page.stats = true;
            page.run();
            let pair = t.with("stat-ms-pair", &[("first", "31".into()), ("second", "44".into())]);
            let delay = format!("{}: {pair}", t.t("stat-delay"));
            assert_eq!(page.get_all_by_label_contains(&delay).count(), peers);
            page.get_by_label_contains("libx264");
            let minute = t.with("stat-graph-delay", &[("least", "31".into()), ("most", "61".into())]);
            assert_eq!(page.get_all_by_label_contains(&minute).count(), peers);
            picture(&mut page, &format!("call-stats-{peers}-{}-{lang:?}", size.0));
        }
    }
}

#[test]
fn a_broken_connection_can_be_retried_at_once() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut snapshot = call(2);
        snapshot.phase =
            Phase::Reconnecting { since: Duration::from_secs(990), next_try: Duration::from_millis(1_003_200), tries: 2 };
        snapshot.peers[0].receiving = false;
        snapshot.peers[0].stats.picture.shown = 100;
        let mut page = page(lang, WIDE, snapshot);
        page.get_by_label(&t.with("tile-reconnecting", &[("name", "Grace Hopper".into())]));
        page.get_by_label(&t.with("call-reconnecting", &[("seconds", 4usize.into())]));
        page.get_by_label(&t.t("call-retry-now")).click();
        page.run_steps(2);
        assert_eq!(page.state().actions, [Action::RetryNow]);
        page.state_mut().now = Duration::from_secs(1004);
        page.run_steps(2);
        // Tries follow each other so closely by now that the next one is always due.
        page.get_by_label(&t.with("call-reconnecting-for", &[("seconds", 14usize.into())]));
        picture(&mut page, &format!("call-reconnecting-{lang:?}"));
    }
}

#[test]
fn entering_says_so() {
    for lang in Lang::ALL {
        let snapshot = Snapshot { phase: Phase::Entering, room: None, ..call(0) };
        let page = page(lang, WIDE, snapshot);
        page.get_by_label(&texts(lang).with("call-creating", &[("room", "周会".into())]));
    }
}

#[test]
fn the_call_fits_the_smallest_window_even_with_chat() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, (640.0, 480.0), call(3));
        page.state_mut().screen.page.toggle_chat();
        page.state_mut().screen.page.stats = true;
        page.run();
        let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(640.0, 480.0));
        for label in ["leave", "mic-mute", "chat-send"] {
            let rect = page.get_by_role_and_label(Role::Button, &t.t(label)).rect();
            assert!(window.contains_rect(rect), "{label} at {rect:?}");
        }
        for number in 0..3 {
            let rect = page.get_by_label(&peer(number).name).rect();
            assert!(window.contains_rect(rect) && rect.width() > 100.0, "{rect:?}");
        }
        picture(&mut page, &format!("call-small-{lang:?}"));
    }
}

#[test]
fn a_failed_device_is_a_card_with_three_ways_on() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(1));
        let failure = SourceError::new(SourceErrorKind::Silent, "nothing but zeros for 2 s");
        page.state_mut().screen.failures = vec![(Kind::Microphone, errors::source(&t, Part::Mic, &failure))];
        page.run();
        page.get_by_label(&t.t("error-mic-silent"));
        for label in ["retry", "devices-choose-another", "devices-without"] {
            page.get_by_label(&t.t(label)).click();
            page.run();
        }
        let expected = [Action::RetryDevice(Kind::Microphone), Action::OpenDevices(true), Action::Without(Kind::Microphone)];
        assert_eq!(page.state().actions, expected);
        picture(&mut page, &format!("call-silent-mic-{lang:?}"));
        page.state_mut().actions.clear();
        page.key_press(Key::D);
        page.run();
        assert_eq!(page.state().actions, [Action::OpenDevices(true)]);
    }
}

#[test]
fn everybody_has_a_volume_of_their_own_here() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(2));
        let grace = peer(0);
        let menu = t.with("tile-menu", &[("name", (&grace.name).into())]);
        let set = |volume: Volume| Action::SetVolume { member: grace.member.clone(), name: grace.name.clone(), volume };
        // By keyboard: open, go to the slider, louder.
        page.get_by_label(&menu).focus();
        page.run_steps(2);
        page.key_press(Key::Enter);
        page.run_steps(4);
        let said = t.with("tile-volume", &[("percent", 100usize.into())]);
        page.get_by_role_and_label(Role::Slider, &said).focus();
        page.run_steps(2);
        page.key_press(Key::ArrowRight);
        page.run_steps(2);
        assert_eq!(page.state().actions, [set(Volume { percent: 105, muted: false })]);
        page.state_mut().actions.clear();
        picture(&mut page, &format!("call-volume-{lang:?}"));
        page.get_by_role_and_label(Role::CheckBox, &t.t("tile-mute-for-me")).click();
        page.run_steps(2);
        assert_eq!(page.state().actions, [set(Volume { percent: 100, muted: true })]);
    }
}

#[test]
fn a_right_click_on_a_tile_opens_its_menu() {
    let t = texts(Lang::En);
    let mut page = page(Lang::En, WIDE, call(2));
    assert!(page.query_by_label(&t.t("tile-mute-for-me")).is_none());
    page.get_by_label(&peer(1).name).click_secondary();
    page.run_steps(4);
    page.get_by_label(&t.t("tile-mute-for-me"));
}

#[test]
fn ones_own_noise_suppression_is_chosen_in_the_call() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, WIDE, call(1));
        page.get_by_label(&t.t("tile-menu-own")).click();
        page.run_steps(4);
        page.get_by_role_and_label(Role::RadioButton, &t.t("noise-strong")).click();
        page.run_steps(2);
        assert_eq!(page.state().actions, [Action::SetNoise(Noise::Strong)]);
    }
}

#[test]
fn who_speaks_has_a_border_and_nobody_else() {
    let (mut silent, mut speaking) = (call(2), call(2));
    silent.speaker = None;
    speaking.speaker = Some(peer(1).member);
    // Somebody who has just been muted speaks no more.
    let mut muted = call(2);
    muted.speaker = Some(peer(1).member);
    muted.peers[1].mic = false;
    let [silent, speaking, muted] = [(silent, "silent"), (speaking, "speaking"), (muted, "muted")].map(|(snapshot, name)| {
        let mut page = page(Lang::En, WIDE, snapshot);
        let label = if name == "muted" { format!("{}, muted", peer(1).name) } else { peer(1).name };
        let tiles = [page.get_by_label(&peer(0).name).rect(), page.get_by_label(&label).rect()];
        let shown = picture(&mut page, &format!("call-border-{name}"));
        // Just inside the upper edge.
        tiles.map(|tile| shown.get_pixel(tile.center().x as u32, tile.top() as u32 + 1).0)
    });
    assert_eq!(silent[0], speaking[0]);
    assert_ne!(silent[1], speaking[1]);
    assert_eq!(silent[1], muted[1]);
}

#[test]
fn somebody_alone_finds_every_offer_inside_the_window() {
    for lang in Lang::ALL {
        let t = texts(lang);
        // The middle one is what the room list leaves of 800.
        for size in [(480.0, 360.0), (520.0, 560.0), (800.0, 560.0), WIDE] {
            let mut page = page(lang, size, call(0));
            let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
            let mut seen: Vec<egui::Rect> = Vec::new();
            for key in ["call-copy-invite", "call-show-qr", "call-test-partner", "leave"] {
                let rect = page.get_by_label(&t.t(key)).rect();
                assert!(window.contains_rect(rect), "{key} in {size:?}: {rect:?}");
                assert!(seen.iter().all(|other| !other.shrink(1.0).intersects(rect)), "{key} in {size:?} lies over another");
                seen.push(rect);
            }
            picture(&mut page, &format!("call-alone-{}-{lang:?}", size.0));
            page.get_by_label(&t.t("call-test-partner")).click_accesskit();
            page.run();
            assert_eq!(page.state().actions, [Action::CallPartner]);
        }
    }
}
