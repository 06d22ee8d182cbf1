//! How servers are reached: what a person chooses on the page with the settings.

use crate::base::{Proxy, proxy};
use crate::proto::address::Carrier;
use crate::room::Transport;
use serde::{Deserialize, Serialize};

/// Which proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyChoice {
    /// None.
    None,
    /// The one that the system's environment names, if any.
    #[default]
    System,
    /// The one that was typed.
    Own,
}

impl ProxyChoice {
    /// All of them, in the order of the choice.
    pub const ALL: [Self; 3] = [Self::System, Self::None, Self::Own];
}

/// How servers elsewhere are reached. The one inside this program is always reached directly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// What requests and streams ride on.
    pub carrier: Carrier,
    /// Which proxy.
    pub proxy: ProxyChoice,
    /// Address of one's own, as it was typed.
    pub proxy_address: String,
}

impl Network {
    /// The proxy that is meant. An own one without a usable address is none.
    pub fn proxy(&self) -> Proxy {
        match self.proxy {
            ProxyChoice::None => Proxy::Direct,
            ProxyChoice::System => Proxy::System,
            ProxyChoice::Own => self.checked().map_or(Proxy::Direct, Proxy::At),
        }
    }

    /// How servers elsewhere are reached.
    pub fn transport(&self) -> Transport {
        Transport { carrier: self.carrier, proxy: self.proxy() }
    }

    /// The typed address, or what is wrong with it.
    ///
    /// # Errors
    /// When it is none.
    pub fn checked(&self) -> Result<proxy::Address, proxy::AddressError> {
        self.proxy_address.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_what_is_meant() {
        let mut network = Network::default();
        assert_eq!(network.transport(), Transport::default());
        network = Network { carrier: Carrier::Tls, proxy: ProxyChoice::Own, proxy_address: "proxy.example:8080".into() };
        assert_eq!(network.proxy(), Proxy::At("proxy.example:8080".parse().unwrap()));
        assert_eq!(network.transport().carrier, Carrier::Tls);
        network.proxy_address = "nonsense".into();
        assert_eq!((network.proxy(), network.checked().is_err()), (Proxy::Direct, true));
        network.proxy = ProxyChoice::None;
        assert_eq!(network.proxy(), Proxy::Direct);
    }
}
