//! A [`Selection`] beside the thread that owns a device: it hears of changed lists and says when to turn to another device.

use super::select::{Choice, InUse, News, Selection};
use super::{Device, Devices, Kind, List};
use crate::media::capture::SourceErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The device in use, for others to look at. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Using(Arc<Mutex<Option<InUse>>>);

impl Using {
    /// The device that is open; `None`: none is.
    pub fn now(&self) -> Option<InUse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has changed since `seen`, which is brought up to date; a time without any device is passed over.
    pub fn news(&self, seen: &mut Option<InUse>) -> Option<News> {
        let now = self.now()?;
        let news = now.news(seen.as_ref());
        *seen = Some(now);
        news
    }

    fn set(&self, value: Option<InUse>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// Follows a choice for the thread that owns the device.
#[derive(Debug)]
pub(crate) struct Chooser {
    kind: Kind,
    devices: Devices,
    selection: Selection,
    /// What is open.
    open: Option<Choice>,
    using: Using,
    /// Number of the lists that were looked at last.
    seen: u64,
    /// When to look again without a change.
    look: Duration,
    /// A default camera that did not open beside the one in use.
    declined: Option<String>,
}

/// A device that failed is thought of again in steps of this.
const LOOK: Duration = Duration::from_secs(1);

impl Chooser {
    pub(crate) fn new(kind: Kind, choice: Choice, using: Using) -> Self {
        let devices = Devices::watch();
        Self {
            kind,
            devices,
            selection: Selection::new(choice),
            open: None,
            using,
            seen: 0,
            look: Duration::ZERO,
            declined: None,
        }
    }

    /// Follows another choice from now on; the same one once more means that it should be tried again.
    pub(crate) fn choose(&mut self, choice: Choice) {
        if choice == *self.selection.choice() {
            self.selection.found();
        } else {
            self.selection = Selection::new(choice);
        }
        self.look = Duration::ZERO;
    }

    /// What should be open.
    pub(crate) fn wanted(&mut self, now: Duration) -> Choice {
        self.seen = self.devices.version();
        self.with_list(|selection, list| selection.wanted(list, now))
    }

    /// Whether another device than the open one should be; cheap enough to be asked all the time.
    pub(crate) fn turn(&mut self, now: Duration) -> Option<Choice> {
        if self.devices.version() == self.seen && now < self.look {
            return None;
        }
        if self.has_news() {
            self.declined = None;
        }
        self.look = now + LOOK;
        let wanted = self.wanted(now);
        if self.open.as_ref() != Some(&wanted) {
            return Some(wanted);
        }
        let listed = self.with_list(|selection, list| selection.opened(&wanted, list));
        if self.kind != Kind::Camera {
            // The system itself turns what is open as its default to another device.
            self.using.set(Some(listed));
            return None;
        }
        // Nobody turns a camera but we do.
        let open = self.using.now().and_then(|in_use| in_use.id);
        let other = listed.id.is_some() && listed.id != open && listed.id != self.declined;
        (other && wanted == Choice::Default).then_some(wanted)
    }

    /// Whether the lists have changed since the last look.
    pub(crate) fn has_news(&self) -> bool {
        self.devices.version() != self.seen
    }

    /// Notes that `what` is open.
    pub(crate) fn opened(&mut self, what: &Choice) {
        let in_use = self.with_list(|selection, list| selection.opened(what, list));
        self.using.set(Some(in_use));
        self.open = Some(what.clone());
    }

    /// Notes that `what` is open, and that it is this device.
    pub(crate) fn opened_as(&mut self, what: &Choice, device: &Device) {
        // The chosen one may come in as the default, before the list knows that it is back.
        let chosen = self.selection.choice().id() == Some(device.id.as_str());
        let what = if chosen { &self.selection.found() } else { what };
        let in_use = self.with_list(|selection, list| selection.opened(what, list));
        self.using.set(Some(InUse { id: Some(device.id.clone()), name: device.name.clone(), ..in_use }));
        self.open = Some(what.clone());
    }

    /// Notes that the open device does what it should.
    pub(crate) fn works(&mut self) {
        if let Some(open) = &self.open {
            self.selection.works(open);
        }
    }

    /// Notes that `tried` does not open.
    pub(crate) fn failed(&mut self, tried: &Choice, why: SourceErrorKind, now: Duration) {
        if *tried == Choice::Default {
            self.declined = self.with_list(|_, list| list.default.as_ref().map(|d| d.id.clone()));
        }
        self.with_list(|selection, list| selection.failed(tried, why, list, now));
    }

    /// Notes that the open device is lost.
    pub(crate) fn lost(&mut self, why: SourceErrorKind, now: Duration) {
        if let Some(open) = self.open.take() {
            self.failed(&open, why, now);
        }
        self.using.set(None);
    }

    /// Whether the system says for certain that there is no such device at all. What is open then is none either: a sound server may let it
    /// record what is played.
    pub(crate) fn nothing_there(&self) -> bool {
        let lists = self.devices.lists();
        let list = lists.of(self.kind);
        list.known && list.exhaustive && list.devices.is_empty()
    }

    fn with_list<R>(&mut self, f: impl FnOnce(&mut Selection, &List) -> R) -> R {
        let lists = self.devices.lists();
        f(&mut self.selection, lists.of(self.kind))
    }
}
