//! The vectors of `spec/vectors`: how they are read, how they are made, and the surfaces they are run through.
//!
//! A request vector holds everything that decides about one request, and the one right answer. [`surface::Surface`] is
//! anything that can answer: the core today, every layer above it as well. `make-vectors` writes the files; nobody edits them
//! by hand.
//!
//! ```text
//! make::request_vectors() --make-vectors--> spec/vectors/request/*.json --vector::read_folder--> Surface::check
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for tests: a vector that cannot be made or read should stop it"
)]

pub mod both;
pub mod core_surface;
pub mod make;
pub mod page;
pub mod parts;
pub mod surface;
pub mod vector;

use std::path::PathBuf;

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder of the vectors.
#[must_use]
pub fn vectors_folder() -> PathBuf {
    repository().join("spec/vectors")
}
