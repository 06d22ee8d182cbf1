//! The picture's thread: newest picture in, encoded picture out, at once. It also sends the messages about the stream.

use super::adapt::Target;
use super::governor::Governor;
use super::keys::Keys;
use super::{KEY_EVERY, KEY_EVERY_BUSY, Shared};
use crate::base::Stop;
use crate::media::convert::ToPicture;
use crate::media::encode::audio::Codec;
use crate::media::encode::video::{Choice, Config, Encoder, Rate};
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
/// The rate buffer: how much longer than usual a single picture may take to send. A key frame fills it; while the way is busy, all that
/// comes after it waits so much longer.
const BUFFER_MS: u32 = 400;
const NARROW_BUFFER_MS: u32 = 160;
/// How often the time line is tied to the server's clock.
const CLOCK_EVERY: Duration = Duration::from_secs(1);
/// Codec ids of FLV metadata: H.264, AAC, and the FourCC of Opus as a number (enhanced RTMP).
const AVC_ID: f64 = 7.0;
const AAC_ID: f64 = 10.0;
const OPUS_ID: f64 = 0x4f70_7573 as f64;

pub(super) fn run(shared: &Shared, stop: &Stop) {
    let mut sender = Sender {
        shared,
        governor: Governor::new(shared, shared.clock.local().now()),
        still: false,
        scaler: None,
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
                sender.open_for(sender.governor.target(), (picture.width, picture.height));
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
    governor: Governor,
    /// Whether the encoder was opened for pictures that stand still.
    still: bool,
    /// Makes smaller pictures, while they are wanted.
    scaler: Option<ToPicture>,
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
                ("videodatarate", f64::from(self.governor.target().kbps)),
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
        let kbps = self.governor.target().kbps;
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

    /// Makes sure that there is an encoder for pictures of this size, of the right rate.
    fn open_for(&mut self, target: Target, (width, height): (u32, u32)) {
        let buffer_ms = if target.constrained { NARROW_BUFFER_MS } else { BUFFER_MS };
        let rate = Rate { kbps: target.kbps, fps: target.fps.max(1), buffer_ms };
        // Who comes from a pause deserves a key frame.
        let still = self.shared.is_still();
        match &mut self.encoder {
            Some(encoder) if (encoder.config().width, encoder.config().height) == (width, height) && self.still == still => {
                encoder.set_rate(rate);
            }
            _ => {
                self.still = still;
                let choice = if self.software { Choice::Software } else { Choice::Auto };
                self.keys.start_over();
                let config = Config { width, height, rate, choice };
                self.encoder = Encoder::open(config).inspect_err(|e| tracing::error!("{e}")).ok();
            }
        }
    }

    /// The picture in the size of the target; `None` if it has that already.
    fn scale(&mut self, picture: &Picture, target: Target) -> Option<Arc<Picture>> {
        let size = (target.width, target.height);
        if size == (picture.width, picture.height) {
            self.scaler = None;
            return None;
        }
        if self.scaler.as_ref().is_none_or(|scaler| scaler.size() != size) {
            self.scaler = ToPicture::new(size.0, size.1).ok();
        }
        let scaled = self.scaler.as_mut()?.picture(picture);
        scaled.inspect_err(|error| tracing::warn!(%error, "not made smaller")).ok().map(Arc::new)
    }

    /// Encodes and sends a picture, unless the network is behind or there are enough.
    fn send(&mut self, picture: &Arc<Picture>, now: Duration) {
        let Some(target) = self.governor.admit(self.shared, picture, now) else { return };
        let begun = Instant::now();
        let scaled = self.scale(picture, target);
        let picture = scaled.as_ref().unwrap_or(picture);
        self.open_for(target, (picture.width, picture.height));
        if self.shared.repeat_every.is_none() {
            self.keys.set_most(if target.constrained { KEY_EVERY_BUSY } else { KEY_EVERY });
        }
        let Some(encoder) = &mut self.encoder else { return };
        if self.shared.link.take_key_frame_request() || self.shared.tap.take_key_wish() || self.shared.expects_viewer(now) {
            self.keys.want();
        }
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
        let mut bytes = 0;
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
            bytes += body.len();
            self.shared.send(video(body));
        }
        self.governor.sent(bytes, took, now);
    }
}
