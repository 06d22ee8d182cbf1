//! A call on the screen: the page with its stage, buttons and chat, the figures, and the running [`Call`](crate::call::Call) behind them.

pub mod chat;
pub mod controls;
pub mod ended;
pub mod figures;
pub mod page;
pub mod session;
pub mod stage;
pub(super) mod tile_menu;
pub mod videos;
