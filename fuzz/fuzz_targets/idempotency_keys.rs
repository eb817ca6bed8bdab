#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| invited_fuzz::idempotency_keys::check(data));
