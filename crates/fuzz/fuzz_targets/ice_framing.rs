//! libFuzzer's way into `fuzz::ice_framing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ice_framing(data));
