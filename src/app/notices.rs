//! Tells through the desktop what happens in a call while another window is in use, and takes it back when it is known.

use super::prejoin::preview::Wake;
use crate::base::Slot;
use tokio::runtime::Handle;

/// Longest text of a notice; desktops show less.
const MAX_CHARS: usize = 200;

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

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    title: String,
    text: String,
    /// What the click that brings the window back is called.
    open: String,
}

impl Notice {
    fn prepared(&self) -> notify_rust::Notification {
        let mut notice = notify_rust::Notification::new();
        notice.appname("Parlor").summary(&self.title).body(&plain(&self.text));
        notice
    }
}

/// Tells what happens.
pub struct Notifier {
    runtime: Handle,
    clicked: Slot<()>,
    /// Clicks are heard of on desktops with D-Bus only.
    #[cfg(all(unix, not(target_os = "macos")))]
    wake: Wake,
    /// What is to be shown now, about each; whoever shows it looks at the newest only.
    #[cfg(all(unix, not(target_os = "macos")))]
    wanted: [Option<tokio::sync::watch::Sender<Option<Notice>>>; 3],
}

impl Notifier {
    /// Nothing told yet.
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), expect(unused_variables))]
    pub fn new(runtime: Handle, wake: Wake) -> Self {
        Self {
            runtime,
            clicked: Slot::new(),
            #[cfg(all(unix, not(target_os = "macos")))]
            wake,
            #[cfg(all(unix, not(target_os = "macos")))]
            wanted: [None, None, None],
        }
    }

    /// Whether a notice was clicked: the window is wanted.
    pub fn take_click(&self) -> bool {
        self.clicked.take().is_some()
    }

    /// Tells `title` and `text`; `open` names the click that brings the window back, where there is one.
    pub fn tell(&mut self, about: About, title: &str, text: &str, open: &str) {
        self.show(about, Notice { title: title.to_owned(), text: text.to_owned(), open: open.to_owned() });
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
impl Notifier {
    fn show(&mut self, about: About, notice: Notice) {
        if let Some(wanted) = &self.wanted[about as usize] {
            wanted.send_replace(Some(notice));
            return;
        }
        let (wanted, news) = tokio::sync::watch::channel(Some(notice));
        self.runtime.spawn(keep_shown(news, self.clicked.clone(), self.wake.clone()));
        self.wanted[about as usize] = Some(wanted);
    }

    /// Takes away what is told about this: it is known by now.
    pub fn withdraw(&mut self, about: About) {
        if let Some(wanted) = &self.wanted[about as usize] {
            wanted.send_if_modified(|notice| notice.take().is_some());
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
impl Notifier {
    fn show(&mut self, _: About, notice: Notice) {
        self.runtime.spawn_blocking(move || {
            if let Err(error) = notice.prepared().show() {
                tracing::info!(%error, action = notice.open, "this desktop shows no notices");
            }
        });
    }

    /// Notices go by themselves there.
    pub fn withdraw(&mut self, _: About) {}
}

/// Shows the newest notice there is, in the place of the one before, until nobody wants any.
#[cfg(all(unix, not(target_os = "macos")))]
async fn keep_shown(mut news: tokio::sync::watch::Receiver<Option<Notice>>, clicked: Slot<()>, wake: Wake) {
    let mut shown: Option<notify_rust::NotificationHandle> = None;
    loop {
        let wanted = news.borrow_and_update().clone();
        match (wanted, shown.take()) {
            (Some(notice), before) => {
                let mut notification = notice.prepared();
                notification.icon("parlor").action("default", &notice.open);
                if let Some(before) = before {
                    notification.id(before.id());
                }
                match notification.show_async().await {
                    Ok(handle) => shown = Some(handle),
                    Err(error) => tracing::info!(%error, "this desktop shows no notices"),
                }
            }
            (None, Some(before)) => before.close_async().await,
            (None, None) => {}
        }
        let answer = |response: &notify_rust::NotificationResponse| {
            if matches!(response, notify_rust::NotificationResponse::Default) {
                clicked.put(());
                wake();
            }
        };
        let mut changed = None;
        if let Some(handle) = &shown {
            tokio::select! {
                news = news.changed() => changed = Some(news),
                () = handle.wait_for_action_async(answer) => {}
            }
        }
        let changed = match changed {
            Some(changed) => changed,
            None => {
                // It was clicked or closed, or there is none.
                shown = None;
                news.changed().await
            }
        };
        if changed.is_err() {
            return;
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

    /// Run by the test below, with a desktop of its own.
    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "run by a_notice_goes_when_it_is_known"]
    fn tells_and_withdraws() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut notifier = Notifier::new(runtime.handle().clone(), std::sync::Arc::new(|| {}));
        notifier.withdraw(About::Chat);
        notifier.tell(About::People, "Lunch", "Tom is here", "Open");
        for step in std::io::stdin().lines() {
            match step.unwrap().as_str() {
                "read" => notifier.withdraw(About::Chat),
                "say and read" => {
                    notifier.tell(About::Chat, "Lunch", "gone", "Open");
                    notifier.withdraw(About::Chat);
                }
                line => notifier.tell(About::Chat, "Lunch", line, "Open"),
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_notice_goes_when_it_is_known() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let desktop = parlor_lab::notices::Desktop::start().unwrap();
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "--ignored", "app::notices::tests::tells_and_withdraws"]);
        let program = desktop.take(&mut program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut program = parlor_lab::Running(program.unwrap());
        let mut steps = program.0.stdin.take().unwrap();
        let mut step = |say: &str, wanted: &[&str]| {
            writeln!(steps, "{say}").unwrap();
            parlor_lab::poll(&format!("{wanted:?} after {say:?}"), || {
                let shown = desktop.shown();
                let mut texts: Vec<&str> = shown.iter().map(|(_, text)| text.as_str()).collect();
                texts.sort_unstable();
                (texts == wanted).then_some(())
            });
        };
        step("你好", &["Tom is here", "你好"]);
        step("well?", &["Tom is here", "well?"]);
        step("read", &["Tom is here"]);
        step("read", &["Tom is here"]);
        step("once more", &["Tom is here", "once more"]);
        step("say and read", &["Tom is here"]);
    }
}
