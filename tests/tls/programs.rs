//! Whole calls of our own programs over TLS.

use crate::support::{Server, with_files, write_certificate};
use serde_json::Value;
use std::process::{Child, Command, Stdio};

fn bot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-bot"));
    command.args(["--json", "--size", "320x180", "--fps", "15", "--kbps", "200"]).args(arguments);
    command.env_remove("PARLOR_SERVER").env_remove("SSL_CERT_FILE").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a bot reports, and whether it ended well.
fn report(child: Child) -> (Value, bool, String) {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), output.status.success(), stderr)
}

#[test]
fn e2e_two_bots_call_each_other_over_tls_by_a_pinned_invite() {
    let server = Server::new();
    let pinned = format!("{}#pin={}", server.address(), server.pin());
    let invite = format!("parlor://{}/Call#pin={}", server.address(), server.pin());
    let ann =
        bot(&["--server", &pinned, "--create", "Call", "--name", "Ann", "--seconds", "25", "--expect", "1"]).spawn().unwrap();
    // The room is there as soon as Ann's stream flows.
    let client = server.client_by(server.address());
    server.runtime.block_on(async {
        client.login("Watcher").await.unwrap();
        while client.get_room_list(0, 9).await.unwrap().rooms.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let ben = bot(&["--invite", &invite, "--name", "Ben", "--seconds", "8", "--expect", "1"]).spawn().unwrap();
    for child in [ben, ann] {
        let (report, well, stderr) = report(child);
        assert!(well, "{stderr}");
        assert_eq!(report["self"]["carrier"], "tls");
        assert!(report["peers"][0]["frames"].as_u64().unwrap() > 10, "{report}");
        assert!(report["invite"].as_str().unwrap().ends_with(&format!("#pin={}", server.pin())), "{report}");
    }
}

#[test]
fn e2e_a_signed_certificate_needs_no_pin_and_an_unsigned_one_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let authority = write_certificate(folder.path());
    let server = Server::with(with_files(folder.path()));
    let address = format!("https://localhost:{}", server.address().port());
    let arguments = ["--server", &address, "--create", "Call", "--seconds", "3"];
    let (_, well, stderr) = report(bot(&arguments).spawn().unwrap());
    assert!(!well && stderr.contains("not signed by an authority that this computer trusts"), "{stderr}");
    // SSL_CERT_FILE is where Linux programs are told of other authorities.
    let (report, well, stderr) = report(bot(&arguments).env("SSL_CERT_FILE", &authority).spawn().unwrap());
    assert!(well, "{stderr}");
    assert_eq!(report["self"]["carrier"], "tls");
}

#[test]
fn e2e_the_carrier_can_be_asked_for() {
    let server = Server::new();
    let address = server.address().to_string();
    let pinned = format!("{address}#pin={}", server.pin());
    for (server, flag, carrier) in
        [(&address, "auto", "tcp"), (&pinned, "tcp", "tcp"), (&pinned, "tls", "tls"), (&pinned, "auto", "tls")]
    {
        let arguments = ["--server", server, "--create", "Call", "--seconds", "3", "--carrier", flag];
        let (report, well, stderr) = report(bot(&arguments).spawn().unwrap());
        assert!(well, "{stderr}");
        assert_eq!(report["self"]["carrier"], carrier, "{flag} {server}");
    }
}
