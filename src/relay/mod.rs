//! One publisher to many readers, over RTMP, as late as the network makes it and no later.
//!
//! A [`Policy`] is asked who may do what. Knows `rtmp`, `wire` and `base`; knows nothing of rooms, members or HTTP, and not what a codec is beyond "header, key frame,
//! other", so that what it has never heard of passes untouched. In a call pictures are not stored for later readers: a key
//! frame is asked for instead, or, while the last one is too young for that, the second since then is caught up with. Viewers of live streams
//! get the group of pictures that is running.
//!
//! A packet is framed once and written to every reader's connection in the publisher's own turn. Only a reader whose connection is full has a
//! queue, bounded in bytes and time, which its own task empties.

mod connection;
mod headers;
mod hub;
mod inbox;
pub mod limits;
mod outlet;
mod pace;
mod parcel;
mod policy;
mod rate;
mod recent;
mod stream;

pub use connection::serve_connection;
pub use hub::{Hub, Next, Publisher, Reader, Signal, Stats};
pub use policy::{Action, Answer, Grant, Open, Policy, Refusal, Request, Stay};
pub use stream::{Busy, Manner, Parting, StreamStats};
