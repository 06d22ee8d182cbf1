//! What members measured last. Figures are told with heartbeats, and kept on the machine that hears them: nothing is decided by them.

use crate::proto::api::{ReceivedBy, Statistics};
use crate::proto::{Code, MemberId, Problem, RoomId};
use crate::server::limits::{FIGURES, FIGURES_PER_MEMBER, GONE};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The newest figures of each member.
#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<HashMap<(RoomId, MemberId), (Statistics, Duration)>>);

impl Figures {
    /// Takes note of a member's figures; of nobody's if too many are known.
    pub fn note(&self, now: Duration, room: &RoomId, member: &MemberId, statistics: Statistics) {
        let mut known = self.lock();
        let key = (room.clone(), member.clone());
        if known.len() < FIGURES || known.contains_key(&key) {
            known.insert(key, (statistics, now));
        }
    }

    /// What a member measured last.
    pub fn get(&self, room: &RoomId, member: &MemberId) -> Option<Statistics> {
        self.lock().get(&(room.clone(), member.clone())).map(|(statistics, _)| statistics.clone())
    }

    /// What each of `others`, members of this room, measured last of the stream of `member`.
    pub fn about(&self, room: &RoomId, member: &MemberId, others: &[MemberId]) -> Vec<ReceivedBy> {
        let known = self.lock();
        let told = others.iter().filter_map(|other| {
            let (statistics, _) = known.get(&(room.clone(), other.clone()))?;
            let figures = statistics.received.iter().find(|figures| figures.member == *member)?;
            Some(ReceivedBy { member: other.clone(), figures: figures.clone() })
        });
        told.take(FIGURES_PER_MEMBER).collect()
    }

    /// Forgets those who have been silent for long.
    pub fn purge(&self, now: Duration) {
        self.lock().retain(|_, (_, at)| *at + GONE > now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RoomId, MemberId), (Statistics, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails for figures that cannot be.
pub(super) fn check(statistics: &Statistics) -> Result<(), Problem> {
    if statistics.received.len() > FIGURES_PER_MEMBER {
        return Err(Problem::new(Code::TooLarge, format!("figures of more than {FIGURES_PER_MEMBER} others")));
    }
    if [statistics.cpu_app, statistics.cpu_device].into_iter().flatten().any(|percent| percent > 100) {
        return Err(Problem::new(Code::BadRequest, "more than 100 percent of all cores"));
    }
    Ok(())
}
