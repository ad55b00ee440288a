//! The embedded store under faults: kill -9, power cuts, full and read-only disks, other programs' stores.
//!
//! A child process (this test binary again, see [`child`]) writes under load and prints every acknowledged write; the
//! parent ends it, opens what is left and looks for each of them. `HANDFAST_LONG=1` runs more cycles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "the tests know their own sizes")]

#[path = "../store_support/mod.rs"]
mod store_support;

#[path = "../power_cut/mod.rs"]
mod power_cut;

mod child;
mod crash;
mod disk;
mod evidence;
mod opening;
