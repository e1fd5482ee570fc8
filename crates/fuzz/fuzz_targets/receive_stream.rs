//! libFuzzer's way into `fuzz::receive_stream`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::receive_stream(data));
