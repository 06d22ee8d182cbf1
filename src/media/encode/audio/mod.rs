//! Sound to packets: Opus between our own clients, AAC for RTMP engines and tools that know nothing newer. Mono, 48 kHz.

mod aac;
mod opus;

use super::Error;
use crate::media::frame::Chunk;
use bytes::Bytes;
use std::time::Duration;

/// How sound is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// Packets of 20 ms; heard 22.5 ms after they were spoken, at the earliest.
    #[default]
    Opus,
    /// AAC-LC, which every RTMP engine and tool takes: frames of 21.3 ms; heard 64 ms after they were spoken, at the earliest.
    Aac,
}

/// What to encode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How.
    pub codec: Codec,
    /// Average rate.
    pub kbps: u32,
    /// Opus says silence in packets of a byte; see [`opus`](crate::media::opus). For voices: what is quiet in music is no silence.
    pub dtx: bool,
    /// For Opus on a carrier that loses packets: the share that it loses, in percent. Each packet then carries a coarse copy of the one before, and
    /// is 4 ms later. `None` where nothing is lost, as over TCP.
    pub loss: Option<u8>,
}

impl Config {
    /// The rate at which speech of that codec is clear.
    pub fn of(codec: Codec) -> Self {
        let kbps = match codec {
            Codec::Opus => 48,
            Codec::Aac => 64,
        };
        Self { codec, kbps, dtx: true, loss: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::of(Codec::default())
    }
}

/// One encoded packet.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// When the sound that comes out first when it is decoded was captured, by the local clock: what the encoder puts in front of the
    /// sound to warm the decoder up is taken off.
    pub captured: Duration,
    /// The packet.
    pub data: Bytes,
}

/// An open encoder.
pub struct Encoder(Kind);

enum Kind {
    Opus(Box<opus::Encoder>),
    Aac(Box<aac::Encoder>),
}

impl Encoder {
    /// Opens the encoder.
    ///
    /// # Errors
    /// When this FFmpeg comes without AAC, or there is no memory.
    pub fn open(config: Config) -> Result<Self, Error> {
        Ok(Self(match config.codec {
            Codec::Opus => Kind::Opus(Box::new(opus::Encoder::open(config)?)),
            Codec::Aac => Kind::Aac(Box::new(aac::Encoder::open(config)?)),
        }))
    }

    /// What decoders need first: an `OpusHead` (RFC 7845, 5.1), or an `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1).
    pub fn head(&self) -> Bytes {
        match &self.0 {
            Kind::Opus(opus) => opus.head(),
            Kind::Aac(_) => aac::HEAD,
        }
    }

    /// Changes the average rate of Opus in place, from the next packet on. AAC goes on as it was: FFmpeg's encoder takes no other rate.
    ///
    /// # Errors
    /// When the encoder refuses.
    pub fn set_kbps(&mut self, kbps: u32) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Opus(opus) => opus.set_kbps(kbps),
            Kind::Aac(_) => Ok(()),
        }
    }

    /// Whether Opus says silence in packets of a byte, from the next packet on. AAC knows no such thing.
    ///
    /// # Errors
    /// When the encoder refuses.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Opus(opus) => opus.set_dtx(on),
            Kind::Aac(_) => Ok(()),
        }
    }

    /// Takes 10 ms of sound; about every second time a packet comes out.
    ///
    /// # Errors
    /// When the encoder fails: open another one then.
    pub fn encode(&mut self, chunk: &Chunk) -> Result<Option<Encoded>, Error> {
        match &mut self.0 {
            Kind::Opus(opus) => opus.encode(chunk),
            Kind::Aac(aac) => aac.encode(chunk),
        }
    }
}
