//! The page with the settings.

use super::{SIZE, Screen, picture, screen, texts, type_into};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use parlor::app::call::dialogs::TalkKey;
use parlor::app::call::look::Act;
use parlor::app::devices::DevicesView;
use parlor::app::i18n::Lang;
use parlor::app::settings::page::{Action as Page, Section, SettingsPage, SettingsView};
use parlor::app::settings::{Network, Preset, ProxyChoice, Settings, Theme};
use parlor::app::view::Action;
use parlor::call::Volume;
use parlor::media::audio::chain::Noise;
use parlor::media::devices::{Kind, Lists};
use parlor::proto::address::Carrier;

fn page<'a>(lang: Lang, size: (f32, f32), section: Section, mut settings: Settings) -> Screen<'a, SettingsPage> {
    let mut page = SettingsPage::default();
    page.open(Some(section), &settings);
    screen(lang, size, page, move |ui, cx, page| {
        let lists = Lists::default();
        let view = SettingsView {
            settings: &settings,
            in_call: true,
            recordings: "/home/ada/Videos/Parlor",
            devices: Some(devices(&lists)),
            talk_key: &TalkKey::Off,
        };
        page.show(ui.ctx(), cx, &view);
        if let Some(Action::Settings(Page::Set(changed))) = cx.actions.last() {
            settings = (**changed).clone();
        }
    })
}

fn devices(lists: &Lists) -> DevicesView<'_> {
    DevicesView {
        lists,
        chosen: ["camera".into(), "device".into(), String::new()],
        states: Default::default(),
        level: 0.1,
        check: None,
        heard: false,
        picture: Default::default(),
    }
}

/// What the settings are after what was clicked.
fn changed(page: &Screen<'_, SettingsPage>) -> Settings {
    match page.state().actions.last() {
        Some(Action::Settings(Page::Set(settings))) => (**settings).clone(),
        other => panic!("nothing was changed: {other:?}"),
    }
}

fn choose(page: &mut Screen<'_, SettingsPage>, label: &str, option: &str) {
    page.get_by_role_and_label(Role::ComboBox, label).click();
    page.run();
    page.get_all_by_label(option).last().unwrap().click();
    page.run();
}

#[test]
fn general_settings_are_changed() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, Section::General, Settings { name: "Ada".into(), ..Settings::default() });
        page.run();
        picture(&mut page, &format!("settings-general-{lang:?}"));
        choose(&mut page, &t.t("settings-lang"), Lang::Zh.name());
        assert_eq!(changed(&page).lang, Some(Lang::Zh));
        page.get_by_label(&t.t("theme-dark")).click();
        page.run();
        assert_eq!(changed(&page).theme, Theme::Dark);
        choose(&mut page, &t.t("settings-zoom"), "150 %");
        assert_eq!(changed(&page).zoom, 150);
        page.get_by_label(&t.t("settings-chimes")).click();
        page.run();
        assert!(!changed(&page).chimes);
        page.get_by_label(&t.t("settings-notifications")).click();
        page.run();
        assert!(!changed(&page).notifications);
        type_into(&mut page, &t.t("prejoin-name"), "<");
        page.get_by_label(&t.with("name-forbidden", &[("char", "<".into())]));
        page.get_by_label(&t.t("close")).click();
        page.run();
        assert_eq!(page.state().actions.last(), Some(&Action::Settings(Page::Close)));
    }
}

#[test]
fn picture_and_sound_are_chosen() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut video = page(lang, SIZE, Section::Video, Settings::default());
        let full = [("width", "1280".into()), ("height", "720".into()), ("kbps", "1800".into())];
        choose(&mut video, &t.t("settings-preset"), &t.with("preset-size", &full));
        assert_eq!(changed(&video).preset, Preset::Full);
        let format = changed(&video).format();
        assert_eq!((format.0.map(|f| (f.width, f.height)), format.1), (Some((1280, 720)), Some(1800)));
        choose(&mut video, &t.t("settings-rate"), &t.with("rate-each", &[("count", 15usize.into())]));
        assert_eq!(changed(&video).fps, Some(15));
        type_into(&mut video, &t.t("prejoin-pause-image"), "/no/such/me.png");
        video.get_by_label(&t.t("prejoin-pause-image-missing"));
        video.get_by_label(&t.t("settings-choose-file")).click();
        video.run();
        assert_eq!(video.state().actions.last(), Some(&Action::Settings(Page::ChoosePauseImage)));
        picture(&mut video, &format!("settings-video-{lang:?}"));

        let mut settings = Settings::default();
        settings.set_volume("Ada".into(), Volume { percent: 150, muted: false });
        let mut sound = page(lang, SIZE, Section::Sound, settings);
        choose(&mut sound, &t.t("noise"), &t.t("noise-strong"));
        assert_eq!(changed(&sound).noise, Noise::Strong);
        sound.get_by_label(&t.t("settings-volumes-forget")).click();
        sound.run();
        assert!(changed(&sound).volumes.is_empty());
    }
}

#[test]
fn all_settings_are_reached_from_the_devices() {
    for lang in Lang::ALL {
        let lists = Lists::default();
        let view = devices(&lists);
        let mut page = screen(lang, SIZE, (), |ui, cx, ()| parlor::app::devices::show(ui.ctx(), cx, &view));
        page.get_by_label(&texts(lang).t("settings-all")).click();
        page.run();
        assert_eq!(page.state().actions, [Action::OpenDevices(false), Action::Settings(Page::Open(None))]);
    }
}

#[test]
fn every_section_is_reached_in_windows_of_every_size() {
    for lang in Lang::ALL {
        let t = texts(lang);
        for (size, role) in [(SIZE, Role::Tab), ((480.0, 360.0), Role::ComboBox)] {
            for (section, key, shown) in [
                (Section::Devices, "devices-title", "devices-test-mic"),
                (Section::Network, "settings-network", "settings-proxy-hint"),
                (Section::Keys, "settings-keys", "keys-mute"),
                (Section::Recording, "settings-recording", "settings-choose-folder"),
                (Section::About, "settings-about", "about-text"),
            ] {
                let mut page = page(lang, size, Section::General, Settings::default());
                match role {
                    Role::Tab => page.get_by_role_and_label(role, &t.t(key)).click(),
                    _ => {
                        page.get_by_role_and_label(role, &t.t("settings-section")).click();
                        page.run();
                        // In a small window the list scrolls.
                        page.get_all_by_label(&t.t(key)).last().unwrap().click_accesskit();
                    }
                }
                page.run();
                assert_eq!(page.state().screen.section, section);
                page.get_by_label(&t.t(shown));
                let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(size.0, size.1));
                assert!(window.contains_rect(page.get_by_label(&t.t("close")).rect()));
                picture(&mut page, &format!("settings-{section:?}-{lang:?}-{}", size.0));
            }
        }
    }
}

#[test]
fn the_way_to_servers_is_chosen_and_a_bad_proxy_is_named_at_once() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, Section::Network, Settings::default());
        choose(&mut page, &t.t("settings-carrier"), &t.t("settings-carrier-tcp"));
        assert_eq!(changed(&page).network.carrier, Carrier::Tcp);
        page.get_by_label(&t.t("settings-carrier-tcp-hint"));
        choose(&mut page, &t.t("settings-carrier"), &t.t("settings-carrier-tls"));
        choose(&mut page, &t.t("settings-proxy"), &t.t("settings-proxy-own"));
        assert_eq!((changed(&page).network.carrier, changed(&page).network.proxy), (Carrier::Tls, ProxyChoice::Own));
        page.get_by_label(&t.t("settings-proxy-empty"));
        let label = t.t("settings-proxy-address");
        type_into(&mut page, &label, "proxy.example");
        page.get_by_label(&t.t("settings-proxy-wrong"));
        picture(&mut page, &format!("settings-network-{lang:?}"));
        type_into(&mut page, &label, ":3128 ");
        for key in ["settings-proxy-empty", "settings-proxy-scheme", "settings-proxy-wrong"] {
            assert!(page.query_by_label(&t.t(key)).is_none(), "{key}");
        }
        assert_eq!(changed(&page).network.proxy_address, "proxy.example:3128");
        page.get_by_label(&t.t("settings-next-call"));
        let network = Network { proxy: ProxyChoice::Own, proxy_address: "socks5://p:1".into(), ..Network::default() };
        let other = self::page(lang, (480.0, 360.0), Section::Network, Settings { network, ..Settings::default() });
        other.get_by_label(&t.t("settings-proxy-scheme"));
    }
}

#[test]
fn devices_are_chosen_and_tried_among_the_settings() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, Section::Devices, Settings::default());
        page.run();
        picture(&mut page, &format!("settings-devices-{lang:?}"));
        for (key, action) in [("devices-test-mic", Action::TestMic), ("devices-test-speaker", Action::TestSpeaker)] {
            page.get_by_label(&t.t(key)).click_accesskit();
            page.run();
            assert_eq!(page.state().actions.last(), Some(&action));
        }
        choose(&mut page, &t.t("prejoin-camera"), &t.t("source-pattern"));
        assert_eq!(page.state().actions.last(), Some(&Action::Choose(Kind::Camera, "pattern".into())));
        page.get_by_label(&t.t("prejoin-level"));
    }
}

#[test]
fn the_key_for_talking_is_set_among_the_settings() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE, Section::Keys, Settings::default());
        for key in ["keys-mute", "keys-talk", "keys-record", "keys-zoom", "keys-escape", "keys-click-text", "keys-double-text"] {
            page.get_by_label(&t.t(key));
        }
        page.get_by_label(&t.t("keys-anywhere-choose")).click_accesskit();
        page.run();
        page.key_press(egui::Key::F9);
        page.run();
        assert_eq!(page.state().actions.last(), Some(&Action::Stage(Act::TalkKey(Some("F9".into())))));
    }
}

#[test]
fn a_proxy_that_does_not_help_leads_to_the_settings() {
    use parlor::app::call::ended;
    use parlor::app::errors;
    use parlor::room::Error;
    for lang in Lang::ALL {
        let t = texts(lang);
        for (refused, key) in [(true, "error-proxy-refuses"), (false, "error-proxy-unreachable")] {
            let (proxy, server, detail) = ("proxy.example:3128".to_owned(), "calls.example:1935".to_owned(), "403".to_owned());
            let sentence = errors::room(&t, &Error::Proxy { proxy: proxy.clone(), server: server.clone(), refused, detail });
            let mut page = screen(lang, (480.0, 360.0), (), |ui, cx, ()| ended::show(ui, cx, &sentence, false));
            page.run();
            page.get_by_label(&t.with(key, &[("proxy", (&proxy).into()), ("server", (&server).into())]));
            picture(&mut page, &format!("ended-proxy-{refused}-{lang:?}"));
            page.get_by_label(&t.t("error-network-settings")).click_accesskit();
            page.run();
            assert_eq!(page.state().actions, [Action::Settings(Page::Open(Some(Section::Network)))]);
        }
    }
}
