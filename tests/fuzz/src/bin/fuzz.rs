//! One target under libFuzzer: `HANDFAST_FUZZ=TARGET fuzz [libFuzzer's arguments]`. See `scripts/fuzz`.
#![no_main]

use std::sync::LazyLock;

use handfast_fuzz::{Target, find};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("HANDFAST_FUZZ").unwrap_or_default();
    find(&name).unwrap_or_else(|| panic!("HANDFAST_FUZZ is no target: `{name}`"))
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
