//! libFuzzer's way into `fuzz::send_stream`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::send_stream(data));
