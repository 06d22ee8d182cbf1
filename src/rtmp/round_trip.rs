//! Both sessions against each other, in memory.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    Packet, PacketKind, amf0,
    client::{self, Role},
    server::{self, Reject},
};

/// A client, a server, and the wire between them, which delivers in pieces.
struct Pair {
    client: client::Session,
    server: server::Session,
    /// Sizes of the pieces, used in turn.
    pieces: Vec<usize>,
    turn: usize,
    now: Duration,
}

impl Pair {
    fn new(role: Role, pieces: Vec<usize>) -> Self {
        let config = client::Config::new(role, "rtmp://host/live", "live", "room_member?token=secret");
        Self {
            client: client::Session::new(config, Duration::ZERO),
            server: server::Session::new(server::Config::default(), Duration::ZERO),
            pieces,
            turn: 0,
            now: Duration::ZERO,
        }
    }

    /// Moves bytes until none move.
    fn settle(&mut self) {
        loop {
            let to_server: Vec<u8> = std::iter::from_fn(|| self.client.poll_output()).flatten().collect();
            let to_client: Vec<u8> = std::iter::from_fn(|| self.server.poll_output()).flatten().collect();
            if to_server.is_empty() && to_client.is_empty() {
                return;
            }
            let mut rest = &to_server[..];
            while !rest.is_empty() {
                let piece = self.piece(&mut rest);
                self.server.receive(piece, self.now).unwrap();
            }
            let mut rest = &to_client[..];
            while !rest.is_empty() {
                let piece = self.piece(&mut rest);
                self.client.receive(piece, self.now).unwrap();
            }
        }
    }

    fn piece<'a>(&mut self, rest: &mut &'a [u8]) -> &'a [u8] {
        let (piece, after) = rest.split_at(self.pieces[self.turn % self.pieces.len()].min(rest.len()));
        self.turn += 1;
        *rest = after;
        piece
    }

    fn server_events(&mut self) -> Vec<server::Event> {
        self.settle();
        std::iter::from_fn(|| self.server.poll_event()).collect()
    }

    fn client_events(&mut self) -> Vec<client::Event> {
        self.settle();
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// To the point where the stream runs.
    fn started(role: Role, pieces: Vec<usize>) -> Self {
        let mut pair = Self::new(role, pieces);
        let (app, name) = ("live".to_owned(), "room_member?token=secret".to_owned());
        let asked = match role {
            Role::Publish => server::Event::Publish { stream_id: 1, app, name },
            Role::Play => server::Event::Play { stream_id: 1, app, name },
        };
        let connected = server::Event::Connected { app: "live".into(), tc_url: "rtmp://host/live".into(), parlor: true };
        assert_eq!(pair.server_events(), [connected, asked]);
        assert_eq!(pair.client_events(), []);
        pair.server.accept(1, pair.now);
        assert_eq!(pair.client_events(), [client::Event::Started]);
        pair
    }
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let kind = prop_oneof![Just(PacketKind::Audio), Just(PacketKind::Video), Just(PacketKind::Data)];
    // Around the sizes where something changes: copied or shared, one chunk or more.
    let size = prop_oneof![1..600usize, 65_500..65_600usize, 131_060..131_090usize];
    let time = prop_oneof![0..200u32, 0xff_ff00..0x100_00ffu32, any::<u32>(), 0xffff_ff00..=u32::MAX];
    (kind, size, time, any::<u8>()).prop_map(|(kind, size, timestamp_ms, fill)| {
        let payload: Bytes = match kind {
            PacketKind::Data => amf0::encode(&["onClock".into(), f64::from(timestamp_ms).into()]),
            _ => vec![fill; size].into(),
        };
        Packet { kind, timestamp_ms, payload }
    })
}

fn any_pieces() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1..40usize, 1..5000usize, Just(100_000)], 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_published_arrives(packets in proptest::collection::vec(any_packet(), 0..30), pieces in any_pieces()) {
        let mut pair = Pair::started(Role::Publish, pieces);
        for packet in &packets {
            pair.client.send(packet);
        }
        let expected: Vec<_> = packets.into_iter().map(|packet| server::Event::Packet { stream_id: 1, packet }).collect();
        prop_assert_eq!(pair.server_events(), expected);
    }

    #[test]
    fn what_is_sent_to_a_player_arrives(packets in proptest::collection::vec(any_packet(), 0..30), pieces in any_pieces()) {
        let mut pair = Pair::started(Role::Play, pieces);
        for packet in &packets {
            pair.server.send(1, packet);
        }
        let expected: Vec<_> = packets.into_iter().map(client::Event::Packet).collect();
        prop_assert_eq!(pair.client_events(), expected);
    }
}

fn video(timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms, payload: Bytes::from(vec![0x17; 1000]) }
}

#[test]
fn metadata_is_stripped_of_its_frame() {
    let mut pair = Pair::started(Role::Publish, vec![4096]);
    let payload = amf0::encode(&["onMetaData".into(), amf0::Value::EcmaArray(vec![("width".into(), 640.0.into())])]);
    let packet = Packet { kind: PacketKind::Data, timestamp_ms: 0, payload };
    pair.client.send(&packet);
    assert_eq!(pair.server_events(), [server::Event::Packet { stream_id: 1, packet }]);
}

#[test]
fn key_frames_can_be_asked_for_from_player_to_publisher() {
    let mut player = Pair::started(Role::Play, vec![4096]);
    player.client.request_key_frame();
    assert_eq!(player.server_events(), [server::Event::KeyFrameWanted { stream_id: 1 }]);

    let mut publisher = Pair::started(Role::Publish, vec![4096]);
    publisher.server.request_key_frame(1);
    assert_eq!(publisher.client_events(), [client::Event::KeyFrameRequested]);
}

#[test]
fn closing_stops_the_stream() {
    let mut publisher = Pair::started(Role::Publish, vec![4096]);
    publisher.client.close();
    assert_eq!(publisher.server_events(), [server::Event::StopPublish { stream_id: 1 }]);
    publisher.client.send(&video(1));
    assert_eq!(publisher.server_events(), []);

    let mut player = Pair::started(Role::Play, vec![4096]);
    player.client.close();
    assert_eq!(player.server_events(), [server::Event::StopPlay { stream_id: 1 }]);
}

#[test]
fn closing_before_being_accepted_stops_the_wait() {
    let mut player = Pair::new(Role::Play, vec![4096]);
    assert_eq!(player.server_events().len(), 2);
    player.client.close();
    assert_eq!(player.server_events(), [server::Event::StopPlay { stream_id: 1 }]);
    player.server.accept(1, Duration::ZERO);
    assert_eq!(player.client_events(), []);
}

#[test]
fn a_player_may_wait_for_its_publisher_and_see_it_come_back() {
    let mut pair = Pair::new(Role::Play, vec![4096]);
    assert_eq!(pair.server_events().len(), 2);
    for second in 1..300 {
        pair.now = Duration::from_secs(second);
        pair.server.tick(pair.now).unwrap();
        pair.client.tick(pair.now).unwrap();
        assert_eq!(pair.client_events(), []);
    }
    for _ in 0..2 {
        pair.server.accept(1, pair.now);
        pair.server.send(1, &video(40));
        assert_eq!(pair.client_events(), [client::Event::Started, client::Event::Packet(video(40))]);
        pair.server.end(1);
        assert_eq!(pair.client_events(), [client::Event::Ended]);
        pair.server.send(1, &video(80));
        assert_eq!(pair.client_events(), []);
    }
}

#[test]
fn refusals_come_with_their_codes() {
    let cases = [
        (Role::Publish, Reject::BadName, "NetStream.Publish.BadName"),
        (Role::Publish, Reject::Denied("The token has expired.".into()), "NetStream.Publish.Denied"),
        (Role::Play, Reject::NotFound, "NetStream.Play.StreamNotFound"),
        (Role::Play, Reject::Failed("Too many players.".into()), "NetStream.Play.Failed"),
    ];
    for (role, reason, expected) in cases {
        let mut pair = Pair::new(role, vec![4096]);
        pair.settle();
        pair.server.reject(1, reason.clone(), Duration::ZERO);
        let events = pair.client_events();
        let [client::Event::Refused { code, description }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(code, expected);
        assert!(!description.contains("secret"));
        if let Reject::Denied(text) | Reject::Failed(text) = reason {
            assert_eq!(*description, text);
        }
    }
}

#[test]
fn a_publisher_can_be_ended_by_the_server() {
    let mut pair = Pair::started(Role::Publish, vec![4096]);
    pair.server.end(1);
    assert_eq!(pair.client_events(), [client::Event::Ended]);
    pair.client.send(&video(1));
    assert_eq!(pair.server_events(), []);
}

#[test]
fn a_packet_is_one_piece_the_same_for_all_players() {
    let packet = video(7);
    let framed = server::framed(1, &packet).unwrap();
    for _ in 0..2 {
        let mut pair = Pair::started(Role::Play, vec![4096]);
        pair.server.send(1, &video(3));
        while pair.server.poll_output().is_some() {}
        pair.server.send(1, &packet);
        let pieces: Vec<Bytes> = std::iter::from_fn(|| pair.server.poll_output()).collect();
        assert_eq!(pieces, std::slice::from_ref(&framed));
    }
    let too_long = Packet { payload: vec![0x27; super::chunk::MAX_MESSAGE_BYTES + 1].into(), ..packet };
    assert_eq!(server::framed(1, &too_long), None);
}
