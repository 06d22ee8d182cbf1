//! What the relay tells the room service: which streams have started and stopped. The relay does not wait, the room service may have to.

use super::cluster::Cluster;
use super::live::Live;
use crate::server::Service;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Started,
    Stopped,
}

/// The newest notice of each stream that the room service has not heard yet: no more than there are streams, and where one comes and goes
/// faster than it is told, only what it is now is said.
#[derive(Debug, Default)]
pub(super) struct Notices {
    untold: Mutex<HashMap<String, Notice>>,
    some: Notify,
}

impl Notices {
    pub fn add(&self, stream: &str, notice: Notice) {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.to_owned(), notice);
        self.some.notify_one();
    }

    /// Tells `service`; never ends. On an open server, it does not hear of streams that belong to no seat: it would end them.
    pub async fn tell(&self, service: &Service, live: &Live, cluster: Option<&Cluster>) {
        loop {
            self.some.notified().await;
            let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
            for (stream, notice) in untold {
                match (notice, cluster) {
                    (Notice::Started, Some(cluster)) => cluster.started(&stream).await,
                    (Notice::Stopped, Some(cluster)) => cluster.stopped(&stream).await,
                    (_, None) => {}
                }
                match notice {
                    Notice::Started if live.get().open && matches!(service.is_room_stream(&stream).await, Ok(false)) => {}
                    Notice::Started => service.started(&stream).await,
                    Notice::Stopped => service.stopped(&stream).await,
                }
            }
        }
    }
}
