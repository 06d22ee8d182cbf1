//! The relay as the room service sees it, and the room service as the relay sees it.

use super::config::Config;
use super::connection::Shared;
use super::entrance::Guest;
use super::live::Live;
use super::metrics::Reason;
use super::notices::{Notice, Notices};
use crate::proto::MemberId;
use crate::proto::api::{MediaFigures, StreamFigures};
use crate::relay::{self, Action, Answer, Grant, Hub, Policy, Refusal, Request, Stay};
use crate::server::{APP, MediaSide, Service, token};
use crate::wire::ring::Dropped;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The relay's streams.
pub(super) struct Streams(pub Hub);

impl MediaSide for Streams {
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(ready(self.0.is_live(stream)))
    }

    fn kick(&self, stream: &str) {
        self.0.kick(stream);
    }

    fn figures(&self, stream: &str) -> Option<StreamFigures> {
        let stats = self.0.stream(stream).filter(|stats| stats.published)?;
        Some(StreamFigures { bytes_in: stats.bytes_in, readers: count(stats.readers), dropped: missed(stats.dropped) })
    }

    fn totals(&self) -> MediaFigures {
        let relay::Stats { published, readers, bytes_in, dropped, .. } = self.0.stats();
        MediaFigures { publishers: count(published), readers: count(readers), bytes_in, dropped: missed(dropped) }
    }
}

fn missed(Dropped { video, audio, data }: Dropped) -> u64 {
    video + audio + data
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Who may publish and play: whoever holds a seat's token; on an open server everybody, except for publishing as a member of a room.
pub(super) struct Door {
    pub service: Service,
    pub live: Live,
    pub notices: Arc<Notices>,
}

/// Decides on one request.
async fn decide(service: Service, config: Arc<Config>, request: Request) -> Result<Grant, Refusal> {
    let open = config.open;
    if request.app.trim_matches('/') != APP {
        return Err(Refusal::NotFound(format!("streams are under /{APP}/")));
    }
    if request.name.is_empty() {
        return Err(Refusal::NotFound("the stream has no name".into()));
    }
    if !open && service.engine().is_some() {
        return Err(Refusal::NotFound("this server's streams are on another engine".into()));
    }
    let action = match request.action {
        Action::Publish => token::Action::Publish,
        Action::Play => token::Action::Play,
    };
    let grant = |owner: &str, live| Grant {
        owner: owner.to_owned(),
        wait: relay::limits::PENDING,
        live,
        max_kbps: config.media.publisher_kbps,
    };
    let problem = match service.authorize(action, &request.name, &token_of(&request.query)).await {
        Ok(holder) => return Ok(grant(holder.member.as_str(), service.is_live_stream(&request.name).await)),
        Err(problem) => problem,
    };
    if request.action == Action::Play
        && let Ok(holder) = service.authorize(token::Action::Relay, &request.name, &token_of(&request.query)).await
    {
        // Another server, which looks elsewhere if the stream is not here.
        return Ok(Grant { wait: Duration::ZERO, ..grant(holder.member.as_str(), false) });
    }
    let may_be_open = open
        && match request.action {
            Action::Play => true,
            // Not knowing is no reason to let a stranger speak as a member.
            Action::Publish => !service.is_room_stream(&request.name).await.unwrap_or(true),
        };
    if may_be_open { Ok(grant("", config.open_live)) } else { Err(Refusal::Denied(problem.message)) }
}

impl Policy for Door {
    fn authorize(&self, request: Request) -> Answer {
        Box::pin(decide(self.service.clone(), self.live.get(), request))
    }

    fn may_stay(&self, stream: &str, owner: &str) -> Stay {
        if owner.is_empty() {
            // Nobody's grant is that of an open server.
            return Box::pin(ready(true));
        }
        let (service, stream, member) = (self.service.clone(), stream.to_owned(), MemberId::new(owner));
        Box::pin(async move { service.may_stay(&stream, &member).await })
    }

    fn started(&self, stream: &str) {
        self.notices.add(stream, Notice::Started);
    }

    fn stopped(&self, stream: &str) {
        self.notices.add(stream, Notice::Stopped);
    }
}

/// One connection's way to the [`Door`]: says when its peer has shown what it may do, and counts what was refused.
pub(super) struct Visitor {
    pub guest: Arc<Guest>,
    pub shared: Arc<Shared>,
}

impl Policy for Visitor {
    fn authorize(&self, request: Request) -> Answer {
        let (guest, shared) = (self.guest.clone(), self.shared.clone());
        Box::pin(async move {
            let (action, stream) = (request.action, request.name.clone());
            let answer = shared.door.authorize(request).await;
            match &answer {
                Ok(grant) => {
                    guest.settle();
                    if action == Action::Play {
                        shared.wanted(&stream, &grant.owner);
                    }
                }
                Err(_) => shared.metrics.refused(Reason::Stream),
            }
            answer
        })
    }

    fn may_stay(&self, stream: &str, owner: &str) -> Stay {
        self.shared.wanted(stream, owner);
        self.shared.door.may_stay(stream, owner)
    }

    fn started(&self, stream: &str) {
        self.shared.door.started(stream);
    }

    fn stopped(&self, stream: &str) {
        self.shared.door.stopped(stream);
    }
}

fn token_of(query: &str) -> String {
    let token = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "token");
    token.map(|(_, token)| token.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::host::Config;
    use crate::proto::Mode;
    use crate::proto::api::{CreateRoom, Login};
    use crate::server::Limits;
    use crate::server::store::Memory;
    use crate::server::token::Keys;

    fn door(open: bool) -> (Door, Hub) {
        let (clock, hub) = (Clock::system(), Hub::new(Clock::system()));
        let store = Arc::new(Memory::new(clock.clone()));
        let service = Service::new(Limits::default(), Keys::random(), clock, store, Arc::new(Streams(hub.clone())));
        (Door { service, live: Live::new(Config { open, ..Config::default() }), notices: Arc::default() }, hub)
    }

    async fn ask(door: &Door, action: Action, url: &str) -> Result<Grant, Refusal> {
        let url = url::Url::parse(url).unwrap();
        let (app, name) = url.path().trim_start_matches('/').split_once('/').unwrap();
        let (app, name, query) = (app.to_owned(), name.to_owned(), url.query().unwrap_or_default().to_owned());
        door.authorize(Request { action, app, name, query, peer: "127.0.0.1:1".parse().unwrap() }).await
    }

    /// A created room's push URL, and the stream alone.
    async fn seat(door: &Door) -> (String, String) {
        let session = door.service.login("127.0.0.1".parse().unwrap(), &Login::new("Ann")).await.unwrap();
        let person = door.service.person(&session.token).await.unwrap();
        let wish = CreateRoom::new("Call", Mode::Duo);
        let from = std::net::Ipv4Addr::LOCALHOST.into();
        let url = door.service.create(from, &person, "rtmp://h:1", &wish).await.unwrap().publish_url;
        let bare = url.split('?').next().unwrap().to_owned();
        (url, bare)
    }

    #[tokio::test]
    async fn a_closed_server_asks_for_tokens() {
        let (door, _) = door(false);
        let (url, bare) = seat(&door).await;
        assert!(!ask(&door, Action::Publish, &url).await.unwrap().owner.is_empty());
        assert!(matches!(ask(&door, Action::Play, &url).await, Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, &bare).await, Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, "rtmp://h:1/live/anything").await, Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, &url.replace("/live/", "/other/")).await, Err(Refusal::NotFound(_))));
    }

    #[tokio::test]
    async fn an_open_server_asks_only_those_who_publish_as_a_member() {
        let (door, hub) = door(true);
        let (url, bare) = seat(&door).await;
        assert_eq!(ask(&door, Action::Publish, "rtmp://h:1/live/anything").await.unwrap().owner, "");
        ask(&door, Action::Play, "rtmp://h:1/live/anything?token=x").await.unwrap();
        ask(&door, Action::Play, &bare).await.unwrap();
        assert!(matches!(ask(&door, Action::Publish, &bare).await, Err(Refusal::Denied(_))));
        ask(&door, Action::Publish, &url).await.unwrap();
        assert!(ask(&door, Action::Publish, "rtmp://h:1/live/").await.is_err());

        let publisher = hub.publish("anything", "").unwrap();
        publisher.send(crate::rtmp::Packet {
            kind: crate::rtmp::PacketKind::Audio,
            timestamp_ms: 0,
            payload: bytes::Bytes::from_static(b"\xaf\x01"),
        });
        door.started("anything");
        // It goes on for ever.
        let told = tokio::time::timeout(Duration::from_millis(300), door.notices.tell(&door.service, &door.live, None)).await;
        assert!(told.is_err());
        assert!(hub.is_live("anything"), "a stream without a seat may go on");
    }
}
