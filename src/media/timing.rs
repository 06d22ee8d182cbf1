//! One time line for a publisher and its players: RTMP timestamps, and the `onClock` message that ties them to the server's clock.
//!
//! A publisher counts its timestamps from an origin and says in `onClock` which moment of the server's clock that is, first of all
//! and then every second. A player that knows its own offset to the server's clock therefore knows when each picture was captured.

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
