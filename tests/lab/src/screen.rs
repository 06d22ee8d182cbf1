//! A screen without a monitor: a private Xvfb with a window manager, driven by [`xdotool`](Screen::xdotool).

use crate::Running;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the window manager may take to start on a busy machine.
const START: Duration = Duration::from_secs(30);
/// What a missing program is answered with.
const NEEDED: &str =
    "this needs a screen: run `cargo xtask test`, or install the packages xvfb, openbox, xdotool and imagemagick";

/// A screen of 1280x800 with openbox on it. It ends when dropped.
#[derive(Debug)]
pub struct Screen {
    display: String,
    _manager: Running,
    _server: Running,
}

impl Screen {
    /// Starts both, and waits until windows can be opened.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub fn start() -> Result<Self> {
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let mut server = Running(xvfb.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context(NEEDED)?);
        let mut number = String::new();
        let said = server.0.stdout.take().context("Xvfb has no output")?;
        BufReader::new(said).read_line(&mut number).context("Xvfb does not say its number")?;
        if number.trim().parse::<u32>().is_err() {
            bail!("Xvfb gave no screen");
        }
        let display = format!(":{}", number.trim());
        let mut openbox = Command::new("openbox");
        let manager = openbox.env("DISPLAY", &display).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context(NEEDED)?;
        let screen = Self { display, _manager: Running(manager), _server: server };
        // A window that opens while the window manager starts may stay invisible.
        let ready = Instant::now() + START;
        while screen.xdotool(&["get_num_desktops"])?.is_empty() {
            if Instant::now() > ready {
                bail!("openbox does not start");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(screen)
    }

    /// Makes a program that is about to be started open its windows here, drawn by the processor.
    pub fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY").env("LIBGL_ALWAYS_SOFTWARE", "1")
    }

    /// What programs call it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Saves a picture of a window, or of a part of the screen, as a PNG.
    ///
    /// # Errors
    /// When ImageMagick is missing, or there is no such window.
    pub fn picture(&self, window: &str, path: &Path) -> Result<()> {
        let mut import = Command::new("import");
        let saved =
            import.env("DISPLAY", &self.display).args(["-window", window, "-strip"]).arg(path).output().context(NEEDED)?;
        if !saved.status.success() {
            bail!("no picture of window {window}: {}", String::from_utf8_lossy(&saved.stderr).trim());
        }
        Ok(())
    }

    /// Uses mouse and keyboard of this screen, or asks about its windows; returns what is answered.
    ///
    /// # Errors
    /// When xdotool is missing.
    pub fn xdotool(&self, args: &[&str]) -> Result<String> {
        xdotool(&self.display, args)
    }
}

/// Uses mouse and keyboard of a screen, or asks about its windows; returns what is answered.
///
/// # Errors
/// When xdotool is missing.
pub fn xdotool(display: &str, args: &[&str]) -> Result<String> {
    let output = Command::new("xdotool").env("DISPLAY", display).args(args).output().context(NEEDED)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
