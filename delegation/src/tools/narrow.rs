//! The order: whether a child is within its parent.

use core::fmt;

use super::constraint::{Constraint, Rule};
use super::literal::Literal;
use super::matching::each_has_its_own;
use super::place::Place;
use super::set::{Arguments, Tools};

/// Where a child is wider than its parent. Its text may be logged: it is short and holds names only, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolWidening {
    place: Place,
    fault: WideningFault,
}

/// In what a child is wider than its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WideningFault {
    /// The parent lacks the tool.
    Tool,
    /// The tool is open in the child and closed in the parent.
    Opened,
    /// The closed tool of the child lacks an argument of the parent.
    ArgumentDropped,
    /// The closed tool of the child has an argument that the parent lacks.
    ArgumentAdded,
    /// The argument's constraint does not narrow the parent's, by the table.
    Constraint,
}

impl ToolWidening {
    /// The tool that is wider.
    #[must_use]
    pub fn tool(&self) -> &str {
        self.place.tool()
    }

    /// The argument it is about, if not the tool itself.
    #[must_use]
    pub fn argument(&self) -> Option<&str> {
        self.place.argument()
    }

    /// In what it is wider.
    #[must_use]
    pub fn fault(&self) -> WideningFault {
        self.fault
    }
}

impl fmt::Display for ToolWidening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, fault } = self;
        match fault {
            WideningFault::Tool => write!(f, "{place} is not among the parent's"),
            WideningFault::Opened => write!(f, "{place} is open, the parent's is closed"),
            WideningFault::ArgumentDropped => write!(f, "{place} is dropped"),
            WideningFault::ArgumentAdded => write!(f, "{place} is added"),
            WideningFault::Constraint => write!(f, "{place} has a constraint that does not narrow the parent's"),
        }
    }
}

impl core::error::Error for ToolWidening {}

impl Tools {
    /// Whether a child with these tools stays within `parent` (DEL-22; spec/delegation.md, "Tools").
    ///
    /// Reflexive and transitive. Success says that every call these permit, `parent` permits; a refusal does not say that
    /// there is one it does not permit.
    ///
    /// # Errors
    ///
    /// [`ToolWidening`], the first in byte order of the tools' names.
    pub fn narrows(&self, parent: &Self) -> Result<(), ToolWidening> {
        self.iter().try_for_each(|(name, child)| {
            let wider = |(argument, fault)| ToolWidening { place: Place::new(name, argument), fault };
            let parent = parent.arguments(name).ok_or_else(|| wider((None, WideningFault::Tool)))?;
            child.narrows(parent).map_err(wider)
        })
    }
}

impl Arguments {
    fn narrows<'a>(&'a self, parent: &'a Self) -> Result<(), (Option<&'a str>, WideningFault)> {
        let (child, parent) = match (self, parent) {
            (_, Self::Any) => return Ok(()),
            (Self::Any, Self::Exactly(_)) => return Err((None, WideningFault::Opened)),
            (Self::Exactly(child), Self::Exactly(parent)) => (child, parent),
        };
        if let Some(dropped) = parent.keys().find(|name| !child.contains_key(*name)) {
            return Err((Some(dropped), WideningFault::ArgumentDropped));
        }
        child.iter().try_for_each(|(name, constraint)| match parent.get(name) {
            None => Err((Some(name.as_str()), WideningFault::ArgumentAdded)),
            Some(wider) if !constraint.narrows(wider) => Err((Some(name.as_str()), WideningFault::Constraint)),
            Some(_) => Ok(()),
        })
    }
}

impl Constraint {
    /// Whether this may stand below `parent`: exactly the pairs of the table in spec/delegation.md, "Tools".
    ///
    /// Reflexive and transitive. Where it says yes, `parent` admits all that this admits; many pairs for which that holds
    /// too are refused, so that anybody can check the answer at a glance.
    #[must_use]
    pub fn narrows(&self, parent: &Self) -> bool {
        match (self.rule(), parent.rule()) {
            (_, Rule::Wildcard) => true,
            (Rule::Exact(child), Rule::Exact(parent)) => child == parent,
            (Rule::Exact(child), Rule::OneOf(parent)) => parent.contains(child),
            (Rule::Exact(Literal::Number(child)), Rule::Range(parent)) => parent.admits(*child),
            (Rule::Exact(Literal::Text(child)), Rule::PathContainment(parent)) => parent.contains(child),
            (Rule::OneOf(child), Rule::OneOf(parent)) | (Rule::Subset(child), Rule::Subset(parent)) => {
                child.is_subset(parent)
            }
            (Rule::NotOneOf(child), Rule::NotOneOf(parent)) | (Rule::Contains(child), Rule::Contains(parent)) => {
                child.is_superset(parent)
            }
            (Rule::Range(child), Rule::Range(parent)) => child.is_within(parent),
            (Rule::PathContainment(child), Rule::PathContainment(parent)) => parent.contains(child.as_str()),
            (Rule::All(child), Rule::All(parent)) => all_narrow(child, parent),
            (Rule::Any(child), Rule::Any(parent)) => {
                child.iter().all(|clause| parent.iter().any(|wider| clause.narrows(wider)))
            }
            _ => false,
        }
    }
}

/// Each clause of the parent is narrowed by a clause of its own.
fn all_narrow(child: &[Constraint], parent: &[Constraint]) -> bool {
    each_has_its_own(
        parent.len(),
        child.len(),
        |wider, clause| matches!((child.get(clause), parent.get(wider)), (Some(clause), Some(wider)) if clause.narrows(wider)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::details::DETAILS_TYPE;
    use super::*;

    fn check(child: &Value, parent: &Value, expected: Result<(), (&str, Option<&str>, WideningFault)>) {
        let read = |tools: &Value| Tools::from_details(&json!([{"type": DETAILS_TYPE, "tools": tools}]));
        let answer = read(child).and_then(|child| Ok(child.narrows(&read(parent)?)));
        let expected =
            expected.map_err(|(tool, argument, fault)| ToolWidening { place: Place::new(tool, argument), fault });
        assert_eq!(answer, Ok(expected), "{child} under {parent}");
    }

    #[test]
    fn tools_are_among_the_parents() {
        check(&json!({}), &json!({}), Ok(()));
        check(&json!({}), &json!({"a": {}}), Ok(()));
        check(&json!({"a": {}}), &json!({"a": {}, "b": {}}), Ok(()));
        check(&json!({"a": {}, "b": {}}), &json!({"a": {}}), Err(("b", None, WideningFault::Tool)));
        check(&json!({"A": {}}), &json!({"a": {}}), Err(("A", None, WideningFault::Tool)));
    }

    #[test]
    fn below_a_closed_tool_the_arguments_are_the_same() {
        let wildcard = json!({"constraint_type": "wildcard"});
        let exact = json!({"constraint_type": "exact", "value": 1});
        let parent = json!({"a": {"x": exact, "y": wildcard}});
        check(&parent, &json!({"a": {}}), Ok(()));
        check(&parent, &parent, Ok(()));
        check(&json!({"a": {"x": exact, "y": exact}}), &parent, Ok(()));
        check(&json!({"a": {}}), &parent, Err(("a", None, WideningFault::Opened)));
        check(&json!({"a": {"x": exact}}), &parent, Err(("a", Some("y"), WideningFault::ArgumentDropped)));
        let added = json!({"a": {"x": exact, "y": exact, "z": exact}});
        check(&added, &parent, Err(("a", Some("z"), WideningFault::ArgumentAdded)));
        let wider = json!({"a": {"x": wildcard, "y": exact}});
        check(&wider, &parent, Err(("a", Some("x"), WideningFault::Constraint)));
    }

    #[test]
    fn widenings_say_where() {
        for (argument, fault, expected) in [
            (None, WideningFault::Tool, "tool `read` is not among the parent's"),
            (None, WideningFault::Opened, "tool `read` is open, the parent's is closed"),
            (Some("a"), WideningFault::ArgumentDropped, "argument `a` of tool `read` is dropped"),
            (Some("a"), WideningFault::ArgumentAdded, "argument `a` of tool `read` is added"),
            (
                Some("a"),
                WideningFault::Constraint,
                "argument `a` of tool `read` has a constraint that does not narrow the parent's",
            ),
        ] {
            let widening = ToolWidening { place: Place::new("read", argument), fault };
            assert_eq!(widening.to_string(), expected);
        }
    }
}
