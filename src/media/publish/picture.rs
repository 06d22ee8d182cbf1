//! The picture's thread: newest picture in, encoded picture out, at once. It also sends the messages about the stream.

use super::count::Counters;
use super::keys::Keys;
use super::{KEY_EVERY, Shared};
use crate::base::Stop;
use crate::media::capture::pause;
use crate::media::encode::audio::Codec;
use crate::media::encode::video::{Choice, Config, Encoder};
use crate::media::frame::{Picture, SAMPLE_RATE};
use crate::media::timing::{on_clock, stamp};
use crate::rtmp::amf0::{self, Value};
use crate::rtmp::{Packet, PacketKind, tag};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait for a picture before looking whether to stop.
const WAIT: Duration = Duration::from_millis(40);
/// The same while connecting, so that the first picture goes out as soon as the server says yes.
const WAIT_CONNECTING: Duration = Duration::from_millis(5);
/// A picture that waits for the server's yes is of no use when it is older.
const MAX_WAITING: Duration = Duration::from_millis(100);
/// With this much waiting for the network, pictures are left out.
const MAX_QUEUE: Duration = Duration::from_millis(100);
/// How often the time line is tied to the server's clock.
const CLOCK_EVERY: Duration = Duration::from_secs(1);
/// Codec ids of FLV metadata: H.264, AAC, and the FourCC of Opus as a number (enhanced RTMP).
const AVC_ID: f64 = 7.0;
const AAC_ID: f64 = 10.0;
const OPUS_ID: f64 = 0x4f70_7573 as f64;

pub(super) fn run(shared: &Shared, stop: &Stop) {
    let mut sender = Sender {
        shared,
        encoder: None,
        keys: Keys::new(shared.repeat_every.unwrap_or(KEY_EVERY)),
        record: None,
        software: false,
        clock_due: None,
    };
    let mut waiting: Option<Arc<Picture>> = None;
    let mut replaced = shared.pictures.replaced();
    let mut was_live = false;
    while !stop.is_set() {
        let state = shared.link.state();
        if state.error().is_some() {
            return;
        }
        let picture = shared.pictures.take_within(if was_live { WAIT } else { WAIT_CONNECTING });
        let now = shared.clock.local().now();
        if !was_live {
            if let Some(picture) = picture {
                sender.open_for(&picture);
                waiting = Some(picture);
            }
            if !state.is_live() {
                continue;
            }
            was_live = true;
            sender.start(now);
            replaced = shared.pictures.replaced();
            if let Some(picture) = waiting.take().filter(|p| now.saturating_sub(p.captured) < MAX_WAITING) {
                shared.count(|c| c.captured(1, 0));
                sender.send(&picture, now);
            }
            continue;
        }
        if let Some(picture) = picture {
            let missed = shared.pictures.replaced() - replaced;
            replaced += missed;
            shared.count(|c| c.captured(missed + 1, missed));
            sender.send(&picture, now);
        }
        sender.tick(now);
    }
}

struct Sender<'a> {
    shared: &'a Shared,
    encoder: Option<Encoder>,
    keys: Keys,
    /// What the players were last told to decode with.
    record: Option<Bytes>,
    /// Hardware has failed.
    software: bool,
    clock_due: Option<Duration>,
}

impl Sender<'_> {
    /// The server takes the stream from now on.
    fn start(&mut self, now: Duration) {
        self.tick(now);
        let format = self.shared.format();
        let audio_codec_id = match self.shared.audio {
            Codec::Opus => OPUS_ID,
            Codec::Aac => AAC_ID,
        };
        let metadata = Value::EcmaArray(
            [
                ("width", f64::from(format.width)),
                ("height", f64::from(format.height)),
                ("framerate", f64::from(format.fps)),
                ("videocodecid", AVC_ID),
                ("videodatarate", f64::from(self.shared.kbps())),
                ("audiocodecid", audio_codec_id),
                ("audiosamplerate", f64::from(SAMPLE_RATE)),
                ("audiochannels", 1.0),
            ]
            .map(|(key, value)| (key.to_owned(), Value::Number(value)))
            .into(),
        );
        let payload = amf0::encode(&[Value::String("onMetaData".to_owned()), metadata]);
        self.shared.send(Packet { kind: PacketKind::Data, timestamp_ms: self.shared.origin.timestamp_ms(now), payload });
    }

    /// Once a second: the clock message, and the rates.
    fn tick(&mut self, now: Duration) {
        let kbps = self.shared.kbps();
        self.shared.count(|c| {
            c.tick(now);
            c.sample(now, kbps, || self.shared.queue());
        });
        if self.clock_due.is_none_or(|due| now >= due) {
            self.clock_due = Some(now + CLOCK_EVERY);
            let origin = self.shared.origin;
            self.shared.send(on_clock(self.shared.clock.to_server_us(origin.at()), origin.timestamp_ms(now)));
        }
    }

    /// Makes sure that there is an encoder for pictures of this size.
    fn open_for(&mut self, picture: &Picture) {
        // A rate is meant for so many pictures a second; and who comes from a pause deserves a key frame.
        let fps = self.shared.format().fps.max(1);
        let fits = |e: &Encoder| {
            let (config, still) = (e.config(), fps <= pause::FPS);
            (config.width, config.height, config.fps <= pause::FPS) == (picture.width, picture.height, still)
        };
        if self.encoder.as_ref().is_some_and(fits) {
            return;
        }
        let choice = if self.software { Choice::Software } else { Choice::Auto };
        let kbps = self.shared.kbps();
        let config = Config { width: picture.width, height: picture.height, fps, kbps, choice };
        self.keys.start_over();
        self.encoder = Encoder::open(config).inspect_err(|e| tracing::error!("{e}")).ok();
    }

    /// Encodes and sends a picture, unless the network is behind.
    fn send(&mut self, picture: &Arc<Picture>, now: Duration) {
        if self.shared.link.congestion().queue_age > MAX_QUEUE {
            self.shared.count(Counters::left_out);
            return;
        }
        self.open_for(picture);
        let Some(encoder) = &mut self.encoder else { return };
        let kbps = self.shared.kbps();
        if encoder.config().kbps != kbps {
            encoder.set_kbps(kbps);
        }
        if self.shared.link.take_key_frame_request() || self.shared.expects_viewer(now) {
            self.keys.want();
        }
        let begun = Instant::now();
        let encoded = match encoder.encode(picture, self.keys.due(now)) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!("{error}");
                self.software = true;
                self.encoder = None;
                return;
            }
        };
        let took = begun.elapsed();
        let (name, record) = (encoder.name(), encoder.record().cloned());
        for frame in encoded {
            if frame.key {
                self.keys.made(now);
                self.shared.count(|c| c.key_frame(now));
            }
            let timestamp_ms = self.shared.origin.timestamp_ms(frame.captured);
            let video = |payload| Packet { kind: PacketKind::Video, timestamp_ms, payload };
            if frame.key && self.record != record {
                if let Some(record) = &record {
                    self.shared.send(video(tag::avc_sequence_header(record)));
                }
                self.record.clone_from(&record);
            }
            let stamped = (frame.key && self.shared.clock.offset_us().is_some())
                .then(|| [&stamp(self.shared.clock.to_server_us(frame.captured))[..], &frame.data].concat());
            let body = tag::avc_frame(frame.key, 0, stamped.as_deref().unwrap_or(&frame.data));
            self.shared.count(|c| c.encoded((picture.width, picture.height), name, frame.key, body.len(), took));
            self.shared.send(video(body));
        }
    }
}
