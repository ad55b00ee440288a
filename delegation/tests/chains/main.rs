//! Authorities and chains of them against a world so small that everything each permits can be listed.
//!
//! `world` makes random authorities out of few values, `model` lists what one permits, without asking the code under test.
//! `order` compares pairs and triples; `random` chains of up to eight hops, signed and not; `altered` what is left of a good
//! chain after one change. `HANDFAST_LONG=1` runs many more of each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

mod altered;
mod model;
mod order;
mod party;
mod random;
mod tape;
mod world;
