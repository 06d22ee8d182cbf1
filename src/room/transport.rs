//! How a server is reached.

use crate::base::Proxy;
use crate::proto::address::Carrier;

/// What requests and streams ride on, and through what. The default is what the server's address asks for, through the proxy that the
/// environment names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// Encrypted or not.
    pub carrier: Carrier,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
}

impl Transport {
    /// As the server's address asks for, and directly.
    pub const DIRECT: Self = Self { carrier: Carrier::Auto, proxy: Proxy::Direct };
}
