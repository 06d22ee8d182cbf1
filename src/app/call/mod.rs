//! A call on the screen: the page with its stage, buttons and chat, the figures, and the running [`Call`](crate::call::Call) behind them.

mod apply;
mod bare;
mod beauty;
pub mod chat;
pub mod controls;
pub mod dialogs;
pub mod ended;
pub mod event_log;
pub mod figures;
pub mod keys;
pub mod look;
pub mod page;
pub mod session;
pub mod stage;
pub mod talk;
pub mod talk_key;
pub(super) mod tile_menu;
pub mod videos;
