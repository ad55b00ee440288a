//! What a route asks of its caller.

use handfast_delegation::Scope;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Agents only. The default: an owner's own token opens nothing that was not declared for owners.
    Agents,
    /// Owners' own tokens only: management is for people.
    Owners,
    /// Both.
    AgentsAndOwners,
}

/// The authority a route asks for: the caller's kind, and one of several alternative scopes, each needed whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRule {
    callers: Callers,
    alternatives: Vec<Scope>,
}

impl RouteRule {
    /// Any agent whose token has all of `scope`. An empty scope asks for a good token and nothing more.
    #[must_use]
    pub fn agents(scope: Scope) -> Self {
        Self { callers: Callers::Agents, alternatives: vec![scope] }
    }

    /// Any owner whose own token has all of `scope`.
    #[must_use]
    pub fn owners(scope: Scope) -> Self {
        Self { callers: Callers::Owners, alternatives: vec![scope] }
    }

    /// Agents or owners with all of `scope`.
    #[must_use]
    pub fn agents_and_owners(scope: Scope) -> Self {
        Self { callers: Callers::AgentsAndOwners, alternatives: vec![scope] }
    }

    /// The same callers; having all of `scope` instead is enough as well.
    #[must_use]
    pub fn or(mut self, scope: Scope) -> Self {
        self.alternatives.push(scope);
        self
    }

    /// Who may call.
    #[must_use]
    pub const fn callers(&self) -> Callers {
        self.callers
    }

    /// The scope an `insufficient_scope` answer names: the first alternative.
    #[must_use]
    pub fn wanted(&self) -> Scope {
        self.alternatives.first().cloned().unwrap_or_default()
    }

    pub(crate) fn is_met_by(&self, granted: &Scope) -> bool {
        self.alternatives.iter().any(|scope| scope.is_within(granted))
    }
}
