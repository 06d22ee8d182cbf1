//! EBML, the binary form that Matroska is written in (RFC 8794): elements of an id, a size and a body.

/// Size field of an element that ends where the file ends (RFC 8794, 6.2), eight bytes long so that the real size can take its place.
pub(super) const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/// Id of an element that means nothing: room for what is not known yet.
const VOID: u32 = 0xec;

/// Appends an element's id: its leading bits say how long it is, so it is written as it stands.
pub(super) fn id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let skip = (id.leading_zeros() / 8).min(3) as usize;
    out.extend_from_slice(&bytes[skip..]);
}

/// Appends a size in as few bytes as hold it.
pub(super) fn size(out: &mut Vec<u8>, size: u64) {
    // All ones would mean "unknown".
    let length = (1..8).find(|length| size < (1 << (7 * length)) - 1).unwrap_or(8);
    sized(out, size, length);
}

/// Appends a size in eight bytes, to be changed later.
pub(super) fn wide_size(size: u64) -> [u8; 8] {
    ((1 << 56) | (size & ((1 << 56) - 1))).to_be_bytes()
}

fn sized(out: &mut Vec<u8>, size: u64, length: usize) {
    let marked = size | (1 << (7 * length));
    out.extend_from_slice(&marked.to_be_bytes()[8 - length..]);
}

/// Appends an element with this body.
pub(super) fn element(out: &mut Vec<u8>, of: u32, body: &[u8]) {
    id(out, of);
    size(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// Appends a number, in as few bytes as hold it.
pub(super) fn number(out: &mut Vec<u8>, of: u32, value: u64) {
    let skip = (value.leading_zeros() / 8).min(7) as usize;
    element(out, of, &value.to_be_bytes()[skip..]);
}

/// Appends a text.
pub(super) fn text(out: &mut Vec<u8>, of: u32, value: &str) {
    element(out, of, value.as_bytes());
}

/// Appends an element whose body is made of others.
pub(super) fn group(out: &mut Vec<u8>, of: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    fill(&mut body);
    element(out, of, &body);
}

/// Appends an element of `length` bytes in all (two to 128) that means nothing.
pub(super) fn void(out: &mut Vec<u8>, length: usize) {
    id(out, VOID);
    sized(out, length.saturating_sub(2) as u64, 1);
    out.resize(out.len() + length.saturating_sub(2), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn ids_sizes_and_numbers_are_as_short_as_they_can_be() {
        assert_eq!(written(|out| id(out, 0x1a45_dfa3)), [0x1a, 0x45, 0xdf, 0xa3]);
        assert_eq!(written(|out| id(out, 0xa3)), [0xa3]);
        assert_eq!(written(|out| size(out, 5)), [0x85]);
        assert_eq!(written(|out| size(out, 126)), [0xfe]);
        // 127 in one byte would be "unknown".
        assert_eq!(written(|out| size(out, 127)), [0x40, 0x7f]);
        assert_eq!(written(|out| size(out, 0x1234)), [0x52, 0x34]);
        assert_eq!(written(|out| number(out, 0xd7, 0)), [0xd7, 0x81, 0]);
        assert_eq!(written(|out| number(out, 0xd7, 0x0102)), [0xd7, 0x82, 1, 2]);
        assert_eq!(wide_size(0x1234), [1, 0, 0, 0, 0, 0, 0x12, 0x34]);
    }

    #[test]
    fn room_is_left_to_the_byte() {
        for length in [2, 11, 100, 128] {
            assert_eq!(written(|out| void(out, length)).len(), length);
        }
    }
}
