//! One person on the recorded stage: their packets decoded, each at its moment. No thread.

use super::tap::{Listening, Tap, Tapped};
use crate::base::{Queue, ServerClock};
use crate::media::frame::SAMPLE_RATE;
use crate::media::play::decode::{Decode, VideoDecoder, open_sound};
use crate::media::play::demux::{CodedPicture, Demux, Unit};
use crate::rtmp::tag::{AudioCodec, VideoCodec};
use bytes::Bytes;
use ffmpeg_next::frame::Video;
use std::collections::VecDeque;
use std::time::Duration;

/// Packets that may wait: the stage takes them 25 times a second.
const PACKETS: usize = 1024;
/// Pictures that wait for their moment; of more the oldest goes.
const PICTURES: usize = 64;
/// Sound that waits for its moment; of more the oldest goes.
const SOUND: usize = 5 * SAMPLE_RATE as usize;
/// Times are in whole milliseconds: packets that are off by less follow each other.
const LOOSE: i64 = 20 * SAMPLE_RATE as i64 / 1000;

/// Somebody whose picture and sound are part of the stage.
pub(super) struct Guest {
    tap: Tap,
    queue: Queue<Tapped>,
    _listening: Listening,
    lost: u64,
    clock: ServerClock,
    demux: Demux,
    /// Zero of the stream's time line by the local clock, in microseconds, as the publisher says; else as packets come at the earliest.
    said_us: Option<i64>,
    seen_us: Option<i64>,
    video: Option<VideoDecoder>,
    need_key: bool,
    pictures: VecDeque<(Duration, Video)>,
    sound: Option<(AudioCodec, Bytes, Box<dyn Decode>)>,
    /// Samples that wait, the number of the first since the recording began, and decoded ones on their way there.
    samples: VecDeque<f32>,
    first: i64,
    decoded: Vec<f32>,
    begun: Duration,
}

impl Guest {
    /// Listens at this tap for a recording that began at this local moment.
    pub(super) fn new(tap: &Tap, clock: ServerClock, begun: Duration) -> Self {
        let queue = Queue::bounded(PACKETS);
        let listening = tap.listen(queue.clone(), clock.local().now());
        Self {
            tap: tap.clone(),
            queue,
            _listening: listening,
            lost: 0,
            clock,
            demux: Demux::default(),
            said_us: None,
            seen_us: None,
            video: None,
            need_key: true,
            pictures: VecDeque::new(),
            sound: None,
            samples: VecDeque::new(),
            first: 0,
            decoded: Vec::new(),
            begun,
        }
    }

    /// Whose tap it is.
    pub(super) fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Decodes what has come.
    pub(super) fn take(&mut self) {
        let dropped = self.queue.dropped();
        if std::mem::replace(&mut self.lost, dropped) != dropped {
            self.need_key = true;
        }
        while let Some(tapped) = self.queue.pop() {
            match tapped {
                Tapped::Restart => {
                    (self.demux, self.said_us, self.seen_us) = (Demux::default(), None, None);
                    self.need_key = true;
                }
                Tapped::Packet(packet, arrived) => {
                    if let Some(unit) = self.demux.read(&packet) {
                        self.unit(unit, arrived);
                    }
                }
            }
        }
    }

    fn unit(&mut self, unit: Unit, arrived: Duration) {
        match unit {
            Unit::Clock(origin_us) if self.clock.offset_us().is_some() => {
                self.said_us = i64::try_from(self.clock.to_local(origin_us).as_micros()).ok();
            }
            Unit::Clock(_) => {}
            Unit::VideoConfig(codec, config) => self.configure(codec, config),
            Unit::Picture(_, coded) => self.picture(&coded, arrived),
            Unit::AudioConfig(codec, config) => {
                if self.sound.as_ref().is_none_or(|(known, old, _)| (*known, old) != (codec, &config)) {
                    self.sound = open_sound(codec, &config).ok().map(|decoder| (codec, config, decoder));
                }
            }
            Unit::Sound(_, media_us, data) => self.hear(media_us, &data, arrived),
        }
    }

    fn configure(&mut self, codec: VideoCodec, config: Bytes) {
        if self.video.as_ref().is_none_or(|decoder| !decoder.is_for(codec, &config)) {
            self.video = VideoDecoder::open(codec, config).ok();
            self.need_key = true;
        }
    }

    /// The local moment of a media time.
    fn moment(&mut self, media_us: i64, arrived: Duration) -> Duration {
        let arrived = i64::try_from(arrived.as_micros()).unwrap_or(i64::MAX);
        let seen = self.seen_us.unwrap_or(i64::MAX).min(arrived - media_us);
        self.seen_us = Some(seen);
        Duration::from_micros(u64::try_from(self.said_us.unwrap_or(seen) + media_us).unwrap_or(0))
    }

    fn picture(&mut self, coded: &CodedPicture, arrived: Duration) {
        let at = self.moment(coded.media_us, arrived);
        if self.need_key && !coded.key {
            self.tap.want_key_frame();
            return;
        }
        let Some(decoder) = &mut self.video else { return };
        self.need_key = false;
        let pictures = &mut self.pictures;
        let result = decoder.decode(coded, |decoded| {
            if pictures.len() == PICTURES {
                pictures.pop_front();
            }
            pictures.push_back((at, decoded.frame));
        });
        if result.is_err() {
            decoder.flush();
            self.need_key = true;
        }
    }

    fn hear(&mut self, media_us: i64, data: &[u8], arrived: Duration) {
        let at = self.moment(media_us, arrived);
        let Some((_, _, decoder)) = &mut self.sound else { return };
        self.decoded.clear();
        if data.is_empty() || decoder.decode(data, &mut self.decoded).is_err() {
            return;
        }
        let since_us = at.as_micros() as i64 - self.begun.as_micros() as i64;
        let number = since_us * i64::from(SAMPLE_RATE / 1000) / 1000;
        let end = self.first + self.samples.len() as i64;
        let gap = number - end;
        if gap > LOOSE {
            let room = SOUND.saturating_sub(self.samples.len());
            self.samples.extend(std::iter::repeat_n(0.0, room.min(gap.unsigned_abs() as usize)));
        }
        // What is said twice, or comes when its moment is past, is heard once or not at all.
        let skip = if gap < -LOOSE { gap.unsigned_abs() as usize } else { 0 };
        self.samples.extend(self.decoded.iter().skip(skip));
        let surplus = self.samples.len().saturating_sub(SOUND);
        self.samples.drain(..surplus);
        self.first += surplus as i64;
    }

    /// The picture that is due at this local moment, if it is another one than before.
    pub(super) fn picture_at(&mut self, at: Duration) -> Option<Video> {
        let mut newest = None;
        while self.pictures.front().is_some_and(|(due, _)| *due <= at) {
            newest = self.pictures.pop_front().map(|(_, frame)| frame);
        }
        newest
    }

    /// Adds the sound that begins with this sample of the recording.
    pub(super) fn mix(&mut self, number: i64, into: &mut [f32]) {
        let before = usize::try_from(number - self.first).unwrap_or(0).min(self.samples.len());
        self.samples.drain(..before);
        self.first += before as i64;
        if self.samples.is_empty() {
            self.first = self.first.max(number);
        }
        let late = usize::try_from(self.first - number).unwrap_or(0);
        for to in into.iter_mut().skip(late) {
            let Some(sample) = self.samples.pop_front() else { return };
            *to += sample;
            self.first += 1;
        }
    }
}
