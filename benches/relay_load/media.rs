//! What is published: pictures of a real encoder from an FLV file, in a loop, and sound packets of a voice's size.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Bytes;

use parlor::rtmp::{Packet, PacketKind, tag};

/// Sound packets a second: one each 20 ms, as Opus has them.
pub const SOUNDS_PER_SECOND: u32 = 50;
/// Bytes of a sound packet: 32 kbit/s, a voice.
const SOUND_BYTES: usize = 80;
/// Bytes at a packet's end that hold when it was sent.
const STAMP: usize = 8;

/// The pictures of a file.
pub struct Loop {
    pub header: Bytes,
    pub pictures: Vec<Bytes>,
    pub pictures_per_second: u32,
    /// Where key frames are.
    keys: Vec<usize>,
}

impl Loop {
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = Bytes::from(std::fs::read(file).with_context(|| format!("reading {}", file.display()))?);
        let (mut header, mut pictures) = (None, Vec::new());
        // The file's header and the first "size of the last tag".
        let mut at = 13;
        while at + 11 <= bytes.len() {
            let size = usize::from(bytes[at + 1]) << 16 | usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]);
            if at + 11 + size > bytes.len() {
                break;
            }
            let body = bytes.slice(at + 11..at + 11 + size);
            if bytes[at] == 9 {
                if tag::is_video_sequence_header(&body) {
                    header = Some(body);
                } else if body.len() > 5 + STAMP {
                    pictures.push(body);
                }
            }
            at += 11 + size + 4;
        }
        let keys: Vec<usize> = (0..pictures.len()).filter(|&i| tag::is_key_frame(&pictures[i])).collect();
        if keys.first() != Some(&0) {
            bail!("{} does not begin with a key frame", file.display());
        }
        Ok(Self { header: header.context("no H.264 header in the file")?, pictures, pictures_per_second: 30, keys })
    }

    /// The picture at `index`, and which one follows it.
    pub fn picture(&self, index: usize) -> (&Bytes, usize) {
        (&self.pictures[index], (index + 1) % self.pictures.len())
    }

    /// The next key frame from `index` on.
    pub fn next_key(&self, index: usize) -> usize {
        self.keys.iter().copied().find(|&key| key >= index).unwrap_or(0)
    }

    /// Bits of pictures a second.
    pub fn kbps(&self) -> f64 {
        let bytes: usize = self.pictures.iter().map(Bytes::len).sum();
        bytes as f64 * 8.0 * f64::from(self.pictures_per_second) / self.pictures.len() as f64 / 1000.0
    }
}

/// AAC's two bytes and an AudioSpecificConfig for 48 kHz stereo.
pub fn sound_header() -> Bytes {
    Bytes::from_static(&[0xaf, 0, 0x11, 0x90])
}

pub fn sound() -> Bytes {
    let mut body = vec![0x5a; SOUND_BYTES];
    body[..2].copy_from_slice(&[0xaf, 1]);
    body.into()
}

/// `body` with the time of its sending in its last bytes: nobody decodes it.
pub fn stamped(kind: PacketKind, timestamp_ms: u32, body: &Bytes, now_us: u64) -> Packet {
    let mut bytes = body.to_vec();
    let end = bytes.len();
    bytes[end - STAMP..].copy_from_slice(&now_us.to_be_bytes());
    Packet { kind, timestamp_ms, payload: bytes.into() }
}

/// When a packet was sent; `None` for headers and metadata.
pub fn sent_at(packet: &Packet) -> Option<u64> {
    let header = match packet.kind {
        PacketKind::Video => tag::is_video_sequence_header(&packet.payload),
        PacketKind::Audio => tag::is_audio_sequence_header(&packet.payload),
        PacketKind::Data => true,
    };
    if header || packet.payload.len() < STAMP {
        return None;
    }
    packet.payload.last_chunk().map(|stamp| u64::from_be_bytes(*stamp))
}
