//! Opus (RFC 6716) itself, bound in: mono, 48 kHz, packets of 20 ms. The same library in every build, whatever FFmpeg was built with, and with
//! what FFmpeg hides: concealment, recovery, silence, and a bit rate that changes in place.
//!
//! This module knows no time stamps and no container; `encode::audio` and `play::decode` do.
//!
//! # Silence and loss
//!
//! With [`Config::dtx`] the encoder says "silence goes on" in packets of a byte (discontinuous transmission; RFC 6716, 2.1.9) after 200 ms without
//! voice, and draws the background anew in a full packet every 400 ms. **All of them are sent, one each 20 ms**: they cost 7 bytes of RTMP instead
//! of 126, and by them every time line stays whole. Had they been left out, then whoever records or transcodes the stream (ffmpeg does not
//! fill holes) would lose the pictures' step, a receiver could not tell silence from a network that has stopped, and its jitter
//! buffer would know nothing about the network when the first word comes.
//!
//! So a receiver tells by three rules:
//! * A packet that [is silence](is_silence) is decoded like any other, into comfort noise, and is no gap.
//! * Whatever a foreign sender leaves out *after* such a packet is silence as well, until its next packet comes: no gap, no freeze, and no reason to
//!   buffer more.
//! * A hole in the time line, or an empty buffer, after any other packet is loss: [`Decoder::recover`] if the next packet is there,
//!   [`Decoder::conceal`] if not.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate};

/// Samples in a packet: 20 ms.
pub const FRAME_SAMPLES: usize = 960;
/// A packet of one frame is never longer (RFC 6716, 3.2.1, and the byte in front).
const MOST_BYTES: usize = 1276;
/// The longest packet that anybody may send lasts 120 ms (RFC 6716, 3.2.5).
const MOST_SAMPLES: usize = 5760;
/// Samples are concealed in such steps: 2.5 ms.
const STEP: usize = 120;
/// Bit rates that the encoder takes, in kbit/s.
const KBPS: std::ops::RangeInclusive<u32> = 6..=510;

/// libopus says why it did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("libopus: {}", .0.message())]
pub struct Error(ErrorCode);

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self(code)
    }
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Average rate.
    pub kbps: u32,
    /// Say silence in a byte instead of coding the background.
    pub dtx: bool,
    /// For a carrier that loses this share of its packets, in percent (0 to 100): each packet also carries a coarse copy of the one before (RFC 6716, 2.1.7), the
    /// better the more is lost. Only the speech coder can do that, which looks 4 ms further ahead: `None`, for a carrier that loses none, is earlier.
    pub loss: Option<u8>,
    /// From 0 (cheap) to 10 (good). Below 7 voice is told from noise by loudness alone.
    pub complexity: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self { kbps: 48, dtx: true, loss: None, complexity: 9 }
    }
}

/// An open encoder.
pub struct Encoder {
    opus: opusic_c::Encoder,
    config: Config,
    packet: [u8; MOST_BYTES],
}

impl Encoder {
    /// Opens one.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(config: Config) -> Result<Self, Error> {
        let application = if config.loss.is_some() { Application::Voip } else { Application::LowDelay };
        let mut opus = opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, application)?;
        opus.set_vbr(true)?;
        opus.set_vbr_constraint(true)?;
        opus.set_complexity(config.complexity.min(10))?;
        opus.set_dtx(config.dtx)?;
        if let Some(percent) = config.loss {
            opus.set_inband_fec(InbandFec::Mode1)?;
            opus.set_packet_loss(percent.min(100))?;
        }
        let mut encoder = Self { opus, config, packet: [0; MOST_BYTES] };
        encoder.set_kbps(config.kbps)?;
        Ok(encoder)
    }

    /// Samples by which what comes out of a decoder is late: the encoder looks so far ahead.
    ///
    /// # Errors
    /// When libopus does not say.
    pub fn look_ahead(&mut self) -> Result<u32, Error> {
        Ok(self.opus.get_look_ahead()?)
    }

    /// Changes the average rate from the next packet on; nothing else is heard of it.
    ///
    /// # Errors
    /// When libopus refuses.
    pub fn set_kbps(&mut self, kbps: u32) -> Result<(), Error> {
        let kbps = kbps.clamp(*KBPS.start(), *KBPS.end());
        self.opus.set_bitrate(Bitrate::Value(kbps * 1000))?;
        self.config.kbps = kbps;
        Ok(())
    }

    /// Switches the one-byte packets of silence on or off.
    ///
    /// # Errors
    /// When libopus refuses.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), Error> {
        if self.config.dtx != on {
            self.opus.set_dtx(on)?;
            self.config.dtx = on;
        }
        Ok(())
    }

    /// Says what share of the packets is lost now, in percent. Without effect on an encoder that was opened for a carrier that loses none.
    ///
    /// # Errors
    /// When libopus refuses.
    pub fn set_loss(&mut self, percent: u8) -> Result<(), Error> {
        if self.config.loss.is_some_and(|old| old != percent) {
            self.opus.set_packet_loss(percent.min(100))?;
            self.config.loss = Some(percent);
        }
        Ok(())
    }

    /// What it encodes to now.
    pub fn config(&self) -> Config {
        self.config
    }

    /// Encodes 20 ms, full scale +-1, to a packet of at least one byte.
    ///
    /// # Errors
    /// When libopus fails: open another encoder then.
    pub fn encode(&mut self, samples: &[f32; FRAME_SAMPLES]) -> Result<&[u8], Error> {
        let length = self.opus.encode_float_to_slice(samples, &mut self.packet)?;
        Ok(&self.packet[..length.min(MOST_BYTES)])
    }
}

/// An open decoder. What it appends is mono at 48 kHz, whatever the sender's channels.
pub struct Decoder {
    opus: opusic_c::Decoder,
}

impl Decoder {
    /// Opens one.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { opus: opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000)? })
    }

    /// Makes everything louder by this many 256ths of a decibel, as an `OpusHead` may ask for (RFC 7845, 5.1).
    ///
    /// # Errors
    /// When libopus refuses.
    pub fn set_gain(&mut self, q8_db: i16) -> Result<(), Error> {
        Ok(self.opus.set_gain(q8_db.into())?)
    }

    /// Decodes a packet and appends its samples, at most 120 ms. Returns how many they are.
    ///
    /// # Errors
    /// When it is no Opus packet; nothing is appended then.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<usize, Error> {
        // To libopus an empty packet is a lost one of any length.
        if packet.is_empty() {
            return Err(Error(ErrorCode::InvalidPacket));
        }
        Ok(self.opus.decode_float_to_vec(packet, out, MOST_SAMPLES, false)?)
    }

    /// Goes on for `samples` where a packet is missing, fading into background noise; rounded up to 2.5 ms, at most 120 ms.
    ///
    /// # Errors
    /// When libopus fails; nothing is appended then.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) -> Result<usize, Error> {
        let samples = samples.next_multiple_of(STEP).clamp(STEP, MOST_SAMPLES);
        Ok(self.opus.decode_float_to_vec(&[], out, samples, false)?)
    }

    /// Appends 20 ms in place of a packet that is missing, from the coarse copy in the packet after it; conceals where there is none. Then
    /// decode that packet itself.
    ///
    /// # Errors
    /// When `next` is no Opus packet; nothing is appended then.
    pub fn recover(&mut self, next: &[u8], out: &mut Vec<f32>) -> Result<usize, Error> {
        if next.is_empty() {
            return self.conceal(FRAME_SAMPLES, out);
        }
        Ok(self.opus.decode_float_to_vec(next, out, FRAME_SAMPLES, true)?)
    }
}

/// Whether a packet only says "silence goes on": its frames are empty (RFC 6716, 2.1.9 and 3.2.1).
pub fn is_silence(packet: &[u8]) -> bool {
    (1..=2).contains(&packet.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::frame::SAMPLE_RATE;

    /// Something like a voice: a buzz of 150 Hz with formants, four syllables a second.
    fn voice(packet: usize) -> [f32; FRAME_SAMPLES] {
        std::array::from_fn(|i| {
            let t = (packet * FRAME_SAMPLES + i) as f32 / SAMPLE_RATE as f32;
            let wave = |hertz: f32, size: f32| size * (std::f32::consts::TAU * hertz * t).sin();
            let syllable = (std::f32::consts::TAU * 2.0 * t).sin().abs();
            syllable * (wave(150.0, 0.2) + wave(300.0, 0.15) + wave(600.0, 0.1) + wave(1200.0, 0.05) + wave(2400.0, 0.02))
        })
    }

    /// Quiet noise that never repeats.
    fn noise(packet: usize) -> [f32; FRAME_SAMPLES] {
        let mut state = (packet as u32).wrapping_mul(2_654_435_761).wrapping_add(1);
        std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 * 0.002 - 0.001
        })
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    fn difference(a: &[f32], b: &[f32]) -> f32 {
        power(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
    }

    #[test]
    fn the_bit_rate_changes_in_place() {
        let mut encoder = Encoder::new(Config::default()).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let (mut sizes, mut out) = (Vec::new(), Vec::new());
        for n in 0..200 {
            if n == 100 {
                encoder.set_kbps(16).unwrap();
            }
            let packet = encoder.encode(&voice(n)).unwrap();
            sizes.push(packet.len());
            assert_eq!(decoder.decode(packet, &mut out), Ok(FRAME_SAMPLES));
        }
        let kbps = |sizes: &[usize]| sizes.iter().sum::<usize>() as f32 * 8.0 / (sizes.len() as f32 * 20.0);
        assert!((40.0..56.0).contains(&kbps(&sizes[10..100])), "{} kbit/s", kbps(&sizes[10..100]));
        assert!((12.0..20.0).contains(&kbps(&sizes[110..])), "{} kbit/s", kbps(&sizes[110..]));
        let edge = &out[100 * FRAME_SAMPLES - 240..101 * FRAME_SAMPLES];
        let step = edge.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.1, "no click: {step}");
        assert_eq!(encoder.config().kbps, 16);
    }

    #[test]
    fn silence_takes_a_byte_and_voice_is_back_at_once() {
        for loss in [None, Some(5)] {
            let mut encoder = Encoder::new(Config { loss, ..Config::default() }).unwrap();
            let mut decoder = Decoder::new().unwrap();
            let mut out = Vec::new();
            let mut sizes = Vec::new();
            for n in 0..400 {
                let samples = if (100..300).contains(&n) { noise(n) } else { voice(n) };
                let packet = encoder.encode(&samples).unwrap();
                sizes.push(packet.len());
                assert_eq!(is_silence(packet), packet.len() <= 2);
                decoder.decode(packet, &mut out).unwrap();
            }
            let silent = |range: std::ops::Range<usize>| sizes[range].iter().filter(|s| **s <= 2).count();
            assert_eq!(silent(0..100), 0, "no syllable is cut");
            // After 200 ms of background, one packet in 21 draws it anew.
            assert!(silent(140..300) >= 145, "loss {loss:?}: {} of 160: {:?}", silent(140..300), &sizes[100..300]);
            assert_eq!(silent(301..400), 0);
            assert_eq!(out.len(), 400 * FRAME_SAMPLES, "no time is missing");
            assert!(power(&out[150 * FRAME_SAMPLES..300 * FRAME_SAMPLES]) < 1e-5, "comfort noise is no louder than the noise");
            assert!(power(&out[302 * FRAME_SAMPLES..310 * FRAME_SAMPLES]) > 1e-3);
        }
    }

    #[test]
    fn silence_of_all_kinds_is_recognised_and_voice_is_not() {
        assert!(is_silence(&[0xf8]) && is_silence(&[0xfb, 0x06]));
        assert!(!is_silence(&[]) && !is_silence(&[0xf8, 1, 2]));
        // Six empty frames in one packet last 120 ms.
        let mut out = Vec::new();
        assert_eq!(Decoder::new().unwrap().decode(&[0xfb, 0x06], &mut out), Ok(MOST_SAMPLES));
    }

    type Replace<'a> = &'a dyn Fn(&mut Decoder, &mut Vec<f32>) -> Result<usize, Error>;

    /// What is heard in place of packet `n` of a voice: recovered, and concealed; as power of the error, with the power of what is missing.
    fn lose(n: usize) -> [f32; 3] {
        let mut encoder = Encoder::new(Config { loss: Some(20), kbps: 32, ..Config::default() }).unwrap();
        let packets: Vec<Vec<u8>> = (0..=n + 1).map(|n| encoder.encode(&voice(n)).unwrap().to_vec()).collect();
        let decode = |replace: Replace<'_>| {
            let (mut decoder, mut out) = (Decoder::new().unwrap(), Vec::new());
            for packet in &packets[..n] {
                decoder.decode(packet, &mut out).unwrap();
            }
            assert_eq!(replace(&mut decoder, &mut out), Ok(FRAME_SAMPLES));
            out.split_off(n * FRAME_SAMPLES)
        };
        let whole = decode(&|decoder, out| decoder.decode(&packets[n], out));
        let recovered = decode(&|decoder, out| decoder.recover(&packets[n + 1], out));
        let concealed = decode(&|decoder, out| decoder.conceal(FRAME_SAMPLES - 50, out));
        [difference(&whole, &recovered), difference(&whole, &concealed), power(&whole)]
    }

    #[test]
    fn a_lost_packet_comes_back_from_the_next_one_and_better_than_by_guessing() {
        let mut sums = [0.0; 3];
        for n in 20..80 {
            for (sum, one) in sums.iter_mut().zip(lose(n)) {
                *sum += one;
            }
        }
        let [recovered, concealed, whole] = sums;
        assert!(recovered < 0.2 * whole, "recovered: {recovered} of {whole}");
        assert!(recovered < 0.7 * concealed && concealed < 1.5 * whole, "{recovered} {concealed} {whole}");
    }

    #[test]
    fn a_long_loss_fades_away() {
        let mut encoder = Encoder::new(Config::default()).unwrap();
        let (mut decoder, mut out) = (Decoder::new().unwrap(), Vec::new());
        // In the middle of a syllable.
        for n in 0..57 {
            decoder.decode(encoder.encode(&voice(n)).unwrap(), &mut out).unwrap();
        }
        out.clear();
        for _ in 0..25 {
            decoder.conceal(FRAME_SAMPLES, &mut out).unwrap();
        }
        let (first, last) = (power(&out[..FRAME_SAMPLES]), power(&out[20 * FRAME_SAMPLES..]));
        assert!(first > 20.0 * last, "{first} {last}");
    }

    #[test]
    fn garbage_is_an_error_and_adds_nothing() {
        let mut decoder = Decoder::new().unwrap();
        let mut out = Vec::new();
        for bad in [&[][..], &[0xff, 0xff, 0xff], &[0x03, 0x00]] {
            assert!(decoder.decode(bad, &mut out).is_err(), "{bad:?}");
        }
        assert!(out.is_empty());
        assert_eq!(decoder.conceal(1, &mut out), Ok(STEP));
    }
}
