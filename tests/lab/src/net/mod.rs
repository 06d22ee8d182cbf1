//! An emulated network: two namespaces, each with addresses, routes and sockets of its own, and between them a link that delays,
//! loses, reorders, throttles or drops all packets, on a timetable or when told.
//!
//! It works on packets, so TCP, UDP and everything above behave as on a real line. It needs root (`CAP_NET_ADMIN`, `CAP_SYS_ADMIN`) and
//! `/dev/net/tun` on Linux: ask [`available`] first. Namespaces have no names: any number of networks run side by side, and the kernel
//! takes each away when the programs in it have ended, however they did.
//!
//! ```no_run
//! use parlor_lab::net::{Network, Plan, Side};
//! # fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let network = Network::start(&Plan::parse(["both:delay=20,jitter=5"])?)?;
//! let mut server = network.command(Side::Far, "parlor-server").spawn()?;
//! let reply = network.inside(Side::Near, || std::net::TcpStream::connect((Side::Far.address(), 1935)))?;
//! network.change(&"both:cut=1".parse()?);
//! # server.kill()?; drop(reply); Ok(())
//! # }
//! ```

mod link;
mod plan;

#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod pump;
#[cfg(target_os = "linux")]
pub mod system;

use std::net::{Ipv4Addr, Ipv6Addr};

pub use link::{Counts, Link};
#[cfg(target_os = "linux")]
pub use network::{Error, Network, Report};
pub use plan::{Change, Conditions, Direction, Plan, PlanError};

/// One end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where one usually puts the person whose network is bad.
    Near,
    /// Where one usually puts the server.
    Far,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Near, Self::Far];

    /// The address it starts with: 10.77.0.1 or 10.77.0.2.
    pub const fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, self.number())
    }

    /// Its other address: fd77::1 or fd77::2.
    pub const fn address_v6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, self.number() as u16)
    }

    /// The opposite one.
    pub const fn other(self) -> Self {
        match self {
            Self::Near => Self::Far,
            Self::Far => Self::Near,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Near => 1,
            Self::Far => 2,
        }
    }
}

/// Whether a network can be emulated here; if not, why, in words for the person who wonders why a test was skipped.
///
/// # Errors
/// What is missing.
pub fn available() -> Result<(), String> {
    #[cfg(target_os = "linux")]
    return network::try_out().map_err(|error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    });
    #[cfg(not(target_os = "linux"))]
    Err("networks are emulated on Linux only".to_owned())
}
