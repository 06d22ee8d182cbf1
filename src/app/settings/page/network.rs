//! The section about how servers are reached.

use super::SettingsView;
use super::sections::hint;
use crate::app::settings::{Network, ProxyChoice};
use crate::app::view::Cx;
use crate::base::proxy::AddressError;
use crate::proto::address::Carrier;
use crate::ui::card::{self, Tone};
use crate::ui::field::{self, Field};
use egui::Ui;

/// Longest address of a proxy that can be typed.
const LONGEST: usize = 500;

/// Draws it. `typed` is the proxy's address as it is being typed; what can be used of it goes into `network`.
pub(super) fn show(ui: &mut Ui, cx: &Cx<'_>, view: &SettingsView<'_>, typed: &mut String, network: &mut Network) {
    let carriers = Carrier::ALL.map(|carrier| (format!("{carrier:?}"), cx.t(carrier_key(carrier))));
    let mut chosen = format!("{:?}", network.carrier);
    if field::choice(ui, &cx.t("settings-carrier"), &mut chosen, &carriers) {
        network.carrier = Carrier::ALL.into_iter().find(|carrier| format!("{carrier:?}") == chosen).unwrap_or_default();
    }
    match network.carrier {
        Carrier::Auto => hint(ui, &cx.t("settings-carrier-hint")),
        Carrier::Tls => hint(ui, &cx.t("settings-carrier-tls-hint")),
        Carrier::Tcp => drop(card::notice(ui, Tone::Error, &cx.t("settings-carrier-tcp-hint"), |_| {})),
    }
    let proxies = ProxyChoice::ALL.map(|choice| (format!("{choice:?}"), cx.t(proxy_key(choice))));
    let mut chosen = format!("{:?}", network.proxy);
    if field::choice(ui, &cx.t("settings-proxy"), &mut chosen, &proxies) {
        network.proxy = ProxyChoice::ALL.into_iter().find(|choice| format!("{choice:?}") == chosen).unwrap_or_default();
    }
    if network.proxy == ProxyChoice::Own {
        let wrong = typed.parse::<crate::base::proxy::Address>().err().map(|error| cx.t(error_key(error)));
        let (label, example) = (cx.t("settings-proxy-address"), cx.t("settings-proxy-example"));
        let field = Field::new(&label).hint(&example).error(wrong.as_deref()).limit(LONGEST);
        if field.show(ui, typed).changed() {
            // Nothing is reached through what is wrong: neither the new one nor the one before it.
            typed.trim().clone_into(&mut network.proxy_address);
        }
    }
    hint(ui, &cx.t("settings-proxy-hint"));
    hint(ui, &cx.t(if view.in_call { "settings-next-call" } else { "settings-network-when" }));
}

const fn carrier_key(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Auto => "settings-carrier-auto",
        Carrier::Tcp => "settings-carrier-tcp",
        Carrier::Tls => "settings-carrier-tls",
    }
}

const fn proxy_key(choice: ProxyChoice) -> &'static str {
    match choice {
        ProxyChoice::None => "settings-proxy-none",
        ProxyChoice::System => "settings-proxy-system",
        ProxyChoice::Own => "settings-proxy-own",
    }
}

const fn error_key(error: AddressError) -> &'static str {
    match error {
        AddressError::Empty => "settings-proxy-empty",
        AddressError::Scheme => "settings-proxy-scheme",
        AddressError::NotAnAddress => "settings-proxy-wrong",
    }
}
