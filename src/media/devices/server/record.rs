//! What other programs play, each by itself: a sound server lets a single one of its inputs be recorded.
//!
//! So what one plays oneself never comes along: nothing has to be taken out again. `CREATE_RECORD_STREAM` with `direct_on_input`, in
//! `src/pulse/stream.c` of PulseAudio.

use super::tags::{Reader, Value, Writer};
use super::{Message, Server, command};
use std::io;
use std::time::Duration;

/// Programs that are listened to at once, at most.
const MAX_INPUTS: usize = 32;
/// Values that describe an input in version 13; the index is the first, the properties are the last.
const VALUES: usize = 14;
/// The property that says whose it is.
const PROCESS: &str = "application.process.id";
/// Bytes that the server may keep for us, and that it sends at once: 200 and 20 ms of single samples.
const KEPT: u32 = 38_400;
const AT_ONCE: u32 = 3_840;
/// 32-bit floating point, little-endian (`PA_SAMPLE_FLOAT32LE`).
const FLOAT: u8 = 5;
const RATE: u32 = crate::media::frame::SAMPLE_RATE;
/// No index, no limit.
const NONE: u32 = u32::MAX;
/// Inputs come and go.
const INPUTS: u32 = 0x04;

/// Somebody else's sound, by its number.
pub(in crate::media) type Input = u32;

/// A connection on which other programs are listened to.
#[derive(Debug)]
pub(in crate::media) struct Recorder(Server);

/// What came.
#[derive(Debug)]
pub(in crate::media) enum Heard {
    /// Samples of a stream: one channel, 48 kHz.
    Samples(u32, Vec<f32>),
    /// Programs came or went: list them again.
    Changed,
    /// A stream has ended, because its program did.
    Ended(u32),
    /// Nothing within the limit.
    Nothing,
}

impl Recorder {
    /// Whether there seems to be a server that can do this; costs nothing to ask.
    pub(in crate::media) fn is_there() -> bool {
        Server::is_there()
    }

    pub(in crate::media) fn connect() -> io::Result<Self> {
        Server::connect_for(INPUTS).map(Self)
    }

    /// Everything that is being played, but for what this very program plays.
    pub(in crate::media) fn inputs(&mut self) -> io::Result<Vec<Input>> {
        let answer = self.0.ask(command::GET_SINK_INPUT_INFO_LIST, Writer::default())?;
        others(&answer, &std::process::id().to_string())
    }

    /// Begins to listen to one; gives the number of the stream.
    pub(in crate::media) fn listen(&mut self, input: Input) -> io::Result<u32> {
        let mut wish = Writer::default();
        wish.samples(FLOAT, 1, RATE).mono();
        // No source by number or name: the server takes the one that goes with the input.
        wish.number(NONE).text(None).number(KEPT).flag(false).number(AT_ONCE);
        // Nothing is left as it is: what comes is mixed down to one channel and brought to our rate.
        for _ in 0..7 {
            wish.flag(false);
        }
        // No peaks only; little delay.
        wish.flag(false).flag(true);
        wish.properties(&[("media.name", "Sound shared in a call")]).number(input);
        let answer = self.0.ask(command::CREATE_RECORD_STREAM, wish)?;
        Reader::new(&answer).number()
    }

    /// What comes next, within `limit`.
    pub(in crate::media) fn next(&mut self, limit: Duration) -> io::Result<Heard> {
        if self.0.changed() {
            return Ok(Heard::Changed);
        }
        match self.0.receive(limit)? {
            None => Ok(Heard::Nothing),
            Some(Message::Data(stream, bytes)) => {
                let (samples, _) = bytes.as_chunks::<4>();
                Ok(Heard::Samples(stream, samples.iter().map(|sample| f32::from_le_bytes(*sample)).collect()))
            }
            Some(Message::Control(message)) => {
                let mut reader = Reader::new(&message);
                match reader.number()? {
                    command::SUBSCRIBE_EVENT => Ok(Heard::Changed),
                    command::RECORD_STREAM_KILLED => {
                        // The question's number, which there is none of.
                        reader.number()?;
                        Ok(Heard::Ended(reader.number()?))
                    }
                    _ => Ok(Heard::Nothing),
                }
            }
        }
    }
}

/// The numbers of all inputs in a list, but for those of the process `own`.
fn others(list: &[u8], own: &str) -> io::Result<Vec<Input>> {
    let mut reader = Reader::new(list);
    let mut found = Vec::new();
    while !reader.is_at_end() {
        let index = reader.number()?;
        reader.skip(VALUES - 2)?;
        let Value::Properties(properties) = reader.value()? else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the sound server's answer is damaged"));
        };
        let process = properties.iter().find(|(name, _)| name == PROCESS).map(|(_, value)| value.as_str());
        // Whose it is not known may be our own; and what the server plays of its own accord is nobody's.
        if process.is_some_and(|process| process != own) && found.len() < MAX_INPUTS {
            found.push(index);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(index: u32, properties: &[(&str, &str)]) -> Writer {
        let mut w = Writer::default();
        w.number(index).text(Some("Playback")).number(NONE).number(3).number(0);
        w.raw(b"a\x05\x02\x00\x00\xbb\x80").raw(b"m\x02\x01\x02").raw(b"v\x02\0\x01\0\0\0\x01\0\0");
        w.raw(b"U\0\0\0\0\0\0\0\x09").raw(b"U\0\0\0\0\0\0\0\x09").text(Some("speex")).text(Some("driver.c")).flag(false);
        w.properties(properties);
        w
    }

    #[test]
    fn our_own_sound_and_what_may_be_is_not_listened_to() {
        let mut list = Writer::default();
        list.append(input(4, &[("media.name", "Film"), (PROCESS, "77")]));
        list.append(input(5, &[(PROCESS, "42")]));
        list.append(input(6, &[("media.name", "loopback")]));
        list.append(input(9, &[(PROCESS, "420")]));
        let bytes = list.into_bytes();
        assert_eq!(others(&bytes, "42").unwrap(), [4, 9]);
        assert!(others(&[], "42").unwrap().is_empty());
        for length in (1..bytes.len()).step_by(7) {
            assert!(others(&bytes[..length], "42").is_err(), "{length}");
        }
    }
}
