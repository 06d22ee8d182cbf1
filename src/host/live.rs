//! The settings in effect: whoever decides by them asks anew each time, so that a reload reaches calls that go on.

use super::Config;
use std::sync::{Arc, PoisonError, RwLock};

/// The settings in effect. Clones are the same settings.
#[derive(Clone, Debug)]
pub(super) struct Live(Arc<RwLock<Arc<Config>>>);

impl Live {
    pub fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(config))))
    }

    /// As they are now.
    pub fn get(&self) -> Arc<Config> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes others, all but those that need a new start. Returns the names of those that changed, and of those that wait for a new start.
    pub fn set(&self, mut new: Config) -> Changes {
        let mut before = Vec::new();
        Config::clone(&self.get()).each(|setting| before.push(setting.words()));
        let mut before = before.into_iter();
        let mut changes = Changes::default();
        new.each(|mut setting| {
            let old = before.next().unwrap_or_default();
            if setting.words() == old {
                return;
            }
            let key = setting.key.to_owned();
            if setting.about.restart {
                setting.set(&old);
                changes.waiting.push(key);
            } else {
                changes.made.push(key);
            }
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        changes
    }
}

/// What came of reading the settings again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Settings that are others now.
    pub made: Vec<String>,
    /// Settings that will be others after a new start.
    pub waiting: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn what_needs_a_new_start_stays_and_the_rest_changes() {
        let live = Live::new(Config { access_key: Some(Secret::new("old")), ..Config::default() });
        let mut new = Config { access_key: Some(Secret::new("new")), open: true, ..Config::default() };
        new.listen = vec!["127.0.0.1:7".parse().unwrap()];
        new.limits.rooms = 3;
        let changes = live.set(new);
        assert_eq!(changes.made, ["open", "access_key", "limits.rooms"]);
        assert_eq!(changes.waiting, ["listen"]);
        let now = live.get();
        assert!(now.open && now.access_key.as_ref().unwrap().is("new"));
        assert_eq!((now.limits.rooms, now.listen.clone()), (3, Config::default().listen));
        assert_eq!(live.set(Config::clone(&now)), Changes::default());
    }
}
