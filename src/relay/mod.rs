//! One publisher to many readers, over RTMP, as late as the network makes it and no later.
//!
//! A [`Policy`] is asked who may do what. Knows `rtmp`, `wire` and `base`; knows nothing of rooms, members or HTTP, and not what a codec is beyond "header, key frame,
//! other", so that what it has never heard of passes untouched.

pub mod limits;
mod policy;

pub use policy::{Action, Answer, Grant, Open, Policy, Refusal, Request};
