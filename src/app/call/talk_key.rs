//! The key for talking that works while another program is in front: asked of X11, Windows and macOS directly, under Wayland of the desktop's
//! portal. It is held only while one is in a call. Nothing here waits: what may take time runs on a thread, or a task.

use super::dialogs::TalkKey;
use crate::app::prejoin::preview::Wake;
use crate::base::Queue;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Presses that are kept until the window has looked; older ones are of no use.
const PRESSES: usize = 8;

/// The key, and what it does.
#[derive(Debug)]
pub struct TalkKeys {
    shared: Shared,
    runtime: Handle,
    /// What is held now.
    wanted: Option<String>,
    holds: Option<system::Holds>,
}

/// What the threads and tasks that listen know. Clones are the same.
#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<TalkKey>>,
    presses: Queue<bool>,
    wake: Wake,
}

impl Shared {
    fn set(&self, state: TalkKey) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        (self.wake)();
    }

    /// The key went down or up.
    fn press(&self, down: bool) {
        self.presses.push(down);
        (self.wake)();
    }
}

impl TalkKeys {
    /// No key yet. `wake` is called when there is something to look at.
    pub fn new(wake: Wake, runtime: Handle) -> Self {
        let shared = Shared { state: Arc::default(), presses: Queue::bounded(PRESSES), wake };
        Self { shared, runtime, wanted: None, holds: None }
    }

    /// Holds this key from now on, or none.
    pub fn hold(&mut self, key: Option<&str>) {
        if self.wanted.as_deref() == key {
            return;
        }
        self.wanted = key.map(str::to_owned);
        // The old one first: it may be the same key.
        self.holds = None;
        self.shared.presses.clear();
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) =
            if key.is_some() { TalkKey::Asking } else { TalkKey::Off };
        self.holds = key.and_then(|key| system::hold(key.to_owned(), &self.shared, &self.runtime));
    }

    /// How it stands.
    pub fn state(&self) -> TalkKey {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key went down (or up) since the last time.
    pub fn pressed(&self) -> Option<bool> {
        self.shared.presses.pop()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The crate that asks for keys has one listener for the whole process: whoever holds the key now.
mod listener {
    use super::Shared;
    use global_hotkey::{GlobalHotKeyEvent, HotKeyState};
    use std::sync::{Mutex, Once, PoisonError};

    static SET: Once = Once::new();
    static CURRENT: Mutex<Option<Shared>> = Mutex::new(None);

    pub(super) fn set(shared: Option<Shared>) {
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = shared;
        SET.call_once(|| {
            GlobalHotKeyEvent::set_event_handler(Some(|event: GlobalHotKeyEvent| {
                if let Some(shared) = &*CURRENT.lock().unwrap_or_else(PoisonError::into_inner) {
                    shared.press(event.state == HotKeyState::Pressed);
                }
            }));
        });
    }
}

/// Asks the system for `key`, and says how that went.
fn register(key: &str, shared: &Shared) -> Option<global_hotkey::GlobalHotKeyManager> {
    let manager =
        global_hotkey::GlobalHotKeyManager::new().inspect_err(|error| tracing::warn!(%error, "no keys in the background"));
    let Ok(manager) = manager else {
        shared.set(TalkKey::Never);
        return None;
    };
    let registered = key
        .parse()
        .map_err(|error| tracing::warn!(%error, key, "a key of no known name"))
        .and_then(|key| manager.register(key).map_err(|error| tracing::warn!(%error, "the key cannot be had")));
    if registered.is_err() {
        shared.set(TalkKey::Taken(key.to_owned()));
        return None;
    }
    listener::set(Some(shared.clone()));
    shared.set(TalkKey::On(key.to_owned()));
    Some(manager)
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Shared, TalkKey, listener, register};
    use crate::base::Worker;
    use std::time::Duration;
    use tokio::runtime::Handle;

    /// What holds the key, until it is dropped.
    #[derive(Debug)]
    pub(super) enum Holds {
        /// X11.
        Thread(#[expect(dead_code, reason = "held for its Drop")] Worker),
        /// Wayland's portal.
        Task(#[expect(dead_code, reason = "held for its Drop")] Task),
    }

    /// A task that ends with its owner.
    #[derive(Debug)]
    pub(super) struct Task(tokio::task::JoinHandle<()>);

    impl Drop for Task {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    pub(super) fn hold(key: String, shared: &Shared, runtime: &Handle) -> Option<Holds> {
        let shared = shared.clone();
        if std::env::var_os("WAYLAND_DISPLAY").is_some_and(|display| !display.is_empty()) {
            return Some(Holds::Task(Task(runtime.spawn(async move {
                if let Err(error) = portal::listen(&key, &shared).await {
                    tracing::info!(%error, "the desktop lends no keys");
                    shared.set(TalkKey::Never);
                }
            }))));
        }
        let body = move |stop: &crate::base::Stop| {
            let Some(manager) = register(&key, &shared) else { return };
            while !stop.wait(Duration::from_secs(3600)) {}
            listener::set(None);
            drop(manager);
        };
        Worker::spawn("talk key", body)
            .inspect_err(|error| tracing::error!(%error, "no thread for a key"))
            .ok()
            .map(Holds::Thread)
    }

    mod portal {
        use super::super::{Shared, TalkKey};
        use ashpd::desktop::global_shortcuts::{GlobalShortcuts, NewShortcut};
        use ashpd::zbus::export::futures_core::Stream;
        use std::future::poll_fn;
        use std::pin::pin;

        const ID: &str = "talk";

        /// Hears the key for as long as the desktop lends it. The desktop shows the person what is asked for, and may give another key.
        pub(super) async fn listen(key: &str, shared: &Shared) -> Result<(), ashpd::Error> {
            let portal = GlobalShortcuts::new().await?;
            let session = portal.create_session(Default::default()).await?;
            let (down, up) = (portal.receive_activated().await?, portal.receive_deactivated().await?);
            let wanted = NewShortcut::new(ID, "Parlor: push to talk").preferred_trigger(Some(trigger(key).as_str()));
            let bound = portal.bind_shortcuts(&session, &[wanted], None, Default::default()).await?.response()?;
            let given =
                bound.shortcuts().iter().find(|shortcut| shortcut.id() == ID).map(|shortcut| shortcut.trigger_description());
            shared.set(TalkKey::On(given.filter(|given| !given.is_empty()).unwrap_or(key).to_owned()));
            let (mut down, mut up) = (pin!(down), pin!(up));
            loop {
                let pressed = tokio::select! {
                    event = poll_fn(|cx| down.as_mut().poll_next(cx)) => event.map(|event| (event.shortcut_id() == ID, true)),
                    event = poll_fn(|cx| up.as_mut().poll_next(cx)) => event.map(|event| (event.shortcut_id() == ID, false)),
                };
                match pressed {
                    Some((true, pressed)) => shared.press(pressed),
                    Some((false, _)) => {}
                    None => return Ok(()),
                }
            }
        }

        /// The key as the portal's shortcuts specification writes it.
        pub(super) fn trigger(key: &str) -> String {
            key.replace("Ctrl+", "CTRL+").replace("Alt+", "ALT+").replace("Shift+", "SHIFT+")
        }
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn keys_are_written_as_portals_want_them() {
            assert_eq!(super::portal::trigger("Ctrl+Shift+F9"), "CTRL+SHIFT+F9");
        }
    }
}

/// Windows and macOS give keys to the thread of the window.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Shared, listener, register};
    use tokio::runtime::Handle;

    /// What holds the key, until it is dropped.
    pub(super) struct Holds(#[expect(dead_code, reason = "held for its Drop")] global_hotkey::GlobalHotKeyManager);

    impl Drop for Holds {
        fn drop(&mut self) {
            listener::set(None);
        }
    }

    impl std::fmt::Debug for Holds {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Holds")
        }
    }

    pub(super) fn hold(key: String, shared: &Shared, _: &Handle) -> Option<Holds> {
        register(&key, shared).map(Holds)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_names_that_the_window_gives_to_keys_are_known() {
        for key in ["F9", "Ctrl+Shift+A", "Space", "Alt+F12", "Insert", "Pause", "Home", "1", "Ctrl+Enter", "Tab", "Backspace"] {
            let known = key.parse::<global_hotkey::hotkey::HotKey>();
            assert!(known.is_ok() || key == "Pause", "{key}: {known:?}");
        }
    }
}
