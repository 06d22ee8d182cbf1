//! Operators: their key, what they see, what they do.

use crate::world::{ADMIN_KEY, World, code};
use parlor::base::Secret;
use parlor::proto::api::{AdminRooms, Login, Overview};
use parlor::proto::event::{DissolveReason, LeaveReason};
use parlor::proto::{Code, EventKind, Mode, Problem};
use parlor::room::Client;
use parlor::server::Access;
use std::time::Duration;

async fn get<T: serde::de::DeserializeOwned>(world: &World, key: &str, path: &str) -> Result<T, Problem> {
    let response = reqwest::Client::new().get(world.url(path)).bearer_auth(key).send().await.unwrap();
    if response.status().is_success() { Ok(response.json().await.unwrap()) } else { Err(response.json().await.unwrap()) }
}

async fn delete(world: &World, path: &str) -> u16 {
    reqwest::Client::new().delete(world.url(path)).bearer_auth(ADMIN_KEY).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_everything_and_end_anything() {
    let world = World::new().await;
    let (ann, bob, vic) = (world.client("Ann").await, world.client("Bob").await, world.client("Vic").await);
    let seat = world.room(&ann, Mode::Live).await;
    let second = bob.enter_room(seat.room.as_str(), None).await.unwrap();
    let ticket = vic.add_audience(seat.room.as_str(), None).await.unwrap();
    world.pass(7).await;
    let overview: Overview = get(&world, ADMIN_KEY, "/v1/admin/overview").await.unwrap();
    assert_eq!((overview.rooms, overview.uptime_s), (1, 7));
    let all: AdminRooms = get(&world, ADMIN_KEY, "/v1/admin/rooms").await.unwrap();
    let room = &all.rooms[0];
    assert_eq!((all.total, &room.room, room.listed, room.audience), (1, &seat.room, true, 1));
    let members: Vec<_> = room.members.iter().map(|m| (m.name.as_str(), m.joined)).collect();
    assert_eq!(members, [("Ann", true), ("Bob", false)], "those who have not joined yet, too");

    let path = |member: &str| format!("/v1/admin/rooms/{}/members/{member}", seat.room);
    assert_eq!(delete(&world, &path(ticket.viewer.as_str())).await, 200);
    assert_eq!(code(vic.add_audience(seat.room.as_str(), None).await), Code::Removed);
    assert_eq!(delete(&world, &path(second.member.as_str())).await, 200);
    assert_eq!(delete(&world, &path(second.member.as_str())).await, 403);
    assert_eq!(code(bob.enter_room(seat.room.as_str(), None).await), Code::Removed);
    assert_eq!(delete(&world, &format!("/v1/admin/rooms/{}", seat.room)).await, 200);
    let last = ann.events(&seat.room, 1, Duration::ZERO).await.unwrap().events.pop().unwrap();
    assert_eq!(last.kind, EventKind::Dissolved { reason: DissolveReason::ByOperator });
    assert_ne!(LeaveReason::Removed, LeaveReason::Left);
    assert_eq!(delete(&world, &format!("/v1/admin/rooms/{}", seat.room)).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_the_admin_key_is_slow_and_a_session_is_none() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let problem = get::<Overview>(&world, &ann.session().unwrap().token, "/v1/admin/overview").await.unwrap_err();
    assert_eq!(problem.code, Code::Unauthorized);
    let mut codes = Vec::new();
    for i in 0..12 {
        codes.push(get::<Overview>(&world, &i.to_string(), "/v1/admin/overview").await.unwrap_err().code);
    }
    assert_eq!(codes.last(), Some(&Code::RateLimited));
    assert_eq!(get::<Overview>(&world, ADMIN_KEY, "/v1/admin/overview").await.unwrap_err().code, Code::RateLimited);
    world.pass(60).await;
    get::<Overview>(&world, ADMIN_KEY, "/v1/admin/overview").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_from_elsewhere_and_without_a_key_says_how_to_switch_it_on() {
    let world = World::new().await;
    let page = async |path: &str| {
        let response = reqwest::get(world.url(path)).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        response.text().await.unwrap()
    };
    let html = page("/admin").await;
    for file in ["/admin/admin.js", "/admin/admin.css"] {
        assert!(html.contains(&format!("\"{file}\"")), "{file}");
        let text = page(file).await;
        assert!(text.len() > 500 && !text.contains("http://") && !text.contains("https://"), "{file}");
        assert!(!text.contains("innerHTML"), "names are text, never markup");
    }
    assert!(!html.contains("<script>") && !html.contains(" style="), "the policy forbids them");
    world.service.set_access(Access::default());
    assert!(page("/admin").await.contains("admin_key"));
    assert_eq!(get::<Overview>(&world, ADMIN_KEY, "/v1/admin/overview").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_an_access_key_signs_in_only_those_who_know_it() {
    let world = World::new().await;
    let key = Some(Secret::new("open sesame"));
    world.service.set_access(Access { access_key: key, admin_key: None });
    let client = Client::new(&world.addr.to_string()).unwrap();
    let with = |key: &str| Login { access_key: Some(key.into()), ..Login::new("Ann") };
    assert_eq!(code(client.login("Ann").await), Code::AccessKeyRequired);
    assert_eq!(code(client.login_as(&with("")).await), Code::AccessKeyRequired);
    assert_eq!(code(client.login_as(&with("open")).await), Code::WrongAccessKey);
    client.login_as(&with("open sesame")).await.unwrap();
    for _ in 0..12 {
        let _ = client.login_as(&with("guess")).await;
    }
    assert_eq!(code(client.login_as(&with("open sesame")).await), Code::RateLimited, "guessing is slow");
}
