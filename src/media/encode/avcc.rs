//! From the byte stream that encoders give (ITU-T H.264, annex B) to what FLV carries: length-prefixed units, and their parameter sets in a
//! record of their own (ISO/IEC 14496-15, 5.3.3.1).

use bytes::{BufMut, Bytes, BytesMut};

const NAL_IDR: u8 = 5;
const NAL_SEI: u8 = 6;
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;
const NAL_DELIMITER: u8 = 9;
const NAL_FILLER: u8 = 12;
/// Profiles whose record has four bytes more.
const HIGH_PROFILES: [u8; 4] = [100, 110, 122, 144];

/// One encoded picture, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AccessUnit {
    /// The slices, each behind its length in four bytes.
    pub(super) data: Bytes,
    /// Whether decoding can start here.
    pub(super) key: bool,
    /// The record that a decoder needs first, if the parameter sets came along.
    pub(super) record: Option<Bytes>,
}

/// Takes an access unit apart. Delimiters, filler and additional information are left out: nobody downstream reads them.
pub(super) fn parse(stream: &[u8]) -> AccessUnit {
    let mut data = BytesMut::with_capacity(stream.len() + 16);
    let (mut key, mut sps, mut pps) = (false, None, None);
    for nal in units(stream) {
        match nal[0] & 0x1f {
            NAL_SPS => sps = Some(nal),
            NAL_PPS => pps = Some(nal),
            NAL_SEI | NAL_DELIMITER | NAL_FILLER => {}
            kind => {
                key |= kind == NAL_IDR;
                data.put_u32(nal.len() as u32);
                data.put_slice(nal);
            }
        }
    }
    let record = sps.zip(pps).and_then(|(sps, pps)| record(sps, pps));
    AccessUnit { data: data.freeze(), key, record }
}

/// The `AVCDecoderConfigurationRecord` for one of each parameter set.
fn record(sps: &[u8], pps: &[u8]) -> Option<Bytes> {
    let [_, profile, compatibility, level, ..] = *sps else { return None };
    let (sps_len, pps_len) = (u16::try_from(sps.len()).ok()?, u16::try_from(pps.len()).ok()?);
    let mut record = BytesMut::with_capacity(sps.len() + pps.len() + 16);
    // Version 1; lengths of four bytes; one SPS; one PPS.
    record.put_slice(&[1, profile, compatibility, level, 0xff, 0xe1]);
    record.put_u16(sps_len);
    record.put_slice(sps);
    record.put_u8(1);
    record.put_u16(pps_len);
    record.put_slice(pps);
    if HIGH_PROFILES.contains(&profile) {
        // 4:2:0, eight bits, no extensions: all that is ever encoded here.
        record.put_slice(&[0xfd, 0xf8, 0xf8, 0]);
    }
    Some(record.freeze())
}

/// The units between the start codes, without trailing zeros; empty ones left out.
fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        loop {
            let current = rest?;
            let end = current.windows(3).position(|w| w == [0, 0, 1]);
            rest = end.map(|e| &current[e + 3..]);
            let nal = &current[..end.unwrap_or(current.len())];
            let len = nal.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            if len > 0 {
                return Some(&nal[..len]);
            }
        }
    })
}

fn after_start_code(stream: &[u8]) -> Option<&[u8]> {
    stream.windows(3).position(|w| w == [0, 0, 1]).map(|at| &stream[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: [u8; 5] = [0x67, 66, 0xc0, 30, 0x80];
    const PPS: [u8; 3] = [0x68, 0xce, 0x80];

    fn stream(units: &[(&[u8], &[u8])]) -> Vec<u8> {
        units.iter().flat_map(|(code, nal)| code.iter().chain(*nal)).copied().collect()
    }

    #[test]
    fn a_key_frame_gives_its_slices_and_the_record() {
        let (long, short) = (&[0, 0, 0, 1][..], &[0, 0, 1][..]);
        let bytes = stream(&[
            (long, &[9, 0xf0]),
            (long, &SPS),
            (long, &PPS),
            (short, &[6, 5, 1, 0x80]),
            (short, &[0x65, 1, 2, 3]),
            (short, &[0x65, 4]),
        ]);
        let unit = parse(&bytes);
        assert!(unit.key);
        assert_eq!(unit.data[..], [0, 0, 0, 4, 0x65, 1, 2, 3, 0, 0, 0, 2, 0x65, 4]);
        let record = unit.record.unwrap();
        assert_eq!(record[..], [1, 66, 0xc0, 30, 0xff, 0xe1, 0, 5, 0x67, 66, 0xc0, 30, 0x80, 1, 0, 3, 0x68, 0xce, 0x80]);
    }

    #[test]
    fn other_frames_have_no_record() {
        let unit = parse(&[0, 0, 0, 1, 0x41, 7, 8, 0, 0, 0]);
        assert_eq!(unit, AccessUnit { data: Bytes::from_static(&[0, 0, 0, 3, 0x41, 7, 8]), key: false, record: None });
    }

    #[test]
    fn a_high_profile_says_its_chroma_format() {
        let sps = [0x67, 100, 0, 31, 0x80];
        let record = parse(&stream(&[(&[0, 0, 1], &sps), (&[0, 0, 1], &PPS)])).record.unwrap();
        assert_eq!(record[record.len() - 4..], [0xfd, 0xf8, 0xf8, 0]);
    }

    #[test]
    fn rubbish_is_nothing() {
        for rubbish in [&[][..], &[0, 0, 1], &[1, 2, 3, 4], &[0, 0, 1, 0, 0, 1, 0, 0]] {
            assert_eq!(parse(rubbish), AccessUnit { data: Bytes::new(), key: false, record: None });
        }
        // Parameter sets that are too short to hold a profile.
        assert_eq!(parse(&[0, 0, 1, 0x67, 66, 0, 0, 1, 0x68, 1]).record, None);
    }
}
