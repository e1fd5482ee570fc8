//! libFuzzer's way into `fuzz::rtp_rtx`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtp_rtx(data));
