//! The vectors of a DID method, as far as all methods' are alike.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Verdict;

/// DIDs that we take, with what the method says of each, and DIDs that we refuse.
#[derive(Deserialize)]
pub struct Vectors<Accepted> {
    /// Those that we take.
    pub accepted: Vec<Accepted>,
    /// Those that we do not.
    pub refused: Vec<Refused>,
}

/// A DID that we refuse.
#[derive(Deserialize)]
pub struct Refused {
    /// What is wrong with it.
    pub about: String,
    /// The text.
    pub did: String,
}

impl<Accepted: DeserializeOwned> Vectors<Accepted> {
    /// Reads a file of spec/vectors.
    ///
    /// # Panics
    ///
    /// For a file of another shape.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a vector of another shape should stop the test")]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("vectors of a DID method")
    }
}

/// What another implementation makes of the DIDs that we refuse.
pub struct Verdicts(Vec<(String, Verdict)>);

impl Verdicts {
    /// Asks it about each.
    #[must_use]
    pub fn of(ask: fn(&str) -> Verdict, refused: Vec<Refused>) -> Self {
        Self(refused.into_iter().map(|Refused { about, did }| (about, ask(&did))).collect())
    }

    /// What is wrong with those that it refuses too.
    #[must_use]
    pub fn refused(&self) -> BTreeSet<&str> {
        self.with(|verdict| *verdict == Verdict::Refused)
    }

    /// With those that it resolves.
    #[must_use]
    pub fn taken(&self) -> BTreeSet<&str> {
        self.with(|verdict| matches!(verdict, Verdict::Document(_)))
    }

    /// With those that it panics on.
    #[must_use]
    pub fn panicked(&self) -> BTreeSet<&str> {
        self.with(|verdict| *verdict == Verdict::Panicked)
    }

    fn with(&self, wanted: fn(&Verdict) -> bool) -> BTreeSet<&str> {
        self.0.iter().filter(|(_, verdict)| wanted(verdict)).map(|(about, _)| about.as_str()).collect()
    }
}
