#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parlor::rtmp::fuzzing::amf0(data));
