//! What an operator asks of a running server, while a stream flows through it.

use crate::support::*;

#[test]
fn a_reload_takes_good_settings_and_no_bad_ones_and_the_stream_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("server.toml");
    std::fs::write(&config, "open = true\n").unwrap();
    let mut server = Server::start(&["--config", config.to_str().unwrap()]);
    let flow = Flow::through(&server);
    std::fs::write(&config, "open = true\nmetrics = \"off\"\n").unwrap();
    server.signal("HUP");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.listen);
    wait_until("the figures are hidden", || server.status(request.as_bytes()) == 404);
    flow.goes_on();
    // One file is missing: nothing at all changes.
    std::fs::write(&config, "open = true\nmetrics = \"all\"\n[tls]\ncert = \"/nowhere\"\nkey = \"/nowhere\"\n").unwrap();
    server.signal("HUP");
    wait_until("it is said", || server.log().contains("the settings are bad: the old ones stay"));
    assert_eq!(server.status(request.as_bytes()), 404);
    flow.goes_on();
    // Whoever has a stream keeps it when the server is open no longer; others get none.
    std::fs::write(&config, "open = false\n").unwrap();
    server.signal("HUP");
    wait_until("the figures are back", || server.status(request.as_bytes()) == 200);
    flow.goes_on();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn streams_go_on_for_a_while_after_the_wish_to_stop_and_a_second_wish_ends_them() {
    let mut server = Server::start(&["--open", "--drain-s=3600"]);
    let flow = Flow::through(&server);
    server.signal("TERM");
    wait_until("nobody comes in any more", || std::net::TcpStream::connect(&server.listen).is_err());
    flow.goes_on();
    assert_eq!(server.exited(), None, "it waits for its streams");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn streams_are_ended_when_their_time_is_up() {
    let mut server = Server::start(&["--open", "--drain-s=1"]);
    let _flow = Flow::through(&server);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}
