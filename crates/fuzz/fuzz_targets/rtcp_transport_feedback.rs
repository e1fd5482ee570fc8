//! libFuzzer's way into `fuzz::rtcp_transport_feedback`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtcp_transport_feedback(data));
