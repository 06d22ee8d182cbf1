//! An operator's own certificate, and what becomes of it.

use crate::support::{PATIENCE, Server, wait_until, with_files, write_certificate};
use parlor::base::Pin;
use parlor::host::Config;
use parlor::room::Client;

/// The key that the server shows now.
fn shown(server: &Server) -> Pin {
    let client = Client::new(&server.address().to_string()).unwrap();
    server.runtime.block_on(client.key_shown()).unwrap()
}

#[test]
fn changed_files_are_taken_into_use_and_broken_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let server = Server::with(with_files(folder.path()));
    let first = shown(&server);
    assert_eq!(first, server.pin());
    // Somebody who is connected stays connected: one connection, several requests.
    let client = server.client_by(server.address());
    server.runtime.block_on(client.login("Ann")).unwrap();
    write_certificate(folder.path());
    wait_until("the new certificate is shown", || shown(&server) != first);
    server.runtime.block_on(client.get_room_list(0, 1)).unwrap();
    let second = shown(&server);
    std::fs::write(folder.path().join("cert.pem"), "half of a certificate").unwrap();
    server.host.reload(with_files(folder.path()));
    assert_eq!(shown(&server), second);
    // Without waiting, as on SIGHUP.
    write_certificate(folder.path());
    server.host.reload(with_files(folder.path()));
    assert_ne!(shown(&server), second);
}

#[test]
fn the_servers_own_key_stays_the_same_when_it_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = || Config { data: Some(data.clone()), ..Config::default() };
    let server = Server::with(config());
    let (pin, first) = (server.pin(), shown(&server));
    server.runtime.block_on(server.host.stop());
    let server = Server::with(config());
    assert_eq!((server.pin(), shown(&server)), (pin, first));
    assert_ne!(Server::new().pin(), pin);
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, parlor::host::start(with_files(folder.path()))).await });
    let error = started.unwrap().unwrap_err().to_string();
    assert!(error.contains("cert.pem") && error.contains("key.pem"), "{error}");
}
