//! One publisher to many readers, over RTMP, as late as the network makes it and no later.
//!
//! A [`Policy`] is asked who may do what. Knows `rtmp`, `wire` and `base`; knows nothing of rooms, members or HTTP, and not what a codec is beyond "header, key frame,
//! other", so that what it has never heard of passes untouched. Pictures are not stored for later readers: in a call, a key
//! frame is asked for instead, or, while the last one is too young for that, the second since then is caught up with.

mod connection;
mod headers;
mod hub;
pub mod limits;
mod policy;
mod recent;
mod stream;

pub use connection::serve_connection;
pub use hub::{Hub, Next, Publisher, Reader, Signal, Stats};
pub use policy::{Action, Answer, Grant, Open, Policy, Refusal, Request, Stay};
pub use stream::{Busy, Parting, StreamStats};
