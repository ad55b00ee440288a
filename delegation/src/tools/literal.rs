//! JSON values that are compared: equal exactly when RFC 8785 writes them the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::constraint::MAX_CONSTRAINT_NESTING;
use super::details::DetailsError;
use super::node::Node;
use super::number::Number;

/// A JSON value with one form for each meaning. Texts are bytes: nothing is folded or normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Literal {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Record(BTreeMap<String, Self>),
}

impl Literal {
    /// Reads `node`, however deep its one bad part lies.
    ///
    /// # Errors
    ///
    /// `Malformed` for an integer beyond ±(2^53−1), `TooLarge` for more than [`MAX_CONSTRAINT_NESTING`] arrays and objects
    /// inside each other.
    pub(super) fn read(node: &Node<'_>) -> Result<Self, DetailsError> {
        read(node, MAX_CONSTRAINT_NESTING)
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Number(number) => number.to_json(),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Record(members) => members.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
        }
    }
}

fn read(node: &Node<'_>, levels: usize) -> Result<Literal, DetailsError> {
    let below = || levels.checked_sub(1).ok_or(DetailsError::TooLarge);
    Ok(match node {
        Node::Null => Literal::Null,
        Node::Flag(flag) => Literal::Flag(*flag),
        Node::Number(number) => Literal::Number(Number::new(*number).ok_or(DetailsError::Malformed)?),
        Node::Text(text) => Literal::Text(text.clone().into_owned()),
        Node::List(items) => {
            let below = below()?;
            Literal::List(items.iter().map(|item| read(item, below)).collect::<Result<_, _>>()?)
        }
        Node::Record(members) => {
            let below = below()?;
            let member = |(name, value): &(Cow<'_, str>, _)| Ok((name.clone().into_owned(), read(value, below)?));
            Literal::Record(members.iter().map(member).collect::<Result<_, DetailsError>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Literal, DetailsError> {
        Literal::read(&Node::of(value))
    }

    fn check(one: &Value, other: &Value, equal: bool) {
        assert_eq!(read(one) == read(other), equal, "{one} {other}");
    }

    #[test]
    fn values_are_equal_as_rfc_8785_writes_them() {
        check(&json!(1), &json!(1.0), true);
        check(&json!([{"a": 1, "b": -0.0}]), &json!([{"b": 0, "a": 1.0}]), true);
        for (one, other) in [
            (json!(1), json!("1")),
            (json!(1), json!(true)),
            (json!(null), json!(false)),
            (json!("\u{e9}"), json!("e\u{301}")),
            (json!("a"), json!("A")),
            (json!([1, 2]), json!([2, 1])),
            (json!([]), json!({})),
            (json!({"a": null}), json!({})),
        ] {
            check(&one, &other, false);
        }
    }

    #[test]
    fn what_other_readers_may_see_differently_is_refused_at_any_depth() {
        for value in [json!(1_u64 << 53), json!([1, [1e300]]), json!({"a": {"b": -9_007_199_254_740_992_i64}})] {
            assert_eq!(read(&value), Err(DetailsError::Malformed), "{value}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(read(&nested(MAX_CONSTRAINT_NESTING)).is_ok());
        assert_eq!(read(&nested(MAX_CONSTRAINT_NESTING + 1)), Err(DetailsError::TooLarge));
        let records = (0..=MAX_CONSTRAINT_NESTING).fold(json!(1), |inner, _| json!({"a": inner}));
        assert_eq!(read(&records), Err(DetailsError::TooLarge));
    }

    #[test]
    fn print_and_parse_agree() {
        let value = json!({"a": [1, 1.5, "x", null, true, {}], "b": {"c": []}});
        assert_eq!(read(&value).map(|literal| literal.to_json()), Ok(value));
    }
}
