//! Authority as records hold it, bounded, and the scopes that are not for agents.

use core::fmt;
use std::collections::BTreeSet;

use handfast_delegation::{Authority, ResourceId, Scope, Tools};
use handfast_identity::json;

use crate::limits::{
    MAX_AUTHORITY_BYTES, MAX_AUTHORITY_DETAILS_BYTES, MAX_AUTHORITY_RESOURCE_BYTES, MAX_AUTHORITY_RESOURCES,
    MAX_AUTHORITY_SCOPE_BYTES,
};

/// The agent's own record at the registry. Every agent has it; it is never part of a ceiling.
pub const AGENT_SELF: &str = "agent:self";
/// An owner's own affairs at the registry.
pub const OWNER_SELF: &str = "owner:self";
/// Reading the whole registry.
pub const REGISTRY_READ: &str = "registry:read";
/// Changing the whole registry.
pub const REGISTRY_ADMIN: &str = "registry:admin";

/// Why an authority is none a record can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityError {
    /// More scope text, resources, resource text or tools than a record holds (spec/limits.md).
    TooLong,
    /// A resource twice.
    Duplicate,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "scope, resources or tools are longer than allowed",
            Self::Duplicate => "a resource is named twice",
        })
    }
}

impl core::error::Error for AuthorityError {}

/// `scope` at `resources`, within what a record holds: with any tool, without budget or end, and not to be passed on.
///
/// # Errors
///
/// [`AuthorityError`], by rule broken.
pub fn plain_authority(scope: Scope, resources: Vec<ResourceId>) -> Result<Authority, AuthorityError> {
    let count = resources.len();
    let resources: BTreeSet<_> = resources.into_iter().collect();
    if resources.len() != count {
        return Err(AuthorityError::Duplicate);
    }
    bounded(Authority::of(scope, resources))
}

/// The same authority, which a record can hold together with everything else that stands in it.
///
/// # Errors
///
/// [`AuthorityError::TooLong`].
pub fn bounded(authority: Authority) -> Result<Authority, AuthorityError> {
    let scope = authority.scope.to_string().len();
    let resources: usize = authority.resources.iter().map(|resource| resource.as_str().len()).sum();
    let details = authority.tools.as_ref().map_or(0, details_bytes);
    let is_bounded = scope <= MAX_AUTHORITY_SCOPE_BYTES
        && authority.resources.len() <= MAX_AUTHORITY_RESOURCES
        && resources <= MAX_AUTHORITY_RESOURCE_BYTES
        && authority.tools.as_ref().is_none_or(details_fit)
        && scope.saturating_add(resources).saturating_add(details) <= MAX_AUTHORITY_BYTES;
    if is_bounded { Ok(authority) } else { Err(AuthorityError::TooLong) }
}

/// Whether records and tokens have room for these tools.
pub(crate) fn details_fit(tools: &Tools) -> bool {
    details_bytes(tools) <= MAX_AUTHORITY_DETAILS_BYTES
}

/// How long the tools are in a record; what cannot be written is longer than anything.
fn details_bytes(tools: &Tools) -> usize {
    json::to_jcs(&tools.to_details()).map_or(usize::MAX, |bytes| bytes.len())
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
        assert_eq!(plain_authority(Scope::parse(scope).unwrap(), resources).map(|_| ()), expected);
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

    /// The least tools of so many bytes.
    fn tools(bytes: usize) -> Tools {
        let details = |name: &str| serde_json::json!([{"type": "attenuating_agent_token", "tools": {name: {}}}]);
        let frame = details("").to_string().len();
        let mut left = bytes - frame;
        let mut entries = serde_json::Map::new();
        while left > 200 {
            entries.insert(format!("{:0>100}", entries.len()), serde_json::json!({}));
            left -= 100 + 6; // two quotes, a colon, two braces and a comma
        }
        entries.insert("x".repeat(left), serde_json::json!({}));
        Tools::from_details(&serde_json::json!([{"type": "attenuating_agent_token", "tools": entries}])).unwrap()
    }

    #[test]
    fn tools_are_bounded_by_themselves_and_with_the_rest() {
        let check = |scope: usize, resource_bytes: usize, details: usize, expected| {
            let scope = Scope::parse(&"x".repeat(scope)).unwrap();
            let mut authority = Authority::of(scope, [resource(resource_bytes)].into());
            authority.tools = Some(tools(details));
            assert_eq!(authority.tools.as_ref().map(details_bytes), Some(details));
            assert_eq!(bounded(authority).map(|_| ()), expected);
        };
        check(1, 10, MAX_AUTHORITY_DETAILS_BYTES, Ok(()));
        check(1, 10, MAX_AUTHORITY_DETAILS_BYTES + 1, Err(AuthorityError::TooLong));
        check(768, 24, 1000, Ok(()));
        check(768, 25, 1000, Err(AuthorityError::TooLong));
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
