//! Namespaces, devices, addresses, and the thread between them.

use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::link::Counts;
use super::plan::{Change, Plan};
use super::pump::{self, Shared};
use super::system::{self, Namespace};
use super::{Direction, Side};

/// The device at each end of the link.
const DEVICE: &str = "link0";

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not root, or in a container that may not.
    #[error("network namespaces cannot be made (they need root)")]
    Namespace(#[source] io::Error),
    /// No `/dev/net/tun`, or no right to use it.
    #[error("no TUN device can be made (it needs root and /dev/net/tun)")]
    Tun(#[source] io::Error),
    /// `ip` is missing.
    #[error("the program `ip` does not start (package iproute2)")]
    Ip(#[source] io::Error),
    /// `ip` did not like what it was told.
    #[error("`ip` failed: {0}")]
    Configure(String),
    /// The system has no threads or sockets left.
    #[error("the link does not start")]
    Start(#[source] io::Error),
}

/// What the link has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Packets from near to far.
    pub up: Counts,
    /// Packets from far to near.
    pub down: Counts,
    /// How much later than it should have a packet came out at worst: this machine's fault, not the link's.
    pub latest: Duration,
    /// Packets that the system did not take at the end of the link.
    pub refused: u64,
}

/// Two namespaces and a link. Dropping it takes the link away; the namespaces go with the last program in them.
#[derive(Debug)]
pub struct Network {
    sides: [Namespace; 2],
    shared: Arc<Shared>,
    stop: UnixStream,
    pump: Option<JoinHandle<()>>,
}

impl Network {
    /// Makes both sides and joins them; the plan's time begins now.
    ///
    /// # Errors
    /// Where [`available`](super::available) says no.
    pub fn start(plan: &Plan) -> Result<Self, Error> {
        let (near, near_end) = side(Side::Near)?;
        let (far, far_end) = side(Side::Far)?;
        let shared = Arc::new(Shared::new(plan));
        let (stop, stopped) = UnixStream::pair().map_err(Error::Start)?;
        let inside = shared.clone();
        let body = move || {
            if let Err(error) = pump::run(&inside, [near_end, far_end], &stopped) {
                eprintln!("lab: the link has failed: {error}");
            }
        };
        let pump = thread::Builder::new().name("lab-link".to_owned()).spawn(body).map_err(Error::Start)?;
        Ok(Self { sides: [near, far], shared, stop, pump: Some(pump) })
    }

    /// A program that will run on that side.
    pub fn command(&self, side: Side, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.namespace(side).take(&mut command);
        command
    }

    /// Does something on that side, on a thread of its own: sockets opened and threads started there belong to that side for good. A panic
    /// comes through.
    ///
    /// # Errors
    /// When no thread can be started or moved there.
    pub fn inside<T: Send>(&self, side: Side, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let body = || self.namespace(side).enter().map(|()| work());
            let worker = thread::Builder::new().name(format!("lab-{side:?}").to_lowercase()).spawn_scoped(scope, body)?;
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The namespace of that side, for those who start programs or threads in their own way.
    pub fn namespace(&self, side: Side) -> &Namespace {
        let [near, far] = &self.sides;
        match side {
            Side::Near => near,
            Side::Far => far,
        }
    }

    /// Changes the link, and says when.
    pub fn change(&self, change: &Change) -> Instant {
        self.shared.change(change);
        Instant::now()
    }

    /// Begins another plan now: its conditions at the start replace the present ones, its times count from here.
    pub fn follow(&self, plan: &Plan) {
        self.shared.follow(plan);
    }

    /// Gives that side another IPv4 address (in 10.77.0.0/24), as when a computer goes from one network to another: connections from the old one are dead
    /// without a word. With `None` it has no address at all for now. Its IPv6 address is gone after the first time.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn readdress(&self, side: Side, address: Option<Ipv4Addr>) -> Result<(), Error> {
        let flush = format!("addr flush dev {DEVICE} scope global\n");
        let add = address.map(|address| format!("{}route replace default dev {DEVICE}\n", add(address)));
        configure(self.namespace(side), &(flush + &add.unwrap_or_default()))
    }

    /// What has become of the packets so far.
    pub fn report(&self) -> Report {
        let (up, down, latest, refused) = self.shared.figures();
        Report { up, down, latest, refused }
    }
}

impl Report {
    /// The packets of one direction.
    pub fn counts(&self, direction: Direction) -> Counts {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.stop.shutdown(Shutdown::Both);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}

/// Whether all that a network needs can be had.
pub fn try_out() -> Result<(), Error> {
    side(Side::Near).map(drop)
}

/// A namespace with a device, addresses and routes; and the link's end of the device.
fn side(side: Side) -> Result<(Namespace, File), Error> {
    let namespace = Namespace::new().map_err(Error::Namespace)?;
    let make = || namespace.enter().and_then(|()| system::tun(DEVICE));
    let made = thread::scope(|scope| scope.spawn(make).join());
    let device = made.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(Error::Tun)?;
    let commands = format!(
        "link set lo up\nlink set {DEVICE} mtu 1500 txqueuelen 5000 up\n{}route add default dev {DEVICE}\n",
        add(side.address())
    );
    configure(&namespace, &commands)?;
    // Not every kernel has IPv6.
    let v6 = format!("addr add {}/64 dev {DEVICE} nodad\n-6 route add default dev {DEVICE}\n", side.address_v6());
    let _ = configure(&namespace, &v6);
    Ok((namespace, device))
}

fn add(address: Ipv4Addr) -> String {
    format!("addr add {address}/24 dev {DEVICE}\n")
}

/// Has `ip` carry out one command a line.
fn configure(namespace: &Namespace, commands: &str) -> Result<(), Error> {
    let mut ip = Command::new("ip");
    ip.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    namespace.take(&mut ip);
    let mut child = ip.spawn().map_err(Error::Ip)?;
    // All of it fits into the pipe, whose other end is closed with the handle.
    let told = child.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(commands.as_bytes()));
    let output = told.and_then(|()| child.wait_with_output()).map_err(Error::Ip)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::Configure(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}
