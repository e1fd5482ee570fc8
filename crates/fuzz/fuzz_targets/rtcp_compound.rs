//! libFuzzer's way into `fuzz::rtcp_compound`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtcp_compound(data));
