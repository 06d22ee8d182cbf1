//! Pictures to H.264: constrained baseline, no B-frames, one picture in, one picture out.

use super::avcc;
use super::backend::{Backend, HARDWARE, SOFTWARE};
use super::lend::{lend, take_back};
use super::{Error, rate};
use crate::media::frame::{Picture, Pool};
use bytes::Bytes;
use ffmpeg::codec::encoder::video;
use ffmpeg::format::Pixel;
use ffmpeg::util::frame::Video;
use ffmpeg::{Packet, picture};
use ffmpeg_next as ffmpeg;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Pictures an encoder may hold back while it is tried out.
const MAX_HELD: usize = 1;
/// Size of the pictures that hardware is tried out with.
const TRIAL: (u32, u32) = (640, 360);

/// Which encoders may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Hardware that passed a trial, else x264.
    #[default]
    Auto,
    /// x264.
    Software,
}

/// How much comes out of an encoder; changes in mid-stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Highest average rate.
    pub kbps: u32,
    /// Pictures a second; the bit rate is shared out among so many.
    pub fps: u32,
    /// How long a single picture may take at that rate.
    pub buffer_ms: u32,
}

impl Rate {
    /// With a buffer for key frames as good as the other pictures.
    pub fn new(kbps: u32, fps: u32) -> Self {
        Self { kbps, fps, buffer_ms: 400 }
    }
}

/// What to encode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How much comes out.
    pub rate: Rate,
    /// Which encoders may be used.
    pub choice: Choice,
}

/// One encoded picture.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// When its source handed it over, by the local clock.
    pub captured: Duration,
    /// Whether decoding can start here.
    pub key: bool,
    /// Slices behind four-byte lengths.
    pub data: Bytes,
}

/// An open H.264 encoder.
pub struct Encoder {
    config: Config,
    /// Pictures a second that the encoder was opened for: it goes on counting in these.
    fps: u32,
    backend: &'static Backend,
    encoder: video::Encoder,
    frame: Video,
    packet: Packet,
    next: i64,
    /// Numbers and times of the pictures that are inside.
    inside: VecDeque<(i64, Duration)>,
    record: Option<Bytes>,
}

impl Encoder {
    /// Opens the best encoder there is. Blocks, the first time with [`Choice::Auto`], while hardware is tried out.
    ///
    /// # Errors
    /// When not even x264 can be opened.
    pub fn open(config: Config) -> Result<Self, Error> {
        if config.choice == Choice::Auto {
            for backend in usable() {
                match Self::open_with(backend, config) {
                    Ok(encoder) => return Ok(encoder),
                    Err(error) => tracing::debug!("{error}"),
                }
            }
        }
        Self::open_with(&SOFTWARE, config)
    }

    fn open_with(backend: &'static Backend, config: Config) -> Result<Self, Error> {
        let encoder = backend.open(&config)?;
        Ok(Self {
            config,
            fps: config.rate.fps.max(1),
            backend,
            encoder,
            frame: Video::empty(),
            packet: Packet::empty(),
            next: 0,
            inside: VecDeque::new(),
            record: None,
        })
    }

    /// Name of the encoder, such as `libx264`.
    pub fn name(&self) -> &'static str {
        self.backend.name
    }

    /// What it was opened for.
    pub fn config(&self) -> Config {
        self.config
    }

    /// The record that decoders need first (ISO/IEC 14496-15, 5.3.3.1); known as soon as the first key frame has come out.
    pub fn record(&self) -> Option<&Bytes> {
        self.record.as_ref()
    }

    /// Changes the rate from the next picture on, without a key frame.
    pub fn set_rate(&mut self, rate: Rate) {
        if self.config.rate != rate {
            self.config.rate = rate;
            rate::set(&mut self.encoder, rate, self.fps);
        }
    }

    /// Encodes a picture, as a key frame if wished; gives what comes out, which with x264 is that picture.
    ///
    /// # Errors
    /// When the picture has another size, or the encoder fails: open another one then.
    pub fn encode(&mut self, picture: &Arc<Picture>, key: bool) -> Result<Vec<Encoded>, Error> {
        if (picture.width, picture.height) != (self.config.width, self.config.height) {
            return Err(Error::Size(picture.width, picture.height));
        }
        if self.backend.pixel == Pixel::NV12 {
            // A new one each time: hardware may still be reading the last one.
            self.frame = interleaved(picture);
        } else {
            lend(&mut self.frame, picture).map_err(|cause| Error::failed(self.backend.name, cause))?;
        }
        self.frame.set_pts(Some(self.next));
        self.frame.set_kind(if key { picture::Type::I } else { picture::Type::None });
        self.inside.push_back((self.next, picture.captured));
        self.next += 1;
        let sent = self.encoder.send_frame(&self.frame);
        take_back(&mut self.frame);
        sent.map_err(|cause| Error::failed(self.backend.name, cause))?;
        let mut out = Vec::with_capacity(1);
        loop {
            match self.encoder.receive_packet(&mut self.packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::error::EAGAIN => return Ok(out),
                Err(cause) => return Err(Error::failed(self.backend.name, cause)),
            }
            let unit = avcc::parse(self.packet.data().unwrap_or_default());
            if unit.record.is_some() {
                self.record = unit.record;
            }
            let number = self.packet.pts().unwrap_or(i64::MAX);
            while self.inside.front().is_some_and(|(n, _)| *n < number) && self.inside.len() > 1 {
                self.inside.pop_front();
            }
            let captured = self.inside.pop_front().map_or(picture.captured, |(_, at)| at);
            if !unit.data.is_empty() {
                out.push(Encoded { captured, key: unit.key, data: unit.data });
            }
        }
    }
}

/// A picture with its colours interleaved, as some hardware wants it.
fn interleaved(picture: &Picture) -> Video {
    let mut frame = Video::new(Pixel::NV12, picture.width, picture.height);
    let [y, u, v] = picture.planes();
    let (w, chroma) = (picture.width as usize, picture.width.div_ceil(2) as usize);
    let stride = frame.stride(0);
    for (to, from) in frame.data_mut(0).chunks_exact_mut(stride).zip(y.chunks_exact(w)) {
        to[..w].copy_from_slice(from);
    }
    let stride = frame.stride(1);
    let rows = u.chunks_exact(chroma).zip(v.chunks_exact(chroma));
    for (to, (u, v)) in frame.data_mut(1).chunks_exact_mut(stride).zip(rows) {
        for (pair, (u, v)) in to.chunks_exact_mut(2).zip(u.iter().zip(v)) {
            pair.copy_from_slice(&[*u, *v]);
        }
    }
    frame
}

/// The hardware that really encodes: listed is much that fails as soon as it is used. Found out once.
fn usable() -> &'static [&'static Backend] {
    static USABLE: OnceLock<Vec<&'static Backend>> = OnceLock::new();
    USABLE.get_or_init(|| {
        let passed = HARDWARE.iter().filter(|backend| match trial(backend) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("no hardware encoding: {error}");
                false
            }
        });
        passed.collect()
    })
}

/// Encodes a few pictures: a key frame must come out at once, and then one picture for each that goes in.
fn trial(backend: &'static Backend) -> Result<(), Error> {
    let (width, height) = TRIAL;
    let mut encoder = Encoder::open_with(backend, Config { width, height, rate: Rate::new(800, 30), choice: Choice::Auto })?;
    let mut out = Vec::new();
    for n in 0..4 {
        let mut data = Pool::new().take(Picture::len(width, height));
        data.fill(128);
        let picture = Arc::new(Picture { width, height, captured: Duration::from_millis(n * 33), data });
        out.extend(encoder.encode(&picture, n == 0)?);
        if out.len() + MAX_HELD < n as usize + 1 {
            return Err(Error::Unusable(backend.name));
        }
    }
    let good = encoder.record.is_some() && out.first().is_some_and(|first| first.key);
    if good { Ok(()) } else { Err(Error::Unusable(backend.name)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::capture::Format;
    use crate::media::capture::pattern::Pattern;
    use ffmpeg::{codec, decoder};

    fn config(width: u32, height: u32, kbps: u32) -> Config {
        Config { width, height, rate: Rate::new(kbps, 30), choice: Choice::Software }
    }

    /// A decoder that reads what we write: the record as extra data would need a pointer, so units are put back behind start codes.
    struct Decoder(decoder::Video);

    impl Decoder {
        fn new() -> Self {
            let found = decoder::find(codec::Id::H264).unwrap();
            Self(codec::Context::new_with_codec(found).decoder().open_as(found).unwrap().video().unwrap())
        }

        fn decode(&mut self, record: &[u8], encoded: &Encoded) -> Video {
            let mut stream = Vec::new();
            let mut unit = |nal: &[u8]| stream.extend([0, 0, 0, 1].iter().chain(nal));
            let sps_len = usize::from(u16::from_be_bytes([record[6], record[7]]));
            let pps = 8 + sps_len + 3;
            unit(&record[8..8 + sps_len]);
            unit(&record[pps..pps + usize::from(u16::from_be_bytes([record[pps - 2], record[pps - 1]]))]);
            let mut rest = &encoded.data[..];
            while let Some((len, after)) = rest.split_first_chunk::<4>() {
                let (nal, after) = after.split_at(u32::from_be_bytes(*len) as usize);
                unit(nal);
                rest = after;
            }
            self.0.send_packet(&Packet::copy(&stream)).unwrap();
            let mut frame = Video::empty();
            // With low delay off, the decoder gives a baseline picture at once all the same.
            self.0.receive_frame(&mut frame).unwrap();
            frame
        }
    }

    fn psnr(frame: &Video, picture: &Picture) -> [f64; 3] {
        let widths = [picture.width as usize, picture.width.div_ceil(2) as usize, picture.width.div_ceil(2) as usize];
        let mut plane = 0;
        picture.planes().map(|expected| {
            let (stride, width) = (frame.stride(plane), widths[plane]);
            let rows = frame.data(plane).chunks(stride).zip(expected.chunks_exact(width));
            let error: f64 =
                rows.flat_map(|(a, b)| a[..width].iter().zip(b)).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            plane += 1;
            10.0 * (255.0_f64.powi(2) / (error / expected.len() as f64).max(1e-9)).log10()
        })
    }

    #[test]
    fn pictures_survive_in_every_channel() {
        for (w, h, kbps) in [(640, 360, 800), (854, 480, 1200), (1280, 720, 2000)] {
            let pattern = Pattern::new(Format { width: w, height: h, fps: 30 });
            let mut encoder = Encoder::open(config(w, h, kbps)).unwrap();
            let mut decoder = Decoder::new();
            for n in 0..12_u64 {
                let picture = Arc::new(pattern.draw(Duration::from_millis(1_795_345_678_200 + n * 33)));
                let out = encoder.encode(&picture, n == 0).unwrap();
                assert_eq!(out.len(), 1, "one in, one out");
                assert_eq!((out[0].key, out[0].captured), (n == 0, picture.captured));
                let frame = decoder.decode(&encoder.record().unwrap().clone(), &out[0]);
                let [y, u, v] = psnr(&frame, &picture);
                assert!(y > 28.0 && u > 34.0 && v > 34.0, "{w}x{h}, picture {n}: {y:.1} {u:.1} {v:.1} dB");
            }
        }
    }

    #[test]
    fn it_is_constrained_baseline_and_says_its_colours() {
        let mut encoder = Encoder::open(config(640, 360, 800)).unwrap();
        let picture = Arc::new(Pattern::new(Format::default()).draw(Duration::from_secs(1)));
        let out = encoder.encode(&picture, true).unwrap();
        let record = encoder.record().unwrap().clone();
        // Profile 66 with constraint_set1: constrained baseline (H.264, A.2.1.1).
        assert_eq!((record[0], record[1], record[2] & 0x40), (1, 66, 0x40));
        let frame = Decoder::new().decode(&record, &out[0]);
        assert_eq!((frame.color_space(), frame.color_range()), (ffmpeg::color::Space::SMPTE170M, ffmpeg::color::Range::MPEG));
        assert_eq!(encoder.name(), "libx264");
    }

    #[test]
    fn key_frames_come_when_asked_for_and_only_then() {
        let mut encoder = Encoder::open(config(320, 180, 300)).unwrap();
        let pattern = Pattern::new(Format { width: 320, height: 180, fps: 30 });
        for n in 0..120_u64 {
            // The pattern's flash is a scene cut twice a second.
            let picture = Arc::new(pattern.draw(Duration::from_millis(1_795_345_678_000 + n * 33)));
            let wanted = n == 0 || n == 50;
            assert_eq!(encoder.encode(&picture, wanted).unwrap()[0].key, wanted, "picture {n}");
        }
    }

    #[test]
    fn the_rate_follows_in_mid_stream() {
        let (w, h) = (640, 360);
        let mut encoder = Encoder::open(config(w, h, 1500)).unwrap();
        let mut data = Pool::new().take(Picture::len(w, h));
        let mut seed = 1_u32;
        let mut second = |encoder: &mut Encoder| {
            let mut bytes = 0;
            for n in 0..60_u64 {
                // Coarse noise that changes all the time: more than any of these rates can hold.
                for (i, b) in data.iter_mut().enumerate() {
                    if i % 8 == 0 {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    }
                    *b = 64 + (seed >> 25) as u8;
                }
                let taken = std::mem::replace(&mut data, Pool::new().take(0));
                let picture = Arc::new(Picture { width: w, height: h, captured: Duration::ZERO, data: taken });
                let len = encoder.encode(&picture, false).unwrap()[0].data.len();
                data = Arc::into_inner(picture).expect("the encoder lets go of it at once").data;
                bytes += if n >= 30 { len } else { 0 };
            }
            bytes as f64 * 8.0 / 1000.0
        };
        let high = second(&mut encoder);
        encoder.set_rate(Rate::new(500, 30));
        let low = second(&mut encoder);
        encoder.set_rate(Rate::new(1500, 30));
        let again = second(&mut encoder);
        assert!((1000.0..2000.0).contains(&high) && (300.0..700.0).contains(&low), "{high} {low}");
        assert!((1000.0..2000.0).contains(&again), "{again}");
    }

    #[test]
    fn a_key_frame_keeps_to_the_buffer_and_a_change_of_rate_makes_none() {
        let format = Format { width: 640, height: 360, fps: 30 };
        let pattern = Pattern::new(format);
        let mut encoder = Encoder::open(config(640, 360, 1500)).unwrap();
        let encode = |encoder: &mut Encoder, n: u64, key| {
            let picture = Arc::new(pattern.draw(Duration::from_millis(1_795_345_678_200 + n * 33)));
            encoder.encode(&picture, key).unwrap().remove(0)
        };
        let first = encode(&mut encoder, 0, true);
        assert!(first.key);
        for n in 1..60 {
            assert!(!encode(&mut encoder, n, false).key);
        }
        // Half the pictures a second: the same encoder, each picture twice its share.
        let rate = Rate { kbps: 250, fps: 15, buffer_ms: 160 };
        encoder.set_rate(rate);
        let mut bytes = 0;
        for n in 30..75 {
            let coded = encode(&mut encoder, n * 2, n == 60);
            assert_eq!(coded.key, n == 60, "picture {n}");
            if coded.key {
                // 250 kbit/s for 160 ms are 5 kB.
                assert!(coded.data.len() < 7500 && coded.data.len() < first.data.len(), "{} bytes", coded.data.len());
            }
            bytes += if n >= 45 { coded.data.len() } else { 0 };
        }
        // Two seconds.
        let kbps = bytes as f64 * 8.0 / 1000.0 / 2.0;
        assert!(kbps < 300.0, "{kbps}");
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut encoder = Encoder::open(config(320, 180, 300)).unwrap();
        let picture = Arc::new(Pattern::new(Format::default()).draw(Duration::ZERO));
        assert_eq!(encoder.encode(&picture, true).unwrap_err(), Error::Size(640, 360));
    }

    #[test]
    fn whatever_is_chosen_by_itself_encodes() {
        let mut encoder = Encoder::open(Config { choice: Choice::Auto, ..config(640, 360, 800) }).unwrap();
        let picture = Arc::new(Pattern::new(Format::default()).draw(Duration::from_secs(5)));
        let mut out = encoder.encode(&picture, true).unwrap();
        out.extend(encoder.encode(&picture, false).unwrap());
        assert!(out[0].key && encoder.record().is_some());
    }
}
