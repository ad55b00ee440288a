//! Tools and constraints that narrow two others.

use std::collections::BTreeSet;

use super::constraint::{Constraint, MAX_CONSTRAINT_ENTRIES, Rule};
use super::literal::Literal;
use super::set::{Arguments, Tools};

impl Tools {
    /// What both permit, as far as one constraint can say it.
    ///
    /// The result narrows both. A tool that only one has is not in it, and neither is one whose arguments have other names
    /// here than there, or no constraint that narrows both sides.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let both = |(name, ours): (&str, &Arguments)| Some((name.to_owned(), ours.meet(other.arguments(name)?)?));
        Self::of_good(self.iter().filter_map(both).collect())
    }
}

impl Arguments {
    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, arguments) | (arguments, Self::Any) => Some(arguments.clone()),
            (Self::Exactly(ours), Self::Exactly(theirs)) if ours.len() == theirs.len() => ours
                .iter()
                .map(|(name, constraint)| Some((name.clone(), constraint.meet(theirs.get(name)?)?)))
                .collect::<Option<_>>()
                .map(Self::Exactly),
            (Self::Exactly(_), Self::Exactly(_)) => None,
        }
    }
}

impl Constraint {
    /// A constraint that narrows both; none where the table of pairs has no such one, or where it would be over a bound.
    ///
    /// It admits all that both admit, except below `any`: two clauses without a common narrowing add nothing. There is none
    /// for `one_of` with several values inside a `range` or root either, for which of them to give would be a choice.
    ///
    /// ```
    /// use core::ops::Bound::{Included, Unbounded};
    /// use handfast_delegation::Constraint;
    /// let range = |low, high| Constraint::range(low, high).unwrap();
    /// let (task, ceiling) = (range(Included(0.0), Included(9.0)), range(Included(5.0), Unbounded));
    /// assert_eq!(task.meet(&ceiling), Some(range(Included(5.0), Included(9.0))));
    /// assert_eq!(task.meet(&Constraint::path_containment("/").unwrap()), None);
    /// ```
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.narrows(other) {
            return Some(self.clone());
        }
        if other.narrows(self) {
            return Some(other.clone());
        }
        let rule = match (self.rule(), other.rule()) {
            (Rule::OneOf(ours), Rule::OneOf(theirs)) => {
                Rule::OneOf(common(ours, theirs).filter(|set| !set.is_empty())?)
            }
            (Rule::Subset(ours), Rule::Subset(theirs)) => Rule::Subset(common(ours, theirs)?),
            (Rule::NotOneOf(ours), Rule::NotOneOf(theirs)) => Rule::NotOneOf(together(ours, theirs)?),
            (Rule::Contains(ours), Rule::Contains(theirs)) => Rule::Contains(together(ours, theirs)?),
            (Rule::Range(ours), Rule::Range(theirs)) => Rule::Range(ours.meet(theirs)?),
            (Rule::OneOf(values), Rule::Range(_) | Rule::PathContainment(_)) => Rule::Exact(sole(values, other)?),
            (Rule::Range(_) | Rule::PathContainment(_), Rule::OneOf(values)) => Rule::Exact(sole(values, self)?),
            (Rule::All(ours), Rule::All(theirs)) => return Self::all(clauses_of_both(ours, theirs)).ok(),
            (Rule::Any(ours), Rule::Any(theirs)) => return Self::any(pairs_of_both(ours, theirs)?).ok(),
            _ => return None,
        };
        Some(Self::of_good_rule(rule))
    }
}

fn common(ours: &BTreeSet<Literal>, theirs: &BTreeSet<Literal>) -> Option<BTreeSet<Literal>> {
    Some(ours.intersection(theirs).cloned().collect())
}

fn together(ours: &BTreeSet<Literal>, theirs: &BTreeSet<Literal>) -> Option<BTreeSet<Literal>> {
    let union: BTreeSet<_> = ours.union(theirs).cloned().collect();
    (union.len() <= MAX_CONSTRAINT_ENTRIES).then_some(union)
}

/// The one of `values` that stands below `parent`, if there is just one.
fn sole(values: &BTreeSet<Literal>, parent: &Constraint) -> Option<Literal> {
    let exact = |value: &Literal| Constraint::of_good_rule(Rule::Exact(value.clone()));
    let mut inside = values.iter().filter(|value| exact(value).narrows(parent));
    let first = inside.next()?;
    inside.next().is_none().then(|| first.clone())
}

/// All clauses of both sides; where one narrows a clause of the other side that has no partner yet, it stands for both.
fn clauses_of_both(ours: &[Constraint], theirs: &[Constraint]) -> Vec<Constraint> {
    let mut waiting: Vec<&Constraint> = theirs.iter().collect();
    let mut clauses: Vec<_> = ours
        .iter()
        .map(|clause| {
            let partner = waiting.iter().position(|other| clause.narrows(other) || other.narrows(clause));
            match partner.map(|place| waiting.swap_remove(place)) {
                Some(other) if !clause.narrows(other) => other.clone(),
                _ => clause.clone(),
            }
        })
        .collect();
    clauses.extend(waiting.into_iter().cloned());
    clauses
}

/// What a clause of ours and one of theirs have in common, without what another such pair covers.
fn pairs_of_both(ours: &[Constraint], theirs: &[Constraint]) -> Option<Vec<Constraint>> {
    let mut widest: Vec<Constraint> = Vec::new();
    for clause in ours.iter().flat_map(|clause| theirs.iter().filter_map(|other| clause.meet(other))) {
        if widest.iter().any(|wider| clause.narrows(wider)) {
            continue;
        }
        widest.retain(|narrower| !narrower.narrows(&clause));
        if widest.len() >= MAX_CONSTRAINT_ENTRIES {
            return None; // at once, so that the comparisons above stay few
        }
        widest.push(clause);
    }
    Some(widest)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // a value of another shape should stop the test
mod tests {
    use serde_json::{Value, json};

    use super::super::details::{DETAILS_TYPE, DetailsError};
    use super::*;

    fn check(one: &Value, other: &Value, expected: Option<&Value>) {
        let meet = |one, other| -> Result<_, DetailsError> {
            Ok(Constraint::from_json(one)?.meet(&Constraint::from_json(other)?).map(|meet| meet.to_json()))
        };
        assert_eq!(meet(one, other), Ok(expected.cloned()), "{one} {other}");
        assert_eq!(meet(other, one), Ok(expected.cloned()), "{other} {one}");
    }

    fn list(kind: &str, values: &Value) -> Value {
        let member = match kind {
            "one_of" => "values",
            "not_one_of" => "excluded",
            "contains" => "required",
            "subset" => "allowed",
            _ => "constraints",
        };
        json!({"constraint_type": kind, member: values})
    }

    #[test]
    fn sets_meet_by_their_meaning() {
        let (ab, bc, c) = (json!(["a", "b"]), json!(["b", "c"]), json!(["c"]));
        check(&list("one_of", &ab), &list("one_of", &bc), Some(&list("one_of", &json!(["b"]))));
        check(&list("one_of", &ab), &list("one_of", &c), None);
        check(&list("subset", &ab), &list("subset", &c), Some(&list("subset", &json!([]))));
        check(&list("not_one_of", &ab), &list("not_one_of", &bc), Some(&list("not_one_of", &json!(["a", "b", "c"]))));
        check(&list("contains", &ab), &list("contains", &c), Some(&list("contains", &json!(["a", "b", "c"]))));
        check(&list("contains", &ab), &list("subset", &ab), None);
        check(&list("one_of", &ab), &json!({"constraint_type": "wildcard"}), Some(&list("one_of", &ab)));
    }

    #[test]
    fn unions_stay_within_the_bound() {
        let half = |from: usize| (from..from + 33).map(|n| json!(n)).collect::<Value>();
        check(&list("not_one_of", &half(0)), &list("not_one_of", &half(33)), None);
        let met = (0..64).map(|n| json!(n)).collect();
        check(&list("not_one_of", &half(0)), &list("not_one_of", &half(31)), Some(&list("not_one_of", &met)));
    }

    #[test]
    fn one_value_inside_a_range_or_root() {
        let exact = |value: Value| json!({"constraint_type": "exact", "value": value});
        let range = json!({"constraint_type": "range", "min": 2});
        check(&list("one_of", &json!([1, 2])), &range, Some(&exact(json!(2))));
        check(&list("one_of", &json!([2, 3])), &range, None);
        check(&list("one_of", &json!(["2"])), &range, None);
        let root = json!({"constraint_type": "path_containment", "root": "/a"});
        check(&list("one_of", &json!(["/a/b", "/b"])), &root, Some(&exact(json!("/a/b"))));
    }

    #[test]
    fn clauses_of_all_are_put_together() {
        let not = |value: &str| list("not_one_of", &json!([value]));
        let root = |root: &str| json!({"constraint_type": "path_containment", "root": root});
        let one = list("all", &json!([root("/a"), not("/a/x")]));
        let other = list("all", &json!([root("/a/b"), not("/a/x")]));
        check(&one, &other, Some(&other));
        let wide = list("all", &vec![not("a"); 40].into());
        check(&wide, &list("all", &vec![not("b"); 40].into()), None);
    }

    #[test]
    fn clauses_of_any_meet_in_pairs() {
        let one_of = |values: Value| list("one_of", &values);
        let one = list("any", &json!([one_of(json!([1, 2])), {"constraint_type": "range", "min": 10}]));
        let other = list("any", &json!([one_of(json!([2, 3])), {"constraint_type": "range", "max": 20}]));
        let between = json!({"constraint_type": "range", "min": 10, "max": 20});
        // 1 and 2 are inside the range as well, but two values below a range have no form
        check(&one, &other, Some(&list("any", &json!([one_of(json!([2])), between]))));
        check(&one, &list("any", &json!([one_of(json!([7]))])), None);
    }

    fn tools_of_both(one: &Value, other: &Value) -> Result<Value, DetailsError> {
        let read = |tools: &Value| Tools::from_details(&json!([{"type": DETAILS_TYPE, "tools": tools}]));
        Ok(read(one)?.meet(&read(other)?).to_details()[0]["tools"].clone())
    }

    #[test]
    fn tools_meet_by_name_and_arguments() {
        let exact = |value: i32| json!({"constraint_type": "exact", "value": value});
        let range = json!({"constraint_type": "range", "min": 0});
        for (one, other, expected) in [
            (json!({"a": {}, "b": {}}), json!({"b": {}, "c": {}}), json!({"b": {}})),
            (json!({"a": {}}), json!({"a": {"x": range}}), json!({"a": {"x": range}})),
            (json!({"a": {"x": exact(1)}}), json!({"a": {"x": range}}), json!({"a": {"x": exact(1)}})),
            (json!({"a": {"x": exact(1)}}), json!({"a": {"x": exact(2)}}), json!({})),
            (json!({"a": {"x": range}}), json!({"a": {"y": range}}), json!({})),
            (json!({"a": {"x": range}}), json!({"a": {"x": range, "y": range}}), json!({})),
            (json!({"a": {"x": range, "y": range}}), json!({"a": {"x": range}}), json!({})),
        ] {
            assert_eq!(tools_of_both(&one, &other), Ok(expected), "{one} {other}");
        }
    }
}
