//! A TCP connection as soon as there can be one.
//!
//! A system repeats an unanswered request to connect after 1, 3, 7, 15 s: when a network comes back, one such request is as good as none. So
//! another attempt begins every few tenths of a second, to each address of the server in turn, and the first that comes about is taken. In the same
//! way names are looked up: what was found last is used while the look-up does not answer, as it does not right after an outage.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Between two attempts.
const ANOTHER: Duration = Duration::from_millis(350);

/// How long each may take: no network that carries a call takes longer for one round trip.
const ATTEMPT: Duration = Duration::from_secs(3);

/// How long a name server may take before addresses are used that were found earlier.
const LOOK_UP: Duration = Duration::from_millis(250);

/// Names whose addresses are remembered.
const REMEMBERED: usize = 16;

/// Host and port.
type Name = (String, u16);

/// What names meant when they were last looked up, oldest first.
static FOUND: Mutex<VecDeque<(Name, Vec<SocketAddr>)>> = Mutex::new(VecDeque::new());

/// Connects to `host` (a name or an address, IPv6 without brackets). Goes on until it succeeds, every address has refused, or the caller gives up.
///
/// # Errors
/// The name is unknown, or what the last address said.
pub async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = look_up(host, port).await?;
    let mut attempts: JoinSet<io::Result<TcpStream>> = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut turns = addresses.iter().cycle();
    let mut begun = 0;
    loop {
        // An address that refuses has spoken; one that swallows packets may only have been cut off.
        if begun >= addresses.len() && attempts.is_empty() {
            return Err(failure);
        }
        if let Some(address) = turns.next().copied() {
            begun += 1;
            attempts.spawn(async move {
                timeout(ATTEMPT, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            });
        }
        let next = sleep(ANOTHER);
        tokio::pin!(next);
        loop {
            tokio::select! {
                Some(ended) = attempts.join_next() => match ended {
                    Ok(Ok(stream)) => return Ok(stream),
                    Ok(Err(error)) => {
                        failure = error;
                        if begun < addresses.len() || attempts.is_empty() {
                            break;
                        }
                    }
                    Err(panic) => failure = io::Error::other(panic),
                },
                () = &mut next => break,
            }
        }
    }
}

async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let name = (host.to_owned(), port);
    let known = remembered(&name);
    // A task of its own: what a slow name server says in the end is for the next time.
    let mut looking = tokio::spawn(async move {
        let found: Vec<SocketAddr> = lookup_host((name.0.as_str(), name.1)).await?.collect();
        remember(name, &found);
        Ok(found)
    });
    match known {
        None => looking.await.map_err(io::Error::other)?,
        Some(known) => match timeout(LOOK_UP, &mut looking).await {
            Ok(Ok(Ok(found))) => Ok(found),
            // No name server can be reached either, or it is slow.
            Ok(_) | Err(_) => Ok(known),
        },
    }
}

fn remembered(name: &Name) -> Option<Vec<SocketAddr>> {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found.iter().find(|(known, _)| known == name).map(|(_, addresses)| addresses.clone())
}

fn remember(name: Name, addresses: &[SocketAddr]) {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found.retain(|(known, _)| *known != name);
    if !addresses.is_empty() {
        found.push_back((name, addresses.to_vec()));
    }
    while found.len() > REMEMBERED {
        found.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_server_is_found_and_one_that_refuses_is_not_asked_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = dial("localhost", port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().port(), port);
        drop((listener, stream));
        assert_eq!(dial("127.0.0.1", port).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn names_are_remembered_and_not_too_many() {
        let address: SocketAddr = "192.0.2.1:1935".parse().unwrap();
        for i in 0..=REMEMBERED as u16 {
            remember((format!("host-{i}.invalid"), 1), &[address]);
        }
        assert_eq!(remembered(&("host-0.invalid".to_owned(), 1)), None);
        let last = (format!("host-{REMEMBERED}.invalid"), 1);
        // Looking it up fails: there is no such name.
        assert_eq!(look_up(&last.0, last.1).await.unwrap(), [address]);
    }
}
