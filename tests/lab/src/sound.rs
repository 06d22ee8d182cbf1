//! Sound devices without a sound card: a private PulseAudio, reached through ALSA, whose devices come and go by [`pactl`].
//!
//! ```no_run
//! use parlor_lab::sound::{Sound, pactl};
//! let sound = Sound::start()?;
//! let listing = sound.command("pactl").args(["list", "short", "sinks"]).output()?;
//! // In a process that was started by `sound.command`, plugging something in is:
//! let module = pactl(&["load-module", "module-null-sink", "sink_name=headset"])?;
//! pactl(&["unload-module", &module])?;
//! # Ok::<(), anyhow::Error>(())
//! ```

use crate::Running;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the daemon may take to answer on a busy machine.
const START: Duration = Duration::from_secs(30);
/// What a missing program is answered with.
const NEEDED: &str = "this needs PulseAudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins";

/// A private PulseAudio with a null sink `speaker`, and a microphone `mic` ("Desk microphone") that plays what is put into the null sink
/// `micfeed`. Stopped when dropped.
#[derive(Debug)]
pub struct Sound {
    folder: tempfile::TempDir,
    _daemon: Running,
}

impl Sound {
    /// Starts the daemon and waits until it answers.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let script = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name=speaker rate=48000 channels=2 sink_properties=device.description=Loudspeaker\n\
             load-module module-null-sink sink_name=micfeed rate=48000 channels=2 sink_properties=device.description=Feed\n\
             load-module module-remap-source source_name=mic master=micfeed.monitor \
             source_properties=device.description='Desk\\ microphone'\n\
             set-default-sink speaker\nset-default-source mic\n",
            folder.path().join("native").display()
        );
        fs::write(folder.path().join("lab.pa"), script)?;
        // As the package libasound2-plugins has it, and a card that does not work.
        let alsa = "pcm.default { type pulse  hint { show on  description \"lab\" } }\nctl.default { type pulse }\n\
                    pcm.pulse { @args [ DEVICE ]  @args.DEVICE { type string default \"\" }  type pulse  device $DEVICE\n\
                    hint { show on  description \"lab pulse\" } }\n\
                    pcm.broken { type hw card 77  hint { show on  description \"a card that is not there\" } }\n";
        fs::write(folder.path().join("asound.conf"), alsa)?;
        let sound = Self { _daemon: Running(daemon(folder.path())?), folder };
        let ready = Instant::now() + START;
        while !sound.command("pactl").arg("info").output().is_ok_and(|o| o.status.success()) {
            if Instant::now() > ready {
                bail!("PulseAudio does not start");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(sound)
    }

    /// The daemon's folder: what [`daemon`] takes to start it again.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program that sees these devices and no others. ALSA reads its configuration when it is first used, so a process has to be started
    /// this way to open them.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.take(&mut command);
        command
    }

    /// Makes a program that is about to be started see these devices and no others.
    pub fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let folder = self.folder.path();
        command
            .env("XDG_RUNTIME_DIR", folder)
            .env("PULSE_SERVER", format!("unix:{}", folder.join("native").display()))
            .env("ALSA_CONFIG_PATH", folder.join("asound.conf"))
    }
}

/// Starts the daemon of a [`Sound`]'s folder, once more after it has ended.
pub fn daemon(folder: &Path) -> Result<Child> {
    Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error"])
        .arg("-F")
        .arg(folder.join("lab.pa"))
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder)
        .stderr(Stdio::null())
        .spawn()
        .context(NEEDED)
}

/// Asks the sound server of this process's environment for something; returns what it says (of `load-module`: the number to unload it by).
pub fn pactl(arguments: &[&str]) -> Result<String> {
    let output = Command::new("pactl").args(arguments).output().context(NEEDED)?;
    if !output.status.success() {
        bail!("pactl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
