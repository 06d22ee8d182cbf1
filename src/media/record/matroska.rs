//! A Matroska file (RFC 9559) that can be played at any moment, however its writer ends: everything is appended in whole clusters of at most
//! [`CLUSTER`], and the segment's size stays unknown until the file is finished. Only then follow the index and the size.
//!
//! It knows no thread and no file: it writes to whatever can be written to.

use super::ebml;
use bytes::Bytes;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;

/// As much may be lost when the program dies.
pub const CLUSTER: Duration = Duration::from_secs(2);
/// A cluster is written out when it has grown to this, whatever its length.
const CLUSTER_BYTES: usize = 4 * 1024 * 1024;
/// Room for the list of what is where, which is known at the end.
const SEEK_HEAD: usize = 96;
/// Room for the duration: an id of two bytes, a size of one, a number of eight.
const DURATION: usize = 11;
/// What a decoder has to decode before the sound is right again after a jump (RFC 7845, 4.6).
const OPUS_PRE_ROLL: Duration = Duration::from_millis(80);
/// Points of the index; of more, every second is left out.
const MOST_CUES: usize = 20_000;
/// Matroska's dates count from the beginning of 2001.
const EPOCH: Duration = Duration::from_secs(978_307_200);

/// How sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundCodec {
    /// Opus; its configuration is an `OpusHead`.
    Opus,
    /// AAC; its configuration is an `AudioSpecificConfig`.
    Aac,
    /// MP3, which has no configuration.
    Mp3,
}

/// The pictures of a file: H.264.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureTrack {
    /// `AVCDecoderConfigurationRecord`.
    pub config: Bytes,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The sound of a file: mono, 48 kHz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundTrack {
    /// How it is coded.
    pub codec: SoundCodec,
    /// What its decoder needs.
    pub config: Bytes,
}

/// What a file begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What it is called.
    pub title: String,
    /// When it was begun: time since the UNIX epoch.
    pub begun: Duration,
    /// Its pictures.
    pub picture: Option<PictureTrack>,
    /// Its sound.
    pub sound: Option<SoundTrack>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// Pictures.
    Picture = 1,
    /// Sound.
    Sound = 2,
}

/// Writes one file.
pub struct Writer<W> {
    out: W,
    /// Bytes written.
    length: u64,
    /// Where the segment's body begins; positions in the index count from there.
    body: u64,
    /// Where the duration and the list of what is where go, and where the two things are that it lists.
    duration_at: u64,
    info: u64,
    tracks: u64,
    has_picture: bool,
    /// What is added to the times of Opus packets, whose first samples only warm the decoder up.
    delay_us: i64,
    /// The cluster being filled, and when it begins, in milliseconds.
    cluster: Vec<u8>,
    cluster_ms: Option<u64>,
    /// When the last of either track began.
    last_ms: [u64; 2],
    /// When clusters begin that a player may jump to, and where they are.
    cues: Vec<(u64, u64)>,
    jump: bool,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn start(mut out: W, head: &Head) -> io::Result<Self> {
        let mut bytes = Vec::new();
        ebml::group(&mut bytes, 0x1a45_dfa3, |b| {
            ebml::number(b, 0x4286, 1); // EBMLVersion
            ebml::number(b, 0x42f7, 1); // EBMLReadVersion
            ebml::number(b, 0x42f2, 4); // EBMLMaxIDLength
            ebml::number(b, 0x42f3, 8); // EBMLMaxSizeLength
            ebml::text(b, 0x4282, "matroska"); // DocType
            ebml::number(b, 0x4287, 4); // DocTypeVersion
            ebml::number(b, 0x4285, 2); // DocTypeReadVersion
        });
        ebml::id(&mut bytes, 0x1853_8067); // Segment
        bytes.extend_from_slice(&ebml::UNKNOWN_SIZE);
        let body = bytes.len() as u64;
        ebml::void(&mut bytes, SEEK_HEAD);
        let info = bytes.len() as u64 - body;
        let mut inside = Vec::new();
        ebml::number(&mut inside, 0x002a_d7b1, 1_000_000); // TimestampScale: milliseconds
        ebml::text(&mut inside, 0x4d80, "Parlor"); // MuxingApp
        ebml::text(&mut inside, 0x5741, concat!("Parlor ", env!("CARGO_PKG_VERSION"))); // WritingApp
        ebml::text(&mut inside, 0x7ba9, &head.title); // Title
        let date = i64::try_from(head.begun.saturating_sub(EPOCH).as_nanos()).unwrap_or(i64::MAX);
        ebml::element(&mut inside, 0x4461, &date.to_be_bytes()); // DateUTC
        let before_duration = inside.len();
        ebml::void(&mut inside, DURATION);
        ebml::element(&mut bytes, 0x1549_a966, &inside); // Info
        let duration_at = (bytes.len() - inside.len() + before_duration) as u64;
        let tracks = bytes.len() as u64 - body;
        ebml::group(&mut bytes, 0x1654_ae6b, |b| tracks_of(b, head)); // Tracks
        out.write_all(&bytes)?;
        Ok(Self {
            out,
            length: bytes.len() as u64,
            body,
            duration_at,
            info,
            tracks,
            has_picture: head.picture.is_some(),
            delay_us: head.sound.as_ref().map_or(0, |sound| micros(delay(sound))),
            cluster: Vec::new(),
            cluster_ms: None,
            last_ms: [0; 2],
            cues: Vec::new(),
            jump: false,
        })
    }

    /// Adds a picture or a packet of sound, which begins `at_us` microseconds after the file; what would go back in time does not. Nothing is
    /// written before a cluster is full.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, track: Track, at_us: i64, key: bool, data: &[u8]) -> io::Result<()> {
        let delay = if track == Track::Sound { self.delay_us } else { 0 };
        let ms = u64::try_from((at_us + delay + 500) / 1000).unwrap_or(0);
        let last = &mut self.last_ms[track as usize - 1];
        let ms = ms.max(*last);
        *last = ms;
        // Players jump to key frames; where there are no pictures, to anything.
        let jump = if self.has_picture { track == Track::Picture && key } else { true };
        let starts_anew = match self.cluster_ms {
            None => true,
            Some(begin) => {
                let long = ms.saturating_sub(begin) >= CLUSTER.as_millis() as u64;
                let full = self.cluster.len() >= CLUSTER_BYTES;
                // Sound may lie a little before the cluster's first picture.
                let far = ms + 30_000 < begin;
                long || full || far || (self.has_picture && jump && !self.cluster.is_empty())
            }
        };
        if starts_anew {
            self.flush()?;
            self.cluster_ms = Some(ms);
            self.jump = jump;
        }
        let begin = self.cluster_ms.unwrap_or(ms);
        let relative = i16::try_from(ms as i64 - begin as i64).unwrap_or(i16::MAX);
        ebml::id(&mut self.cluster, 0xa3); // SimpleBlock
        ebml::size(&mut self.cluster, data.len() as u64 + 4);
        self.cluster.push(0x80 | track as u8);
        self.cluster.extend_from_slice(&relative.to_be_bytes());
        self.cluster.push(if key { 0x80 } else { 0 });
        self.cluster.extend_from_slice(data);
        Ok(())
    }

    /// Bytes so far, what waits to be written included.
    pub fn bytes(&self) -> u64 {
        self.length + self.cluster.len() as u64
    }

    /// How long the file is so far.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.last_ms[0].max(self.last_ms[1]))
    }

    /// Writes out what waits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(begin) = self.cluster_ms.take() else { return Ok(()) };
        let mut bytes = Vec::with_capacity(self.cluster.len() + 32);
        let mut time = Vec::new();
        ebml::number(&mut time, 0xe7, begin); // Timestamp
        ebml::id(&mut bytes, 0x1f43_b675); // Cluster
        ebml::size(&mut bytes, (time.len() + self.cluster.len()) as u64);
        bytes.extend_from_slice(&time);
        bytes.append(&mut self.cluster);
        if self.jump {
            if self.cues.len() >= MOST_CUES {
                let mut keep = false;
                self.cues.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
            self.cues.push((begin, self.length - self.body));
        }
        self.out.write_all(&bytes)?;
        self.length += bytes.len() as u64;
        // Whoever opens the file now should see how long it is.
        let duration = self.duration_element();
        self.overwrite(self.duration_at, &duration)?;
        self.out.flush()
    }

    /// Writes out what waits, then the index; gives back what was written to.
    ///
    /// # Errors
    /// When the file cannot be written; it can be played all the same.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        let mut cues = Vec::new();
        let track = if self.has_picture { Track::Picture } else { Track::Sound } as u64;
        ebml::group(&mut cues, 0x1c53_bb6b, |b| {
            for (ms, at) in &self.cues {
                ebml::group(b, 0xbb, |b| {
                    ebml::number(b, 0xb3, *ms); // CueTime
                    ebml::group(b, 0xb7, |b| {
                        ebml::number(b, 0xf7, track); // CueTrack
                        ebml::number(b, 0xf1, *at); // CueClusterPosition
                    });
                });
            }
        });
        let listed = [(0x1549_a966_u32, self.info), (0x1654_ae6b, self.tracks), (0x1c53_bb6b, self.length - self.body)];
        self.out.write_all(&cues)?;
        self.length += cues.len() as u64;
        let mut list = Vec::new();
        ebml::group(&mut list, 0x114d_9b74, |b| {
            for (id, at) in listed {
                ebml::group(b, 0x4dbb, |b| {
                    ebml::element(b, 0x53ab, &id.to_be_bytes()); // SeekID
                    ebml::number(b, 0x53ac, at); // SeekPosition
                });
            }
        });
        let left = SEEK_HEAD - list.len();
        ebml::void(&mut list, left);
        self.overwrite(self.body, &list)?;
        let size = ebml::wide_size(self.length - self.body);
        self.overwrite(self.body - 8, &size)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn duration_element(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(DURATION);
        ebml::element(&mut bytes, 0x4489, &(self.duration().as_millis() as f64).to_be_bytes());
        bytes
    }

    fn overwrite(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(at))?;
        self.out.write_all(bytes)?;
        self.out.seek(SeekFrom::Start(self.length)).map(drop)
    }
}

fn tracks_of(out: &mut Vec<u8>, head: &Head) {
    if let Some(picture) = &head.picture {
        ebml::group(out, 0xae, |b| {
            entry(b, Track::Picture, 1, "V_MPEG4/ISO/AVC", &picture.config);
            ebml::group(b, 0xe0, |b| {
                ebml::number(b, 0xb0, picture.width.into()); // PixelWidth
                ebml::number(b, 0xba, picture.height.into()); // PixelHeight
            });
        });
    }
    if let Some(sound) = &head.sound {
        let name = match sound.codec {
            SoundCodec::Opus => "A_OPUS",
            SoundCodec::Aac => "A_AAC",
            SoundCodec::Mp3 => "A_MPEG/L3",
        };
        ebml::group(out, 0xae, |b| {
            entry(b, Track::Sound, 2, name, &sound.config);
            if sound.codec == SoundCodec::Opus {
                ebml::number(b, 0x56aa, delay(sound).as_nanos() as u64); // CodecDelay
                ebml::number(b, 0x56bb, OPUS_PRE_ROLL.as_nanos() as u64); // SeekPreRoll
            }
            ebml::group(b, 0xe1, |b| {
                ebml::element(b, 0xb5, &48_000_f64.to_be_bytes()); // SamplingFrequency
                ebml::number(b, 0x9f, 1); // Channels
            });
        });
    }
}

fn entry(out: &mut Vec<u8>, track: Track, kind: u64, codec: &str, config: &[u8]) {
    ebml::number(out, 0xd7, track as u64); // TrackNumber
    ebml::number(out, 0x73c5, track as u64); // TrackUID
    ebml::number(out, 0x83, kind); // TrackType
    ebml::number(out, 0x9c, 0); // FlagLacing
    ebml::text(out, 0x86, codec); // CodecID
    if !config.is_empty() {
        ebml::element(out, 0x63a2, config); // CodecPrivate
    }
}

/// What an Opus decoder gives before the sound begins, by its head (RFC 7845, 5.1); other codecs give nothing.
fn delay(sound: &SoundTrack) -> Duration {
    match (sound.codec, sound.config.get(10..12)) {
        (SoundCodec::Opus, Some(&[low, high])) => {
            Duration::from_nanos(u64::from(u16::from_le_bytes([low, high])) * 1_000_000_000 / 48_000)
        }
        _ => Duration::ZERO,
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
