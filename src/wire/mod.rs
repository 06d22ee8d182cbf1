//! What an RTMP session rides on: addresses, connections, and client links that publish or play one stream.
//!
//! Knows `rtmp` (the protocol without I/O) and `base`; knows nothing of pictures, sound or rooms. TCP, and TLS 1.3 over it, directly or through an
//! HTTP proxy; a further carrier needs a new [`CarrierKind`], a [`Scheme`] and a branch in [`connect`], and nothing else changes.
//!
//! ```
//! let url: parlor::wire::Url = "rtmp://example.org/live/room_member?token=secret".parse()?;
//! assert_eq!((url.port, url.app.as_str(), url.name.as_str()), (1935, "live", "room_member?token=secret"));
//! assert_eq!(url.to_string(), "rtmp://example.org:1935/live/room_member"); // what may be logged: no query
//! # Ok::<(), parlor::wire::UrlError>(())
//! ```

mod carrier;
mod dial;
pub mod link;
mod pipe;
pub mod ring;
pub mod tls;
mod tunnel;
mod url;

pub use carrier::{Carrier, CarrierKind, ConnectError, Connected, connect, tune, tune_accepted};
pub use pipe::{Offer, Piece, Pipe, Ready, finish};
pub use ring::Ring;
pub use url::{Scheme, Url, UrlError};
