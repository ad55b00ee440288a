//! What one argument may be.

use core::borrow::Borrow;
use core::ops::Bound;
use std::collections::BTreeSet;

use serde_json::Value;

use super::details::DetailsError;
use super::literal::Literal;
use super::node::Node;
use super::path::Root;
use super::range::Range;

/// Most values or clauses of one constraint (spec/limits.md), as many as one JSON array may hold.
pub const MAX_CONSTRAINT_ENTRIES: usize = 64;
/// Most constraints inside each other, a plain one being the first, and most arrays and objects inside each other in one
/// value (spec/limits.md). It bounds every recursion over them.
pub const MAX_CONSTRAINT_NESTING: usize = 8;

/// A rule for the value of one argument: one of the ten types of spec/delegation.md, "Tools".
///
/// Values are equal as RFC 8785 writes them. Lists of values are sets: neither order nor repetition says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint(Rule);

/// The types by what they hold. Only the constructors of [`Constraint`] know that a rule is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Exact(Literal),
    OneOf(BTreeSet<Literal>),
    NotOneOf(BTreeSet<Literal>),
    Range(Range),
    Contains(BTreeSet<Literal>),
    Subset(BTreeSet<Literal>),
    PathContainment(Root),
    All(Vec<Constraint>),
    Any(Vec<Constraint>),
    Wildcard,
}

/// Each constructor says what the constraint admits. They share their errors: [`DetailsError::Malformed`] for what the type
/// cannot hold, an integer beyond ±(2^53−1) anywhere in a value included, and [`DetailsError::TooLarge`] for more than
/// [`MAX_CONSTRAINT_ENTRIES`] or [`MAX_CONSTRAINT_NESTING`].
///
/// ```
/// use core::ops::Bound;
/// use handfast_delegation::{Constraint, DetailsError};
/// use serde_json::json;
/// let wide = Constraint::range(Bound::Included(0.0), Bound::Excluded(10.0)).unwrap();
/// let narrow = Constraint::exact(&json!(3)).unwrap();
/// assert!(narrow.narrows(&wide) && wide.admits(&json!(9.5)) && !wide.admits(&json!(10)));
/// assert_eq!(Constraint::one_of([]), Err(DetailsError::Malformed));
/// ```
impl Constraint {
    /// That value.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn exact(value: &Value) -> Result<Self, DetailsError> {
        Literal::read(&Node::of(value)).map(|literal| Self(Rule::Exact(literal)))
    }

    /// One of the values, of which there must be some.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn one_of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self, DetailsError> {
        some_values(values.into_iter().map(Node::of)).map(|values| Self(Rule::OneOf(values)))
    }

    /// Anything but the values, of which there must be some.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn not_one_of<'a>(excluded: impl IntoIterator<Item = &'a Value>) -> Result<Self, DetailsError> {
        some_values(excluded.into_iter().map(Node::of)).map(|values| Self(Rule::NotOneOf(values)))
    }

    /// A number between the two ends, of which at least one must be there.
    ///
    /// # Errors
    ///
    /// As all constructors; `Malformed` if nothing lies between.
    pub fn range(low: Bound<f64>, high: Bound<f64>) -> Result<Self, DetailsError> {
        Range::new(low, high).map(|range| Self(Rule::Range(range)))
    }

    /// An array with all of the values, of which there must be some.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn contains<'a>(required: impl IntoIterator<Item = &'a Value>) -> Result<Self, DetailsError> {
        some_values(required.into_iter().map(Node::of)).map(|values| Self(Rule::Contains(values)))
    }

    /// An array of nothing but the values; without any, the empty array.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn subset<'a>(allowed: impl IntoIterator<Item = &'a Value>) -> Result<Self, DetailsError> {
        values(allowed.into_iter().map(Node::of)).map(|values| Self(Rule::Subset(values)))
    }

    /// The path `root`, or a path below it.
    ///
    /// # Errors
    ///
    /// As all constructors; `Malformed` for a root that can be read in two ways.
    pub fn path_containment(root: &str) -> Result<Self, DetailsError> {
        Root::parse(root).map(|root| Self(Rule::PathContainment(root))).ok_or(DetailsError::Malformed)
    }

    /// What all clauses admit, of which there must be some.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn all(clauses: impl IntoIterator<Item = Self>) -> Result<Self, DetailsError> {
        some_clauses(clauses).map(|clauses| Self(Rule::All(clauses)))
    }

    /// What one of the clauses admits, of which there must be some.
    ///
    /// # Errors
    ///
    /// As all constructors.
    pub fn any(clauses: impl IntoIterator<Item = Self>) -> Result<Self, DetailsError> {
        some_clauses(clauses).map(|clauses| Self(Rule::Any(clauses)))
    }

    /// Anything. Only here, and for the arguments of an open tool, nobody looks at the value.
    #[must_use]
    pub fn wildcard() -> Self {
        Self(Rule::Wildcard)
    }

    pub(super) fn rule(&self) -> &Rule {
        &self.0
    }

    /// INVARIANT: what the constructor of the type promises holds for `rule`.
    pub(super) fn of_good_rule(rule: Rule) -> Self {
        Self(rule)
    }

    fn nesting(&self) -> usize {
        match &self.0 {
            Rule::All(clauses) | Rule::Any(clauses) => 1 + clauses.iter().map(Self::nesting).max().unwrap_or_default(),
            _ => 1,
        }
    }
}

/// The set of these values; one that stands there again takes its place too.
pub(super) fn values<'a, N: Borrow<Node<'a>>>(
    given: impl IntoIterator<Item = N>,
) -> Result<BTreeSet<Literal>, DetailsError> {
    let mut set = BTreeSet::new();
    for (place, value) in given.into_iter().enumerate() {
        if place >= MAX_CONSTRAINT_ENTRIES {
            return Err(DetailsError::TooLarge);
        }
        set.insert(Literal::read(value.borrow())?);
    }
    Ok(set)
}

/// The same, where there have to be some.
pub(super) fn some_values<'a, N: Borrow<Node<'a>>>(
    given: impl IntoIterator<Item = N>,
) -> Result<BTreeSet<Literal>, DetailsError> {
    let set = values(given)?;
    if set.is_empty() { Err(DetailsError::Malformed) } else { Ok(set) }
}

pub(super) fn some_clauses(given: impl IntoIterator<Item = Constraint>) -> Result<Vec<Constraint>, DetailsError> {
    let clauses: Vec<_> = given.into_iter().take(MAX_CONSTRAINT_ENTRIES + 1).collect();
    if clauses.is_empty() {
        return Err(DetailsError::Malformed);
    }
    let too_deep = clauses.iter().any(|clause| clause.nesting() >= MAX_CONSTRAINT_NESTING);
    if clauses.len() > MAX_CONSTRAINT_ENTRIES || too_deep { Err(DetailsError::TooLarge) } else { Ok(clauses) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_values_are_sets() {
        let set = |values: [Value; 3]| Constraint::one_of(&values);
        assert_eq!(set([json!(1), json!("a"), json!(1.0)]), set([json!("a"), json!(1), json!("a")]));
        assert_ne!(set([json!(1), json!("a"), json!("1")]), set([json!("a"), json!(1), json!("a")]));
    }

    #[test]
    fn lists_that_must_not_be_empty() {
        assert_eq!(Constraint::one_of([]), Err(DetailsError::Malformed));
        assert_eq!(Constraint::not_one_of([]), Err(DetailsError::Malformed));
        assert_eq!(Constraint::contains([]), Err(DetailsError::Malformed));
        assert_eq!(Constraint::all([]), Err(DetailsError::Malformed));
        assert_eq!(Constraint::any([]), Err(DetailsError::Malformed));
        assert!(Constraint::subset([]).is_ok());
    }

    #[test]
    fn entries_are_bounded() {
        for (count, expected) in
            [(MAX_CONSTRAINT_ENTRIES, Ok(())), (MAX_CONSTRAINT_ENTRIES + 1, Err(DetailsError::TooLarge))]
        {
            let values: Vec<_> = (0..count).map(|n| json!(n)).collect();
            assert_eq!(Constraint::one_of(&values).map(drop), expected);
            assert_eq!(Constraint::not_one_of(&values).map(drop), expected);
            assert_eq!(Constraint::contains(&values).map(drop), expected);
            assert_eq!(Constraint::subset(&values).map(drop), expected);
            assert_eq!(Constraint::all(vec![Constraint::wildcard(); count]).map(drop), expected);
            assert_eq!(Constraint::any(vec![Constraint::wildcard(); count]).map(drop), expected);
        }
        // a repeated value takes its place too
        assert_eq!(Constraint::one_of(&vec![json!(1); MAX_CONSTRAINT_ENTRIES + 1]), Err(DetailsError::TooLarge));
        assert_eq!(Constraint::any(core::iter::repeat(Constraint::wildcard())), Err(DetailsError::TooLarge));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| {
            (1..levels).try_fold(Constraint::wildcard(), |inner, level| {
                if level % 2 == 0 { Constraint::all([inner]) } else { Constraint::any([Constraint::wildcard(), inner]) }
            })
        };
        assert_eq!(nested(MAX_CONSTRAINT_NESTING).map(|constraint| constraint.nesting()), Ok(MAX_CONSTRAINT_NESTING));
        assert_eq!(nested(MAX_CONSTRAINT_NESTING + 1), Err(DetailsError::TooLarge));
    }

    #[test]
    fn integers_that_readers_differ_on_are_refused_in_every_type() {
        let beyond = [json!([{"a": 9_007_199_254_740_992_u64}])];
        let exact = Constraint::exact(&beyond[0]);
        let all = [
            exact,
            Constraint::one_of(&beyond),
            Constraint::not_one_of(&beyond),
            Constraint::contains(&beyond),
            Constraint::subset(&beyond),
        ];
        assert!(all.iter().all(|made| *made == Err(DetailsError::Malformed)), "{all:?}");
    }
}
