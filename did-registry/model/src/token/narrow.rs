//! From what there is and what is wished to what is given: never more, and never silently less.

use handfast_delegation::Authority;

use super::form::Wish;
use crate::{Refusal, RegistryPolicy};

/// `within`, as far as `wish` asks for it; in each dimension it says nothing about, all of it (TX-11).
///
/// # Errors
///
/// [`Refusal::InvalidScope`], [`Refusal::InvalidTarget`] or [`Refusal::Widened`] for the first dimension that is asked for
/// more than there is; [`Refusal::InvalidTarget`] for a resource named twice.
pub(super) fn narrowed(within: &Authority, wish: &Wish) -> Result<Authority, Refusal> {
    let mut given = within.clone();
    if let Some(scope) = &wish.scope {
        given.scope = scope.clone();
    }
    if !wish.resources.is_empty() {
        given.resources = wish.resources.iter().cloned().collect();
        if given.resources.len() != wish.resources.len() {
            return Err(Refusal::InvalidTarget);
        }
    }
    if let Some(tools) = &wish.tools {
        given.tools = Some(tools.clone());
    }
    if let Some(depth) = wish.max_depth {
        given.max_depth = depth;
    }
    given.narrows(within)?;
    Ok(given)
}

/// Whether whoever gets the token applies what it says: tools and budgets go to resources only that registered them.
pub(super) fn require_applied(authority: &Authority, policy: &RegistryPolicy) -> Result<(), Refusal> {
    let is_restricted = authority.tools.is_some() || authority.budget.is_some();
    if is_restricted && !authority.resources.iter().all(|resource| policy.applies_details(resource)) {
        return Err(Refusal::InvalidTarget);
    }
    Ok(())
}
