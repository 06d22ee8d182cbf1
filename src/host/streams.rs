//! The relay as the room service sees it, and the room service as the relay sees it.

use crate::proto::MemberId;
use crate::relay::{self, Action, Answer, Grant, Hub, Policy, Refusal, Request};
use crate::server::token;
use crate::server::{APP, MediaSide, Service};

/// The relay's streams.
pub(super) struct Streams(pub Hub);

impl MediaSide for Streams {
    fn is_live(&self, stream: &str) -> bool {
        self.0.is_live(stream)
    }

    fn kick(&self, stream: &str) {
        self.0.kick(stream);
    }
}

/// Who may publish and play: whoever holds a seat's token; on an open server everybody, except for publishing as a member of a room.
pub(super) struct Door {
    pub service: Service,
    pub open: bool,
}

impl Door {
    fn decide(&self, request: &Request) -> Result<Grant, Refusal> {
        if request.app.trim_matches('/') != APP {
            return Err(Refusal::NotFound(format!("streams are under /{APP}/")));
        }
        if request.name.is_empty() {
            return Err(Refusal::NotFound("the stream has no name".into()));
        }
        let (action, may_be_open) = match request.action {
            Action::Publish => (token::Action::Publish, !self.service.is_room_stream(&request.name)),
            Action::Play => (token::Action::Play, true),
        };
        let wait = relay::limits::PENDING;
        match self.service.authorize(action, &request.name, &token_of(&request.query)) {
            Ok(holder) => Ok(Grant { owner: holder.member.as_str().to_owned(), wait }),
            Err(_) if self.open && may_be_open => Ok(Grant { owner: String::new(), wait }),
            Err(problem) => Err(Refusal::Denied(problem.message)),
        }
    }
}

impl Policy for Door {
    fn authorize(&self, request: Request) -> Answer {
        Box::pin(std::future::ready(self.decide(&request)))
    }

    fn may_stay(&self, stream: &str, owner: &str) -> bool {
        // Nobody's grant is that of an open server.
        owner.is_empty() || self.service.may_stay(stream, &MemberId::new(owner))
    }

    fn started(&self, stream: &str) {
        // On an open server there are streams that belong to no seat.
        if !self.open || self.service.is_room_stream(stream) {
            self.service.started(stream);
        }
    }

    fn stopped(&self, stream: &str) {
        self.service.stopped(stream);
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
    use crate::proto::Mode;
    use crate::proto::api::CreateRoom;
    use crate::server::Limits;
    use crate::server::token::Keys;
    use std::sync::Arc;

    fn door(open: bool) -> (Door, Hub) {
        let hub = Hub::new(Clock::system());
        let service = Service::new(Limits::default(), Keys::random(), Clock::system(), Arc::new(Streams(hub.clone())));
        (Door { service, open }, hub)
    }

    fn ask(door: &Door, action: Action, url: &str) -> Result<Grant, Refusal> {
        let url = url::Url::parse(url).unwrap();
        let (app, name) = url.path().trim_start_matches('/').split_once('/').unwrap();
        let (app, name, query) = (app.to_owned(), name.to_owned(), url.query().unwrap_or_default().to_owned());
        door.decide(&Request { action, app, name, query, peer: "127.0.0.1:1".parse().unwrap() })
    }

    /// A created room's push URL, and the stream alone.
    fn seat(door: &Door) -> (String, String) {
        let session = door.service.login("127.0.0.1".parse().unwrap(), &crate::proto::api::Login { name: "Ann".into() }).unwrap();
        let person = door.service.person(&session.token).unwrap();
        let wish =
            CreateRoom { name: "Call".into(), mode: Mode::Duo, password: None, dissolve_on_creator_exit: true, room: None };
        let url = door.service.create(&person, "h:1", &wish).unwrap().publish_url;
        let bare = url.split('?').next().unwrap().to_owned();
        (url, bare)
    }

    #[test]
    fn a_closed_server_asks_for_tokens() {
        let (door, _) = door(false);
        let (url, bare) = seat(&door);
        assert!(!ask(&door, Action::Publish, &url).unwrap().owner.is_empty());
        assert!(matches!(ask(&door, Action::Play, &url), Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, &bare), Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, "rtmp://h:1/live/anything"), Err(Refusal::Denied(_))));
        assert!(matches!(ask(&door, Action::Publish, &url.replace("/live/", "/other/")), Err(Refusal::NotFound(_))));
    }

    #[test]
    fn an_open_server_asks_only_those_who_publish_as_a_member() {
        let (door, hub) = door(true);
        let (url, bare) = seat(&door);
        assert_eq!(ask(&door, Action::Publish, "rtmp://h:1/live/anything").unwrap().owner, "");
        ask(&door, Action::Play, "rtmp://h:1/live/anything?token=x").unwrap();
        ask(&door, Action::Play, &bare).unwrap();
        assert!(matches!(ask(&door, Action::Publish, &bare), Err(Refusal::Denied(_))));
        ask(&door, Action::Publish, &url).unwrap();
        assert!(ask(&door, Action::Publish, "rtmp://h:1/live/").is_err());

        let publisher = hub.publish("anything", "").unwrap();
        publisher.send(crate::rtmp::Packet {
            kind: crate::rtmp::PacketKind::Audio,
            timestamp_ms: 0,
            payload: bytes::Bytes::from_static(b"\xaf\x01"),
        });
        door.started("anything");
        assert!(hub.is_live("anything"), "a stream without a seat may go on");
    }
}
