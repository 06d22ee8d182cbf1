//! How often the relay writes: answers that come in two pieces cost a viewer 40 ms (the second waits for the first one's acknowledgement), and
//! every write costs the server more than its bytes do.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parlor::base::Clock;
use parlor::relay::{Hub, Manner, Open, serve_connection};
use parlor::rtmp::client::{Config, Event, Role, Session};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::support::*;

/// Counts what is written with.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.poll_write(cx, &all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A player in memory.
struct Player {
    session: Session,
    wire: DuplexStream,
    writes: Arc<AtomicUsize>,
    _stop: watch::Sender<bool>,
}

impl Player {
    fn of(hub: &Hub) -> Self {
        let (wire, theirs) = tokio::io::duplex(1 << 20);
        let writes = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = watch::channel(false);
        let counting = Counting(theirs, writes.clone());
        tokio::spawn(serve_connection(counting, "127.0.0.1:1".parse().unwrap(), hub.clone(), Arc::new(Open), stopped));
        let config = Config::new(Role::Play, "rtmp://host/live", "live", "s");
        Self { session: Session::new(config, Duration::ZERO), wire, writes, _stop: stop }
    }

    /// Says what there is to say, takes one answer. Returns what happened.
    async fn turn(&mut self) -> Vec<Event> {
        while let Some(bytes) = self.session.poll_output() {
            self.wire.write_all(&bytes).await.unwrap();
        }
        let mut buffer = [0; 8192];
        let n = timeout(PATIENCE, self.wire.read(&mut buffer)).await.expect("no answer").unwrap();
        self.session.receive(&buffer[..n], Duration::ZERO).unwrap();
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    async fn until_started(&mut self) {
        while !self.turn().await.contains(&Event::Started) {}
    }

    /// What comes next, as far as it is packets.
    async fn packets(&mut self, count: usize) {
        let mut seen = 0;
        while seen < count {
            seen += self.turn().await.iter().filter(|event| matches!(event, Event::Packet(_))).count();
        }
        assert_eq!(seen, count);
    }

    fn written(&self) -> usize {
        self.writes.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn each_batch_of_answers_is_one_write_and_so_is_each_packet() {
    let hub = Hub::new(Clock::system());
    let mut player = Player::of(&hub);
    player.until_started().await;
    // The handshake, and one for each of: connect, createStream, play.
    assert_eq!(player.written(), 4);

    let publisher = hub.publish("s", "").unwrap();
    for t in 0..200 {
        publisher.send(sound(t));
        publisher.send(key_frame(t, 3000));
    }
    // More than the runtime lets one task do in a turn, and this one has not even paused.
    assert_eq!(player.written(), 400);
    player.packets(400).await;
    // In chunks, but at once.
    publisher.send(key_frame(9, 200_000));
    assert_eq!(player.written(), 1);
}

#[tokio::test]
async fn packets_of_a_live_stream_share_writes() {
    let hub = Hub::new(Clock::system());
    let mut player = Player::of(&hub);
    player.until_started().await;
    player.written();
    let publisher = hub.publish_as("s", "", Manner { live: true, catches_up: false }).unwrap();
    for t in 0..10 {
        publisher.send(key_frame(t, 3000));
        publisher.send(sound(t));
    }
    let due = async {
        tokio::select! {
            signal = publisher.signal() => panic!("{signal:?}"),
            () = sleep(Duration::from_millis(100)) => {}
        }
    };
    due.await;
    player.packets(20).await;
    let writes = player.written();
    assert!((1..=5).contains(&writes), "{writes} writes for 20 packets at once");
}

#[tokio::test]
async fn what_a_full_connection_cannot_take_waits_in_order() {
    // By a clock that stands still nothing is ever too late.
    let hub = Hub::new(Clock::manual(Duration::from_secs(1_000)));
    let mut player = Player::of(&hub);
    player.until_started().await;
    let publisher = hub.publish("s", "").unwrap();
    // Three times what the wire holds.
    for t in 0..30 {
        publisher.send(key_frame(t, 100_000));
    }
    let mut times = Vec::new();
    while times.len() < 30 {
        for event in player.turn().await {
            if let Event::Packet(packet) = event {
                times.push(packet.timestamp_ms);
            }
        }
    }
    assert_eq!(times, (0..30).collect::<Vec<_>>());
    assert_eq!(hub.stats().dropped, Default::default());
    publisher.send(sound(77));
    player.packets(1).await;
    player.written();
    publisher.send(sound(78));
    assert_eq!(player.written(), 1, "it is up to date again");
}
