//! The laboratory: what Parlor is tested and measured in. It links nothing of Parlor.
//!
//! - [`net`]: two computers' worth of network inside this one, joined by a link as bad as wanted.
//! - [`sound`]: a speaker and a microphone without a sound card, and others that are plugged in and out.

pub mod net;
pub mod sound;
