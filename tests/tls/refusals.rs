//! Who is not believed hears nothing; who does not speak TLS 1.3 is not heard.

use crate::support::{PATIENCE, Server, end_of, open, wait_until, wrong_pin};
use crate::tap::{ALERT, ENCRYPTED, HANDSHAKE, Tap, Taped, records};
use parlor::base::Pin;
use parlor::room::{Client, Error, ErrorKind};
use parlor::wire::ConnectError;
use parlor::wire::link;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// An encrypted alert: two bytes, their type, and the seal.
const ALERT_BYTES: usize = 2 + 1 + 16;

/// After its hello the client has said no more than that it goes away.
fn said_nothing(taped: &Taped) {
    let up = records(&taped.up);
    assert_eq!(up[0].0, HANDSHAKE);
    let secret: usize = up.iter().filter(|(kind, _)| *kind == ENCRYPTED).map(|(_, content)| content.len()).sum();
    assert!(secret <= ALERT_BYTES, "{secret} bytes were said to a server that is not believed");
    assert!(up.iter().skip(1).all(|(kind, _)| [20, ALERT, ENCRYPTED].contains(kind)));
}

#[test]
fn a_server_with_another_key_hears_no_name_and_no_token() {
    let server = Server::with(open());
    let tap = Tap::on(server.address());
    for (address, pinned) in [(format!("{}#pin={}", tap.address, wrong_pin()), true), (format!("https://{}", tap.address), false)]
    {
        let error = server.runtime.block_on(Client::new(&address).unwrap().login("Ann")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
        assert!(matches!(&error, Error::Untrusted { why, .. } if why.pinned == pinned), "{error:?}");
        assert!(error.to_string().contains("certificate is n"), "{error}");
    }
    let publication = server.publish_by(tap.address, wrong_pin());
    let error = end_of(&publication);
    assert!(matches!(error, link::Error::Unreachable(ConnectError::Untrusted { .. })), "{error:?}");
    assert_eq!(error.kind(), link::ErrorKind::Permanent);
    wait_until("all is on the tape", || tap.tape().len() == 3 && tap.tape().iter().all(|t| records(&t.up).len() >= 2));
    tap.tape().iter().for_each(said_nothing);
}

/// Shows somebody's certificate and signs with another key.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// How each conversation with an impostor ended; what was said is in it, if it ended well.
type Heard = Arc<Mutex<Vec<Result<Vec<u8>, String>>>>;

/// An impostor that keeps what it hears after the handshake.
fn impostor() -> (SocketAddr, Pin, Heard) {
    let (mine, theirs) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let shown = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&theirs).unwrap().der().clone();
    let pin = parlor::wire::tls::pin_of(&shown).unwrap();
    let key = PrivateKeyDer::try_from(mine.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = CertifiedKey::new(vec![shown], provider.key_provider.load_private_key(key).unwrap());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_cert_resolver(Arc::new(Impostor(Arc::new(key)))));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let keep = heard.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut said = Vec::new();
            let end = rustls::Stream::new(&mut tls, &mut stream).read_to_end(&mut said);
            keep.lock().unwrap().push(end.map(|_| said.clone()).map_err(|e| e.to_string()));
            assert_eq!(said, b"");
        }
    });
    (address, pin, heard)
}

#[test]
fn the_right_certificate_without_its_key_is_not_enough() {
    let (address, pin, heard) = impostor();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(Client::new(&format!("{address}#pin={pin}")).unwrap().login("Ann")).unwrap_err();
    assert!(!matches!(error.kind(), ErrorKind::Problem(_)), "{error}");
    let url = format!("rtmps://{address}/live/x?token=secret#pin={pin}");
    let publication = link::Publication::start(runtime.handle(), &url, link::Options::default());
    end_of(&publication);
    wait_until("the impostor has heard both", || heard.lock().unwrap().len() == 2);
    for heard in heard.lock().unwrap().iter() {
        assert!(heard.as_ref().is_err_and(|e| e.contains("DecryptError") || e.contains("alert")), "{heard:?}");
    }
}

/// A client that knows TLS 1.2 at most: no `supported_versions`.
fn old_hello() -> Vec<u8> {
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 29][..],  // supported_groups: X25519
        &[0, 11, 0, 2, 1, 0],             // ec_point_formats
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4], // signature_algorithms
    ]
    .concat();
    let mut hello = [&[3, 3][..], &[9; 32], &[0], &[0, 4, 0xc0, 0x2b, 0xc0, 0x2f], &[1, 0]].concat();
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((hello.len() as u16).to_be_bytes());
    message.extend(hello);
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

#[test]
fn tls_1_2_is_refused() {
    let server = Server::new();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&old_hello()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // Fatal (2): protocol version (70).
    assert_eq!(records(&answer), [(ALERT, vec![2, 70])]);
}

#[test]
fn handshakes_that_never_end_do_not_keep_others_out() {
    let server = Server::new();
    let hello = &old_hello()[..20];
    let stuck: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(hello).unwrap();
            stream
        })
        .collect();
    server.runtime.block_on(server.client_by(server.address()).login("Ann")).unwrap();
    drop(stuck);
}

#[test]
fn a_plain_server_is_told_apart_from_one_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(Client::new(&format!("https://{address}")).unwrap().login("Ann")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotParlor, "{error}");
}

#[test]
fn stream_addresses_are_as_safe_as_the_way_they_were_asked_for() {
    use parlor::proto::{Mode, api::CreateRoom};
    let server = Server::new();
    let ask = |address: String, name: &str| {
        server.runtime.block_on(async {
            let client = Client::new(&address).unwrap();
            client.login("Ann").await.unwrap();
            client.create_room(&CreateRoom::new(name, Mode::Duo)).await.unwrap().publish_url
        })
    };
    let (address, pin) = (server.address(), server.pin());
    let url = ask(format!("{address}#pin={pin}"), "encrypted");
    assert!(url.starts_with(&format!("rtmps://{address}/live/")) && url.ends_with(&format!("#pin={pin}")), "{url}");
    let url = ask(address.to_string(), "plain");
    assert!(url.starts_with(&format!("rtmp://{address}/live/")) && !url.contains('#'), "{url}");
}
