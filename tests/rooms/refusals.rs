//! Bad input gets a status, a code and a sentence.

use crate::world::{World, code, http, wish};
use parlor::proto::{Code, Mode, Problem};
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_is_a_problem_with_its_status() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let token = ann.session().unwrap().token;
    let room = |rest: &str| format!("/v1/rooms/{}{rest}", seat.room);
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(100_000));
    let cases: Vec<(Method, String, &str, Code)> = vec![
        (Method::GET, "/".into(), "", Code::NotFound),
        (Method::GET, "/v1/nothing".into(), "", Code::NotFound),
        (Method::GET, "/v2/rooms".into(), "", Code::NotFound),
        (Method::PUT, "/v1/rooms".into(), "", Code::NotFound),
        (Method::GET, "/v1/login".into(), "", Code::NotFound),
        (Method::POST, "/v1/login".into(), "", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "{\"name\":", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "[]", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "{\"name\":7}", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "{}", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "{\"name\":\"Ann\",\"admin\":true}", Code::BadRequest),
        (Method::POST, "/v1/login".into(), "{\"name\":\"Ann\"}{}", Code::BadRequest),
        (Method::POST, "/v1/login".into(), &huge, Code::TooLarge),
        (Method::POST, "/v1/login".into(), "{\"name\":\"  \"}", Code::BadName),
        (Method::POST, "/v1/login".into(), "{\"name\":\"a<b\"}", Code::BadName),
        (Method::POST, "/v1/rooms".into(), "{\"name\":\"x\",\"mode\":\"trio\"}", Code::BadRequest),
        (Method::POST, "/v1/rooms".into(), "{\"name\":\"x#\",\"mode\":\"duo\"}", Code::BadName),
        (Method::POST, "/v1/rooms".into(), "{\"name\":\"x\",\"mode\":\"duo\",\"room\":\"../etc\"}", Code::BadRequest),
        (Method::GET, "/v1/rooms?offset=-1".into(), "", Code::BadRequest),
        (Method::GET, "/v1/rooms?limit=many".into(), "", Code::BadRequest),
        (Method::GET, "/v1/rooms?colour=red".into(), "", Code::BadRequest),
        (Method::GET, "/v1/rooms/nowhere".into(), "", Code::RoomNotFound),
        (Method::GET, "/v1/rooms/%ff".into(), "", Code::BadRequest),
        (Method::POST, "/v1/rooms/nowhere/members".into(), "{}", Code::RoomNotFound),
        (Method::POST, room("/members"), "{\"password\":1}", Code::BadRequest),
        (Method::POST, room("/heartbeat"), "{\"sending\":{\"mic\":1}}", Code::BadRequest),
        (Method::GET, room("/events?since=x"), "", Code::BadRequest),
        (Method::GET, room("/events?since=18446744073709551616"), "", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"text\",\"text\":\"hi\"}", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"song\",\"nonce\":1}", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"text\",\"text\":\"\",\"nonce\":1}", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"text\",\"text\":\"x\",\"nonce\":1,\"loud\":true}", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"text\",\"text\":\"x\",\"data\":\"y\",\"nonce\":1}", Code::BadRequest),
        (Method::POST, room("/messages"), "{\"kind\":\"custom\",\"command\":\"x\",\"nonce\":1}", Code::BadRequest),
    ];
    let http = http();
    for (method, path, body, expected) in cases {
        let request = http.request(method.clone(), world.url(&path)).bearer_auth(&token).body(body.to_owned());
        let response = request.send().await.unwrap();
        let (status, kind) = (response.status(), response.headers()["content-type"].clone());
        let text = response.text().await.unwrap();
        let what = format!("{method} {path} {}: {status} {text}", body.get(..40).unwrap_or(body));
        let problem: Problem = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no problem: {what}"));
        assert_eq!((problem.code, status.as_u16()), (expected, expected.status()), "{what}");
        assert_eq!(kind, "application/json", "{what}");
        assert!(!problem.message.is_empty() && problem.message.len() < 300, "{what}");
        world.clock.advance(std::time::Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_session_nothing_is_told() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let token = ann.session().unwrap().token;
    let http = http();
    for authorization in ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", &format!("Bearer {}x", &token), &token] {
        for path in ["/v1/rooms".to_owned(), format!("/v1/rooms/{}", seat.room), format!("/v1/rooms/{}/events", seat.room)] {
            let response = http.get(world.url(&path)).header("authorization", authorization).send().await.unwrap();
            assert_eq!(response.status(), 401, "{authorization} {path}");
            assert_eq!(response.json::<Problem>().await.unwrap().code, Code::Unauthorized);
        }
    }
    world.clock.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    let response = http.get(world.url("/v1/rooms")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.status(), 401, "a session expires");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_break_the_rule_are_refused_everywhere() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    for bad in ["", "   ", "a<b", "50%", "a&b", "line\nbreak", "..", &"x".repeat(65)] {
        assert_eq!(code(ann.create_room(&wish(bad, Mode::Duo)).await), Code::BadName, "{bad:?}");
        let stranger = parlor::room::Client::new(&world.addr.to_string()).unwrap();
        assert_eq!(code(stranger.login(bad).await), Code::BadName, "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_asking_too_much_is_slowed_down_and_others_are_not() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let mut limited = false;
    for _ in 0..200 {
        if ann.get_room_list(0, 1).await.is_err_and(|e| code::<()>(Err(e)) == Code::RateLimited) {
            limited = true;
            break;
        }
    }
    assert!(limited);
    bob.get_room_list(0, 1).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    ann.get_room_list(0, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_talking_too_much_is_slowed_down() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let mut said = 0;
    for _ in 0..100 {
        match ann.send_text_msg(&seat.room, "spam").await {
            Ok(_) => said += 1,
            Err(error) => assert_eq!(code::<()>(Err(error)), Code::RateLimited),
        }
    }
    assert_eq!(said, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_usable_host_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let token = world.client("Ann").await.session().unwrap().token;
    for host in ["", "Host: a@b\r\n", "Host: evil/?x=\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(world.addr).await.unwrap();
        let body = "{\"name\":\"x\",\"mode\":\"duo\"}";
        let head = format!(
            "POST /v1/rooms HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{host:?}: {answer}");
    }
}
