//! What a server is told: the settings, their default values and their help. Each stands here once; [`sources`] reads them from
//! a file, the environment and [`flags`], [`print`](mod@print) writes them down, [`check`] looks at what they name.

pub mod check;
pub mod flags;
pub mod print;
pub mod sources;

pub use sources::{Fault, Faults, Key, Sources, keys};

use crate::base::settings::{choices, settings};
use crate::base::{Clock, Secret, log};
use crate::proto::address::DEFAULT_PORT;
use crate::server::{Limits, engine};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

settings! {
    /// What to serve, where, and how much of it.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Addresses and ports to listen on; may be repeated; port 0 picks a free port.
        pub listen: Vec<SocketAddr> = vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, DEFAULT_PORT))], restart;
        /// Folder for what has to outlive the program: the keys that sign tokens, the certificate. Without one, sessions end with the program.
        pub data: Option<PathBuf> = None, restart;
        /// Let anybody publish and play any stream without a token, at rtmp://host:port/live/NAME (trusted networks only). Streams of rooms keep
        /// their tokens for publishing.
        pub open: bool = false;
        /// Treat those streams of an open server that belong to no room as live shows, which people only watch: they may be sent up to 10 ms later,
        /// for two thirds of the processor time, and players get the last key frame at once. Without it, as calls.
        pub open_live: bool = false;
        /// Let people from other computers connect without encryption.
        pub plain: bool = false;
        /// The host or host:port under which people reach this server, for the invites it prints; otherwise the address listened on.
        pub public: Option<String> = None, restart;
        /// The host:port under which other servers of the same Redis reach this one; otherwise the address listened on.
        pub advertise: Option<String> = None, restart;
        /// What people have to know to sign in; otherwise everybody may.
        pub access_key: Option<Secret> = None;
        /// What operators have to know to use the admin page; otherwise there is none.
        pub admin_key: Option<Secret> = None;
        /// Redis (redis://user:password@host:port/db) for several servers with one list of rooms; otherwise rooms live in memory.
        pub redis: Option<Secret> = None, restart;
        /// Seconds for which streams go on after the wish to stop; new connections are refused at once.
        pub drain_s: u64 = 2 => 0..=86_400;
        /// Who may read /metrics.
        pub metrics: Metrics = Metrics::Loopback;
        /// The log.
        pub log: Log = Log::default();
        /// How many rooms and seats there may be.
        pub limits: Limits = Limits::default();
        /// How many connections there may be.
        pub door: DoorLimits as "limits" = DoorLimits::default();
        /// How much the relay carries.
        pub media: MediaLimits as "limits" = MediaLimits::default();
        /// Who relays the streams.
        pub engine: engine::Config = engine::Config::default();
        /// The keys that sign tokens.
        pub tokens: Tokens = Tokens::default();
        /// The certificate, if not the server's own.
        pub tls: Tls = Tls::default();
        /// The clock that stamps events.
        pub clock: Clock = Clock::system();
    }
}

choices! {
    /// Who may read `/metrics`.
    pub enum Metrics, "off, loopback or all" {
        /// Nobody.
        Off = "off",
        /// Programs on this computer.
        Loopback = "loopback",
        /// Everybody who reaches the port.
        All = "all",
    }
}

settings! {
    /// The log on standard error.
    #[derive(Clone, Debug)]
    pub struct Log {
        /// How log lines look: pretty (for people) or json (one object a line).
        pub format: log::Format = log::Format::Pretty, restart;
        /// Which lines are written: off, error, warn, info, debug, trace, or a filter such as info,parlor::relay=debug.
        pub level: log::Filter = log::Filter::default();
    }
}

settings! {
    /// How many connections there may be.
    #[derive(Clone, Debug)]
    pub struct DoorLimits {
        /// Connections of all kinds at the same time.
        pub connections: usize = 20_000 => 1..=10_000_000;
        /// Connections from one address (of IPv6: one /64) at the same time; programs on this computer are not counted.
        pub connections_per_address: usize = 400 => 1..=10_000_000;
        /// Connections that have not yet said anything useful, at the same time; the oldest goes when another one comes.
        pub pending_handshakes: usize = 2_000 => 1..=10_000_000;
    }
}

settings! {
    /// How much the relay carries.
    #[derive(Clone, Debug)]
    pub struct MediaLimits {
        /// Streams at the same time.
        pub streams: usize = 4_096 => 1..=1_000_000;
        /// Kilobits a second that one publisher may send in the long run; 0 for any number.
        pub publisher_kbps: u32 = 20_000 => 0..=10_000_000;
    }
}

settings! {
    /// The keys that sign tokens.
    #[derive(Clone, Debug)]
    pub struct Tokens {
        /// After so many days another key signs tokens; those that the old one has signed are good until they expire. 0 for never.
        pub rotate_days: u32 = 30 => 0..=3650;
    }
}

settings! {
    /// The certificate.
    #[derive(Clone, Debug)]
    pub struct Tls {
        /// File with the certificate and its chain (PEM); otherwise the server makes its own.
        pub cert: Option<PathBuf> = None;
        /// File with the certificate's private key (PEM).
        pub key: Option<PathBuf> = None;
    }
}
