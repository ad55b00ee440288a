//! Tools and constraints against a second, naive writing of the same rules, over a small world of values.
//!
//! `world` lists values and constraints, `model` says again what they mean. `pairs` goes through every pair and triple of the
//! list, `random` through deeper ones that nobody thought of. `HANDFAST_LONG=1` runs a million of those.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken table should stop the test")]

mod model;
mod pairs;
mod random;
mod world;
