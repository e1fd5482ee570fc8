//! libFuzzer's way into `fuzz::srtp_unprotect`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::srtp_unprotect(data));
