//! The order of authority: when a child narrows its parent, and which dimension widened when it does not.

use core::fmt;

use super::Authority;
use crate::{ResourceId, Scope, ToolWidening};

/// Why one authority does not narrow another: the first dimension that widened, with what was too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Widening {
    /// Scope tokens the parent does not have (DEL-20).
    Scope(Scope),
    /// A resource the parent does not have (DEL-21).
    Resource(ResourceId),
    /// A tool or argument beyond the parent's; none where no tools stand below a parent that has some (DEL-22).
    Tools(Option<ToolWidening>),
    /// A larger budget, or none below a parent that has one (DEL-22).
    Budget,
    /// A later end (DEL-24).
    Expiry,
    /// A larger depth ceiling (DEL-26).
    Depth,
}

impl Widening {
    /// The stable reason (spec/reasons.md).
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Scope(_) => "scope_widened",
            Self::Resource(_) => "resource_widened",
            Self::Tools(_) => "details_widened",
            Self::Budget => "budget_widened",
            Self::Expiry => "expiry_widened",
            Self::Depth => "depth_invalid",
        }
    }
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(excess) => write!(f, "the scope `{excess}` is more than its parent has"),
            Self::Resource(excess) => write!(f, "the resource `{excess}` is not one of its parent's"),
            Self::Tools(Some(widening)) => widening.fmt(f),
            Self::Tools(None) => f.write_str("its parent is limited to tools, and it is not"),
            Self::Budget => f.write_str("the budget is larger than its parent's, or was dropped"),
            Self::Expiry => f.write_str("it ends later than its parent"),
            Self::Depth => f.write_str("it may be passed on further than its parent"),
        }
    }
}

impl core::error::Error for Widening {}

impl Authority {
    /// Whether it permits nothing that `parent` does not: the one comparison of the whole project (P-08).
    ///
    /// # Errors
    ///
    /// The first [`Widening`] in the order of its variants.
    pub fn narrows(&self, parent: &Self) -> Result<(), Widening> {
        let excess = self.scope.excess_over(&parent.scope);
        if !excess.is_empty() {
            return Err(Widening::Scope(excess));
        }
        if let Some(resource) = self.resources.iter().find(|resource| !parent.resources.contains(*resource)) {
            return Err(Widening::Resource(resource.clone()));
        }
        match (&self.tools, &parent.tools) {
            (_, None) => {}
            (Some(tools), Some(parent)) => tools.narrows(parent).map_err(|widening| Widening::Tools(Some(widening)))?,
            (None, Some(_)) => return Err(Widening::Tools(None)),
        }
        let has_narrow_budget = match (&self.budget, &parent.budget) {
            (_, None) => true,
            (Some(budget), Some(parent)) => budget.narrows(parent),
            (None, Some(_)) => false,
        };
        if !has_narrow_budget {
            return Err(Widening::Budget);
        }
        if self.expires_at > parent.expires_at {
            return Err(Widening::Expiry);
        }
        if self.max_depth > parent.max_depth { Err(Widening::Depth) } else { Ok(()) }
    }

    /// The widest authority we offer that narrows both; none where their budgets have no common form.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let tools = match (&self.tools, &other.tools) {
            (Some(one), Some(two)) => Some(one.meet(two)),
            (one, two) => one.as_ref().or(two.as_ref()).cloned(),
        };
        let budget = match (&self.budget, &other.budget) {
            (Some(one), Some(two)) => Some(one.meet(two)?),
            (one, two) => one.or(*two),
        };
        Some(Self {
            scope: self.scope.intersection(&other.scope),
            resources: self.resources.intersection(&other.resources).cloned().collect(),
            tools,
            budget,
            expires_at: self.expires_at.min(other.expires_at),
            max_depth: self.max_depth.min(other.max_depth),
        })
    }
}
