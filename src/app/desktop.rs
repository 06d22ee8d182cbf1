//! What is asked of the desktop around the window: to stay awake during a call, and to tell what happens in it while another window is in use.

use super::janitor::Janitor;
use super::prejoin::preview::Wake;
use crate::base::{Slot, Stop, Worker};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How often the thread that keeps the computer awake looks whether it should end, should it miss the wish.
const LOOK: Duration = Duration::from_secs(3600);
/// Longest text of a notice; desktops show less.
const MAX_CHARS: usize = 200;

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

/// What a notice is about: a newer one about the same takes the place of the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Who comes and goes.
    People,
    /// What is said.
    Chat,
    /// The call itself.
    Call,
}

/// Tells through the desktop what happens.
pub struct Notifier {
    runtime: Handle,
    /// Clicks are heard of on desktops with D-Bus only.
    #[cfg(all(unix, not(target_os = "macos")))]
    wake: Wake,
    clicked: Slot<()>,
    shown: [Option<JoinHandle<()>>; 3],
    /// Number of the last notice of each kind, as the desktop counts.
    #[cfg(all(unix, not(target_os = "macos")))]
    numbers: std::sync::Arc<[std::sync::atomic::AtomicU32; 3]>,
}

impl Notifier {
    /// Nothing told yet.
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(unused_variables))]
    pub fn new(runtime: Handle, wake: Wake) -> Self {
        Self {
            runtime,
            #[cfg(all(unix, not(target_os = "macos")))]
            wake,
            clicked: Slot::new(),
            shown: [None, None, None],
            #[cfg(all(unix, not(target_os = "macos")))]
            numbers: std::sync::Arc::default(),
        }
    }

    /// Whether a notice was clicked: the window is wanted.
    pub fn take_click(&self) -> bool {
        self.clicked.take().is_some()
    }

    /// Tells `title` and `text`; `open` names the click that brings the window back.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub fn tell(&mut self, about: About, title: &str, text: &str, open: &str) {
        use std::sync::atomic::Ordering;
        let mut notice = notify_rust::Notification::new();
        notice.appname("Parlor").icon("parlor").summary(title).body(&plain(text)).action("default", open);
        let (numbers, clicked, wake) = (self.numbers.clone(), self.clicked.clone(), self.wake.clone());
        let task = self.runtime.spawn(async move {
            let number = &numbers[about as usize];
            let before = number.load(Ordering::Relaxed);
            if before != 0 {
                notice.id(before);
            }
            match notice.show_async().await {
                Ok(shown) => {
                    number.store(shown.id(), Ordering::Relaxed);
                    let answer = |response: &notify_rust::NotificationResponse| {
                        if matches!(response, notify_rust::NotificationResponse::Default) {
                            clicked.put(());
                            wake();
                        }
                    };
                    shown.wait_for_action_async(answer).await;
                }
                Err(error) => tracing::info!(%error, "this desktop shows no notices"),
            }
        });
        self.remember(about, task);
    }

    /// Tells `title` and `text`.
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    pub fn tell(&mut self, about: About, title: &str, text: &str, _open: &str) {
        let mut notice = notify_rust::Notification::new();
        notice.appname("Parlor").summary(title).body(&plain(text));
        let task = self.runtime.spawn_blocking(move || {
            if let Err(error) = notice.show() {
                tracing::info!(%error, "this desktop shows no notices");
            }
        });
        self.remember(about, task);
    }

    /// Nobody waits for a click on what is not shown any more.
    fn remember(&mut self, about: About, task: JoinHandle<()>) {
        if let Some(before) = self.shown[about as usize].replace(task) {
            before.abort();
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        for task in self.shown.iter().flatten() {
            task.abort();
        }
    }
}

/// What somebody wrote, as text: some desktops read marks in it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()).take(MAX_CHARS) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_shown_as_they_wrote_it_and_not_obeyed() {
        assert_eq!(plain("<b>Tom & 李雷</b>\u{7}"), "&lt;b&gt;Tom &amp; 李雷&lt;/b&gt;");
        assert_eq!(plain(&"周".repeat(1000)).chars().count(), MAX_CHARS);
    }
}
