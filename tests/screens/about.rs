//! Which build this is, and whose work it is made of.

use super::{SIZE, Screen, picture, screen, texts, type_into};
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use parlor::app::call::dialogs::TalkKey;
use parlor::app::i18n::Lang;
use parlor::app::settings::Settings;
use parlor::app::settings::page::{Section, SettingsPage, SettingsView};
use parlor::app::view::Action;
use parlor::base::stamp;

fn page<'a>(lang: Lang, size: (f32, f32)) -> Screen<'a, SettingsPage> {
    let (settings, mut page) = (Settings::default(), SettingsPage::default());
    page.open(Some(Section::About), &settings);
    screen(lang, size, page, move |ui, cx, page| {
        let view = SettingsView { settings: &settings, in_call: false, recordings: "", devices: None, talk_key: &TalkKey::Off };
        page.show(ui.ctx(), cx, &view);
    })
}

/// The parts on the list that are in sight.
fn parts(page: &Screen<'_, SettingsPage>) -> Vec<String> {
    let buttons = page.get_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label());
    buttons.filter(|label| label.contains(", ")).collect()
}

#[test]
fn the_build_is_told_and_can_be_copied() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let mut page = page(lang, SIZE);
        page.run();
        picture(&mut page, &format!("about-{lang:?}"));
        page.get_by_label(&t.with("about-version", &[("version", parlor::version().into())]));
        page.get_by_label(&format!("{}, {}", stamp::TARGET, stamp::PROFILE));
        page.get_by_label(&parlor::media::library::ffmpeg());
        page.get_by_label(&t.t("about-copy")).click();
        page.run();
        let [Action::Copy { text, said }] = &page.state().actions[..] else { panic!("{:?}", page.state().actions) };
        assert_eq!(
            (text.lines().next().unwrap(), said),
            (format!("parlor {}", parlor::version()).as_str(), &t.t("about-copied"))
        );
        assert!(text.contains("FFmpeg: "), "{text}");
    }
}

#[test]
fn whose_work_is_in_it_is_listed_searched_and_read() {
    for (lang, size) in [(Lang::En, SIZE), (Lang::Zh, SIZE), (Lang::En, (480.0, 360.0))] {
        let t = texts(lang);
        let mut page = page(lang, size);
        page.get_by_label(&t.t("about-licences")).scroll_to_me();
        page.run();
        page.get_by_label(&t.t("about-licences")).click();
        page.run();
        picture(&mut page, &format!("about-licences-{lang:?}-{}", size.0));
        let in_sight = parts(&page).len();
        assert!((2..30).contains(&in_sight), "{in_sight} of hundreds are laid out");
        let label = t.t("licences-search");
        type_into(&mut page, &label, "inter 4");
        assert_eq!(parts(&page), ["Inter 4.0 (font), OFL-1.1"]);
        page.get_by_label("Inter 4.0 (font), OFL-1.1").click();
        page.run();
        picture(&mut page, &format!("about-licence-{lang:?}-{}", size.0));
        page.get_by_label("OFL-1.1");
        page.get_by_label_contains("The Inter Project Authors");
        assert!(page.query_all_by_role(Role::Label).count() < 80, "of a long text only what is in sight is laid out");
        // Back to the search as it was, back to the page.
        page.get_by_label(&t.t("back")).click();
        page.run();
        assert_eq!(parts(&page), ["Inter 4.0 (font), OFL-1.1"]);
        type_into(&mut page, &label, " and more");
        assert_eq!(parts(&page), [""; 0]);
        page.get_by_label(&t.with("licences-none", &[("search", "inter 4 and more".into())]));
        page.get_by_label(&t.t("back")).click();
        page.run();
        page.get_by_label(&t.t("about-text"));
    }
}
