//! A desktop that is told notices (org.freedesktop.Notifications over a private D-Bus) and remembers them, instead of showing them.

use crate::Running;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedValue;

/// The desktop. It ends when dropped.
#[derive(Debug)]
pub struct Desktop {
    address: String,
    shown: Shown,
    _service: Connection,
    _daemon: Running,
}

/// What is shown: number, title and text of each notice.
type Shown = Arc<Mutex<Vec<(u32, String, String)>>>;

struct Service {
    shown: Shown,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &mut self,
        _program: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = shown.iter_mut().find(|(number, ..)| *number == replaces) {
            (before.1, before.2) = (title, text);
            return replaces;
        }
        self.last += 1;
        shown.push((self.last, title, text));
        self.last
    }

    fn close_notification(&self, number: u32) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, ..)| *other != number);
    }
}

impl Desktop {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no `dbus-daemon`, or it does not start.
    pub fn start() -> Result<Self> {
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let needed = "this needs the package dbus-daemon: run `cargo xtask test`";
        let mut daemon = Running(daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context(needed)?);
        let mut address = String::new();
        let said = daemon.0.stdout.take().context("D-Bus has no output")?;
        BufReader::new(said).read_line(&mut address).context("D-Bus does not say its address")?;
        let address = address.trim().to_owned();
        let shown = Shown::default();
        let service = Service { shown: shown.clone(), last: 0 };
        let service = Builder::address(address.as_str())?
            .serve_at("/org/freedesktop/Notifications", service)?
            .name("org.freedesktop.Notifications")?
            .build()
            .context("D-Bus does not answer")?;
        Ok(Self { address, shown, _service: service, _daemon: daemon })
    }

    /// Makes a program that is about to be started tell its notices here.
    pub fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// The titles and texts of what is shown now.
    pub fn shown(&self) -> Vec<(String, String)> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.iter().map(|(_, title, text)| (title.clone(), text.clone())).collect()
    }
}
