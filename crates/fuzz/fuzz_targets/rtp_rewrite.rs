//! libFuzzer's way into `fuzz::rtp_rewrite`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtp_rewrite(data));
