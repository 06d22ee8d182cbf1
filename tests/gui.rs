//! Every screen, in both languages, found by what a screen reader would say.

mod screens;

use egui_kittest::kittest::Queryable;
use parlor::app::call::ended;
use parlor::app::errors::Remedy;
use parlor::app::home;
use parlor::app::i18n::Lang;
use parlor::app::view::Action;
use screens::{SIZE, screen, sentence, texts};

#[test]
fn the_end_of_a_call_is_explained_and_offers_what_helps() {
    for lang in Lang::ALL {
        let t = texts(lang);
        let again = Action::First(home::Action::OpenAgain);
        for (remedy, helps) in [
            (Remedy::TryAgain, Some(("retry", Action::TryAgain))),
            (Remedy::ComeBack, Some(("ended-come-back", Action::TryAgain))),
            (Remedy::OpenAgain, Some(("ended-open-again", again))),
            (Remedy::Nothing, None),
        ] {
            let mut page = screen(lang, SIZE, (), move |ui, cx, ()| ended::show(ui, cx, &sentence(remedy), true));
            page.get_by_label("It went wrong.");
            for key in ["retry", "ended-come-back", "ended-open-again"] {
                let offered = helps.as_ref().is_some_and(|(offered, _)| *offered == key);
                assert_eq!(page.query_by_label(&t.t(key)).is_some(), offered, "{remedy:?}: {key}");
            }
            if let Some((key, action)) = helps {
                page.get_by_label(&t.t(key)).click();
                page.run();
                assert_eq!(page.state().actions, [action]);
                page.state_mut().actions.clear();
            }
            page.get_by_label(&t.t("ended-home")).click();
            page.run();
            assert_eq!(page.state().actions, [Action::Home]);
        }
        let page = screen(lang, SIZE, (), |ui, cx, ()| ended::show(ui, cx, &sentence(Remedy::Server), false));
        page.get_by_label(&t.t("ended-choose-server"));
    }
}
