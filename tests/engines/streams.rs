//! Who may publish and play through nginx, and what becomes of members whose stream ends there.

use crate::nginx::{Behind, PATIENCE};
use parlor::base::Clock;
use parlor::proto::api::{CreateRoom, Seat};
use parlor::proto::{Code, Mode};
use parlor::room::{Client, ErrorKind};
use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::link::{Options, Playback, Publication, State};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

const PLAIN: &str = "nginx with its RTMP module";
const SIGNED: &str = "Signed addresses instead of tokens";
/// The beginning of the pretended time: signatures are checked by nginx, too, whose time is real.
fn now() -> Duration {
    Clock::system().now()
}

/// Asks until the answer is yes.
async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A stream of sound; ends when dropped.
struct Push {
    task: JoinHandle<()>,
    state: tokio::sync::watch::Receiver<State>,
}

impl Push {
    fn to(url: &str) -> Self {
        let publication = Publication::start(&Handle::current(), url, Options::default());
        let state = publication.watch();
        let task = tokio::spawn(async move {
            let send = |timestamp_ms, payload| publication.send(Packet { kind: PacketKind::Audio, timestamp_ms, payload });
            send(0, tag::aac_sequence_header(&[0x11, 0x88]));
            for timestamp_ms in (0..).step_by(21) {
                send(timestamp_ms, tag::aac_frame(&[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80]));
                tokio::time::sleep(Duration::from_millis(21)).await;
            }
        });
        Self { task, state }
    }

    async fn is_live(&mut self) -> bool {
        let settled = self.state.wait_for(|s| s.is_live() || s.error().is_some());
        tokio::time::timeout(PATIENCE, settled).await.expect("neither yes nor no").unwrap().is_live()
    }

    async fn end(&mut self) {
        let closed = tokio::time::timeout(PATIENCE, self.state.wait_for(|s| s.error().is_some())).await;
        closed.expect("the stream was to end").unwrap();
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn play(url: &str) -> Playback {
    Playback::start(&Handle::current(), url, Options::default())
}

async fn hears(playback: &Playback) {
    until("something to hear", async || playback.packets().pop().is_some_and(|(p, _)| p.kind == PacketKind::Audio)).await;
}

/// Whether nginx gives nothing and hangs up.
async fn is_refused(playback: &Playback) {
    until("a refusal", async || {
        assert!(playback.packets().pop().is_none(), "something was played");
        playback.state().error().is_some()
    })
    .await;
}

async fn client(behind: &Behind, name: &str) -> Client {
    let client = Client::new(&behind.host.addr().to_string()).unwrap();
    client.login(name).await.unwrap();
    client
}

async fn members(client: &Client, seat: &Seat) -> usize {
    client.get_room(&seat.room).await.unwrap().members.len()
}

/// The only other member's play address.
async fn other(client: &Client, seat: &Seat) -> String {
    client.get_room(&seat.room).await.unwrap().members.into_iter().find_map(|m| m.play_url).unwrap()
}

/// Ann and Bob in a room, both pushing.
struct Pair {
    ann: Client,
    bob: Client,
    first: Seat,
    second: Seat,
    ann_push: Push,
    bob_push: Push,
}

async fn pair(behind: &Behind) -> Pair {
    let (ann, bob) = (client(behind, "Ann").await, client(behind, "Bob").await);
    let wish = CreateRoom::new("Call", Mode::Duo);
    let first = ann.create_room(&wish).await.unwrap();
    let ann_push = Push::to(&first.publish_url);
    until("the room in the list", async || bob.get_room_list(0, 1).await.unwrap().total == 1).await;
    let second = bob.enter_room("Call", None).await.unwrap();
    let bob_push = Push::to(&second.publish_url);
    until("Bob announced", async || members(&ann, &first).await == 2).await;
    Pair { ann, bob, first, second, ann_push, bob_push }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_nginx_refuses_whom_the_rooms_refuse() {
    let behind = Behind::start(PLAIN, Clock::system()).await;
    let Pair { ann, bob, first, second, mut ann_push, mut bob_push } = pair(&behind).await;
    let (ann_plays, bob_plays) = (other(&ann, &first).await, other(&bob, &second).await);
    let (ann_hears, bob_hears) = (play(&ann_plays), play(&bob_plays));
    hears(&ann_hears).await;
    hears(&bob_hears).await;

    let bare = |url: &str| url.split('?').next().unwrap().to_owned();
    let query = |url: &str| url.split('?').nth(1).unwrap().to_owned();
    let mixed = format!("{}?{}", bare(&first.publish_url), query(&second.publish_url));
    for url in [bare(&first.publish_url), mixed, bob_plays.clone(), format!("{}?token=a.b.c.d", bare(&second.publish_url))] {
        assert!(!Push::to(&url).is_live().await, "{url}");
    }
    // A field of nginx's own form, forged.
    let forged = format!("{}&name={}", second.publish_url, bare(&first.publish_url).rsplit('/').next().unwrap());
    assert!(!Push::to(&forged).is_live().await);
    for url in [bare(&bob_plays), first.publish_url.clone()] {
        is_refused(&play(&url)).await;
    }
    assert!(ann_push.is_live().await && bob_push.is_live().await, "the others were left alone");

    // Bob leaves: nginx is told to end his stream, and, when it asks next, to let him listen no more.
    bob.exit_room(&second.room).await.unwrap();
    bob_push.end().await;
    let hung_up = async || {
        // What is not taken holds the end back.
        while bob_hears.packets().pop().is_some() {}
        bob_hears.state().error().is_some()
    };
    until("Bob hears nothing more", hung_up).await;
    assert!(!Push::to(&second.publish_url).is_live().await, "his seat is gone");
    assert!(ann_push.is_live().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_whoever_comes_back_takes_the_stream_over_at_once() {
    let behind = Behind::start(PLAIN, Clock::system()).await;
    let Pair { ann, first, second, mut bob_push, ann_push: _ann_push, .. } = pair(&behind).await;
    // Bob's network broke, and nginx still waits for his old connection.
    let mut again = Push::to(&second.publish_url);
    assert!(again.is_live().await, "nginx alone would say that the stream is taken");
    bob_push.end().await;
    hears(&play(&other(&ann, &first).await)).await;
    assert!(again.is_live().await && members(&ann, &first).await == 2);
    let events = ann.events(&first.room, 0, Duration::ZERO).await.unwrap().events;
    assert_eq!(events.len(), 2, "two joined, nobody left: {events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_member_is_removed_when_the_stream_ends_and_stays_while_it_flows() {
    let clock = Clock::manual(now());
    let behind = Behind::start(PLAIN, clock.clone()).await;
    let Pair { ann, bob, first, bob_push, ann_push: _ann_push, .. } = pair(&behind).await;
    // Nobody's heart is heard, but nginx sees both streams flow.
    let pass = async |seconds: u32| {
        for _ in 0..seconds {
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
    };
    pass(60).await;
    assert_eq!(members(&ann, &first).await, 2);
    drop(bob_push);
    pass(30).await;
    until("Bob gone", async || members(&ann, &first).await == 1).await;
    let gone = bob.get_room(&first.room).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Problem(Code::NotAMember));
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_nginxs_own_secure_link_takes_our_signatures() {
    let behind = Behind::start(SIGNED, Clock::system()).await;
    let Pair { ann, first, second, mut ann_push, bob_push: _bob_push, .. } = pair(&behind).await;
    let bob_is_at = other(&ann, &first).await;
    assert!(first.publish_url.contains("?md5=") && bob_is_at.contains("?md5="), "{} {bob_is_at}", first.publish_url);
    hears(&play(&bob_is_at)).await;
    let forge = |url: &str| {
        let at = url.find("md5=").unwrap() + 4;
        let other = if url[at..].starts_with('A') { "B" } else { "A" };
        format!("{}{other}{}", &url[..at], &url[at + 1..])
    };
    let later = first.publish_url.replace("expires=1", "expires=2");
    for url in [forge(&second.publish_url), later, bob_is_at.clone()] {
        assert!(!Push::to(&url).is_live().await, "{url}");
    }
    for url in [forge(&bob_is_at), second.publish_url.clone()] {
        is_refused(&play(&url)).await;
    }
    assert!(ann_push.is_live().await);
    // nginx itself said no, before anybody was asked.
    let refusals = behind.log().lines().filter(|line| line.contains("\" 403 ")).count();
    assert!(refusals >= 5, "{refusals} refusals");
}
