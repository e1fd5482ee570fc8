//! libFuzzer's way into `fuzz::rtp_view`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtp_view(data));
