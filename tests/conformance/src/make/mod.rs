//! Making the vectors: each starts from a good message and breaks one part of it. Keys and times are fixed, so that the same
//! program always writes the same bytes.

mod case;
mod cases;
mod chain;
mod draft;
pub mod edge;
mod jws;
pub mod keys;
pub mod tables;

use std::collections::BTreeMap;

pub use case::Case;

use crate::vector::{Vector, written};

/// The second in which vectors happen: 2026-11-21T12:00:00Z.
pub const NOW: u64 = 1_795_262_400;

/// Every request vector by name.
///
/// # Panics
///
/// When two have one name.
#[must_use]
pub fn request_vectors() -> BTreeMap<String, Vector> {
    let mut vectors = BTreeMap::new();
    for case in cases::all() {
        let (name, vector) = case.vector();
        assert!(vectors.insert(name.clone(), vector).is_none(), "two vectors are called {name}");
    }
    vectors
}

/// Every file below `spec/vectors` that this program writes, by path.
#[must_use]
pub fn files() -> BTreeMap<String, String> {
    let requests = request_vectors();
    let requests = requests.iter().map(|(name, vector)| (format!("request/{name}.json"), written(vector)));
    requests.chain(tables::files()).collect()
}
