//! A wire that is tapped: a TCP proxy that keeps what passes, and can change a bit of it; and what TLS looks like from outside.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// Both directions of one connection.
#[derive(Clone, Debug, Default)]
pub struct Taped {
    pub up: Vec<u8>,
    pub down: Vec<u8>,
}

/// One bit that is flipped as it passes.
#[derive(Clone, Copy, Debug)]
pub struct Flip {
    pub way: Way,
    pub at: usize,
}

/// The proxy. Its threads end with the connections, at the latest with the process.
pub struct Tap {
    pub address: SocketAddr,
    tape: Arc<Mutex<Vec<Taped>>>,
    flip: Arc<Mutex<Option<Flip>>>,
}

impl Tap {
    pub fn on(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tape, flip) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
        let (all, wanted) = (tape.clone(), flip.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else { continue };
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let number = {
                    let mut all: std::sync::MutexGuard<'_, Vec<Taped>> = all.lock().unwrap();
                    all.push(Taped::default());
                    all.len() - 1
                };
                for (from, to, way) in [(&near, &far, Way::Up), (&far, &near, Way::Down)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (tape, flip) = (all.clone(), wanted.clone());
                    std::thread::spawn(move || copy(from, to, way, &tape, number, &flip));
                }
            }
        });
        Self { address, tape, flip }
    }

    /// What has passed so far, by connection.
    pub fn tape(&self) -> Vec<Taped> {
        self.tape.lock().unwrap().clone()
    }

    /// From now on this bit is flipped, once, in whichever connection it comes by first.
    pub fn flip(&self, flip: Flip) {
        *self.flip.lock().unwrap() = Some(flip);
    }

    /// Whether the bit has been flipped.
    pub fn has_flipped(&self) -> bool {
        self.flip.lock().unwrap().is_none()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, way: Way, tape: &Mutex<Vec<Taped>>, number: usize, flip: &Mutex<Option<Flip>>) {
    let mut buffer = [0; 16 * 1024];
    let mut passed = 0;
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..n];
        {
            let mut wanted = flip.lock().unwrap();
            if let Some(flip) = wanted.filter(|flip| flip.way == way && (passed..passed + n).contains(&flip.at)) {
                bytes[flip.at - passed] ^= 0x10;
                *wanted = None;
            }
        }
        passed += n;
        let mut tape = tape.lock().unwrap();
        match way {
            Way::Up => tape[number].up.extend_from_slice(bytes),
            Way::Down => tape[number].down.extend_from_slice(bytes),
        }
        drop(tape);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Types of TLS records (RFC 8446, section 5.1).
pub const HANDSHAKE: u8 = 22;
pub const ALERT: u8 = 21;
pub const ENCRYPTED: u8 = 23;
/// TLS extensions (RFC 8446, section 4.2).
pub const PRE_SHARED_KEY: u16 = 41;
pub const EARLY_DATA: u16 = 42;
pub const SUPPORTED_VERSIONS: u16 = 43;
pub const KEY_SHARE: u16 = 51;

/// Whole records: type and content.
pub fn records(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(*high) << 8 | usize::from(*low);
        let Some(content) = rest.get(..length) else { break };
        records.push((*kind, content.to_vec()));
        bytes = &rest[length..];
    }
    records
}

/// The first message of one side: its extensions.
pub struct Hello(Vec<(u16, Vec<u8>)>);

impl Hello {
    /// Of a client's side of a connection.
    pub fn of_client(up: &[u8]) -> Self {
        let (_, first) = records(up).into_iter().next().expect("a ClientHello");
        let mut hello = Cursor(&first);
        assert_eq!(hello.take(1), [1], "not a ClientHello");
        hello.take(3 + 2 + 32);
        let (session, suites, compressions) = (hello.vector(1), hello.vector(2), hello.vector(1));
        assert!(session.len() <= 32 && !suites.is_empty() && compressions == [0]);
        Self::extensions(hello)
    }

    /// Of a server's.
    pub fn of_server(down: &[u8]) -> Self {
        let (_, first) = records(down).into_iter().next().expect("a ServerHello");
        let mut hello = Cursor(&first);
        assert_eq!(hello.take(1), [2], "not a ServerHello");
        hello.take(3 + 2 + 32);
        hello.vector(1);
        hello.take(2 + 1);
        Self::extensions(hello)
    }

    fn extensions(mut hello: Cursor<'_>) -> Self {
        let mut list = Cursor(hello.vector(2));
        let mut all = Vec::new();
        while !list.0.is_empty() {
            let kind = list.number();
            all.push((kind, list.vector(2).to_vec()));
        }
        Self(all)
    }

    pub fn get(&self, extension: u16) -> Option<&[u8]> {
        self.0.iter().find(|(kind, _)| *kind == extension).map(|(_, content)| &content[..])
    }

    /// The one key share: its group and key.
    pub fn key_share(&self, is_client: bool) -> (u16, Vec<u8>) {
        let mut share = Cursor(self.get(KEY_SHARE).expect("a key share"));
        if is_client {
            let list = share.vector(2);
            assert!(share.0.is_empty());
            share = Cursor(list);
        }
        let found = (share.number(), share.vector(2).to_vec());
        assert!(share.0.is_empty(), "one share and no more");
        found
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        head
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn vector(&mut self, length_bytes: usize) -> &'a [u8] {
        let length = self.take(length_bytes).iter().fold(0, |n, b| n << 8 | usize::from(*b));
        self.take(length)
    }
}
