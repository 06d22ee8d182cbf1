//! One call = a seat in a room + one publisher + one player per other member.
//!
//! [`Call`] owns all of it and is the only thing that the app and the bot hold: commands go in, a watched [`Snapshot`] (what *is*)
//! and [`Event`]s (what *happened*) come out. It knows `room` and `media`; it knows no egui and no server.

pub mod actor;
pub mod attention;
mod awake;
pub mod command;
mod door;
pub mod event;
mod figures;
mod hearing;
mod kept;
mod peers;
mod quality;
mod reconcile;
mod recordings;
mod run;
mod seat;
pub mod snapshot;
mod sources;
mod uplink;

pub use actor::{Call, Config, Entry, Speaker};
pub use command::{Command, Place, Recorded, Share};
pub use event::{Ended, Event};
pub use reconcile::quality;
pub use snapshot::{Me, Peer, Phase, Snapshot, Volume};
