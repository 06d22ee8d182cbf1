//! The mines that other implementations stepped on, as bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::rtmp::message::kind;

fn read_all(reader: &mut Reader, mut bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut bytes)? {
        messages.push(message);
    }
    Ok(messages)
}

/// What a fresh reader makes of the bytes, given at once and given singly.
fn read(bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let whole = read_all(&mut Reader::default(), bytes);
    let mut reader = Reader::default();
    let mut single = Ok(Vec::new());
    for byte in bytes {
        match (read_all(&mut reader, &[*byte]), &mut single) {
            (Ok(more), Ok(messages)) => messages.extend(more),
            (Err(error), _) => {
                single = Err(error);
                break;
            }
            (Ok(_), Err(_)) => unreachable!(),
        }
    }
    assert_eq!(whole, single);
    whole
}

fn type0(id: u8, time: u32, length: usize, kind: u8, stream: u8) -> Vec<u8> {
    let mut bytes = vec![id];
    bytes.extend_from_slice(&time.min(0xff_ffff).to_be_bytes()[1..]);
    bytes.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    bytes.extend_from_slice(&[kind, stream, 0, 0, 0]);
    if time >= 0xff_ffff {
        bytes.extend_from_slice(&time.to_be_bytes());
    }
    bytes
}

fn type1(id: u8, delta: u32, length: usize, kind: u8) -> Vec<u8> {
    let mut bytes = type0(id | 0x40, delta, length, kind, 0);
    bytes.drain(8..12);
    bytes
}

fn type2(id: u8, delta: u32) -> Vec<u8> {
    let mut bytes = type0(id | 0x80, delta, 0, 0, 0);
    bytes.drain(4..12);
    bytes
}

fn times(bytes: &[u8]) -> Vec<u32> {
    read(bytes).unwrap().iter().map(|message| message.timestamp_ms).collect()
}

#[test]
fn all_four_header_types() {
    let mut bytes = type0(4, 1000, 2, kind::AUDIO, 1);
    bytes.extend_from_slice(b"ab");
    bytes.extend(type1(4, 20, 3, kind::VIDEO));
    bytes.extend_from_slice(b"cde");
    bytes.extend(type2(4, 30));
    bytes.extend_from_slice(b"fgh");
    bytes.extend_from_slice(b"\xc4ijk");
    let messages = read(&bytes).unwrap();
    let expect = |timestamp_ms, kind, payload| Message { timestamp_ms, kind, stream_id: 1, payload: Bytes::from_static(payload) };
    let expected = [
        expect(1000, kind::AUDIO, b"ab"),
        expect(1020, kind::VIDEO, b"cde"),
        expect(1050, kind::VIDEO, b"fgh"),
        expect(1080, kind::VIDEO, b"ijk"),
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_type_3_message_after_a_type_0_one_repeats_its_time_as_delta() {
    let bytes = [&type0(4, 7, 1, kind::AUDIO, 1)[..], b"a\xc4b\xc4c"].concat();
    assert_eq!(times(&bytes), [7, 14, 21]);
}

#[test]
fn basic_headers_of_one_two_and_three_bytes() {
    let plain = type0(3, 0, 1, kind::AUDIO, 1);
    for (basic, again) in [
        (vec![3], vec![0xc3]),
        (vec![63], vec![0xff]),
        (vec![0, 0], vec![0xc0, 0]),
        (vec![0, 255], vec![0xc0, 255]),
        (vec![1, 0, 1], vec![0xc1, 0, 1]),
        (vec![1, 255, 255], vec![0xc1, 255, 255]),
    ] {
        let bytes = [&basic[..], &plain[1..], b"a", &again, b"b"].concat();
        assert_eq!(read(&bytes).unwrap().len(), 2, "{basic:?}");
    }
    // The two-byte and the three-byte form of one number are one chunk stream.
    let bytes = [&[0, 10], &plain[1..], b"a", &[0xc1, 10, 0], b"b"].concat();
    assert_eq!(read(&bytes).unwrap().len(), 2);
    // And 65599 is not 319.
    let bytes = [&[1, 255, 0], &plain[1..], b"a", &[0xc1, 255, 255], b"b"].concat();
    assert_eq!(read(&bytes), Err(Error::NoHeader(65599)));
}

const LATE: u32 = 0x0123_4567;

/// A message of 300 bytes in chunks of 128, at an extended time, with or without the time again in its type-3 chunks.
fn extended(payload: &[u8; 300], repeated: Option<u32>) -> Vec<u8> {
    let mut bytes = type0(6, LATE, 300, kind::VIDEO, 1);
    bytes.extend_from_slice(&payload[..128]);
    for rest in [&payload[128..256], &payload[256..]] {
        bytes.push(0xc6);
        bytes.extend(repeated.into_iter().flat_map(u32::to_be_bytes));
        bytes.extend_from_slice(rest);
    }
    bytes
}

#[test]
fn extended_timestamps_with_and_without_repetition() {
    let mut payload = [0x55; 300];
    // Payload that begins like the timestamp (or is nothing but zeros) is still payload.
    payload[128..131].copy_from_slice(&LATE.to_be_bytes()[..3]);
    payload[256..259].copy_from_slice(&[0, 0, 0]);
    for repeated in [None, Some(LATE)] {
        let bytes = extended(&payload, repeated).repeat(2);
        let messages = read(&bytes).unwrap();
        assert_eq!(messages.len(), 2);
        for message in messages {
            assert_eq!((message.timestamp_ms, &message.payload[..]), (LATE, &payload[..]), "{repeated:?}");
        }
    }
}

#[test]
fn an_extended_delta_may_be_repeated_as_delta_or_as_absolute_time() {
    const DELTA: u32 = 0x0200_0000;
    for repeated in [None, Some(DELTA), Some(DELTA + 5)] {
        let mut bytes = type0(6, 5, 1, kind::VIDEO, 1);
        bytes.push(b'a');
        bytes.extend(type1(6, DELTA, 130, kind::VIDEO));
        bytes.extend_from_slice(&[7; 128]);
        bytes.push(0xc6);
        bytes.extend(repeated.into_iter().flat_map(u32::to_be_bytes));
        bytes.extend_from_slice(b"xy");
        // The next one has no extended timestamp, nor do its chunks.
        bytes.extend(type1(6, 10, 130, kind::VIDEO));
        bytes.extend_from_slice(&[7; 128]);
        bytes.extend_from_slice(b"\xc6zz");
        assert_eq!(times(&bytes), [5, DELTA + 5, DELTA + 15], "{repeated:?}");
    }
}

#[test]
fn a_short_last_chunk_does_not_wait_for_the_next_one() {
    let mut bytes = type0(6, LATE, 130, kind::VIDEO, 1);
    bytes.extend_from_slice(&[7; 128]);
    bytes.extend_from_slice(b"\xc6xy");
    assert_eq!(read(&bytes).unwrap().len(), 1);
}

#[test]
fn a_type_3_message_with_extended_delta() {
    for repeated in [false, true] {
        let mut bytes = type0(6, 1, 1, kind::AUDIO, 1);
        bytes.push(b'a');
        bytes.extend(type2(6, 0x0100_0000));
        bytes.push(b'b');
        bytes.push(0xc6);
        if repeated {
            bytes.extend_from_slice(&0x0100_0000u32.to_be_bytes());
        }
        bytes.push(b'c');
        assert_eq!(times(&bytes), [1, 0x0100_0001, 0x0200_0001]);
    }
}

#[test]
fn negative_deltas_go_backwards_modulo_2_to_the_32() {
    let mut bytes = type0(4, 1000, 1, kind::AUDIO, 1);
    bytes.push(b'a');
    for delta in [10u32.wrapping_neg(), 30, 2000u32.wrapping_neg()] {
        bytes.extend(type2(4, delta));
        bytes.push(b'a');
    }
    assert_eq!(times(&bytes), [1000, 990, 1020, 0xffff_fc2c]);
}

#[test]
fn messages_of_several_chunk_streams_interleave() {
    let mut bytes = type0(4, 1, 200, kind::AUDIO, 1);
    bytes.extend_from_slice(&[4; 128]);
    bytes.extend(type0(6, 2, 130, kind::VIDEO, 1));
    bytes.extend_from_slice(&[6; 128]);
    bytes.push(0xc4);
    bytes.extend_from_slice(&[4; 72]);
    bytes.push(0xc6);
    bytes.extend_from_slice(&[6; 2]);
    let messages = read(&bytes).unwrap();
    assert_eq!(messages.iter().map(|message| (message.kind, message.payload.len())).collect::<Vec<_>>(), [(8, 200), (9, 130)]);
    assert!(messages[0].payload.iter().all(|byte| *byte == 4));
}

#[test]
fn a_chunk_size_counts_from_the_next_chunk_also_inside_another_message() {
    let mut bytes = type0(6, 0, 300, kind::VIDEO, 1);
    bytes.extend_from_slice(&[6; 128]);
    bytes.extend(type0(2, 0, 4, kind::SET_CHUNK_SIZE, 0));
    bytes.extend_from_slice(&1000u32.to_be_bytes());
    bytes.push(0xc6);
    bytes.extend_from_slice(&[6; 172]);
    assert_eq!(read(&bytes).unwrap().len(), 2);
}

#[test]
fn chunk_sizes_of_zero_and_with_the_top_bit_are_refused_and_huge_ones_cut() {
    for (size, ok) in [(0, false), (1, true), (0x7fff_ffff, true), (0x8000_0000, false), (u32::MAX, false)] {
        let mut bytes = type0(2, 0, 4, kind::SET_CHUNK_SIZE, 0);
        bytes.extend_from_slice(&size.to_be_bytes());
        assert_eq!(read(&bytes).is_ok(), ok, "{size}");
    }
    let short = [&type0(2, 0, 2, kind::SET_CHUNK_SIZE, 0)[..], &[0, 1]].concat();
    assert_eq!(read(&short), Err(Error::ShortControl(2)));
}

#[test]
fn an_aborted_message_is_dropped_and_the_chunk_stream_goes_on() {
    let mut reader = Reader::default();
    let mut bytes = type0(6, 0, 300, kind::VIDEO, 1);
    bytes.extend_from_slice(&[6; 128]);
    assert_eq!(read_all(&mut reader, &bytes), Ok(vec![]));
    assert_eq!(reader.partial_bytes(), 128);
    let mut abort = type0(2, 0, 4, kind::ABORT, 0);
    abort.extend_from_slice(&6u32.to_be_bytes());
    assert_eq!(read_all(&mut reader, &abort).unwrap().len(), 1);
    assert_eq!(reader.partial_bytes(), 0);
    let mut next = type1(6, 5, 1, kind::VIDEO);
    next.push(b'x');
    assert_eq!(read_all(&mut reader, &next).unwrap()[0].payload, "x");
    // Nothing to abort there.
    assert!(read_all(&mut reader, &[&type1(2, 0, 4, kind::ABORT)[..], &99u32.to_be_bytes()].concat()).is_ok());
}

#[test]
fn a_chunk_stream_must_start_with_a_header() {
    assert_eq!(read(&[0xc4]), Err(Error::NoHeader(4)));
    assert_eq!(read(&type2(4, 0)), Err(Error::NoHeader(4)));
    // librtmp starts with type 1 for pings.
    let bytes = [&type1(2, 9, 1, kind::AUDIO)[..], b"a"].concat();
    assert_eq!(read(&bytes).unwrap()[0].timestamp_ms, 9);
}

#[test]
fn a_message_inside_another_is_refused() {
    let mut bytes = type0(6, 0, 300, kind::VIDEO, 1);
    bytes.extend_from_slice(&[6; 128]);
    bytes.extend(type0(6, 0, 300, kind::VIDEO, 1));
    assert_eq!(read(&bytes), Err(Error::Unfinished(6)));
}

#[test]
fn empty_messages_are_whole_at_once() {
    let bytes = [&type0(4, 3, 0, kind::AUDIO, 1)[..], &[0xc4]].concat();
    assert_eq!(times(&bytes), [3, 6]);
}

#[test]
fn what_the_peer_makes_us_hold_is_limited() {
    assert_eq!(read(&type0(6, 0, MAX_MESSAGE_BYTES + 1, kind::VIDEO, 1)), Err(Error::MessageTooLong(MAX_MESSAGE_BYTES + 1)));

    let one = |id: u8| {
        let basic = if id < 64 { vec![id] } else { vec![0, id - 64] };
        [&basic[..], &type0(0, 0, 1, kind::AUDIO, 1)[1..], b"a"].concat()
    };
    let many: Vec<u8> = (2..=2 + MAX_CHUNK_STREAMS as u8).flat_map(one).collect();
    assert_eq!(read(&many), Err(Error::TooManyStreams));

    let mut reader = Reader::default();
    let mut bytes = [&type0(2, 0, 4, kind::SET_CHUNK_SIZE, 0)[..], &(MAX_MESSAGE_BYTES as u32 - 1).to_be_bytes()].concat();
    for id in 10..12 {
        bytes.extend(type0(id, 0, MAX_MESSAGE_BYTES, kind::VIDEO, 1));
        bytes.extend(vec![0; MAX_MESSAGE_BYTES - 1]);
    }
    assert_eq!(read_all(&mut reader, &bytes), Err(Error::TooMuchPartial));
}

fn write(writer: &mut Writer, messages: &[(u8, Message)]) -> Vec<u8> {
    let mut output = Output::default();
    for (id, message) in messages {
        writer.write(*id, message, &mut output);
    }
    std::iter::from_fn(|| output.pop()).flatten().collect()
}

#[test]
fn the_writer_repeats_extended_timestamps_as_the_specification_says() {
    let payload = Bytes::from(vec![9; 300]);
    let message = Message { timestamp_ms: LATE, kind: kind::VIDEO, stream_id: 1, payload: payload.clone() };
    let bytes = write(&mut Writer::default(), &[(6, message)]);
    assert_eq!(bytes, extended(payload[..].try_into().unwrap(), Some(LATE)));
}

#[test]
fn the_writer_uses_type_1_forwards_and_type_0_backwards_or_for_another_stream() {
    let message =
        |timestamp_ms, stream_id| (4, Message { timestamp_ms, kind: kind::AUDIO, stream_id, payload: Bytes::from_static(b"a") });
    let sequence = [message(u32::MAX - 5, 1), message(4, 1), message(3, 1), message(3, 2), message(0x0200_0000, 2)];
    let mut writer = Writer::default();
    let types: Vec<u8> = sequence.iter().map(|message| write(&mut writer, std::slice::from_ref(message))[0] >> 6).collect();
    assert_eq!(types, [0, 1, 0, 0, 0]);
    let expected: Vec<Message> = sequence.iter().map(|(_, message)| message.clone()).collect();
    assert_eq!(read(&write(&mut Writer::default(), &sequence)).unwrap(), expected);
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        sequence in proptest::collection::vec((3..9u8, any::<u32>(), 8..19u8, 0..3u32, 0..700usize), 0..20),
        chunk_size in 1..1000u32,
    ) {
        let messages: Vec<(u8, Message)> = sequence.into_iter().map(|(id, timestamp_ms, kind, stream_id, length)| {
            (id, Message { timestamp_ms, kind, stream_id, payload: vec![length as u8; length].into() })
        }).collect();
        let mut writer = Writer::default();
        let control = crate::rtmp::message::control(kind::SET_CHUNK_SIZE, chunk_size);
        let mut bytes = write(&mut writer, &[(2, control)]);
        writer.set_chunk_size(chunk_size);
        bytes.extend(write(&mut writer, &messages));
        let read: Vec<Message> = read(&bytes).unwrap().into_iter().skip(1).collect();
        prop_assert_eq!(read, messages.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_framed_is_read_whatever_came_before(
        sequence in proptest::collection::vec((3..9u8, any::<u32>(), 8..19u8, 0..3u32, 0..700usize, any::<bool>()), 0..20),
        chunk_size in 1..1000u32,
    ) {
        let mut writer = Writer::default();
        let mut bytes = write(&mut writer, &[(2, crate::rtmp::message::control(kind::SET_CHUNK_SIZE, chunk_size))]);
        writer.set_chunk_size(chunk_size);
        let mut messages = Vec::new();
        for (id, timestamp_ms, kind, stream_id, length, once) in sequence {
            let message = Message { timestamp_ms, kind, stream_id, payload: vec![length as u8; length].into() };
            // Chunk streams of one kind or the other: who writes with deltas must be alone on its own.
            bytes.extend(if once { framed(id + 10, &message, chunk_size).to_vec() } else { write(&mut writer, &[(id, message.clone())]) });
            messages.push(message);
        }
        let read: Vec<Message> = read(&bytes).unwrap().into_iter().skip(1).collect();
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
    }
}
