//! Watches this computer's addresses and tells [`base::network`](crate::base::network): a cable was pulled, another Wi-Fi was joined.

use crate::base::network;
use if_watch::IfEvent;
use if_watch::tokio::IfWatcher;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Changes that come closer together than this are one change: an address goes and the next one comes; at the start, all are told one by one.
const TOGETHER: Duration = Duration::from_millis(100);

/// Runs until the system stops to tell, which it hardly does. Any number may run at once.
pub async fn watch() {
    let mut watcher = match IfWatcher::new() {
        Ok(watcher) => watcher,
        // Connections notice by themselves, only later.
        Err(error) => return tracing::info!(%error, "changes of the network are not seen"),
    };
    let mut addresses = BTreeSet::new();
    loop {
        let mut event = poll_fn(|cx| watcher.poll_if_event(cx)).await;
        loop {
            match event {
                Ok(event) => note(&mut addresses, event),
                Err(error) => return tracing::warn!(%error, "changes of the network are not seen any more"),
            }
            match timeout(TOGETHER, poll_fn(|cx| watcher.poll_if_event(cx))).await {
                Ok(next) => event = next,
                Err(_) => break,
            }
        }
        network::set_addresses(addresses.iter().copied().collect());
    }
}

fn note(addresses: &mut BTreeSet<IpAddr>, event: IfEvent) {
    tracing::debug!(?event, "network");
    match event {
        IfEvent::Up(net) => addresses.insert(net.addr()),
        IfEvent::Down(net) => addresses.remove(&net.addr()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_and_go() {
        let net = |text: &str| text.parse().unwrap();
        let mut addresses = BTreeSet::new();
        for event in [IfEvent::Up(net("10.0.0.5/24")), IfEvent::Up(net("fd00::1/64")), IfEvent::Down(net("10.0.0.5/24"))] {
            note(&mut addresses, event);
        }
        assert_eq!(addresses, BTreeSet::from(["fd00::1".parse().unwrap()]));
    }
}
