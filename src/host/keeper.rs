//! The keys behind tokens as time goes by: another one signs every so many days, or when an operator has made one.

use super::live::Live;
use crate::base::Clock;
use crate::server::keyring::{KeyError, Ring};
use crate::server::token::Keys;
use std::path::PathBuf;
use std::time::Duration;

/// How often the newest key's age is looked at.
const LOOK: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Cares for the keys of a running server.
pub(super) struct Keeper {
    pub keys: Keys,
    /// Where they are kept, if anywhere.
    pub folder: Option<PathBuf>,
    pub clock: Clock,
    pub live: Live,
}

impl Keeper {
    /// Writes down the keys in use where others are: several servers have agreed on them.
    pub fn settle(&self) -> Result<(), KeyError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let ring = self.keys.ring();
        if Ring::load(folder, self.clock.now())? == *ring { Ok(()) } else { ring.save(folder) }
    }

    /// Takes the newer key that somebody has put into the folder; whether there was one.
    pub fn reload(&self) -> Result<bool, KeyError> {
        let Some(folder) = &self.folder else { return Ok(false) };
        let found = Ring::load(folder, self.clock.now())?;
        let is_newer = found.is_successor_of(&self.keys.ring());
        if is_newer {
            self.keys.set_ring(found);
            tracing::info!("a newer key signs tokens from now on");
        }
        Ok(is_newer)
    }

    /// Makes a new key if the newest has signed for as long as it may, and forgets those whose tokens have expired.
    pub fn care(&self) -> Result<(), KeyError> {
        // Another server in the same folder may have made one.
        self.reload()?;
        let (now, days) = (self.clock.now(), self.live.get().tokens.rotate_days);
        let ring = self.keys.ring();
        let mut cared = Ring::clone(&ring);
        if days > 0 && ring.age(now) >= DAY * days {
            cared.rotate(now);
            tracing::info!("a new key signs tokens from now on");
        } else {
            cared.forget(now);
        }
        if cared != *ring {
            if let Some(folder) = &self.folder {
                cared.save(folder)?;
            }
            self.keys.set_ring(cared);
        }
        Ok(())
    }

    /// Cares every hour; never ends.
    pub async fn keep(&self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Err(error) = self.care() {
                tracing::error!(error = &error as &dyn std::error::Error, "the keys behind tokens are not cared for");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Config;

    const T0: Duration = Duration::from_secs(1_800_000_000);

    fn keeper(folder: &std::path::Path, rotate_days: u32) -> Keeper {
        let mut config = Config { clock: Clock::manual(T0), ..Config::default() };
        config.tokens.rotate_days = rotate_days;
        let keys = Keys::new(Ring::load(folder, T0).unwrap());
        Keeper { keys, folder: Some(folder.to_owned()), clock: config.clock.clone(), live: Live::new(config) }
    }

    #[test]
    fn a_new_key_signs_when_its_time_has_come_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), 30);
        let first = *keeper.keys.ring().signing();
        keeper.clock.advance(29 * DAY);
        keeper.care().unwrap();
        assert_eq!(*keeper.keys.ring().signing(), first);
        keeper.clock.advance(DAY);
        keeper.care().unwrap();
        let ring = keeper.keys.ring();
        assert_ne!(*ring.signing(), first);
        assert_eq!(ring.verifying().count(), 2, "old tokens are good");
        assert_eq!(Ring::load(folder.path(), T0).unwrap(), *ring);
        keeper.clock.advance(8 * DAY);
        keeper.care().unwrap();
        assert_eq!(keeper.keys.ring().verifying().count(), 1, "and then they are not");
    }

    #[test]
    fn zero_days_is_never() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), 0);
        let first = keeper.keys.ring();
        keeper.clock.advance(4000 * DAY);
        keeper.care().unwrap();
        assert_eq!(keeper.keys.ring(), first);
    }

    #[test]
    fn a_key_that_an_operator_made_is_taken_and_any_other_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), 0);
        assert!(!keeper.reload().unwrap());
        let mut newer = Ring::clone(&keeper.keys.ring());
        newer.rotate(T0 + DAY);
        newer.save(folder.path()).unwrap();
        assert!(keeper.reload().unwrap());
        assert_eq!(*keeper.keys.ring(), newer);
        // Somebody else's ring would sign everybody out.
        Ring::random(T0 + 2 * DAY).save(folder.path()).unwrap();
        assert!(!keeper.reload().unwrap());
        keeper.settle().unwrap();
        assert_eq!(Ring::load(folder.path(), T0).unwrap(), newer);
    }
}
