//! Logs tell what happened, and nothing that opens a door.

use crate::support::*;
use parlor::proto::api::CreateRoom;
use parlor::room::Client;
use parlor::wire::link::{Options, Playback, Publication};

const ADMIN_KEY: &str = "the-operators-own-key";
const PASSWORD: &str = "sesame-open-yourself";
const WRONG_PASSWORD: &str = "sesame-guessed-wrong";

#[test]
fn no_secret_is_in_the_log_at_any_level() {
    for format in ["pretty", "json"] {
        let server = Server::start(&["--log-level=trace", "--log-format", format, "--admin-key", ADMIN_KEY]);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (ann, ben) = (Client::new(&server.listen).unwrap(), Client::new(&server.listen).unwrap());
        let (room, urls) = runtime.block_on(async {
            ann.login("Ann").await.unwrap();
            ben.login("Ben").await.unwrap();
            let wish = serde_json::json!({ "name": "Call", "mode": "duo", "password": PASSWORD });
            let wish: CreateRoom = serde_json::from_value(wish).unwrap();
            let seat = ann.create_room(&wish).await.unwrap();
            ben.enter_room(seat.room.as_str(), Some(WRONG_PASSWORD)).await.unwrap_err();
            let second = ben.enter_room(seat.room.as_str(), Some(PASSWORD)).await.unwrap();
            (seat.room.clone(), [seat.publish_url, second.publish_url])
        });
        let publications: Vec<Publication> =
            urls.iter().map(|url| Publication::start(runtime.handle(), url, Options::default())).collect();
        wait_until("both publish", || publications.iter().all(|publication| publication.state().is_live()));
        // A token for something else, and a forged one.
        let forged = urls[0].replace("token=", "token=forged");
        let refused = Playback::start(runtime.handle(), &forged, Options::default());
        wait_until("it is refused", || server.log().contains("refused"));
        drop((refused, publications));
        for path in [format!("/v1/admin?key={ADMIN_KEY}"), format!("/v1/rooms/{room}?token=query-token")] {
            let _ = server.status(
                format!(
                    "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\nConnection: close\r\n\r\n",
                    server.listen
                )
                .as_bytes(),
            );
        }
        let keys = std::fs::read_to_string(server.folder.path().join("token.key")).unwrap();
        let token = |url: &str| url.split_once("token=").unwrap().1.to_owned();
        let mut secrets = vec![ADMIN_KEY.to_owned(), PASSWORD.to_owned(), WRONG_PASSWORD.to_owned(), "query-token".to_owned()];
        secrets.extend(urls.iter().map(|url| token(url)));
        // A signature alone is as good as the token.
        secrets.extend(urls.iter().filter_map(|url| token(url).rsplit('.').next().map(str::to_owned)));
        secrets.extend([&ann, &ben].map(|client| client.session().unwrap().token));
        secrets.extend(keys.split_whitespace().filter(|word| word.len() == 64).map(str::to_owned));
        let log = server.log();
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} in the log:\n{}", log.lines().find(|line| line.contains(&secret)).unwrap());
        }
        for told in [room.as_str(), "peer", "stream"] {
            assert!(log.contains(told), "nothing about {told} in\n{log}");
        }
        if format == "json" {
            for line in log.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
            }
        }
    }
}
