//! What may be done: six dimensions and one order (spec/delegation.md, authority).

mod budget;
mod order;

use std::collections::BTreeSet;

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime};

pub use budget::{Budget, BudgetError, MAX_RATE_SECONDS, MAX_USES, Rate};
pub use order::Widening;

use crate::{ResourceId, Scope, Tools};

/// What may be done, where, with which tools, how often, until when, and how far it may be passed on.
///
/// Tokens, hops, ceilings, tasks and requests each hold one, and [`narrows`](Self::narrows) compares any two of them. An empty
/// scope or no resources permit nothing; no tools and no budget mean that nothing is said about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// What may be done.
    pub scope: Scope,
    /// Where, as exact texts.
    pub resources: BTreeSet<ResourceId>,
    /// With which tools and arguments; beside the scope, which has to allow it too.
    pub tools: Option<Tools>,
    /// How often.
    pub budget: Option<Budget>,
    /// Until when.
    pub expires_at: UnixTime,
    /// The most hops that may ever lie between the root token and who acts.
    pub max_depth: u8,
}

impl Authority {
    /// The end of what does not end by itself, such as a ceiling.
    pub const NO_END: UnixTime = UnixTime::from_secs(MAX_UNIX_SECONDS);

    /// `scope` at `resources`: with any tool, without budget or end, and not to be passed on.
    #[must_use]
    pub const fn of(scope: Scope, resources: BTreeSet<ResourceId>) -> Self {
        Self { scope, resources, tools: None, budget: None, expires_at: Self::NO_END, max_depth: 0 }
    }
}
