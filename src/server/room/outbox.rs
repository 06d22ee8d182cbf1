//! What a change of a room asks of whoever keeps it.

use crate::proto::{Event, MemberId};
use std::time::Duration;

/// What has to be done elsewhere after a change, in the order in which it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// What happened, numbered.
    pub events: Vec<Event>,
    /// Messages of the time before the room was lost, with their old numbers; those that are there already are passed over.
    pub returned: Vec<Event>,
    /// Streams to end.
    pub kicked: Vec<String>,
    /// When to look at whom; `None` is the room itself. Later entries win.
    pub deadlines: Vec<(Option<MemberId>, Deadline)>,
    /// Those who wait for events have to look, even if there is none.
    pub woken: bool,
}

/// A change of when something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Then.
    At(Duration),
    /// Then, unless it is later already.
    AtLeast(Duration),
    /// Never.
    Never,
}
