//! What a reader must know before the first picture and the first sound: codec headers, metadata, the clock.

use crate::rtmp::tag;
use crate::rtmp::{Packet, PacketKind};

use super::limits;

/// AMF0: string of 13 bytes. Publishers put it before what readers are to get.
const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";
const METADATA: &[u8] = b"\x02\x00\x0aonMetaData";
const CLOCK: &[u8] = b"\x02\x00\x07onClock";

/// The newest header of each kind.
#[derive(Debug, Default)]
pub(super) struct Headers {
    metadata: Option<Packet>,
    clock: Option<Packet>,
    video: Option<Packet>,
    audio: Option<Packet>,
}

impl Headers {
    /// Keeps `packet` if it is a header. Too long ones only pass by.
    pub fn note(&mut self, packet: &Packet) {
        if packet.payload.len() > limits::HEADER {
            return;
        }
        let place = match packet.kind {
            PacketKind::Video if tag::is_video_sequence_header(&packet.payload) => &mut self.video,
            PacketKind::Audio if tag::is_audio_sequence_header(&packet.payload) => &mut self.audio,
            PacketKind::Data if packet.payload.starts_with(METADATA) => &mut self.metadata,
            PacketKind::Data if packet.payload.starts_with(CLOCK) => &mut self.clock,
            _ => return,
        };
        *place = Some(packet.clone());
    }

    /// All of them, stamped with the stream's present time, so that a reader's time line has no step at its beginning. Only the metadata is
    /// of time 0: FFmpeg takes a later one for a subtitle stream.
    pub fn packets(&self, timestamp_ms: u32) -> impl Iterator<Item = Packet> {
        let metadata = self.metadata.iter().map(|packet| Packet { timestamp_ms: 0, ..packet.clone() });
        let rest = [&self.clock, &self.video, &self.audio].into_iter().flatten();
        metadata.chain(rest.map(move |packet| Packet { timestamp_ms, ..packet.clone() }))
    }
}

/// The packet as readers are to get it.
pub(super) fn for_readers(mut packet: Packet) -> Packet {
    if packet.kind == PacketKind::Data && packet.payload.starts_with(SET_DATA_FRAME) {
        packet.payload = packet.payload.slice(SET_DATA_FRAME.len()..);
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn packet(kind: PacketKind, payload: impl Into<Bytes>) -> Packet {
        Packet { kind, timestamp_ms: 5, payload: payload.into() }
    }

    #[test]
    fn the_newest_of_each_kind_is_kept() {
        let mut headers = Headers::default();
        let clock = |n: u8| packet(PacketKind::Data, [CLOCK, &[n]].concat());
        let metadata = for_readers(packet(PacketKind::Data, [SET_DATA_FRAME, METADATA, b"\x08"].concat()));
        assert_eq!(metadata.payload, [METADATA, b"\x08"].concat());
        let config = packet(PacketKind::Video, tag::avc_sequence_header(b"c"));
        for packet in [
            clock(1),
            packet(PacketKind::Video, tag::avc_frame(true, 0, b"k")),
            config.clone(),
            clock(2),
            metadata.clone(),
            packet(PacketKind::Data, vec![2, 0, 1, b'x']),
            packet(PacketKind::Video, tag::avc_sequence_header(&[0; limits::HEADER])),
        ] {
            headers.note(&packet);
        }
        let at = |timestamp_ms, p: Packet| Packet { timestamp_ms, ..p };
        assert_eq!(headers.packets(77).collect::<Vec<_>>(), [at(0, metadata), at(77, clock(2)), at(77, config)]);
    }
}
