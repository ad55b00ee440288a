//! Constraints as JSON: one object, with the members of its type and no other.

use core::ops::Bound;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::constraint::{
    Constraint, MAX_CONSTRAINT_ENTRIES, MAX_CONSTRAINT_NESTING, Rule, some_clauses, some_values, values,
};
use super::details::DetailsError;
use super::literal::Literal;
use super::node::{Node, Record};
use super::number::Number;
use super::path::Root;
use super::range::Range;

/// The member that names the type.
const TYPE: &str = "constraint_type";

impl Constraint {
    /// Reads one constraint (spec/delegation.md, "Tools").
    ///
    /// # Errors
    ///
    /// [`DetailsError::Unsupported`] for an unknown type or a member its type does not have: it may be a restriction.
    /// Otherwise as the constructor of the type.
    ///
    /// ```
    /// use handfast_delegation::{Constraint, DetailsError};
    /// use serde_json::json;
    /// assert!(Constraint::from_json(&json!({"constraint_type": "range", "max": 10})).is_ok());
    /// let unknown = json!({"constraint_type": "regex", "pattern": ".*"});
    /// assert_eq!(Constraint::from_json(&unknown), Err(DetailsError::Unsupported));
    /// ```
    pub fn from_json(value: &Value) -> Result<Self, DetailsError> {
        Self::read(&Node::of(value))
    }

    pub(super) fn read(node: &Node<'_>) -> Result<Self, DetailsError> {
        read(node, MAX_CONSTRAINT_NESTING)
    }

    /// The object [`Constraint::from_json`] reads this from. Numbers are written as RFC 8785 does, sets in one order.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self.rule() {
            Rule::Exact(value) => json!({TYPE: "exact", "value": value.to_json()}),
            Rule::OneOf(values) => json!({TYPE: "one_of", "values": list(values)}),
            Rule::NotOneOf(excluded) => json!({TYPE: "not_one_of", "excluded": list(excluded)}),
            Rule::Range(range) => {
                let mut object = Map::from_iter([(TYPE.to_owned(), json!("range"))]);
                write_end(&mut object, "min", "min_inclusive", range.low());
                write_end(&mut object, "max", "max_inclusive", range.high());
                Value::Object(object)
            }
            Rule::Contains(required) => json!({TYPE: "contains", "required": list(required)}),
            Rule::Subset(allowed) => json!({TYPE: "subset", "allowed": list(allowed)}),
            Rule::PathContainment(root) => json!({TYPE: "path_containment", "root": root.as_str()}),
            Rule::All(clauses) => {
                json!({TYPE: "all", "constraints": clauses.iter().map(Self::to_json).collect::<Value>()})
            }
            Rule::Any(clauses) => {
                json!({TYPE: "any", "constraints": clauses.iter().map(Self::to_json).collect::<Value>()})
            }
            Rule::Wildcard => json!({TYPE: "wildcard"}),
        }
    }
}

fn list(values: &BTreeSet<Literal>) -> Value {
    values.iter().map(Literal::to_json).collect()
}

fn write_end(object: &mut Map<String, Value>, at: &str, inclusive: &str, end: Bound<Number>) {
    if let Bound::Included(number) | Bound::Excluded(number) = end {
        object.insert(at.to_owned(), number.to_json());
    }
    if let Bound::Excluded(_) = end {
        object.insert(inclusive.to_owned(), Value::Bool(false));
    }
}

fn read(node: &Node<'_>, levels: usize) -> Result<Constraint, DetailsError> {
    let below = levels.checked_sub(1).ok_or(DetailsError::TooLarge)?;
    let object = node.as_record().ok_or(DetailsError::Malformed)?;
    let member = |name| object.find(name).ok_or(DetailsError::Malformed);
    let array = |name| member(name)?.as_list().ok_or(DetailsError::Malformed);
    let only = |names: &[&str]| only(object, names);
    let rule = match member(TYPE)?.as_text().ok_or(DetailsError::Malformed)? {
        "exact" => only(&["value"]).and_then(|()| Literal::read(member("value")?)).map(Rule::Exact),
        "one_of" => only(&["values"]).and_then(|()| some_values(array("values")?)).map(Rule::OneOf),
        "not_one_of" => only(&["excluded"]).and_then(|()| some_values(array("excluded")?)).map(Rule::NotOneOf),
        "range" => {
            only(&["min", "max", "min_inclusive", "max_inclusive"])?;
            Range::new(end(object, "min", "min_inclusive")?, end(object, "max", "max_inclusive")?).map(Rule::Range)
        }
        "contains" => only(&["required"]).and_then(|()| some_values(array("required")?)).map(Rule::Contains),
        "subset" => only(&["allowed"]).and_then(|()| values(array("allowed")?)).map(Rule::Subset),
        "path_containment" => {
            only(&["root"])?;
            let root = member("root")?.as_text().and_then(Root::parse);
            root.map(Rule::PathContainment).ok_or(DetailsError::Malformed)
        }
        "all" => only(&["constraints"]).and_then(|()| clauses(array("constraints")?, below)).map(Rule::All),
        "any" => only(&["constraints"]).and_then(|()| clauses(array("constraints")?, below)).map(Rule::Any),
        "wildcard" => only(&[]).map(|()| Rule::Wildcard),
        _ => Err(DetailsError::Unsupported),
    };
    rule.map(Constraint::of_good_rule)
}

/// Refuses members that the type does not have: unknown denies.
fn only(object: Record<'_>, names: &[&str]) -> Result<(), DetailsError> {
    let is_known = |name| name == TYPE || names.contains(&name);
    if object.iter().all(|(name, _)| is_known(name)) { Ok(()) } else { Err(DetailsError::Unsupported) }
}

fn clauses(items: &[Node<'_>], levels: usize) -> Result<Vec<Constraint>, DetailsError> {
    if items.len() > MAX_CONSTRAINT_ENTRIES {
        return Err(DetailsError::TooLarge);
    }
    some_clauses(items.iter().map(|item| read(item, levels)).collect::<Result<Vec<_>, _>>()?)
}

fn end(object: Record<'_>, at: &str, inclusive: &str) -> Result<Bound<f64>, DetailsError> {
    let is_inclusive = match object.find(inclusive) {
        None => true,
        Some(Node::Flag(flag)) => *flag,
        Some(_) => return Err(DetailsError::Malformed),
    };
    match object.find(at) {
        None => Ok(Bound::Unbounded),
        Some(Node::Number(number)) if is_inclusive => Ok(Bound::Included(*number)),
        Some(Node::Number(number)) => Ok(Bound::Excluded(*number)),
        Some(_) => Err(DetailsError::Malformed),
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // a value of another shape should stop the test
mod tests {
    use super::*;

    fn check(value: &Value, expected: Result<(), DetailsError>) {
        assert_eq!(Constraint::from_json(value).map(drop), expected, "{value}");
    }

    fn good() -> [Value; 12] {
        [
            json!({"constraint_type": "exact", "value": {"a": [1, null]}}),
            json!({"constraint_type": "one_of", "values": [1, "a"]}),
            json!({"constraint_type": "not_one_of", "excluded": [false]}),
            json!({"constraint_type": "range", "min": 0}),
            json!({"constraint_type": "range", "max": 1.5, "max_inclusive": false}),
            json!({"constraint_type": "contains", "required": ["x"]}),
            json!({"constraint_type": "subset", "allowed": []}),
            json!({"constraint_type": "path_containment", "root": "/a"}),
            json!({"constraint_type": "wildcard"}),
            json!({"constraint_type": "all", "constraints": [{"constraint_type": "wildcard"}]}),
            json!({"constraint_type": "any", "constraints": [{"constraint_type": "exact", "value": 7}]}),
            json!({"constraint_type": "range", "min": -1, "min_inclusive": false, "max": 1}),
        ]
    }

    #[test]
    fn print_and_parse_agree() {
        for value in good() {
            assert_eq!(Constraint::from_json(&value).map(|constraint| constraint.to_json()), Ok(value));
        }
        let spoken = json!({"constraint_type": "range", "min": 1.0, "min_inclusive": true, "max_inclusive": false});
        let plain = json!({"constraint_type": "range", "min": 1});
        assert_eq!(Constraint::from_json(&spoken).map(|constraint| constraint.to_json()), Ok(plain));
    }

    #[test]
    fn each_type_has_its_members_only() {
        for mut value in good() {
            value["note"] = json!("x");
            check(&value, Err(DetailsError::Unsupported));
        }
        check(&json!({"constraint_type": "exact", "value": 1, "values": [1]}), Err(DetailsError::Unsupported));
        for kind in ["regex", "Exact", "", "cel"] {
            check(&json!({"constraint_type": kind, "value": 1}), Err(DetailsError::Unsupported));
        }
        let within = json!({"constraint_type": "any", "constraints": [{"constraint_type": "regex"}]});
        check(&within, Err(DetailsError::Unsupported));
    }

    #[test]
    fn other_shapes_are_malformed() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!({"value": 1}),
            json!({"constraint_type": 1}),
            json!({"constraint_type": "exact"}),
            json!({"constraint_type": "one_of"}),
            json!({"constraint_type": "one_of", "values": "a"}),
            json!({"constraint_type": "one_of", "values": []}),
            json!({"constraint_type": "subset"}),
            json!({"constraint_type": "path_containment", "root": 1}),
            json!({"constraint_type": "path_containment", "root": "a/b"}),
            json!({"constraint_type": "all", "constraints": {}}),
            json!({"constraint_type": "any", "constraints": []}),
            json!({"constraint_type": "any", "constraints": [1]}),
            json!({"constraint_type": "range"}),
            json!({"constraint_type": "range", "min": null}),
            json!({"constraint_type": "range", "min": "0"}),
            json!({"constraint_type": "range", "min": 0, "min_inclusive": 0}),
            json!({"constraint_type": "range", "min": 0, "min_inclusive": null}),
            json!({"constraint_type": "range", "min_inclusive": true}),
            json!({"constraint_type": "range", "min": 2, "max": 1}),
            json!({"constraint_type": "range", "max": 9_007_199_254_740_992_u64}),
            json!({"constraint_type": "exact", "value": 9_007_199_254_740_993_u64}),
        ] {
            check(&value, Err(DetailsError::Malformed));
        }
    }

    #[test]
    fn nesting_and_entries_are_bounded() {
        let nested = |levels: usize| {
            let plain = json!({"constraint_type": "wildcard"});
            (1..levels).fold(plain, |inner, _| json!({"constraint_type": "all", "constraints": [inner]}))
        };
        check(&nested(MAX_CONSTRAINT_NESTING), Ok(()));
        check(&nested(MAX_CONSTRAINT_NESTING + 1), Err(DetailsError::TooLarge));
        check(&nested(100), Err(DetailsError::TooLarge));
        let wide = |count| json!({"constraint_type": "any", "constraints": vec![nested(1); count]});
        check(&wide(MAX_CONSTRAINT_ENTRIES), Ok(()));
        check(&wide(MAX_CONSTRAINT_ENTRIES + 1), Err(DetailsError::TooLarge));
        // both are seen before anything inside is read
        let unknown = json!({"constraint_type": "regex"});
        let deep = (0..MAX_CONSTRAINT_NESTING)
            .fold(unknown.clone(), |inner, _| json!({"constraint_type": "all", "constraints": [inner]}));
        check(&deep, Err(DetailsError::TooLarge));
        let many = vec![unknown; MAX_CONSTRAINT_ENTRIES + 1];
        check(&json!({"constraint_type": "any", "constraints": many}), Err(DetailsError::TooLarge));
    }
}
