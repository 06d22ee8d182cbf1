//! What is asked of the desktop around the window: to stay awake during a call.

use super::janitor::Janitor;
use crate::base::{Stop, Worker};
use std::time::Duration;

/// How often the thread that keeps the computer awake looks whether it should end, should it miss the wish.
const LOOK: Duration = Duration::from_secs(3600);

/// Keeps computer and screen awake while it holds a thread: some systems tie the request to the thread that made it.
#[derive(Debug, Default)]
pub struct Awake(Option<Worker>);

impl Awake {
    /// Stays awake from now on, or no longer.
    pub fn keep(&mut self, awake: bool, reason: &str, janitor: &mut Janitor) {
        match (awake, self.0.take()) {
            (true, None) => {
                let reason = reason.to_owned();
                let spawned = Worker::spawn("stay awake", move |stop| hold(stop, reason));
                self.0 = spawned.map_err(|error| tracing::warn!(%error, "no thread to stay awake")).ok();
            }
            (true, held) => self.0 = held,
            (false, Some(held)) => {
                held.stop();
                // The desktop may take its time to answer.
                janitor.put_away(held, || {});
            }
            (false, None) => {}
        }
    }
}

fn hold(stop: &Stop, reason: String) {
    let request = keepawake::Builder::default()
        .display(true)
        .idle(true)
        .reason(reason)
        .app_name("Parlor")
        .app_reverse_domain("org.parlor.Parlor")
        .create();
    match request {
        Ok(_awake) => {
            tracing::debug!("the computer stays awake");
            while !stop.wait(LOOK) {}
        }
        Err(error) => tracing::info!(%error, "this desktop cannot be asked to stay awake"),
    }
}
