//! The command line: everything a click can start.

use super::i18n::{Lang, Texts};
use super::settings::{self, ServerChoice, Settings, Theme};
use crate::call::Share;
use crate::media::capture::screen::{self, Target};
use crate::media::capture::{AudioSource, VideoSource};
use crate::proto::{Invite, Mode, name};
use std::path::PathBuf;
use std::str::FromStr;

/// Video calls on your own server.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "parlor", version = crate::version(), long_version = crate::media::library::stamp(), about)]
pub struct Args {
    /// Server to use: host, host:port or URL; `here` for the one inside this program.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Create a room of this name and enter it.
    #[arg(long, value_name = "NAME", value_parser = checked_name, conflicts_with_all = ["enter", "join"])]
    pub create: Option<String>,
    /// Kind of the room to create.
    #[arg(long, value_name = "duo|multi|live", default_value = "multi")]
    pub mode: Mode,
    /// The room that is created is encrypted from end to end.
    #[arg(long, requires = "create", conflicts_with_all = ["enter", "join", "link"])]
    pub sealed: bool,
    /// Enter the room of this id or name.
    #[arg(long, value_name = "ROOM", conflicts_with = "join")]
    pub enter: Option<String>,
    /// Enter the room of this invite link.
    #[arg(long, value_name = "LINK")]
    pub join: Option<Invite>,
    /// The same, as the system gives it when a link is opened.
    #[arg(value_name = "LINK", conflicts_with_all = ["join", "create", "enter"])]
    pub link: Option<Invite>,
    /// Open the page of standard live.
    #[arg(long, conflicts_with_all = ["join", "create", "enter", "link"])]
    pub live: bool,
    /// The same, and send to this address at once.
    #[arg(long, value_name = "URL", conflicts_with_all = ["join", "create", "enter", "link"])]
    pub push: Option<String>,
    /// The same, and play this address at once.
    #[arg(long, value_name = "URL", conflicts_with_all = ["join", "create", "enter", "link"])]
    pub play: Option<String>,
    /// Password of the room.
    #[arg(long, value_name = "P")]
    pub password: Option<String>,
    /// Display name.
    #[arg(long, value_name = "N", value_parser = checked_name)]
    pub name: Option<String>,
    /// Where the picture comes from.
    #[arg(long, value_name = "pattern|camera[:ID]|screen|window:ID|file:PATH|none")]
    pub source: Option<VideoSource>,
    /// Where the sound comes from.
    #[arg(long, value_name = "tone|device[:ID]|file:PATH|none")]
    pub mic: Option<AudioSource>,
    /// Enter with the microphone off.
    #[arg(long)]
    pub mute: bool,
    /// Enter with the camera off.
    #[arg(long)]
    pub no_video: bool,
    /// Call a test partner once in the room (twice: two of them, and so on).
    #[arg(long, action = clap::ArgAction::Count)]
    pub test_partner: u8,
    /// Open the chat.
    #[arg(long)]
    pub chat: bool,
    /// Say this line of chat once in the room.
    #[arg(long, value_name = "TEXT")]
    pub say: Vec<String>,
    /// Share this of the screen once in the room.
    #[arg(long, value_name = "screen[:NAME]|window:ID|region:WxH+X+Y|portal")]
    pub share: Option<Target>,
    /// What is shared moves: many pictures instead of sharp ones.
    #[arg(long, requires = "share")]
    pub share_motion: bool,
    /// What the computer plays is shared with it, but for the call itself.
    #[arg(long, requires = "share")]
    pub share_sound: bool,
    /// Record the call from its beginning.
    #[arg(long)]
    pub record: bool,
    /// Folder for recordings and snapshots.
    #[arg(long, value_name = "FOLDER")]
    pub recordings: Option<PathBuf>,
    /// Show statistics.
    #[arg(long)]
    pub stats: bool,
    /// Language.
    #[arg(long, value_name = "en|zh")]
    pub lang: Option<Lang>,
    /// Light or dark.
    #[arg(long)]
    pub theme: Option<Theme>,
    /// How to draw; without it, wgpu is tried first and then glow.
    #[arg(long)]
    pub renderer: Option<Renderer>,
    /// Who works out the colours of pictures; without it, the graphics card if it is a real one.
    #[arg(long, hide = true)]
    pub colours: Option<Colours>,
    /// File with the settings.
    #[arg(long, value_name = "FILE", conflicts_with = "portable")]
    pub config: Option<PathBuf>,
    /// Keep the settings beside the program, as one from an archive does by itself.
    #[arg(long)]
    pub portable: bool,
    /// Size of the window, in points.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<(f32, f32)>,
    /// Save a picture of the window after so many seconds; may be given several times.
    #[arg(long, value_name = "FILE@SECONDS")]
    pub screenshot: Vec<Screenshot>,
    /// End the program after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub exit_after: Option<f64>,
}

/// A way to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Renderer {
    /// Vulkan, Metal or Direct3D.
    Wgpu,
    /// OpenGL.
    Glow,
}

/// Who works out the colours of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Colours {
    /// The graphics card, if it can be asked.
    Card,
    /// The processor.
    Processor,
}

/// A picture of the window to be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Screenshot {
    /// Where.
    pub file: PathBuf,
    /// Seconds after the start.
    pub at: f64,
}

impl Args {
    /// What to share once in the room.
    pub fn share(&self, texts: &Texts) -> Option<Share> {
        let target = self.share.clone()?;
        let mode = if self.share_motion { screen::Mode::Motion } else { screen::Mode::Detail };
        let name = match &target {
            Target::Screen(None) => texts.t("share-whole-screen"),
            Target::Screen(Some(name)) => texts.with("share-screen-named", &[("name", name.into())]),
            Target::Region(_) => texts.t("share-name-area"),
            Target::Portal => texts.t("share-name-portal"),
            Target::Window(_) => texts.t("share-name-window"),
        };
        Some(Share { target, name, mode, sound: self.share_sound })
    }

    /// Where the settings are kept.
    pub fn config_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| settings::default_path(self.portable))
    }
}

impl Args {
    /// The link, if the program was started for a link or for nothing in particular, as a click on its icon does: such a start is for the
    /// window that is there already. `None`: it was started for more.
    pub fn only_link(&self) -> Option<Option<&Invite>> {
        let texts = [&self.server, &self.create, &self.enter, &self.password, &self.name, &self.push, &self.play];
        let more = texts.iter().any(|text| text.is_some())
            || self.source.is_some()
            || self.mic.is_some()
            || [self.live, self.mute, self.no_video, self.chat, self.record, self.stats].contains(&true)
            || self.recordings.is_some()
            || self.test_partner > 0
            || self.share.is_some()
            || self.colours.is_some()
            || !self.say.is_empty()
            || self.lang.is_some()
            || self.theme.is_some()
            || self.renderer.is_some()
            || self.size.is_some()
            || !self.screenshot.is_empty()
            || self.exit_after.is_some();
        (!more).then_some(self.join.as_ref().or(self.link.as_ref()))
    }

    /// Lets the command line have its way over the settings.
    pub fn apply(&self, settings: &mut Settings) {
        settings.lang = self.lang.or(settings.lang);
        settings.theme = self.theme.unwrap_or(settings.theme);
        settings.server = match self.server.as_deref() {
            None => settings.server.clone(),
            Some("here") => ServerChoice::Here,
            Some(address) => ServerChoice::Address(address.to_owned()),
        };
        if let ServerChoice::Address(address) = &settings.server {
            settings.address.clone_from(address);
        }
        if let Some(name) = &self.name {
            settings.name.clone_from(name);
        }
        if let Some(source) = &self.source {
            settings.video = source.clone();
        }
        if let Some(mic) = &self.mic {
            settings.audio = mic.clone();
        }
        if let Some(folder) = &self.recordings {
            settings.recordings = folder.display().to_string();
        }
    }
}

impl FromStr for Screenshot {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (file, at) = s.rsplit_once('@').ok_or("expected FILE@SECONDS")?;
        if file.is_empty() {
            return Err("the file has no name".into());
        }
        Ok(Self { file: file.into(), at: seconds(at)? })
    }
}

fn seconds(s: &str) -> Result<f64, String> {
    s.parse().ok().filter(|s: &f64| (0.0..=31_536_000.0).contains(s)).ok_or_else(|| format!("{s:?} is no number of seconds"))
}

fn size(s: &str) -> Result<(f32, f32), String> {
    let side = |s: &str| s.parse::<u16>().ok().filter(|s| *s >= 100).map(f32::from);
    let (w, h) = s.split_once('x').ok_or("expected WIDTHxHEIGHT")?;
    side(w).zip(side(h)).ok_or_else(|| format!("{s:?} is no size"))
}

fn checked_name(s: &str) -> Result<String, name::NameError> {
    name::check(s).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("parlor").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_version_is_one_line_in_short_and_the_whole_build_in_long() {
        let command = Args::command();
        assert_eq!(command.render_version(), format!("parlor {}\n", crate::version()));
        let long = command.render_long_version();
        assert!(long.starts_with(&command.render_version()) && long.contains("\nFFmpeg: "), "{long}");
    }

    #[test]
    fn a_call_can_be_started_from_the_command_line() {
        let args = parse("--server h:1 --create Team --mode duo --name Ada --source pattern --mic tone --mute --screenshot a@b.png@5 --screenshot c.png@2.5 --exit-after 6").unwrap();
        assert_eq!((args.create.as_deref(), args.mode, args.mute), (Some("Team"), Mode::Duo, true));
        assert_eq!(
            args.screenshot,
            [Screenshot { file: "a@b.png".into(), at: 5.0 }, Screenshot { file: "c.png".into(), at: 2.5 }]
        );
        assert_eq!(parse("parlor://h/abc").unwrap().link.unwrap().room.as_str(), "abc");
    }

    #[test]
    fn only_a_link_or_nothing_is_for_the_window_that_is_there() {
        let only = |line: &str| parse(line).unwrap().only_link().map(|link| link.map(|link| link.room.to_string()));
        assert_eq!((only(""), only("--config x")), (Some(None), Some(None)));
        assert_eq!((only("parlor://h/abc"), only("--join parlor://h/abc")), (Some(Some("abc".into())), Some(Some("abc".into()))));
        for more in [
            "--create a",
            "--enter a",
            "--name a",
            "--join b --mute",
            "--screenshot a@1",
            "--lang zh",
            "--server here",
            "--live",
            "--record",
        ] {
            assert_eq!(only(more), None, "{more}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "--create a<b",
            "--mode trio",
            "--create a --enter b",
            "--screenshot x",
            "--exit-after -1",
            "--source x",
            "--size 5x5",
            "--share everything",
            "--share-motion",
            "--sealed",
            "--enter a --sealed",
            "--lang fr",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
