//! What this computer's network is like now, for everything that has connections: which addresses there are, and whether the computer slept.
//!
//! A process has one network, so there is one of these. Whoever watches the system says what changed; connections and those who wait for one
//! listen.
//!
//! ```
//! use parlor::base::network;
//! let mut seen = network::watch();
//! network::slept();
//! assert!(seen.has_changed().unwrap());
//! ```

use std::net::IpAddr;
use std::sync::LazyLock;
use tokio::sync::watch;

static NETWORK: LazyLock<watch::Sender<Network>> = LazyLock::new(|| watch::channel(Network::default()).0);

/// The state of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The computer's addresses, loopback left out; `None` while nobody watches.
    addresses: Option<Vec<IpAddr>>,
    /// How often the computer, or this program, has been asleep.
    sleeps: u64,
}

impl Network {
    /// Whether a connection from `local` that was made when the network was like `before` may still be alive.
    pub fn keeps(&self, local: IpAddr, before: &Self) -> bool {
        let had = |network: &Self| network.addresses.as_ref().is_some_and(|all| all.contains(&local));
        let moved = had(before) && self.addresses.is_some() && !had(self);
        self.sleeps == before.sleeps && (local.is_loopback() || !moved)
    }
}

/// Notes which addresses there are now.
pub fn set_addresses(mut addresses: Vec<IpAddr>) {
    addresses.retain(|address| !address.is_loopback());
    addresses.sort_unstable();
    addresses.dedup();
    NETWORK.send_if_modified(|network| {
        let changed = network.addresses.as_ref() != Some(&addresses);
        if changed {
            network.addresses = Some(addresses);
        }
        changed
    });
}

/// Notes that time went by unseen: what was connected before may be gone, and will not say so for a while.
pub fn slept() {
    NETWORK.send_modify(|network| network.sleeps += 1);
}

/// The present state, and a wait for the next one.
pub fn watch() -> watch::Receiver<Network> {
    NETWORK.subscribe()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(addresses: &[&str], sleeps: u64) -> Network {
        Network { addresses: Some(addresses.iter().map(|a| a.parse().unwrap()).collect()), sleeps }
    }

    #[test]
    fn a_connection_dies_with_its_address_or_with_sleep_and_from_nothing_else() {
        let local: IpAddr = "10.0.0.5".parse().unwrap();
        let before = network(&["10.0.0.5", "fd00::1"], 0);
        assert!(network(&["10.0.0.5"], 0).keeps(local, &before));
        assert!(network(&["10.0.0.5", "10.0.0.6", "fd00::2"], 0).keeps(local, &before));
        assert!(!network(&["10.0.0.6"], 0).keeps(local, &before));
        assert!(!network(&[], 0).keeps(local, &before));
        assert!(!network(&["10.0.0.5"], 1).keeps(local, &before));
        // Not known to have had it: nothing can be said.
        assert!(network(&["10.0.0.6"], 0).keeps(local, &Network::default()));
        let loopback = "127.0.0.1".parse().unwrap();
        assert!(network(&[], 0).keeps(loopback, &before));
    }
}
