//! The client of the room service: sign in, list, create, enter, talk, leave; and the measured offset to the server's clock.
//!
//! It knows `proto` and `base`, and of `wire` only whom to trust. It opens no stream (that is `media`) and keeps no call alive (that is `call`): each function is one request.
//!
//! ```no_run
//! # async fn example() -> Result<(), parlor::room::Error> {
//! let client = parlor::room::Client::new("calls.example:1935")?;
//! client.login("Ann").await?;
//! let seat = client.enter_room("Weekly meeting", None).await?;
//! client.send_text_msg(&seat.room, "hello").await?;
//! client.exit_room(&seat.room).await?;
//! # Ok(())
//! # }
//! ```

mod address;
mod client;
mod clock;
mod error;
pub mod network;
mod requests;
mod route;
mod routes;
mod transport;

pub use crate::wire::tls::Untrusted;
pub use client::Client;
pub use error::{Error, ErrorKind};
pub use transport::Transport;
