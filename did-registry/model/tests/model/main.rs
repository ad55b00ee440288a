//! The model against a shell in miniature.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a failed step is a failed test

mod claiming;
mod delegation;
mod enrolling;
mod life;
mod life_support;
mod lifecycle;
mod lifecycle_keys;
mod lifecycle_table;
mod registration;
mod revoking;
mod rotating;
mod support;
mod tokens;
