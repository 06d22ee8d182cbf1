//! What has to be known of an H.264 configuration record (ISO/IEC 14496-15, 5.3.3.1) to put it into a file.

/// Width and height of the pictures, from the record's sequence parameter set (ITU-T H.264, 7.3.2.1.1).
pub(super) fn size(record: &[u8]) -> Option<(u32, u32)> {
    let length = usize::from(u16::from_be_bytes(*record.get(6..)?.first_chunk()?));
    let set = record.get(8..8 + length)?;
    let mut bits = Bits::new(set.get(1..)?);
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.golomb()?;
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            // Scaling matrices: nobody who streams calls uses them.
            return None;
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => drop(bits.golomb()?),
        1 => {
            bits.take(1)?;
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.take(1)?;
    let (across, down) = (bits.golomb()? + 1, bits.golomb()? + 1);
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let (mut width, mut height) = (across.checked_mul(16)?, down.checked_mul(16)?.checked_mul(2 - frames_only)?);
    if bits.take(1)? == 1 {
        let (unit_x, unit_y) = if chroma == 1 { (2, 2) } else { (1, 1) };
        let unit_y = unit_y * (2 - frames_only);
        let crop = [bits.golomb()?, bits.golomb()?, bits.golomb()?, bits.golomb()?];
        width = width.checked_sub(crop[0].checked_add(crop[1])?.checked_mul(unit_x)?)?;
        height = height.checked_sub(crop[2].checked_add(crop[3])?.checked_mul(unit_y)?)?;
    }
    (width > 0 && height > 0).then_some((width, height))
}

/// The record's parameter sets as units behind lengths of four bytes, to stand before a key frame whose file began with other ones. `None` where
/// units have shorter lengths, or the record is damaged.
pub(super) fn parameter_sets(record: &[u8]) -> Option<Vec<u8>> {
    if record.get(4)? & 3 != 3 {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = record.get(5..)?;
    for mask in [0x1f, 0xff] {
        let (count, mut after) = rest.split_first()?;
        for _ in 0..count & mask {
            let (length, behind) = after.split_first_chunk::<2>()?;
            let (set, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(length);
            out.extend_from_slice(set);
            after = behind;
        }
        rest = after;
    }
    Some(out)
}

/// Bits of a unit, without the bytes that keep start codes out of it (H.264, 7.4.1).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for byte in unit {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let bit = self.bytes.get(self.at / 8)? >> (7 - self.at % 8) & 1;
            value = value << 1 | u32::from(bit);
            self.at += 1;
        }
        Some(value)
    }

    /// An Exp-Golomb number (H.264, 9.1); signed ones are as long.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::capture::Format;
    use crate::media::capture::pattern::Pattern;
    use crate::media::encode::video::{Choice, Config, Encoder, Rate};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn the_size_of_what_our_encoder_makes_is_read() {
        for (width, height) in [(640, 360), (320, 180), (480, 360), (1280, 720), (1920, 1080), (426, 240)] {
            let config = Config { width, height, rate: Rate::new(500, 30), choice: Choice::Software };
            let mut encoder = Encoder::open(config).unwrap();
            let picture = Pattern::new(Format { width, height, fps: 30 }).draw(Duration::from_secs(1));
            encoder.encode(&Arc::new(picture), true).unwrap();
            let record = encoder.record().unwrap();
            assert_eq!(size(record), Some((width, height)));
            let sets = parameter_sets(record).unwrap();
            assert_eq!((sets[4] & 0x1f, &sets[..2]), (7, &[0, 0][..]));
            for cut in 0..record.len() {
                let (_, _) = (size(&record[..cut]), parameter_sets(&record[..cut]));
            }
        }
        assert_eq!(size(b"garbage that is long enough"), None);
    }
}
