//! One peer's stream from packets to sound in the jitter buffer and pictures in the slot. No thread and no socket: driven by `pull`.

use super::View;
use super::backlog::Backlog;
use super::beats::Beats;
use super::decode::{self, VideoDecoder, open_sound};
use super::demux::{CodedPicture, Demux, Unit};
use super::lock;
use super::meter::{Delays, Freezes, Rate};
use super::pictures::Pictures;
use super::playout::Playout;
use crate::base::{ServerClock, Slot};
use crate::media::convert::ToRgba;
use crate::media::frame::Rgba;
use crate::media::record::Tap;
use crate::media::seal::Opener;
use crate::media::stats::{Buffer, Delay, History, PictureIn, PlaySample, PlayStats, Route, SoundIn};
use crate::media::timing::read_stamp;
use crate::rtmp::tag::{AudioCodec, VideoCodec};
use crate::rtmp::{Packet, PacketKind};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The very first picture is shown at once if it would not be due for longer than this.
const STILL: Duration = Duration::from_millis(200);
/// A key frame is asked for at most this often.
const KEY_FRAME_EVERY: Duration = Duration::from_secs(1);

/// The state of one peer's stream.
pub(super) struct Session {
    clock: ServerClock,
    playout: Arc<Mutex<Playout>>,
    slot: Slot<Rgba>,
    start: Duration,
    demux: Demux,
    /// How sound is coded, and whether it can be decoded.
    sound: Option<(AudioCodec, Bytes)>,
    hears: bool,
    video: Option<VideoDecoder>,
    coded: Backlog,
    need_key: bool,
    /// Pictures come that cannot be decoded for want of a key frame.
    starving: bool,
    /// Whether the last picture could not be converted.
    unshowable: bool,
    key_asked: Option<Duration>,
    convert: ToRgba,
    pictures: Pictures<Rgba>,
    view: View,
    /// The stream's zero by the server's clock, as its publisher says.
    origin_us: Option<i64>,
    /// The same, as its last key frame says: through engines that drop what the publisher says.
    stamped_us: Option<i64>,
    count: Counters,
    history: History<PlaySample>,
    beats: Option<Arc<Mutex<Beats>>>,
    tap: Tap,
    opener: Opener,
    /// Whoever listens there wants a key frame.
    key_wished: bool,
}

/// Figures of the stream.
#[derive(Default)]
struct Counters {
    all: Rate,
    video: Rate,
    audio: Rate,
    shown: Rate,
    delays: Delays,
    freezes: Freezes,
    frames: u64,
    size: (u32, u32),
    codec: String,
    unsupported: Option<String>,
    decode_ms: f32,
    offset_us: f64,
    first_frame: Option<Duration>,
    /// Media times of the last two key frames.
    keys: (Option<i64>, Option<i64>),
}

impl Session {
    pub(super) fn new(
        clock: ServerClock,
        playout: Arc<Mutex<Playout>>,
        slot: Slot<Rgba>,
        start: Duration,
        history: History<PlaySample>,
    ) -> Self {
        Self {
            clock,
            playout,
            slot,
            start,
            demux: Demux::default(),
            sound: None,
            hears: false,
            video: None,
            coded: Backlog::default(),
            need_key: true,
            starving: false,
            unshowable: false,
            key_asked: None,
            convert: ToRgba::new(),
            pictures: Pictures::new(),
            view: View::default(),
            origin_us: None,
            stamped_us: None,
            count: Counters::default(),
            history,
            beats: None,
            tap: Tap::default(),
            opener: Opener::default(),
            key_wished: false,
        }
    }

    /// Looks for flashes in what is shown.
    pub(super) fn measure(&mut self, beats: Arc<Mutex<Beats>>) {
        self.beats = Some(beats);
    }

    /// Lets its packets be had at `tap`, too.
    pub(super) fn tap(&mut self, tap: Tap) {
        self.tap = tap;
    }

    /// Opens what was sealed on its way.
    pub(super) fn open_with(&mut self, opener: Opener) {
        self.opener = opener;
    }

    /// The stream was interrupted, or another begins. The last picture stays where it is.
    pub(super) fn restart(&mut self) {
        self.tap.restart();
        self.opener.restart();
        self.playout().restart();
        self.demux = Demux::default();
        (self.origin_us, self.stamped_us) = (None, None);
        self.restart_pictures();
        if let Some(beats) = &self.beats {
            lock(beats).restart();
        }
    }

    fn restart_pictures(&mut self) {
        self.coded.clear();
        self.pictures.clear();
        (self.need_key, self.starving) = (true, false);
        if let Some(decoder) = &mut self.video {
            decoder.flush();
        }
    }

    /// Takes one packet, which arrived at this local moment.
    pub(super) fn packet(&mut self, packet: &Packet, arrived: Duration) {
        let kind = packet.kind;
        self.take(None, kind, packet.payload.len(), arrived);
        for packet in self.opener.open(packet.clone()).into_iter().flatten() {
            self.tap.pass(&packet, arrived);
            let unit = self.demux.read(&packet);
            self.take(unit, kind, 0, arrived);
        }
    }

    /// Takes what was in a packet of so many bytes, which arrived at this local moment.
    pub(super) fn take(&mut self, unit: Option<Unit>, kind: PacketKind, bytes: usize, arrived: Duration) {
        self.count.all.add(bytes, arrived);
        match kind {
            PacketKind::Audio => self.count.audio.add(bytes, arrived),
            PacketKind::Video => self.count.video.add(bytes, arrived),
            PacketKind::Data => {}
        }
        match unit {
            Some(Unit::Clock(origin_us)) => self.origin_us = Some(origin_us),
            Some(Unit::AudioConfig(codec, config)) => self.configure_sound(codec, config),
            Some(Unit::Sound(codec, media_us, data)) => self.hear(codec, media_us, data, arrived),
            Some(Unit::VideoConfig(codec, config)) => self.configure_video(codec, config),
            Some(Unit::Picture(codec, coded)) => self.see(codec, coded, arrived),
            None => {}
        }
    }

    fn configure_sound(&mut self, codec: AudioCodec, config: Bytes) {
        if self.sound.as_ref().is_some_and(|(c, old)| (*c, old) == (codec, &config)) {
            return;
        }
        match open_sound(codec, &config) {
            Ok(decoder) => {
                self.playout().sound.set_decoder(decoder);
                self.hears = true;
            }
            Err(error) => {
                self.report(&format!("{codec:?}"), error);
                self.hears = false;
            }
        }
        self.sound = Some((codec, config));
    }

    fn hear(&mut self, codec: AudioCodec, media_us: i64, data: Bytes, arrived: Duration) {
        // MP3 has no configuration; the others are silent until theirs has come.
        if codec == AudioCodec::Mp3 && self.sound.as_ref().is_none_or(|(c, _)| *c != codec) {
            self.configure_sound(codec, Bytes::new());
        }
        if self.hears && !data.is_empty() {
            self.playout().sound.push(media_us, data, arrived);
        }
    }

    fn configure_video(&mut self, codec: VideoCodec, config: Bytes) {
        if self.video.as_ref().is_some_and(|d| d.is_for(codec, &config)) {
            return;
        }
        // What was coded the old way is decoded before the decoder changes.
        self.decode_all();
        self.count.codec = decode::name(codec);
        match VideoDecoder::open(codec, config) {
            Ok(decoder) => (self.video, self.count.unsupported) = (Some(decoder), None),
            Err(error) => {
                self.video = None;
                let name = self.count.codec.clone();
                self.report(&name, error);
            }
        }
        self.need_key = true;
    }

    fn report(&mut self, codec: &str, error: decode::Error) {
        tracing::warn!(codec, %error, "cannot decode");
        self.count.unsupported = Some(codec.to_owned());
    }

    /// Whether pictures are for a screen that works out colours itself.
    pub(super) fn set_planes(&mut self, on: bool) {
        self.convert.set_planes(on);
    }

    /// How the picture is seen from now on.
    pub(super) fn set_view(&mut self, view: View) {
        let was = std::mem::replace(&mut self.view, view);
        if was == view {
            return;
        }
        self.convert.set_enough((view == View::Small).then_some(View::SMALL_LINES));
        match (was, view) {
            (_, View::Hidden) => self.restart_pictures(),
            // What came meanwhile is not there to be built upon.
            (View::Hidden, _) => self.starving = true,
            _ => {}
        }
    }

    fn see(&mut self, codec: VideoCodec, coded: CodedPicture, arrived: Duration) {
        if self.video.is_none() && matches!(codec, VideoCodec::Other(_)) {
            self.count.unsupported = Some(decode::name(codec));
        }
        if coded.key {
            self.count.keys = (self.count.keys.1, Some(coded.media_us));
            if let Some(captured_us) = read_stamp(&coded.data) {
                self.stamped_us = Some(captured_us.saturating_sub(coded.media_us));
            }
        }
        if self.playout().picture_arrived(coded.media_us, arrived) {
            self.restart_pictures();
        }
        if self.view == View::Hidden {
            self.count.freezes.excuse(arrived);
            return;
        }
        if !self.coded.push(coded) {
            // Hopelessly behind: with the next key frame it begins anew.
            self.restart_pictures();
            self.starving = true;
        }
    }

    /// Decodes and shows what is due. Returns when there is something to do next.
    pub(super) fn step(&mut self) -> Option<Duration> {
        self.skip_old();
        loop {
            while self.pictures.has_room()
                && let Some(coded) = self.coded.pop()
            {
                self.decode(&coded);
            }
            let now = self.clock.local().now();
            self.show_still(now);
            let taken = {
                let playout = lock(&self.playout);
                self.pictures.take_due(now, |media_us| playout.picture_due(media_us, now))
            };
            match taken {
                // While newer pictures wait to be decoded that are due as well, this one is already old.
                Some((media_us, picture)) => self.show(media_us, picture, now),
                None => return self.pictures.next().map(|media_us| self.playout().picture_due(media_us, now)),
            }
        }
    }

    /// After a jump: what is due and lies before a key frame that is due as well need not be decoded.
    fn skip_old(&mut self) {
        let now = self.clock.local().now();
        let playout = lock(&self.playout);
        let skipped = self.coded.skip_to_key(|media_us| playout.picture_due(media_us, now) <= now);
        self.pictures.count_dropped(skipped);
    }

    /// Who waits for a live stream to fill its buffer sees what it will be.
    fn show_still(&mut self, now: Duration) {
        let far = |due: Duration| due > now + STILL;
        if self.count.first_frame.is_none()
            && self.pictures.next().is_some_and(|media_us| far(self.playout().picture_due(media_us, now)))
            && let Some((media_us, picture)) = self.pictures.take_next()
        {
            self.show(media_us, picture, now);
            self.excuse_freeze();
        }
    }

    fn decode_all(&mut self) {
        while let Some(coded) = self.coded.pop() {
            self.decode(&coded);
        }
    }

    fn decode(&mut self, coded: &CodedPicture) {
        let Some(decoder) = &mut self.video else { return };
        if self.need_key && !coded.key {
            self.starving = true;
            return;
        }
        let before = self.clock.local().now();
        // Not worth converting if the one after it is due already.
        let late = {
            let playout = lock(&self.playout);
            self.coded.next_us().is_some_and(|next_us| playout.picture_due(next_us, before) <= before)
        };
        let (convert, pictures, clock, size) = (&mut self.convert, &mut self.pictures, &self.clock, &mut self.count.size);
        let (origin_us, tap) = (self.origin_us.or(self.stamped_us), &self.tap);
        let mut broken = None;
        let result = decoder.decode(coded, |decoded| {
            if let Some(still) = tap.take_still()
                && let Ok(picture) = ToRgba::new().frame(&decoded.frame, None)
            {
                still.put(picture);
            }
            if late {
                pictures.count_dropped(1);
                return;
            }
            let known = origin_us.filter(|_| clock.offset_us().is_some());
            let captured = known.map(|origin| clock.to_local(origin.saturating_add(decoded.media_us)));
            *size = (decoded.frame.width(), decoded.frame.height());
            match convert.frame(&decoded.frame, captured) {
                Ok(picture) => pictures.push(decoded.media_us, picture),
                Err(error) => broken = Some(error),
            }
        });
        (self.need_key, self.starving) = (false, false);
        match broken {
            // One word for all that follow each other.
            Some(error) if !std::mem::replace(&mut self.unshowable, true) => tracing::warn!(%error, "pictures cannot be shown"),
            Some(_) => {}
            None => self.unshowable = false,
        }
        if let Err(error) = result {
            tracing::debug!(%error, "picture damaged; waiting for a key frame");
            decoder.flush();
            (self.need_key, self.starving) = (true, true);
        }
        let took = self.clock.local().now().saturating_sub(before);
        self.playout().decoding_takes(took);
        let ms = took.as_secs_f32() * 1000.0;
        self.count.decode_ms += (ms - self.count.decode_ms) / if self.count.decode_ms == 0.0 { 1.0 } else { 32.0 };
    }

    fn show(&mut self, media_us: i64, picture: Rgba, now: Duration) {
        let count = &mut self.count;
        count.frames += 1;
        count.shown.add(1, now);
        count.freezes.shown(now);
        count.first_frame.get_or_insert(now);
        if let Some(captured) = picture.captured {
            count.delays.add(now.saturating_sub(captured), now);
        }
        let offset = self.playout().offset_us(media_us, now);
        if let Some(offset) = offset {
            let step = (offset as f64 - self.count.offset_us) / if self.count.offset_us == 0.0 { 1.0 } else { 16.0 };
            self.count.offset_us += step;
        }
        if let Some(beats) = &self.beats {
            lock(beats).picture(now, &picture);
        }
        self.slot.put(picture);
    }

    /// Whether a key frame should be asked for now; counts as asked.
    pub(super) fn wants_key_frame(&mut self, asked_for: bool) -> bool {
        let now = self.clock.local().now();
        let allowed = self.key_asked.is_none_or(|at| now.saturating_sub(at) >= KEY_FRAME_EVERY);
        self.key_wished |= self.tap.take_key_wish();
        let wants = (self.starving || asked_for || self.key_wished) && allowed;
        if wants {
            self.key_wished = false;
            self.key_asked = Some(now);
        }
        wants
    }

    /// No picture is expected: the camera is off, or the connection is down for a known reason.
    pub(super) fn excuse_freeze(&mut self) {
        self.count.freezes.excuse(self.clock.local().now());
    }

    /// The figures so far.
    pub(super) fn stats(&mut self) -> PlayStats {
        let now = self.clock.local().now();
        let since_start = |at: Duration| at.saturating_sub(self.start).as_secs_f32() * 1000.0;
        let playout = lock(&self.playout);
        let count = &mut self.count;
        let (freezes, freeze_ms) = count.freezes.count(now);
        let kbps = |rate: &mut Rate| rate.per_second(now) * 8.0 / 1000.0;
        let stats = PlayStats {
            kbps: kbps(&mut count.all),
            picture: PictureIn {
                width: count.size.0,
                height: count.size.1,
                fps: count.shown.per_second(now),
                shown: count.frames,
                dropped: self.pictures.dropped(),
                kbps: kbps(&mut count.video),
                waiting: self.coded.len(),
                gop_s: count.keys.0.zip(count.keys.1).map_or(0.0, |(a, b)| (b - a) as f32 / 1e6),
                freezes,
                freeze_ms,
                first_ms: count.first_frame.map(since_start),
                decode_ms: count.decode_ms,
                codec: count.codec.clone(),
            },
            sound: SoundIn {
                kbps: kbps(&mut count.audio),
                rms: playout.level.rms(),
                rms_max: playout.level.loudest(),
                gap_ms: u64::try_from(playout.sound.concealed().as_millis()).unwrap_or(u64::MAX),
                first_ms: playout.first_sound.map(since_start),
            },
            buffer: Buffer {
                ms: playout.sound.buffered_us() as f32 / 1000.0,
                target_ms: playout.sound.target_us() as f32 / 1000.0,
                jitter_ms: playout.jitter_us() as f32 / 1000.0,
            },
            delay: Delay {
                recent: count.delays.recent(now),
                all: count.delays.all.percentiles(),
                av_offset_ms: count.offset_us as f32 / 1000.0,
                sync: self.beats.as_ref().and_then(|beats| lock(beats).figures()),
            },
            unsupported: count.unsupported.clone(),
            // The link knows.
            route: Route::default(),
            history: self.history.clone(),
        };
        if self.history.is_due(now) {
            self.history.add(stats.sample(now, count.delays.take_worst(), count.freezes.take_longest(now)));
        }
        stats
    }

    fn playout(&self) -> MutexGuard<'_, Playout> {
        lock(&self.playout)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
