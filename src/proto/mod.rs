//! The wire between client and room server: ids, rules of the modes, requests, events, errors. Plain data, no I/O.
//!
//! This module knows `base` only; both `server` and `room` speak it.

pub mod address;
pub mod api;
pub mod error;
pub mod event;
pub mod id;
pub mod invite;
pub mod mode;
pub mod name;

pub use address::{Address, AddressError};
pub use error::{Code, Problem};
pub use event::{Event, EventKind};
pub use id::{Identity, MemberId, RoomId};
pub use invite::{Invite, InviteError};
pub use mode::Mode;
