//! Streams over HTTP: FLV that goes on as long as the stream does, and HLS.
//!
//! FFmpeg's demuxer reads them, on a thread of its own, `fetch-NAME`: it waits for the network inside, and asks again and again whether it should
//! stop. What it has read waits in a bounded channel until it is due ([`release`]): HLS comes in segments of some seconds, each at once, and
//! a jitter buffer is to see a stream that flows.

mod raw;
mod release;

use super::demux::{CodedPicture, Unit};
use crate::base::{Proxy, Stop, Worker};
use crate::media::trouble::{Kind, Trouble};
use crate::rtmp::PacketKind;
use crate::rtmp::tag::{AudioCodec, VideoCodec};
use bytes::Bytes;
use ffmpeg_next::codec::Id;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, format, media};
use release::Release;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Packets that may be read ahead: some ten seconds of picture and sound. With more, the demuxer waits, and so does the server.
const AHEAD: usize = 1024;
/// How often a full channel is tried again.
const FULL: Duration = Duration::from_millis(20);
/// A server that sends nothing for so long is gone, in FFmpeg's microseconds.
const SILENCE_US: &str = "10000000";
/// Media that FFmpeg may look at before it says what is in it, in microseconds: longer is a longer wait for the first picture.
const LOOK_AT_US: &str = "1500000";
/// What a playlist from the network may make FFmpeg open: nothing on this computer.
const PROTOCOLS: &str = "http,https,tcp,tls,crypto,httpproxy,data";
/// Containers that streams come in.
const CONTAINERS: &str = "flv,live_flv,hls,mpegts,mov,aac,mp3,webvtt";
/// Unreadable packets in a row after which a stream counts as broken.
const MAX_READ_ERRORS: usize = 50;

/// A unit, what it weighs, and when it was sent on the stream's own time line.
pub(super) struct Fetched {
    pub(super) unit: Unit,
    pub(super) kind: PacketKind,
    pub(super) bytes: usize,
    sent_us: Option<i64>,
}

/// A stream that is being fetched. Dropping it joins its thread, which hears of it within a tenth of a second.
pub(super) struct Fetch {
    units: Receiver<Fetched>,
    next: Option<Fetched>,
    release: Release,
    trouble: Arc<Mutex<Option<Trouble>>>,
    secure: bool,
    worker: Option<Worker>,
}

/// Whether that is an address for this module.
pub(super) fn is_for(url: &str) -> bool {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

impl Fetch {
    /// Starts to fetch; returns at once.
    pub(super) fn start(url: &str, proxy: &Proxy) -> Self {
        let proxy = through(url, proxy);
        let (sender, units) = sync_channel(AHEAD);
        let trouble: Arc<Mutex<Option<Trouble>>> = Arc::default();
        let (report, address) = (trouble.clone(), url.to_owned());
        let worker = Worker::spawn(&super::thread_name(url).replacen("play", "fetch", 1), move |stop| {
            let why = run(&address, proxy.as_deref(), &sender, stop);
            *report.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        });
        if let Err(error) = &worker {
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trouble::new(Kind::Broken, error.to_string()));
        }
        let secure = url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"));
        Self { units, next: None, release: Release::default(), trouble, secure, worker: worker.ok() }
    }

    /// Why it is over, once all that was read has been taken.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if self.next.is_some() || self.worker.as_ref().is_some_and(|worker| !worker.is_finished()) {
            return None;
        }
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it rides on TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The next unit that is due, waiting up to `wait` for it.
    pub(super) fn take(&mut self, wait: Duration, now: impl Fn() -> Duration) -> Option<Fetched> {
        let until = now() + wait;
        if self.next.is_none() {
            match self.units.recv_timeout(wait) {
                Ok(fetched) => self.next = Some(fetched),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    // Nobody will wake this thread.
                    std::thread::sleep(until.saturating_sub(now()));
                    return None;
                }
            }
        }
        let due = match self.next.as_ref()?.sent_us {
            Some(sent_us) => self.release.due(sent_us, now()),
            None => Duration::ZERO,
        };
        if due > until {
            std::thread::sleep(until.saturating_sub(now()));
            return None;
        }
        std::thread::sleep(due.saturating_sub(now()));
        self.next.take()
    }
}

/// What FFmpeg is told of proxies: nothing (it looks into the environment by itself), none, or this one.
fn through(url: &str, proxy: &Proxy) -> Option<String> {
    if *proxy == Proxy::System {
        return None;
    }
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    Some(proxy.on_the_way_to(&host, false).map(|proxy| proxy.to_url()).unwrap_or_default())
}

/// Reads until the stream ends, which is always for some reason.
fn run(url: &str, proxy: Option<&str>, sender: &SyncSender<Fetched>, stop: &Stop) -> Trouble {
    crate::media::ready();
    let mut options = Dictionary::new();
    for (key, value) in [
        ("rw_timeout", SILENCE_US),
        ("analyzeduration", LOOK_AT_US),
        ("protocol_whitelist", PROTOCOLS),
        ("format_whitelist", CONTAINERS),
        // Without it, FFmpeg believes any certificate.
        ("tls_verify", "1"),
        ("user_agent", concat!("Parlor/", env!("CARGO_PKG_VERSION"))),
    ] {
        options.set(key, value);
    }
    if let Some(proxy) = proxy {
        options.set("http_proxy", proxy);
    }
    let interrupt = stop.clone();
    let mut input = match format::input_with_interrupt_and_dictionary(url, move || interrupt.is_set(), options) {
        Ok(input) => input,
        Err(error) => return trouble(error),
    };
    let tracks = Tracks::of(&mut input);
    if tracks.0.is_empty() {
        return Trouble::new(Kind::NothingToPlay, "neither picture nor sound that can be played");
    }
    let live_flv = input.format().name().contains("flv") && input.duration() <= 0;
    for track in &tracks.0 {
        if deliver(track.config(), sender, stop).is_break() {
            return stopped();
        }
    }
    let (mut packet, mut errors) = (Packet::empty(), 0);
    loop {
        match packet.read(&mut input) {
            Ok(()) => errors = 0,
            Err(Error::Eof) if live_flv || input.duration() <= 0 => {
                return Trouble::new(Kind::Ended, "the server closed the stream");
            }
            Err(Error::Eof) => return Trouble::new(Kind::Finished, "the end of the recording"),
            Err(error) => {
                errors += 1;
                if stop.is_set() || errors > MAX_READ_ERRORS {
                    return trouble(error);
                }
                // Nothing to read yet, or something unreadable: the next may be better.
                if stop.wait(FULL) {
                    return stopped();
                }
                continue;
            }
        }
        let track = tracks.0.iter().find(|track| track.index == packet.stream());
        let Some(mut fetched) = track.and_then(|track| track.read(&packet)) else { continue };
        if live_flv {
            // It comes as it is made.
            fetched.sent_us = None;
        }
        if deliver(fetched, sender, stop).is_break() {
            return stopped();
        }
    }
}

/// Puts it into the channel as soon as there is room.
fn deliver(fetched: Fetched, sender: &SyncSender<Fetched>, stop: &Stop) -> std::ops::ControlFlow<()> {
    let mut waiting = fetched;
    loop {
        match sender.try_send(waiting) {
            Ok(()) => return std::ops::ControlFlow::Continue(()),
            Err(TrySendError::Disconnected(_)) => return std::ops::ControlFlow::Break(()),
            Err(TrySendError::Full(back)) => waiting = back,
        }
        if stop.wait(FULL) {
            return std::ops::ControlFlow::Break(());
        }
    }
}

fn stopped() -> Trouble {
    Trouble::new(Kind::Broken, "stopped")
}

/// What FFmpeg's error means to a person.
fn trouble(error: Error) -> Trouble {
    let kind = match error {
        Error::HttpNotFound | Error::HttpOther4xx => Kind::NotFound,
        Error::HttpUnauthorized | Error::HttpForbidden => Kind::Denied,
        Error::HttpServerError | Error::HttpBadRequest => Kind::Failed,
        Error::InvalidData | Error::DemuxerNotFound | Error::StreamNotFound => Kind::NoStream,
        Error::ProtocolNotFound => Kind::BadAddress,
        Error::Other { errno } if errno == ffmpeg_next::error::ETIMEDOUT => Kind::Timeout,
        // A refused connection, an unknown name, a certificate that nobody believes: FFmpeg says EIO of most of them.
        _ => Kind::Unreachable,
    };
    Trouble::new(kind, error.to_string())
}

/// The picture and the sound that are played.
struct Tracks(Vec<Track>);

struct Track {
    index: usize,
    time_base: Rational,
    codec: Codec,
    config: Bytes,
}

#[derive(Clone, Copy)]
enum Codec {
    Picture(VideoCodec),
    Sound(AudioCodec),
}

impl Tracks {
    /// The best of each; FFmpeg fetches no others.
    fn of(input: &mut Input) -> Self {
        let mut tracks = Vec::new();
        for kind in [media::Type::Video, media::Type::Audio] {
            let Some(stream) = input.streams().best(kind) else { continue };
            let codec = match stream.parameters().id() {
                Id::H264 => Codec::Picture(VideoCodec::Avc),
                Id::HEVC => Codec::Picture(VideoCodec::Hevc),
                Id::AV1 => Codec::Picture(VideoCodec::Av1),
                Id::AAC => Codec::Sound(AudioCodec::Aac),
                Id::MP3 => Codec::Sound(AudioCodec::Mp3),
                Id::OPUS => Codec::Sound(AudioCodec::Opus),
                other => {
                    tracing::warn!(?other, "a track that cannot be played");
                    continue;
                }
            };
            let config = raw::configuration(&stream.parameters());
            tracks.push(Track { index: stream.index(), time_base: stream.time_base(), codec, config });
        }
        let kept: Vec<usize> = tracks.iter().map(|track| track.index).collect();
        raw::discard_others(input, &kept);
        Self(tracks)
    }
}

impl Track {
    /// How it is coded.
    fn config(&self) -> Fetched {
        let config = self.config.clone();
        let (kind, unit) = match self.codec {
            Codec::Picture(codec) => (PacketKind::Video, Unit::VideoConfig(codec, config)),
            Codec::Sound(codec) => (PacketKind::Audio, Unit::AudioConfig(codec, config)),
        };
        Fetched { unit, kind, bytes: self.config.len(), sent_us: None }
    }

    /// A coded picture or some sound. Decoders take it as the container has it: with lengths or start codes, with ADTS headers or without.
    fn read(&self, packet: &Packet) -> Option<Fetched> {
        let data = Bytes::copy_from_slice(packet.data()?);
        let shown_us = self.micros(packet.pts().or(packet.dts())?);
        let sent_us = packet.dts().map_or(shown_us, |dts| self.micros(dts));
        let bytes = data.len();
        let (kind, unit) = match self.codec {
            Codec::Picture(codec) => {
                let coded = CodedPicture { media_us: shown_us, key: packet.is_key(), data };
                (PacketKind::Video, Unit::Picture(codec, coded))
            }
            Codec::Sound(codec) => (PacketKind::Audio, Unit::Sound(codec, shown_us, data)),
        };
        Some(Fetched { unit, kind, bytes, sent_us: Some(sent_us) })
    }

    fn micros(&self, ticks: i64) -> i64 {
        let (up, down) = (i128::from(self.time_base.numerator()), i128::from(self.time_base.denominator().max(1)));
        i64::try_from(i128::from(ticks) * up * 1_000_000 / down).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_http_are_told_from_those_of_rtmp() {
        assert!(is_for("http://h/live/a.flv") && is_for("HTTPS://h/a.m3u8"));
        assert!(!is_for("rtmp://h/live/a") && !is_for("http:/") && !is_for("файл://x") && !is_for(""));
    }

    #[test]
    fn errors_say_what_can_be_done() {
        let kinds = [
            (Error::HttpNotFound, Kind::NotFound),
            (Error::HttpForbidden, Kind::Denied),
            (Error::HttpServerError, Kind::Failed),
            (Error::InvalidData, Kind::NoStream),
            (Error::Other { errno: ffmpeg_next::error::ETIMEDOUT }, Kind::Timeout),
            (Error::Other { errno: ffmpeg_next::error::EIO }, Kind::Unreachable),
        ];
        for (error, kind) in kinds {
            assert_eq!(trouble(error).kind, kind, "{error}");
        }
    }
}
