//! What a route asks of its caller.

use handfast_delegation::Scope;

use crate::tools::{ToolRoute, ToolRouteError};

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

/// The authority a route asks for: the caller's kind, and one of several alternative scopes, each needed whole; which tool its
/// requests call, and whether proofs have to cover their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRule {
    callers: Callers,
    alternatives: Vec<Scope>,
    tool: Option<ToolRoute>,
    binds_content: bool,
}

impl RouteRule {
    /// Any agent whose token has all of `scope`. An empty scope asks for a good token and nothing more.
    #[must_use]
    pub fn agents(scope: Scope) -> Self {
        Self::of(Callers::Agents, scope)
    }

    /// Any owner whose own token has all of `scope`.
    #[must_use]
    pub fn owners(scope: Scope) -> Self {
        Self::of(Callers::Owners, scope)
    }

    /// Agents or owners with all of `scope`.
    #[must_use]
    pub fn agents_and_owners(scope: Scope) -> Self {
        Self::of(Callers::AgentsAndOwners, scope)
    }

    fn of(callers: Callers, scope: Scope) -> Self {
        Self { callers, alternatives: vec![scope], tool: None, binds_content: false }
    }

    /// The same callers; having all of `scope` instead is enough as well.
    #[must_use]
    pub fn or(mut self, scope: Scope) -> Self {
        self.alternatives.push(scope);
        self
    }

    /// Declares which tool the requests call. Without it callers that are limited to tools are refused, and with it every
    /// caller has its arguments read strictly. A rule has one: another takes its place.
    ///
    /// # Errors
    ///
    /// [`ToolRouteError`] for a declaration that means nothing, or two things.
    pub fn tool(mut self, route: ToolRoute) -> Result<Self, ToolRouteError> {
        route.require_sound()?;
        self.tool = Some(route);
        Ok(self)
    }

    /// Declares that the requests are messages of the Model Context Protocol, which name tool and arguments themselves
    /// ([`ToolRoute::mcp`]).
    #[must_use]
    pub fn mcp(mut self) -> Self {
        self.tool = Some(ToolRoute::mcp());
        self
    }

    /// Asks that proofs cover the content: every request then carries `Content-Digest`, also one without content.
    #[must_use]
    pub fn bind_content(mut self) -> Self {
        self.binds_content = true;
        self
    }

    /// The tool its requests call.
    #[must_use]
    pub const fn tool_route(&self) -> Option<&ToolRoute> {
        self.tool.as_ref()
    }

    /// Whether proofs have to cover the content.
    #[must_use]
    pub const fn binds_content(&self) -> bool {
        self.binds_content
    }

    /// Whether arguments stand in the body, so that it has to be read before the check.
    #[must_use]
    pub fn has_arguments_in_body(&self) -> bool {
        self.tool.as_ref().is_some_and(ToolRoute::needs_body)
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
