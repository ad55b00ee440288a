//! What may be done: a scope at resources. Ceilings, tasks and wishes of agents are each one of these.

use core::fmt;
use std::collections::BTreeSet;

use handfast_delegation::{ResourceId, Scope};

use crate::limits::{MAX_AUTHORITY_RESOURCE_BYTES, MAX_AUTHORITY_RESOURCES, MAX_AUTHORITY_SCOPE_BYTES};

/// The agent's own record at the registry. Every agent has it; it is never part of a ceiling.
pub const AGENT_SELF: &str = "agent:self";
/// An owner's own affairs at the registry.
pub const OWNER_SELF: &str = "owner:self";
/// Reading the whole registry.
pub const REGISTRY_READ: &str = "registry:read";
/// Changing the whole registry.
pub const REGISTRY_ADMIN: &str = "registry:admin";

/// A scope and the resources it is for. Either may be empty, and then it allows nothing (P-08).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    scope: Scope,
    resources: BTreeSet<ResourceId>,
}

/// Why scope and resources are no authority a record can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    /// More scope text, resources or resource text than a record holds (spec/limits.md).
    TooLong,
    /// A resource twice.
    Duplicate,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "scope or resources are longer than allowed",
            Self::Duplicate => "a resource is named twice",
        })
    }
}

impl core::error::Error for AuthorityError {}

impl Authority {
    /// Joins a scope with its resources.
    ///
    /// # Errors
    ///
    /// [`AuthorityError`], by rule broken.
    pub fn new(scope: Scope, resources: Vec<ResourceId>) -> Result<Self, AuthorityError> {
        let bytes: usize = resources.iter().map(|resource| resource.as_str().len()).sum();
        let count = resources.len();
        if scope.to_string().len() > MAX_AUTHORITY_SCOPE_BYTES
            || count > MAX_AUTHORITY_RESOURCES
            || bytes > MAX_AUTHORITY_RESOURCE_BYTES
        {
            return Err(AuthorityError::TooLong);
        }
        let resources: BTreeSet<_> = resources.into_iter().collect();
        if resources.len() == count { Ok(Self { scope, resources }) } else { Err(AuthorityError::Duplicate) }
    }

    /// What may be done.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Where, in byte order.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceId> {
        self.resources.iter()
    }

    /// Whether `resource` is one of them, as exact text.
    #[must_use]
    pub fn names(&self, resource: &ResourceId) -> bool {
        self.resources.contains(resource)
    }
}

/// The tokens of `scope` that only people and the registry itself may hold: `owner:*`, `registry:*`, `agent:self`.
pub(crate) fn management_part(scope: &Scope) -> Option<Scope> {
    let is_management =
        |token: &&str| token.starts_with("owner:") || token.starts_with("registry:") || *token == AGENT_SELF;
    let part: Vec<_> = scope.tokens().filter(is_management).collect();
    if part.is_empty() {
        return None;
    }
    // tokens of a scope always make a scope; were it otherwise, all of it is named rather than nothing
    Some(Scope::parse(&part.join(" ")).unwrap_or_else(|_| scope.clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    fn resource(length: usize) -> ResourceId {
        ResourceId::parse(&format!("urn:{}", "x".repeat(length - 4))).unwrap()
    }

    fn check(scope: &str, resources: Vec<ResourceId>, expected: Result<(), AuthorityError>) {
        assert_eq!(Authority::new(Scope::parse(scope).unwrap(), resources).map(|_| ()), expected);
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        check(&"x".repeat(MAX_AUTHORITY_SCOPE_BYTES), vec![], Ok(()));
        check(&"x".repeat(MAX_AUTHORITY_SCOPE_BYTES + 1), vec![], Err(AuthorityError::TooLong));
        let several = |count: usize| (0..count).map(|n| resource(10 + n)).collect();
        check("a", several(MAX_AUTHORITY_RESOURCES), Ok(()));
        check("a", several(MAX_AUTHORITY_RESOURCES + 1), Err(AuthorityError::TooLong));
        check("a", vec![resource(512), resource(128)], Ok(()));
        check("a", vec![resource(512), resource(129)], Err(AuthorityError::TooLong));
        check("a", vec![resource(9), resource(9)], Err(AuthorityError::Duplicate));
    }

    #[test]
    fn management_scopes_are_found_by_prefix_and_name() {
        let part = |text: &str| management_part(&Scope::parse(text).unwrap()).map(|part| part.to_string());
        assert_eq!(part("files:read agent:self owner:x registry:"), Some("agent:self owner:x registry:".into()));
        for harmless in ["", "files:read", "agent:selfish", "ownership", "Owner:self", "my-registry:read"] {
            assert_eq!(part(harmless), None, "{harmless}");
        }
    }
}
