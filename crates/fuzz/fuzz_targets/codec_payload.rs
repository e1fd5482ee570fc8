//! libFuzzer's way into `fuzz::codec_payload`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::codec_payload(data));
