//! A private sound card: PulseAudio with one sink that swallows everything in real time, also as ALSA's default device.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{Running, find, output};
use crate::temporary::Folder;

const START_LIMIT: Duration = Duration::from_secs(20);

/// A speaker that nobody hears. Programs started through [`Sound::hear`] use it.
pub struct Sound {
    _server: Running,
    folder: Folder,
}

impl Sound {
    pub fn start() -> Result<Self> {
        let folder = Folder::new("sound")?;
        let place = folder.path().display();
        // A complete ALSA configuration: the system's own may name a card that is not there.
        let alsa = "pcm.!default { type pulse }\nctl.!default { type pulse }\n\
            pcm.pulse { @args [ DEVICE ] @args.DEVICE { type string default \"\" } type pulse device $DEVICE }\n";
        fs::write(folder.path().join("asound.conf"), alsa).context("writing the sound configuration")?;
        let script = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={place}/sound\n\
             load-module module-null-sink sink_name=speaker rate=48000 channels=2\nset-default-sink speaker\n"
        );
        let file = folder.path().join("default.pa");
        fs::write(&file, script).context("writing the sound configuration")?;
        let program = find("pulseaudio").context("pulseaudio is missing")?;
        let mut server = Command::new(program);
        server.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error", "-F"]).arg(&file);
        server.env("XDG_RUNTIME_DIR", folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let sound = Self { _server: Running(server.spawn().context("cannot start pulseaudio")?), folder };
        let deadline = Instant::now() + START_LIMIT;
        while output(sound.hear(Command::new("pactl").arg("info"))).is_none() {
            if Instant::now() > deadline {
                bail!("pulseaudio does not answer");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(sound)
    }

    /// Makes `command` play its sound here.
    pub fn hear<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let place = self.folder.path();
        command
            .env("XDG_RUNTIME_DIR", place)
            .env("PULSE_SERVER", format!("unix:{}", place.join("sound").display()))
            .env("ALSA_CONFIG_PATH", place.join("asound.conf"))
    }
}
