//! One time line for a publisher and its players: RTMP timestamps, and the `onClock` message that ties them to the server's clock.
//!
//! A publisher counts its timestamps from an origin and says in `onClock` which moment of the server's clock that is, first of all
//! and then every second. A player that knows its own offset to the server's clock therefore knows when each picture was captured.
//!
//! Engines that are not ours drop `onClock` (nginx-rtmp does), and some write timestamps of their own (SRS does, unless told not to).
//! So every key frame also carries the moment it was captured, in a [`stamp`] among its slices, which all engines pass on as it is.

use crate::rtmp::amf0::{self, Value};
use crate::rtmp::{Packet, PacketKind};
use std::time::Duration;

/// Name of the data message.
const ON_CLOCK: &str = "onClock";
/// Beyond this a double no longer holds microseconds.
const MAX_US: f64 = 9e15;

/// The message that says: timestamp 0 was `origin_us` by the server's clock, in microseconds since the UNIX epoch.
///
/// On the wire: AMF0 string `onClock`, then a number.
pub fn on_clock(origin_us: i64, timestamp_ms: u32) -> Packet {
    let payload = amf0::encode(&[Value::String(ON_CLOCK.to_owned()), Value::Number(origin_us as f64)]);
    Packet { kind: PacketKind::Data, timestamp_ms, payload }
}

/// Reads what [`on_clock`] wrote; `None` for any other message.
pub fn read_on_clock(packet: &Packet) -> Option<i64> {
    if packet.kind != PacketKind::Data || amf0::leading_string(&packet.payload)?.0 != ON_CLOCK {
        return None;
    }
    let origin = amf0::decode(&packet.payload).ok()?.get(1)?.as_f64()?;
    (origin.abs() < MAX_US).then_some(origin as i64)
}

/// Unit type of supplemental information (ITU-T H.264, 7.4.1).
const SEI: u8 = 6;
/// Unit types of slices: supplemental information comes before them.
const SLICES: std::ops::RangeInclusive<u8> = 1..=5;
/// Payload type "user data unregistered" (H.264, D.1.7), whose first 16 bytes say whose it is; and its size.
const USER_DATA: [u8; 2] = [5, 26];
const OURS: [u8; 16] = *b"parlor\xa7captured\x01";
/// The moment, seven bits a byte under a bit that is always set: no byte is zero, so nothing needs escaping (H.264, 7.4.1).
const DIGITS: usize = 10;
/// The whole unit: its length in four bytes, header, payload, end.
const STAMP: usize = 4 + 1 + USER_DATA.len() + OURS.len() + DIGITS + 1;

/// A unit for the front of a key frame's data (lengths of four bytes) that says when its picture was captured, by the server's clock, in
/// microseconds since the UNIX epoch. Decoders ignore it.
pub fn stamp(captured_us: i64) -> [u8; STAMP] {
    let mut unit = [0; STAMP];
    let (length, rest) = unit.split_at_mut(4);
    length.copy_from_slice(&(rest.len() as u32).to_be_bytes());
    rest[0] = SEI;
    rest[1..3].copy_from_slice(&USER_DATA);
    rest[3..19].copy_from_slice(&OURS);
    for (place, digit) in rest[19..29].iter_mut().enumerate() {
        *digit = 0x80 | (captured_us >> (7 * (DIGITS - 1 - place)).min(63)) as u8 & 0x7f;
    }
    // The stop bit.
    rest[29] = 0x80;
    unit
}

/// Reads what [`stamp`] wrote in front of a picture's slices; `None` if there is none.
pub fn read_stamp(mut data: &[u8]) -> Option<i64> {
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let unit = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let kind = unit.first()? & 0x1f;
        if SLICES.contains(&kind) {
            return None;
        }
        if kind == SEI
            && let Some(digits) =
                unit.get(1..3).filter(|p| *p == USER_DATA).and(unit.get(3..19)).filter(|u| *u == OURS).and(unit.get(19..29))
        {
            let captured = digits.iter().fold(0_i64, |value, digit| value << 7 | i64::from(digit & 0x7f));
            return (captured.abs() < MAX_US as i64).then_some(captured);
        }
        data = &rest[unit.len()..];
    }
    None
}

/// A publisher's time line: local moments to RTMP timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(Duration);

impl Origin {
    /// Timestamp 0 is the local moment `at`.
    pub fn new(at: Duration) -> Self {
        Self(at)
    }

    /// The local moment of timestamp 0.
    pub fn at(self) -> Duration {
        self.0
    }

    /// The timestamp of a local moment: whole milliseconds, modulo 2^32; 0 for what was before the origin.
    pub fn timestamp_ms(self, at: Duration) -> u32 {
        let ms = (at.saturating_sub(self.0) + Duration::from_micros(500)).as_millis();
        (ms & u128::from(u32::MAX)) as u32
    }
}

/// Turns 32-bit timestamps that wrap around after 49.7 days into ones that do not (RTMP 1.0, 5.3: serial number arithmetic).
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrap(Option<i64>);

impl Unwrap {
    /// The millisecond nearest to the previous result that `timestamp_ms` can mean; the first is taken as it is.
    pub fn next(&mut self, timestamp_ms: u32) -> i64 {
        let ms = match self.0 {
            None => i64::from(timestamp_ms),
            Some(last) => last + i64::from(timestamp_ms.wrapping_sub(last as u32) as i32),
        };
        self.0 = Some(ms);
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn the_clock_message_survives_the_wire() {
        let origin = 1_795_345_678_901_234;
        let packet = on_clock(origin, 77);
        assert_eq!((packet.timestamp_ms, read_on_clock(&packet)), (77, Some(origin)));
    }

    #[test]
    fn anything_else_is_no_clock_message() {
        for bad in [&b""[..], b"\x02\x00\x07onClock", b"\x02\x00\x07onClock\x00\x01\x02", b"\x02\x00\x0aonMetaData\x00"] {
            let packet = Packet { kind: PacketKind::Data, timestamp_ms: 0, payload: Bytes::copy_from_slice(bad) };
            assert_eq!(read_on_clock(&packet), None);
        }
        let mut nan = on_clock(0, 0).payload.to_vec();
        nan[11..19].copy_from_slice(&f64::NAN.to_be_bytes());
        assert_eq!(read_on_clock(&Packet { kind: PacketKind::Data, timestamp_ms: 0, payload: nan.into() }), None);
    }

    #[test]
    fn a_stamp_is_found_before_the_slices_and_needs_no_escaping() {
        for captured in [0, 1, 127, 128, 1_795_345_678_901_234, 8_999_999_999_999_999] {
            let unit = stamp(captured);
            assert!(!unit[4..].windows(2).any(|w| w == [0, 0]), "{unit:02x?}");
            let picture = [&[0, 0, 0, 2, 9, 0xf0][..], &unit, &[0, 0, 0, 3, 0x65, 1, 2]].concat();
            assert_eq!(read_stamp(&picture), Some(captured));
            let behind = [&[0, 0, 0, 3, 0x65, 1, 2][..], &unit].concat();
            assert_eq!(read_stamp(&behind), None);
            for cut in 0..unit.len() {
                assert_eq!(read_stamp(&unit[..cut]), None);
            }
        }
        let mut stranger = stamp(5);
        stranger[10] ^= 1;
        assert_eq!(read_stamp(&stranger), None);
        assert_eq!(read_stamp(&[0xff; 64]), None);
    }

    #[test]
    fn timestamps_round_and_wrap() {
        let origin = Origin::new(Duration::from_secs(1000));
        assert_eq!(origin.timestamp_ms(Duration::from_micros(1_000_033_400)), 33);
        assert_eq!(origin.timestamp_ms(Duration::from_micros(1_000_033_500)), 34);
        assert_eq!(origin.timestamp_ms(Duration::from_secs(999)), 0);
        assert_eq!(origin.timestamp_ms(Duration::from_secs(1000) + Duration::from_millis((1 << 32) + 5)), 5);
    }

    #[test]
    fn unwrapping_goes_on_across_the_edge_and_back() {
        let mut unwrap = Unwrap::default();
        assert_eq!(unwrap.next(u32::MAX - 1), i64::from(u32::MAX) - 1);
        assert_eq!(unwrap.next(3), (1 << 32) + 3);
        assert_eq!(unwrap.next(u32::MAX), i64::from(u32::MAX));
    }
}
