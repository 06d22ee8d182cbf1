//! Which device to use, given what there is, what was chosen and what went wrong. No threads, no devices, time as an argument.

use super::List;
use crate::media::capture::SourceErrorKind;
use std::time::Duration;

/// A chosen device that is there but does not work is tried again after this, then after twice as long, and so on.
const AGAIN: Duration = Duration::from_secs(5);
/// The longest pause between two such tries.
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// What a person chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Whatever the system takes, also when that changes.
    #[default]
    Default,
    /// The device with this id; the default one while it is not there.
    This(String),
}

impl From<Option<String>> for Choice {
    fn from(id: Option<String>) -> Self {
        id.map_or(Self::Default, Self::This)
    }
}

impl Choice {
    /// The id, if it is a particular device.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Default => None,
            Self::This(id) => Some(id),
        }
    }
}

/// The device that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Its id, where known: the system need not say which one its default is.
    pub id: Option<String>,
    /// Its name; empty where the system does not say.
    pub name: String,
    /// Whether it is open as the system's default.
    pub by_default: bool,
    /// The chosen device that it stands in for, and why.
    pub instead_of: Option<(Missing, SourceErrorKind)>,
}

/// A chosen device that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its id.
    pub id: String,
    /// Its name, if it has been in the list.
    pub name: Option<String>,
}

/// Another device is used than a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// How that came.
    pub how: Moved,
    /// The device that is used now: its id, where known.
    pub id: Option<String>,
    /// Its name; empty where the system does not say.
    pub name: String,
}

/// How it came that another device is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The chosen one cannot be used.
    FellBack {
        /// Its id.
        id: String,
        /// Its name, if it has been in the list.
        name: Option<String>,
        /// Why: [`NoDevice`](SourceErrorKind::NoDevice) when it is gone.
        why: SourceErrorKind,
    },
    /// The chosen one is back.
    Returned,
    /// The system's default is another one now.
    Followed {
        /// The one that was used before.
        from: Option<String>,
    },
}

impl InUse {
    /// What to tell the person when this comes after `before`.
    pub fn news(&self, before: Option<&Self>) -> Option<News> {
        let how = match (before.map(|b| &b.instead_of), &self.instead_of) {
            (Some(Some(old)), Some(new)) if old.0.id == new.0.id => return None,
            (_, Some((missing, why))) => Moved::FellBack { id: missing.id.clone(), name: missing.name.clone(), why: *why },
            (Some(Some(_)), None) => Moved::Returned,
            (Some(None), None) => {
                let before = before?;
                let both = self.by_default && before.by_default;
                if !both || self.id.is_none() || before.id.is_none() || self.id == before.id {
                    return None;
                }
                Moved::Followed { from: before.id.clone() }
            }
            (None, None) => return None,
        };
        Some(News { how, id: self.id.clone(), name: self.name.clone() })
    }
}

/// Follows a [`Choice`].
#[derive(Debug)]
pub(crate) struct Selection {
    choice: Choice,
    /// Name of the chosen device.
    name: Option<String>,
    /// The chosen device has been in a list.
    seen: bool,
    /// Why the chosen device is not used, and when to try it again.
    aside: Option<Aside>,
    /// Tries that failed since it last worked.
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
struct Aside {
    why: SourceErrorKind,
    /// Whether it was in the list when it was set aside: if not, its appearance is reason enough to try it.
    listed: bool,
    again: Duration,
}

impl Selection {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { choice, name: None, seen: false, aside: None, failures: 0 }
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// What should be open.
    pub(crate) fn wanted(&mut self, list: &List, now: Duration) -> Choice {
        let Choice::This(id) = &self.choice else { return Choice::Default };
        let found = list.find(id);
        if let Some(device) = found {
            self.seen = true;
            self.name = Some(device.name.clone());
        }
        match &mut self.aside {
            None if found.is_none() && (self.seen || list.exhaustive) && list.known => {
                self.aside = Some(Aside { why: SourceErrorKind::NoDevice, listed: false, again: Duration::ZERO });
                self.failures = 0;
                Choice::Default
            }
            None => self.choice.clone(),
            Some(aside) if found.is_some() && (!aside.listed || now >= aside.again) => {
                self.aside = None;
                self.choice.clone()
            }
            Some(aside) => {
                aside.listed &= found.is_some();
                Choice::Default
            }
        }
    }

    /// Notes that `tried` did not open, or worked no more.
    pub(crate) fn failed(&mut self, tried: &Choice, why: SourceErrorKind, list: &List, now: Duration) {
        let Choice::This(id) = tried else { return };
        if *tried != self.choice {
            return;
        }
        let pause = AGAIN.saturating_mul(1 << self.failures.min(8)).min(AGAIN_AT_MOST);
        self.failures = self.failures.saturating_add(1);
        self.aside = Some(Aside { why, listed: list.find(id).is_some(), again: now + pause });
    }

    /// Notes that `what` is open and works; returns it in words.
    pub(crate) fn opened(&mut self, what: &Choice, list: &List) -> InUse {
        match what {
            Choice::This(id) => {
                let name = list.find(id).map(|d| d.name.clone()).or_else(|| self.name.clone());
                InUse { id: Some(id.clone()), name: name.unwrap_or_default(), by_default: false, instead_of: None }
            }
            Choice::Default => InUse {
                id: list.default.as_ref().map(|d| d.id.clone()),
                name: list.default.as_ref().map(|d| d.name.clone()).unwrap_or_default(),
                by_default: true,
                // The default may be the very device that was chosen.
                instead_of: self.missing().filter(|(missing, _)| list.default.as_ref().is_none_or(|d| d.id != missing.id)),
            },
        }
    }

    /// Notes that the chosen device is there after all, or may be; returns the choice.
    pub(crate) fn found(&mut self) -> Choice {
        self.aside = None;
        self.choice.clone()
    }

    /// Notes that the chosen device has worked for a while.
    pub(crate) fn works(&mut self, what: &Choice) {
        if *what == self.choice {
            self.failures = 0;
        }
    }

    fn missing(&self) -> Option<(Missing, SourceErrorKind)> {
        let id = self.choice.id()?.to_owned();
        Some((Missing { id, name: self.name.clone() }, self.aside?.why))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Device;
    use super::*;

    /// What happens to a selection of `b`, and what it wants then.
    enum Step {
        /// These devices are there, by their ids, the first being the default.
        List(&'static str),
        /// What is wanted does not open.
        Fails(SourceErrorKind),
        /// Seconds pass.
        Wait(u64),
    }

    use SourceErrorKind::{Busy, NoDevice};
    use Step::{Fails, List as L, Wait};

    fn list(ids: &str, exhaustive: bool) -> List {
        let device = |id: &str| Device { id: id.to_owned(), name: format!("Device {id}") };
        let devices: Vec<_> = ids.split_whitespace().map(device).collect();
        List { default: devices.first().cloned(), devices, known: true, exhaustive }
    }

    /// Plays the steps; after each, what is wanted: `-` for the default.
    fn play(choice: &Choice, exhaustive: bool, steps: &[Step]) -> Vec<String> {
        let mut selection = Selection::new(choice.clone());
        let (mut now, mut there) = (Duration::from_secs(100), List { exhaustive, ..List::default() });
        let mut wanted = selection.wanted(&there, now);
        let mut all = Vec::new();
        for step in steps {
            match step {
                L(ids) => there = list(ids, exhaustive),
                Fails(why) => selection.failed(&wanted, *why, &there, now),
                Wait(seconds) => now += Duration::from_secs(*seconds),
            }
            wanted = selection.wanted(&there, now);
            all.push(wanted.id().unwrap_or("-").to_owned());
        }
        all
    }

    #[test]
    fn the_default_is_the_default_whatever_happens() {
        let steps = [L("a b"), L("b"), Fails(Busy), L(""), Wait(100)];
        assert!(play(&Choice::Default, true, &steps).iter().all(|w| w == "-"));
    }

    #[test]
    fn a_chosen_device_is_used_replaced_and_used_again() {
        let b = Choice::This("b".into());
        let table: &[(&str, bool, &[Step], &[&str])] = &[
            ("there", true, &[L("a b"), Wait(9)], &["b", "b"]),
            ("unplugged and plugged in again", true, &[L("a b"), L("a"), Wait(99), L("a b")], &["b", "-", "-", "b"]),
            ("not there at first", true, &[L("a"), L("a b")], &["-", "b"]),
            ("unplugged twice", true, &[L("a b"), L("a"), L("a b"), L("a"), L("a b")], &["b", "-", "b", "-", "b"]),
            ("busy, then again after a pause", true, &[L("a b"), Fails(Busy), Wait(4), Wait(2)], &["b", "-", "-", "b"]),
            (
                "busy for long: longer pauses",
                true,
                &[L("a b"), Fails(Busy), Wait(6), Fails(Busy), Wait(6), Wait(6)],
                &["b", "-", "b", "-", "-", "b"],
            ),
            ("busy, unplugged, plugged in: at once", true, &[L("a b"), Fails(Busy), L("a"), L("a b")], &["b", "-", "-", "b"]),
            // The driver notices before the list does: the list's being late is no reappearance.
            (
                "lost before the list says so",
                true,
                &[L("a b"), Fails(NoDevice), L("a b"), L("a"), L("a b")],
                &["b", "-", "-", "-", "b"],
            ),
            // A name that was typed and is in no list is tried all the same where lists leave things out.
            ("unlisted", false, &[L("a"), Wait(9)], &["b", "b"]),
            ("unlisted and wrong", false, &[L("a"), Fails(NoDevice), Wait(99)], &["b", "-", "-"]),
            ("all gone", true, &[L("a b"), L(""), L("b")], &["b", "-", "b"]),
        ];
        for (name, exhaustive, steps, expected) in table {
            assert_eq!(play(&b, *exhaustive, steps), *expected, "{name}");
        }
    }

    #[test]
    fn a_device_that_worked_again_is_tried_soon() {
        let b = Choice::This("b".into());
        let (there, mut selection) = (list("a b", true), Selection::new(b.clone()));
        for n in 0..3 {
            selection.failed(&b, Busy, &there, Duration::from_secs(n * 1000));
        }
        assert_eq!(selection.wanted(&there, Duration::from_secs(2010)), Choice::Default);
        assert_eq!(selection.wanted(&there, Duration::from_secs(2021)), b);
        selection.works(&b);
        selection.failed(&b, Busy, &there, Duration::from_secs(3000));
        assert_eq!(selection.wanted(&there, Duration::from_secs(3005)), b);
    }

    #[test]
    fn news_are_told_once_and_only_when_the_device_changed() {
        let b = Choice::This("b".into());
        let mut selection = Selection::new(b.clone());
        let (both, alone) = (list("a b", true), list("a", true));
        selection.wanted(&both, Duration::ZERO);
        let chosen = selection.opened(&b, &both);
        assert_eq!((chosen.name.as_str(), chosen.news(None)), ("Device b", None));
        assert_eq!(selection.wanted(&alone, Duration::ZERO), Choice::Default);
        let instead = selection.opened(&Choice::Default, &alone);
        let news = instead.news(Some(&chosen)).unwrap();
        assert_eq!(news.name, "Device a");
        assert_eq!(news.how, Moved::FellBack { id: "b".into(), name: Some("Device b".into()), why: NoDevice });
        assert_eq!(instead.news(Some(&instead)), None, "once");
        assert!(instead.news(None).is_some(), "a call that begins with another device says so");
        assert_eq!(chosen.news(Some(&instead)).unwrap().how, Moved::Returned);

        let mut default = Selection::new(Choice::Default);
        let (first, second) = (default.opened(&Choice::Default, &both), default.opened(&Choice::Default, &list("b", true)));
        assert_eq!(second.news(Some(&first)).unwrap().how, Moved::Followed { from: Some("a".into()) });
        assert_eq!(second.news(Some(&second)), None);
        let unnamed = default.opened(&Choice::Default, &List::default());
        assert_eq!((unnamed.news(Some(&first)), second.news(Some(&unnamed))), (None, None), "nobody knows what it was");
    }
}
