//! The laboratory: what Parlor is tested and measured in. It links nothing of Parlor.
//!
//! - [`net`]: two computers' worth of network inside this one, joined by a link as bad as wanted.

pub mod net;
