//! What the relay tells the room service: which streams have started and stopped. The relay does not wait, the room service may have to.

use super::cluster::Cluster;
use super::live::Live;
use crate::server::Service;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Streams of which the room service is told at the same time: its store may be a network away.
const AT_ONCE: usize = 64;

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Started,
    Stopped,
    /// Both, before anybody was told.
    CameAndWent,
}

impl Notice {
    /// What is to be told after this was not, and then `next` happened.
    fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Started | Self::CameAndWent, Self::Stopped) => Self::CameAndWent,
            (_, next) => next,
        }
    }
}

/// What the room service has not heard yet of each stream: no more than there are streams.
#[derive(Debug, Default)]
pub(super) struct Notices {
    untold: Mutex<HashMap<String, Notice>>,
    some: Notify,
}

impl Notices {
    pub fn add(&self, stream: &str, notice: Notice) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let all = untold.get(stream).map_or(notice, |before| before.and(notice));
        untold.insert(stream.to_owned(), all);
        self.some.notify_one();
    }

    /// Tells `service`; never ends. On an open server, it does not hear of streams that belong to no seat: it would end them.
    pub async fn tell(&self, service: &Service, live: &Live, cluster: Option<&Arc<Cluster>>) {
        loop {
            self.some.notified().await;
            let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
            let mut telling = JoinSet::new();
            for (stream, notice) in untold {
                if telling.len() >= AT_ONCE {
                    telling.join_next().await;
                }
                let (service, cluster, open) = (service.clone(), cluster.cloned(), live.get().open);
                telling.spawn(async move {
                    if notice != Notice::Stopped {
                        started(&service, cluster.as_deref(), open, &stream).await;
                    }
                    if notice != Notice::Started {
                        stopped(&service, cluster.as_deref(), &stream).await;
                    }
                });
            }
            // Of one stream, one thing is told after the other.
            while telling.join_next().await.is_some() {}
        }
    }
}

async fn started(service: &Service, cluster: Option<&Cluster>, open: bool, stream: &str) {
    if let Some(cluster) = cluster {
        cluster.started(stream).await;
    }
    if !open || !matches!(service.is_room_stream(stream).await, Ok(false)) {
        service.started(stream).await;
    }
}

async fn stopped(service: &Service, cluster: Option<&Cluster>, stream: &str) {
    if let Some(cluster) = cluster {
        cluster.stopped(stream).await;
    }
    service.stopped(stream).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_came_and_went_before_anybody_was_told_has_come() {
        let notices = Notices::default();
        let told = |stream: &str| notices.untold.lock().unwrap()[stream];
        for (notice, all) in [
            (Notice::Started, Notice::Started),
            (Notice::Stopped, Notice::CameAndWent),
            (Notice::Started, Notice::Started),
            (Notice::Stopped, Notice::CameAndWent),
            (Notice::Stopped, Notice::CameAndWent),
        ] {
            notices.add("a", notice);
            assert_eq!(told("a"), all);
        }
        notices.add("b", Notice::Stopped);
        notices.add("b", Notice::Started);
        assert_eq!(told("b"), Notice::Started);
    }
}
