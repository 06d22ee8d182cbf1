//! A packet on its way to all readers of its stream: classified once, and framed once for each kind of connection.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes, BytesMut};

use crate::rtmp::{Packet, PacketKind, server};
use crate::wire::Piece;
use crate::wire::ring::{Class, Item};

/// The message stream that all clients play on; another one costs a copy.
const STREAM_ID: u32 = 1;

/// A packet, ready for everybody.
#[derive(Debug)]
pub(super) struct Parcel {
    pub packet: Packet,
    pub class: Class,
    rtmp: Bytes,
    flv: OnceLock<Bytes>,
}

impl Parcel {
    /// `None` for a packet that is longer than any receiver would take.
    pub fn new(mut packet: Packet) -> Option<Arc<Self>> {
        let rtmp = server::framed(STREAM_ID, &packet)?;
        if packet.payload.len() <= server::CHUNK_BYTES {
            // One chunk, so the payload is its end: kept once, not twice.
            packet.payload = rtmp.slice(rtmp.len() - packet.payload.len()..);
        }
        Some(Arc::new(Self { class: Class::of(&packet), packet, rtmp, flv: OnceLock::new() }))
    }

    /// The bytes for an RTMP player on this message stream.
    pub fn rtmp(&self, stream_id: u32) -> Bytes {
        if stream_id == STREAM_ID {
            return self.rtmp.clone();
        }
        // It was not too long before.
        server::framed(stream_id, &self.packet).unwrap_or_default()
    }

    /// The same, for a pipe: sound may pass pictures.
    pub fn piece(&self, stream_id: u32) -> Piece {
        let bytes = self.rtmp(stream_id);
        if self.class.is_urgent() { bytes.into() } else { Piece::picture(bytes) }
    }

    /// The bytes for an FLV player: a tag and its size (Adobe FLV 10.1, annex E.4).
    pub fn flv(&self) -> Bytes {
        self.flv.get_or_init(|| flv_tag(&self.packet)).clone()
    }
}

impl Item for Arc<Parcel> {
    fn class(&self) -> Class {
        self.class
    }

    fn bytes(&self) -> usize {
        self.rtmp.len()
    }
}

fn flv_tag(packet: &Packet) -> Bytes {
    let size = packet.payload.len();
    let mut bytes = BytesMut::with_capacity(11 + size + 4);
    bytes.put_u8(match packet.kind {
        PacketKind::Audio => 8,
        PacketKind::Video => 9,
        PacketKind::Data => 18,
    });
    bytes.put_uint(size as u64, 3);
    bytes.put_uint(u64::from(packet.timestamp_ms & 0xff_ffff), 3);
    bytes.put_u8((packet.timestamp_ms >> 24) as u8);
    bytes.put_uint(0, 3);
    bytes.put_slice(&packet.payload);
    bytes.put_u32(11 + size as u32);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_holds_its_payload_once_unless_it_is_cut() {
        let packet = |size: usize| Packet { kind: PacketKind::Video, timestamp_ms: 0x0102_0304, payload: vec![7; size].into() };
        let whole = Parcel::new(packet(1000)).unwrap();
        assert_eq!(whole.packet, packet(1000));
        assert_eq!(whole.packet.payload.as_ptr(), whole.rtmp(1)[16..].as_ptr());
        assert_eq!(whole.rtmp(1)[..16], [6, 0xff, 0xff, 0xff, 0, 3, 232, 9, 1, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(whole.rtmp(3)[8], 3);
        let cut = Parcel::new(Packet { timestamp_ms: 9, ..packet(70_000) }).unwrap();
        assert_eq!((&cut.packet.payload, cut.rtmp(1).len()), (&packet(70_000).payload, 12 + 17 + 70_000));
        let empty = Parcel::new(packet(0)).unwrap();
        assert_eq!((empty.packet.payload.len(), empty.rtmp(1).len()), (0, 16));
    }

    #[test]
    fn a_flv_tag_is_as_the_specification_says() {
        let packet = Packet { kind: PacketKind::Audio, timestamp_ms: 0x0102_0304, payload: Bytes::from_static(b"abc") };
        let tag = Parcel::new(packet).unwrap().flv();
        assert_eq!(tag[..], *b"\x08\0\0\x03\x02\x03\x04\x01\0\0\0abc\0\0\0\x0e");
    }
}
