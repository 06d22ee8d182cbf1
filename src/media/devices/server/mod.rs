//! A sound server's list of devices: PulseAudio, or PipeWire in its place, by PulseAudio's native protocol.
//!
//! ALSA's way to such a server shows one device, "default"; this asks the server itself which there are, which one is the default, and to be
//! told when that changes. No device is opened this way: that goes through ALSA, by the server's names (`audio::pcm`). But what other programs
//! play can be listened to ([`record`]), which ALSA has no word for.
//!
//! The protocol: <https://www.freedesktop.org/wiki/Software/PulseAudio/Documentation/Developer/> and `src/pulse/{context,introspect}.c`,
//! `src/pulsecore/{native-common.h,tagstruct.c}` of PulseAudio; version 13 of it, which every server since 2008 speaks.

pub(in crate::media) mod record;
mod tags;

use super::{Device, Kind, List};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tags::{Reader, Value, Writer};

/// What ids of a server's devices begin with.
pub(in crate::media) const PREFIX: &str = "pulse:";

/// The version that is spoken: the first with descriptions of everything, and no later one adds what is needed here.
const VERSION: u32 = 13;
/// Lower bits of the version that the server answers with; the others are flags.
const VERSION_MASK: u32 = 0xffff;
/// The oldest server that understands version 13's tags.
const OLDEST: u32 = 13;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);
/// The longest message that is read; a list of fifty devices has some 100 kB.
const MAX_MESSAGE: usize = 4 << 20;
/// Devices that are listed at most.
const MAX_DEVICES: usize = 128;
/// Changes come in bursts (a headset is several); the lists are asked for when it has been quiet for this long.
const QUIET: Duration = Duration::from_millis(40);
/// The control channel, and the length of a message's head.
const CONTROL: u32 = u32::MAX;
const HEAD: usize = 20;
const COOKIE: usize = 256;

/// Commands of the protocol.
mod command {
    pub(super) const ERROR: u32 = 0;
    pub(super) const REPLY: u32 = 2;
    pub(super) const CREATE_RECORD_STREAM: u32 = 5;
    pub(super) const AUTH: u32 = 8;
    pub(super) const SET_CLIENT_NAME: u32 = 9;
    pub(super) const GET_SERVER_INFO: u32 = 20;
    pub(super) const GET_SINK_INFO_LIST: u32 = 22;
    pub(super) const GET_SOURCE_INFO_LIST: u32 = 24;
    pub(super) const GET_SINK_INPUT_INFO_LIST: u32 = 30;
    pub(super) const SUBSCRIBE: u32 = 35;
    pub(super) const RECORD_STREAM_KILLED: u32 = 65;
    pub(super) const SUBSCRIBE_EVENT: u32 = 66;
}

/// Sinks, sources, the server itself (its defaults), cards.
const SUBSCRIPTION: u32 = 0x01 | 0x02 | 0x80 | 0x200;
/// Values that describe a sink or a source in version 13.
const VALUES: usize = 15;
/// Which of them says whose monitor a source is.
const MONITOR_OF: usize = 8;
/// What the server invents when there is no speaker.
const DUMMY: &str = "auto_null";

/// What a sound server sends.
#[derive(Debug)]
enum Message {
    /// An answer, or news.
    Control(Vec<u8>),
    /// Sound of a stream.
    Data(u32, Vec<u8>),
}

/// A connection to a sound server.
#[derive(Debug)]
pub(super) struct Server {
    stream: UnixStream,
    /// Number of the last question.
    asked: u32,
    /// Something has changed since the lists were asked for.
    changed: bool,
}

impl Server {
    /// Whether one seems to listen; costs nothing to ask.
    pub(super) fn is_there() -> bool {
        socket().is_some_and(|path| path.exists())
    }

    /// Connects, and asks to be told of changes of devices.
    pub(super) fn connect() -> io::Result<Self> {
        Self::connect_for(SUBSCRIPTION)
    }

    /// Connects, and asks to be told of changes of these kinds.
    fn connect_for(subscription: u32) -> io::Result<Self> {
        let stream = UnixStream::connect(socket().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?)?;
        stream.set_write_timeout(Some(ANSWER))?;
        let mut server = Self { stream, asked: 0, changed: false };
        let mut hello = Writer::default();
        hello.number(VERSION).bytes(&cookie());
        let answer = server.ask(command::AUTH, hello)?;
        let mut reply = Reader::new(&answer);
        if reply.number()? & VERSION_MASK < OLDEST {
            return Err(io::Error::new(ErrorKind::Unsupported, "the sound server is too old"));
        }
        let mut name = Writer::default();
        name.properties(&[("application.name", "Parlor")]);
        server.ask(command::SET_CLIENT_NAME, name)?;
        let mut wishes = Writer::default();
        wishes.number(subscription);
        server.ask(command::SUBSCRIBE, wishes)?;
        Ok(server)
    }

    /// Whether something has changed since the last time.
    pub(super) fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Waits until something changes, at most for `limit`.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<()> {
        let mut wait = limit;
        while let Some(message) = self.receive(wait)? {
            if let Message::Control(message) = message {
                self.take_event(&message);
            }
            wait = QUIET;
        }
        Ok(())
    }

    /// The speakers or the microphones.
    pub(super) fn list(&mut self, kind: Kind) -> io::Result<List> {
        let speakers = kind == Kind::Speaker;
        let answer = self.ask(command::GET_SERVER_INFO, Writer::default())?;
        let mut info = Reader::new(&answer);
        // Program, version, user, host, sample format; then the two defaults.
        info.skip(5)?;
        let (sink, source) = (info.text()?, info.text()?);
        let command = if speakers { command::GET_SINK_INFO_LIST } else { command::GET_SOURCE_INFO_LIST };
        let answer = self.ask(command, Writer::default())?;
        let mut reply = Reader::new(&answer);
        let mut devices = Vec::new();
        while !reply.is_at_end() && devices.len() < MAX_DEVICES {
            devices.extend(device(&mut reply, speakers)?);
        }
        let default = if speakers { sink } else { source }.map(|name| format!("{PREFIX}{name}"));
        let default = devices.iter().find(|d| Some(&d.id) == default.as_ref()).cloned();
        Ok(List { devices, default, known: true, exhaustive: true })
    }

    fn take_event(&mut self, message: &[u8]) {
        let command = Reader::new(message).number();
        self.changed |= matches!(command, Ok(command::SUBSCRIBE_EVENT));
    }

    /// Sends a question and returns the answer, without its head.
    fn ask(&mut self, command: u32, arguments: Writer) -> io::Result<Vec<u8>> {
        self.asked = self.asked.wrapping_add(1);
        let mut message = Writer::default();
        message.number(command).number(self.asked).append(arguments);
        let mut frame = Vec::with_capacity(HEAD + message.len());
        let length = u32::try_from(message.len()).map_err(|_| ErrorKind::InvalidInput)?;
        for word in [length, CONTROL, 0, 0, 0] {
            frame.extend(word.to_be_bytes());
        }
        frame.extend(message.into_bytes());
        self.stream.write_all(&frame)?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = match self.receive(left.max(Duration::from_millis(1)))? {
                None => return Err(ErrorKind::TimedOut.into()),
                // Sound that comes between a question and its answer is lost: a moment of one program.
                Some(Message::Data(..)) => continue,
                Some(Message::Control(answer)) => answer,
            };
            let mut reader = Reader::new(&answer);
            match (reader.number()?, reader.number()?) {
                (command::REPLY, tag) if tag == self.asked => return Ok(reader.rest().to_vec()),
                (command::ERROR, tag) if tag == self.asked => {
                    return Err(io::Error::other(format!("the sound server refuses command {command}: {}", reader.number()?)));
                }
                _ => self.take_event(&answer),
            }
        }
    }

    /// The next message; `None`: none began within `limit`.
    fn receive(&mut self, limit: Duration) -> io::Result<Option<Message>> {
        let mut head = [0; HEAD];
        self.stream.set_read_timeout(Some(limit))?;
        match self.stream.read(&mut head[..1]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                return Ok(None);
            }
            Err(e) => return Err(e),
        }
        // What has begun comes to its end.
        self.stream.set_read_timeout(Some(ANSWER))?;
        self.stream.read_exact(&mut head[1..])?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = word(0) as usize;
        if length > MAX_MESSAGE {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message of the sound server is too long"));
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message)?;
        Ok(Some(if word(4) == CONTROL { Message::Control(message) } else { Message::Data(word(4), message) }))
    }
}

/// The next sink or source of a list; `None` for what is no device: what a speaker plays, and what stands in for none.
fn device(reply: &mut Reader<'_>, speaker: bool) -> io::Result<Option<Device>> {
    let mut values = Vec::with_capacity(VALUES);
    for _ in 0..VALUES {
        values.push(reply.value()?);
    }
    let text = |value: &Value| if let Value::Text(Some(text)) = value { Some(text.clone()) } else { None };
    let monitor = !speaker && !matches!(values[MONITOR_OF], Value::Number(u32::MAX));
    let Some(name) = text(&values[1]).filter(|name| !monitor && !name.starts_with(DUMMY)) else { return Ok(None) };
    let shown = text(&values[2]).filter(|d| !d.trim().is_empty()).unwrap_or_else(|| name.clone());
    Ok(Some(Device { id: format!("{PREFIX}{name}"), name: shown.trim().to_owned() }))
}

/// Where the server listens. One on another computer lists nothing here.
fn socket() -> Option<PathBuf> {
    if let Ok(servers) = std::env::var("PULSE_SERVER") {
        // Several may be named; `{machine}` in front says for which computer one is meant.
        return servers.split_whitespace().find_map(|server| {
            let server = server.split_once('}').map_or(server, |(_, rest)| rest);
            let path = server.strip_prefix("unix:").unwrap_or(server);
            path.starts_with('/').then(|| PathBuf::from(path))
        });
    }
    let runtime = std::env::var_os("PULSE_RUNTIME_PATH").map(PathBuf::from);
    let folder = runtime.or_else(|| Some(PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?).join("pulse")))?;
    Some(folder.join("native"))
}

/// What proves that one may use the server: a file that only its user can read. Without one it may still take us.
fn cookie() -> [u8; COOKIE] {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
    let places = [
        std::env::var_os("PULSE_COOKIE").map(PathBuf::from),
        config.map(|c| c.join("pulse/cookie")),
        home.map(|h| h.join(".pulse-cookie")),
    ];
    let mut cookie = [0; COOKIE];
    let read = places.into_iter().flatten().find_map(|place| {
        let mut found = [0; COOKIE];
        std::fs::File::open(place).and_then(|mut file| file.read_exact(&mut found)).ok().map(|()| found)
    });
    if let Some(read) = read {
        cookie = read;
    }
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sink or source as the server describes it.
    fn entry(name: &str, description: &str, monitor_of: u32) -> Writer {
        let mut w = Writer::default();
        w.number(7).text(Some(name)).text(Some(description));
        w.raw(b"a\x05\x02\x00\x00\xbb\x80").raw(b"m\x02\x01\x02").number(3).raw(b"v\x02\0\x01\0\0\0\x01\0\0").raw(b"0");
        w.number(monitor_of).text(None).raw(b"U\0\0\0\0\0\0\0\x09").text(Some("driver.c")).number(0x24);
        w.properties(&[("device.class", "sound"), ("x", "")]).raw(b"U\0\0\0\0\0\0\0\0");
        w
    }

    #[test]
    fn devices_are_read_and_what_is_none_is_left_out() {
        let mut list = Writer::default();
        list.append(entry("headset", "  Headset Ünö ", u32::MAX));
        list.append(entry("speaker.monitor", "Monitor of Speaker", 7));
        list.append(entry("auto_null", "Dummy Output", u32::MAX));
        list.append(entry("nameless", "", u32::MAX));
        let bytes = list.into_bytes();
        let mut reader = Reader::new(&bytes);
        let mut found = Vec::new();
        while !reader.is_at_end() {
            found.extend(device(&mut reader, false).unwrap());
        }
        let device = |id: &str, name: &str| Device { id: id.into(), name: name.into() };
        assert_eq!(found, [device("pulse:headset", "Headset Ünö"), device("pulse:nameless", "nameless")]);
        // A speaker's own monitor is no reason to leave it out.
        let bytes = entry("speaker", "Speaker", 4).into_bytes();
        assert!(super::device(&mut Reader::new(&bytes), true).unwrap().is_some());
    }

    #[test]
    fn a_list_that_breaks_off_is_an_error() {
        let bytes = entry("headset", "Headset", u32::MAX).into_bytes();
        for length in 1..bytes.len() {
            let mut reader = Reader::new(&bytes[..length]);
            assert!(super::device(&mut reader, true).is_err(), "{length}");
        }
    }
}
