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
        if !self.scope.is_within(&parent.scope) {
            return Err(Widening::Scope(self.scope.excess_over(&parent.scope)));
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)] // a failed set-up should stop the test
mod tests {
    use handfast_identity::UnixTime;
    use serde_json::json;

    use super::*;
    use crate::{Budget, DETAILS_TYPE, Tools};

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn resource(text: &str) -> ResourceId {
        ResourceId::parse(text).unwrap()
    }

    fn tools(names: &[&str]) -> Option<Tools> {
        let tools: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        Some(Tools::from_details(&json!([{"type": DETAILS_TYPE, "tools": tools}])).unwrap())
    }

    fn budget(uses: u64) -> Option<Budget> {
        Some(Budget::new(Some(uses), None).unwrap())
    }

    fn parent() -> Authority {
        Authority {
            tools: tools(&["read", "search"]),
            budget: budget(5),
            expires_at: UnixTime::from_secs(100),
            max_depth: 3,
            ..Authority::of(scope("a b"), [resource("urn:x"), resource("urn:y")].into())
        }
    }

    fn check(what: &str, alter: impl FnOnce(&mut Authority), expected: Result<(), Widening>) {
        let mut child = parent();
        alter(&mut child);
        assert_eq!(child.narrows(&parent()), expected, "{what}");
    }

    #[test]
    fn each_dimension_may_stay_or_shrink() {
        check("the same", |_| {}, Ok(()));
        check("less scope", |child| child.scope = scope("b"), Ok(()));
        check("no scope", |child| child.scope = scope(""), Ok(()));
        check("fewer resources", |child| child.resources = [resource("urn:y")].into(), Ok(()));
        check("no resources", |child| child.resources.clear(), Ok(()));
        check("fewer tools", |child| child.tools = tools(&["read"]), Ok(()));
        check("no tool at all", |child| child.tools = tools(&[]), Ok(()));
        check("a smaller budget", |child| child.budget = budget(1), Ok(()));
        check("an earlier end", |child| child.expires_at = UnixTime::from_secs(1), Ok(()));
        check("a lower ceiling", |child| child.max_depth = 0, Ok(()));
        let silent = Authority { tools: None, budget: None, ..parent() };
        assert_eq!(parent().narrows(&silent), Ok(()), "said where the parent says nothing");
    }

    #[test]
    fn each_dimension_has_its_own_refusal() {
        check("scope", |child| child.scope = scope("a c d"), Err(Widening::Scope(scope("c d"))));
        check(
            "resource",
            |child| child.resources.extend([resource("urn:x/")]),
            Err(Widening::Resource(resource("urn:x/"))),
        );
        check("no tools", |child| child.tools = None, Err(Widening::Tools(None)));
        let widening = tools(&["send"]).unwrap().narrows(&tools(&["read", "search"]).unwrap()).unwrap_err();
        check("tools", |child| child.tools = tools(&["read", "send"]), Err(Widening::Tools(Some(widening))));
        check("budget", |child| child.budget = budget(6), Err(Widening::Budget));
        check("no budget", |child| child.budget = None, Err(Widening::Budget));
        check("expiry", |child| child.expires_at = UnixTime::from_secs(101), Err(Widening::Expiry));
        check("depth", |child| child.max_depth = 4, Err(Widening::Depth));
    }

    /// Everything too wide at once, then narrowed one by one: the reasons come in their order.
    #[test]
    fn the_first_dimension_that_widened_is_told() {
        let steps: [fn(&mut Authority); 6] = [
            |child| child.scope = scope("a"),
            |child| child.resources = [resource("urn:x")].into(),
            |child| child.tools = tools(&["read"]),
            |child| child.budget = budget(1),
            |child| child.expires_at = UnixTime::from_secs(1),
            |child| child.max_depth = 0,
        ];
        let mut child = Authority {
            max_depth: 9,
            ..Authority::of(scope("z"), [resource("urn:z")].into()) // no tools, no budget, no end
        };
        let mut reasons = Vec::new();
        for step in steps {
            reasons.extend(child.narrows(&parent()).map_err(|widening| widening.reason()).err());
            step(&mut child);
        }
        let expected = [
            "scope_widened",
            "resource_widened",
            "details_widened",
            "budget_widened",
            "expiry_widened",
            "depth_invalid",
        ];
        assert_eq!(reasons, expected);
        assert_eq!(child.narrows(&parent()), Ok(()));
    }

    #[test]
    fn widenings_say_what_was_too_much() {
        for (widening, expected) in [
            (Widening::Scope(scope("c d")), "the scope `c d` is more than its parent has"),
            (Widening::Resource(resource("urn:z")), "the resource `urn:z` is not one of its parent's"),
            (Widening::Tools(None), "its parent is limited to tools, and it is not"),
            (Widening::Budget, "the budget is larger than its parent's, or was dropped"),
            (Widening::Expiry, "it ends later than its parent"),
            (Widening::Depth, "it may be passed on further than its parent"),
        ] {
            assert_eq!(widening.to_string(), expected);
        }
    }

    #[test]
    fn the_meet_narrows_both() {
        let other = Authority {
            tools: tools(&["search", "send"]),
            budget: budget(3),
            expires_at: UnixTime::from_secs(200),
            max_depth: 1,
            ..Authority::of(scope("b c"), [resource("urn:y")].into())
        };
        let meet = parent().meet(&other).unwrap();
        let expected = Authority {
            tools: tools(&["search"]),
            budget: budget(3),
            expires_at: UnixTime::from_secs(100),
            max_depth: 1,
            ..Authority::of(scope("b"), [resource("urn:y")].into())
        };
        assert_eq!(meet, expected);
        assert_eq!(parent().meet(&Authority { tools: None, budget: None, ..parent() }), Some(parent()));
        let rate = |seconds| Some(Budget::new(None, Some(crate::Rate { uses: 1, seconds })).unwrap());
        let apart = [86_399, 86_400].map(|seconds| Authority { budget: rate(seconds), ..parent() });
        assert_eq!(apart[0].meet(&apart[1]), None);
    }
}
