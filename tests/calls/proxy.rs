//! A network that can be broken: everything to a server goes through here.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A TCP proxy. Its threads end with the connections, at the latest with the process.
pub struct Proxy {
    pub address: SocketAddr,
    frozen: Arc<AtomicBool>,
    /// Kilobits a second that each connection carries in each direction; 0: all that comes.
    kbps: Arc<AtomicU64>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (frozen, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let kbps = Arc::new(AtomicU64::new(0));
        let (seen, limit, all) = (frozen.clone(), kbps.clone(), connections.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else { continue };
                all.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (frozen, limit) = (seen.clone(), limit.clone());
                    std::thread::spawn(move || copy(from, to, &frozen, &limit));
                }
            }
        });
        Self { address, frozen, kbps, connections }
    }

    /// From now on nothing arrives, and nobody is told: a cable pulled out.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// From now on each connection carries so much in each direction; 0: all that comes.
    pub fn limit(&self, kbps: u64) {
        self.kbps.store(kbps, Ordering::SeqCst);
    }

    /// Breaks all connections there are; new ones work.
    pub fn cut(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, frozen: &AtomicBool, limit: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    let mut free = Instant::now();
    loop {
        let kbps = limit.load(Ordering::SeqCst);
        let most = if kbps == 0 { buffer.len() } else { 1000 };
        let Ok(n @ 1..) = from.read(&mut buffer[..most]) else { break };
        if let Some(micros) = (n as u64 * 8000).checked_div(kbps) {
            free = free.max(Instant::now()) + Duration::from_micros(micros);
            std::thread::sleep(free.saturating_duration_since(Instant::now()));
        }
        while frozen.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
