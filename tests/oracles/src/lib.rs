//! Other implementations and drafts of delegation, asked the questions that handfast answers.
//!
//! Every difference is in a closed list with its reason, here and in spec/delegation.md, "Differences from others": one that
//! is not listed fails, and so does a listed one that no longer occurs.

use std::collections::BTreeMap;

/// Differences by name, each with how often it was seen.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    /// Notes one difference.
    pub fn note(&mut self, difference: &'static str) {
        *self.0.entry(difference).or_default() += 1;
    }

    /// The names of all that were noted, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
