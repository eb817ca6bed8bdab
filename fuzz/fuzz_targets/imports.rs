#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| invited_fuzz::imports::check(data));
