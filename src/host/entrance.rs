//! Who may come in: how many connections there are, how many from one address, and how many that have not yet said anything useful.
//!
//! A stranger who opens connections and says nothing costs others nothing: when there are too many of that kind, the one that has been
//! silent for longest goes.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use super::config::DoorLimits;

/// Why a connection is closed before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// There are as many connections as there may be.
    Full,
    /// There are as many from that address as there may be.
    TooManyFromThere,
}

/// Counts those who are in.
#[derive(Debug, Default)]
pub(super) struct Entrance(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    all: usize,
    from: HashMap<IpAddr, usize>,
    /// Those who have not yet said anything useful, in the order in which they came.
    pending: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// One connection that is in; it leaves when dropped.
#[derive(Debug)]
pub(super) struct Guest {
    entrance: Arc<Entrance>,
    network: Option<IpAddr>,
    number: u64,
    sent_away: Arc<Notify>,
}

impl Entrance {
    /// Lets a connection in. Whoever has been pending for longest may be sent away for it; those are not counted as refused.
    pub fn admit(self: &Arc<Self>, from: IpAddr, limits: &DoorLimits) -> Result<Guest, Turned> {
        let network = network(from);
        let mut book = self.lock();
        if book.all >= limits.connections {
            return Err(Turned::Full);
        }
        if let Some(network) = network {
            let count = book.from.entry(network).or_default();
            if *count >= limits.connections_per_address {
                return Err(Turned::TooManyFromThere);
            }
            *count += 1;
        }
        book.all += 1;
        let (number, sent_away) = (book.next, Arc::new(Notify::new()));
        book.next += 1;
        book.pending.insert(number, sent_away.clone());
        if book.pending.len() > limits.pending_handshakes
            && let Some((_, longest)) = book.pending.pop_first()
        {
            longest.notify_one();
        }
        Ok(Guest { entrance: self.clone(), network, number, sent_away })
    }

    /// Connections that are in.
    pub fn count(&self) -> usize {
        self.lock().all
    }

    /// Connections that have not yet said anything useful.
    pub fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// It has said something useful: it is no longer pending.
    pub fn settle(&self) {
        self.entrance.lock().pending.remove(&self.number);
    }

    /// Waits until it has to go because too many others are pending.
    pub async fn sent_away(&self) {
        self.sent_away.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut book = self.entrance.lock();
        book.all -= 1;
        book.pending.remove(&self.number);
        if let Some(network) = self.network
            && let Some(count) = book.from.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                book.from.remove(&network);
            }
        }
    }
}

/// Who counts as one address: an IPv6 subscriber has a whole /64. Programs on this computer are not counted: a proxy in front of this server
/// brings everybody's connections.
fn network(ip: IpAddr) -> Option<IpAddr> {
    match ip.to_canonical() {
        ip if ip.is_loopback() => None,
        IpAddr::V6(ip) => Some(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)))),
        ip => Some(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits(connections: usize, connections_per_address: usize, pending_handshakes: usize) -> DoorLimits {
        DoorLimits { connections, connections_per_address, pending_handshakes }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn so_many_in_all_and_so_many_from_one_address() {
        let entrance = Arc::new(Entrance::default());
        let limits = limits(4, 2, 100);
        let first = entrance.admit(ip("192.0.2.1"), &limits).unwrap();
        let _second = entrance.admit(ip("::ffff:192.0.2.1"), &limits).unwrap();
        assert_eq!(entrance.admit(ip("192.0.2.1"), &limits).unwrap_err(), Turned::TooManyFromThere);
        drop(first);
        let _third = entrance.admit(ip("192.0.2.1"), &limits).unwrap();
        let _fourth = entrance.admit(ip("192.0.2.2"), &limits).unwrap();
        let _fifth = entrance.admit(ip("192.0.2.2"), &limits).unwrap();
        assert_eq!(entrance.admit(ip("192.0.2.3"), &limits).unwrap_err(), Turned::Full);
        assert_eq!(entrance.count(), 4);
    }

    #[test]
    fn one_ipv6_subscriber_is_one_address_and_this_computer_is_none() {
        let entrance = Arc::new(Entrance::default());
        let limits = limits(100, 1, 100);
        let _guests: Vec<Guest> = ["2001:db8::1", "2001:db8:0:1::1", "127.0.0.1", "127.0.0.1", "::1", "::1"]
            .map(|from| entrance.admit(ip(from), &limits).unwrap())
            .into();
        assert_eq!(entrance.admit(ip("2001:db8::2"), &limits).unwrap_err(), Turned::TooManyFromThere);
    }

    #[tokio::test]
    async fn of_too_many_silent_ones_the_one_that_came_first_goes() {
        let entrance = Arc::new(Entrance::default());
        let limits = limits(100, 100, 2);
        let useful = entrance.admit(ip("127.0.0.1"), &limits).unwrap();
        useful.settle();
        let silent: Vec<Guest> = (0..4).map(|_| entrance.admit(ip("127.0.0.1"), &limits).unwrap()).collect();
        assert_eq!(entrance.pending(), 2);
        silent[0].sent_away().await;
        silent[1].sent_away().await;
        for guest in [&useful, &silent[2], &silent[3]] {
            assert!(tokio::time::timeout(Duration::from_millis(10), guest.sent_away()).await.is_err());
        }
        drop(silent);
        drop(useful);
        assert_eq!((entrance.pending(), entrance.count(), entrance.lock().from.len()), (0, 0, 0));
    }
}
