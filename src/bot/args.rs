//! The command line: what was typed -> what is meant.

use crate::base::SecretKey;
use crate::call::{Config, Entry, Speaker};
use crate::media::capture::{AudioSource, Format, VideoSource};
use crate::media::play::{Latency, Smoothness};
use crate::proto::address::Carrier;
use crate::proto::{Address, Invite, Mode};
use clap::{ArgGroup, Parser};

/// Longest run in seconds: a week.
const MAX_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// A member without a window: publishes, plays everyone else, reports what it saw and heard.
#[derive(Clone, Debug, Parser)]
#[command(name = "parlor-bot", version = crate::version(), long_version = crate::media::library::stamp(), group(ArgGroup::new("where").required(true).args(["create", "enter", "invite"])))]
pub struct Args {
    /// Address of the server: HOST:PORT or an HTTP URL; not needed with an invite that names it.
    #[arg(long, env = "PARLOR_SERVER")]
    pub server: Option<String>,
    /// Make a room of this name.
    #[arg(long, value_name = "NAME")]
    pub create: Option<String>,
    /// Go into the room of this id or name.
    #[arg(long, value_name = "ROOM")]
    pub enter: Option<String>,
    /// Go where this invite leads.
    #[arg(long, value_name = "LINK")]
    pub invite: Option<String>,
    /// Kind of the room that is made: duo, multi or live.
    #[arg(long, default_value = "duo")]
    pub mode: Mode,
    /// The room that is made is encrypted from end to end; the invite, with its key, is printed on standard error.
    #[arg(long, conflicts_with_all = ["enter", "invite"])]
    pub sealed: bool,
    /// Display name.
    #[arg(long, default_value = "Bot")]
    pub name: String,
    /// The room's password.
    #[arg(long)]
    pub password: Option<String>,
    /// The server's access key, where it asks for one.
    #[arg(long, env = "PARLOR_ACCESS_KEY", hide_env_values = true)]
    pub access_key: Option<String>,
    /// Where the picture comes from: `pattern`, `camera[:ID]`, `file:PATH` or `none`.
    #[arg(long, default_value = "pattern")]
    pub source: VideoSource,
    /// Where the sound comes from: `device[:ID]`, `tone`, `file:PATH` or `none`.
    #[arg(long, default_value = "tone")]
    pub mic: AudioSource,
    /// What is sent while there is no picture: a file with an image; initials unless given.
    #[arg(long, value_name = "FILE")]
    pub pause_image: Option<std::path::PathBuf>,
    /// Size of the picture; by the kind of room unless given.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub size: Option<(u32, u32)>,
    /// Pictures a second; by the kind of room unless given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub fps: Option<u32>,
    /// Bit rate of the picture in kbit/s; by the kind of room unless given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(16..=100_000))]
    pub kbps: Option<u32>,
    /// What requests and streams ride on: TLS, plain TCP, or what the address asks for.
    #[arg(long, default_value = "auto")]
    pub carrier: Carrier,
    /// Where the others' sound goes: none, default or the id of an output.
    #[arg(long, default_value = "none", value_name = "OUTPUT")]
    pub speaker: String,
    /// How late the others are played on purpose; by the kind of room unless given.
    #[arg(long)]
    pub latency: Option<Wait>,
    /// How long to stay.
    #[arg(long, value_parser = parse_seconds)]
    pub seconds: f64,
    /// Fail unless at least so many others were both seen and heard.
    #[arg(long, value_name = "PEERS", default_value_t = 0)]
    pub expect: usize,
    /// A line of chat to say once the others are there.
    #[arg(long, value_name = "TEXT")]
    pub say: Option<String>,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Put into the report what was at each tenth of a second, for plots.
    #[arg(long)]
    pub timeline: bool,
}

/// How late the others are played on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Wait {
    /// As early as the network allows.
    Call,
    /// 1 s, and back to it.
    Fast,
    /// 5 s, and nothing is left out.
    Smooth,
    /// 1 to 5 s, by the network.
    Auto,
}

impl From<Wait> for Latency {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Call => Self::Call,
            Wait::Fast => Self::Live(Smoothness::Fast),
            Wait::Smooth => Self::Live(Smoothness::Smooth),
            Wait::Auto => Self::Live(Smoothness::Automatic),
        }
    }
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is no size; write it like 640x360");
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |s: &str| s.parse::<u32>().ok().filter(|n| (16..=crate::media::frame::MAX_SIDE).contains(n) && n % 2 == 0);
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok((width, height)),
        _ => Err(format!("{text:?}: width and height must be even numbers from 16 to {}", crate::media::frame::MAX_SIDE)),
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    if (0.0..=MAX_SECONDS).contains(&seconds) { Ok(seconds) } else { Err("stay between 0 s and a week".to_owned()) }
}

impl Args {
    /// The call that is meant.
    ///
    /// # Errors
    /// One sentence about what contradicts what.
    pub fn config(&self, runtime: tokio::runtime::Handle) -> Result<Config, String> {
        let (server, entry, key) = self.place()?;
        let address: Address = server.parse().map_err(|e| format!("{server:?}: {e}"))?;
        let server = self.carrier.lead(address).to_string();
        let format = (self.size.is_some() || self.fps.is_some()).then(|| {
            let usual = Format::default();
            let (width, height) = self.size.unwrap_or((usual.width, usual.height));
            Format { width, height, fps: self.fps.unwrap_or(usual.fps) }
        });
        let speaker = match self.speaker.as_str() {
            "none" => Speaker::Silent,
            "default" => Speaker::Default,
            id => Speaker::Device(id.to_owned()),
        };
        Ok(Config {
            mic: self.mic != AudioSource::None,
            camera: self.source != VideoSource::None,
            video: self.source.clone(),
            audio: self.mic.clone(),
            pause_image: self.pause_image.clone(),
            format,
            kbps: self.kbps,
            speaker,
            latency: self.latency.map(Latency::from),
            sync: true,
            access_key: self.access_key.clone(),
            key,
            ..Config::new(server, entry, self.name.clone(), runtime)
        })
    }

    fn place(&self) -> Result<(String, Entry, Option<SecretKey>), String> {
        let given = || self.server.clone().ok_or_else(|| "which server? give --server HOST:PORT".to_owned());
        let password = self.password.clone();
        if let Some(name) = &self.create {
            let entry = Entry::Create { name: name.clone(), mode: self.mode, password, dissolve: true };
            return Ok((given()?, entry, self.sealed.then(SecretKey::random)));
        }
        if let Some(link) = &self.invite {
            let invite: Invite = link.parse().map_err(|e| format!("this is no invite: {e}"))?;
            let server = invite.server.map_or_else(given, |server| Ok(server.to_string()))?;
            return Ok((server, Entry::Enter { room: invite.room.to_string(), password }, invite.key));
        }
        let room = self.enter.clone().ok_or("which room? give --create, --enter or --invite")?;
        Ok((given()?, Entry::Enter { room, password }, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn config(line: &str) -> Result<Config, String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let args = Args::try_parse_from(line.split(' ')).map_err(|e| e.to_string())?;
        args.config(runtime.handle().clone())
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_full_line_means_what_it_says() {
        let line = "parlor-bot --server h:1 --create R --mode multi --name N --source none --mic tone --size 480x360 --fps 15 --seconds 2 --latency smooth";
        let config = config(line).unwrap();
        assert_eq!(config.latency, Some(Latency::Live(Smoothness::Smooth)));
        assert_eq!(config.format, Some(Format { width: 480, height: 360, fps: 15 }));
        assert!(config.mic && !config.camera);
        assert!(matches!(config.entry, Entry::Create { mode: Mode::Multi, dissolve: true, .. }));
        assert_eq!(config.speaker, Speaker::Silent);
    }

    #[test]
    fn an_invite_brings_its_server() {
        let config = config("parlor-bot --invite parlor://10.0.0.2:99/ABC --seconds 1").unwrap();
        assert_eq!(config.server, "10.0.0.2:99");
        assert!(matches!(config.entry, Entry::Enter { room, .. } if room == "ABC"));
    }

    #[test]
    fn the_key_of_a_room_is_made_or_comes_with_the_invite() {
        let made = |line: &str| config(line).unwrap().key;
        let create = "parlor-bot --server h:1 --create R --seconds 1";
        assert!(made(create).is_none() && made(&format!("{create} --sealed")).is_some());
        let key = SecretKey::random();
        let invite = format!("parlor-bot --invite parlor://h:1/R#k={} --seconds 1", key.to_text());
        assert_eq!(made(&invite), Some(key));
        let error = config("parlor-bot --invite parlor://h/R#k=secret --seconds 1").map(|_| ()).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn the_carrier_is_what_the_address_or_the_flag_says() {
        let pin = "A".repeat(43);
        for (given, meant) in [
            ("--server h:1", "h:1".into()),
            ("--server https://h", "https://h:443".into()),
            ("--server h:1 --carrier tcp", "http://h:1".into()),
            ("--server 127.0.0.1:1 --carrier tls", "https://127.0.0.1:1".into()),
            (&format!("--server h:1#pin={pin} --carrier tls"), format!("https://h:1#pin={pin}")),
            (&format!("--server h:1#pin={pin} --carrier tcp"), "http://h:1".into()),
        ] {
            assert_eq!(config(&format!("parlor-bot --enter R --seconds 1 {given}")).unwrap().server, meant);
        }
        let invite = format!("parlor-bot --seconds 1 --invite parlor://h:1/R#pin={pin}");
        assert_eq!(config(&invite).unwrap().server, format!("h:1#pin={pin}"));
    }

    #[test]
    fn contradictions_are_refused_in_words() {
        for (line, word) in [
            ("parlor-bot --seconds 1", "--create"),
            ("parlor-bot --enter R --create S --seconds 1 --server h", "cannot be used with"),
            ("parlor-bot --enter R --seconds 1", "--server"),
            ("parlor-bot --enter R --server h", "--seconds"),
            ("parlor-bot --enter R --server h#pin=x --seconds 1", "pin"),
            ("parlor-bot --enter R --server h --seconds 1 --carrier quic", "quic"),
            ("parlor-bot --enter R --server h --seconds 1 --size 641x360", "even"),
            ("parlor-bot --enter R --server h --seconds -1", "-1"),
            ("parlor-bot --enter R --server h --seconds 1 --source webcam", "pattern"),
            ("parlor-bot --enter R --server h --seconds 1 --mode trio", "duo"),
            ("parlor-bot --enter R --server h --seconds 1 --sealed", "cannot be used with"),
            ("parlor-bot --invite parlor://h/R#k=secret --seconds 1", "key is damaged"),
        ] {
            let error = config(line).map(|_| ()).unwrap_err();
            assert!(error.contains(word), "{line}: {error}");
        }
    }
}
