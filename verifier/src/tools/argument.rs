//! One declared argument of a query or body, and what it may be.

use serde_json::{Number, Value};

/// The largest integer every JSON reader keeps exactly.
const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// What a query or body argument is read as. Anything else is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentKind {
    /// As it stands: a text in a query, any value in a body.
    #[default]
    Any,
    /// A text.
    Text,
    /// An integer within ±(2^53−1), written in digits: no `+`, no zero in front, no fraction or exponent, not `-0`.
    Integer,
    /// A number as JSON writes it.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl ArgumentKind {
    /// The value of a query parameter.
    pub(super) fn read(self, text: String) -> Option<Value> {
        match self {
            Self::Any | Self::Text => Some(Value::String(text)),
            Self::Integer => integer(&text).map(Value::from),
            Self::Number => number(&text).map(Value::Number),
            Self::Boolean => match text.as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
        }
    }

    /// Whether a member of a body may have `value`.
    pub(super) fn admits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Integer => value.as_i64().is_some_and(|integer| integer.unsigned_abs() <= LARGEST_INTEGER),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }
}

fn integer(text: &str) -> Option<i64> {
    let integer: i64 = text.parse().ok()?;
    // whatever else `parse` takes is a second spelling
    (integer.unsigned_abs() <= LARGEST_INTEGER && integer.to_string() == text).then_some(integer)
}

fn number(text: &str) -> Option<Number> {
    // the reader of JSON would also pass over blanks around it
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    if is_plain { serde_json::from_str(text).ok() } else { None }
}

/// A declared argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) kind: ArgumentKind,
    pub(super) is_optional: bool,
}

/// Where a declared argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Body,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(kind: ArgumentKind, text: &str, expected: Option<Value>) {
        assert_eq!(kind.read(text.to_owned()), expected, "{kind:?} {text:?}");
    }

    #[test]
    fn texts_are_read_as_one_kind_or_refused() {
        check(ArgumentKind::Any, "7", Some(json!("7")));
        check(ArgumentKind::Text, "", Some(json!("")));
        check(ArgumentKind::Integer, "0", Some(json!(0)));
        check(ArgumentKind::Integer, "-9007199254740991", Some(json!(-9_007_199_254_740_991_i64)));
        for text in ["", "9007199254740992", "+1", "-0", "01", "1.0", "1e3", " 1", "1 ", "0x1", "\u{661}", "true"] {
            check(ArgumentKind::Integer, text, None);
        }
        check(ArgumentKind::Number, "-1.5e2", Some(json!(-150.0)));
        check(ArgumentKind::Number, "7", Some(json!(7)));
        for text in ["", "+1", "01", "1.", ".5", "1e999", "NaN", "Infinity", " 1", "1\n", "0x1", "1,5"] {
            check(ArgumentKind::Number, text, None);
        }
        check(ArgumentKind::Boolean, "true", Some(json!(true)));
        check(ArgumentKind::Boolean, "false", Some(json!(false)));
        for text in ["", "True", "1", "yes", "on", " true"] {
            check(ArgumentKind::Boolean, text, None);
        }
    }

    #[test]
    fn members_of_a_body_have_the_kind_already() {
        let values = [json!("1"), json!(1), json!(1.5), json!(true), json!(null), json!([1]), json!({})];
        for (kind, expected) in [
            (ArgumentKind::Any, [true; 7]),
            (ArgumentKind::Text, [true, false, false, false, false, false, false]),
            (ArgumentKind::Integer, [false, true, false, false, false, false, false]),
            (ArgumentKind::Number, [false, true, true, false, false, false, false]),
            (ArgumentKind::Boolean, [false, false, false, true, false, false, false]),
        ] {
            assert_eq!(values.each_ref().map(|value| kind.admits(value)), expected, "{kind:?}");
        }
        assert!(ArgumentKind::Integer.admits(&json!(9_007_199_254_740_991_u64)));
        for beyond in [json!(9_007_199_254_740_992_u64), json!(u64::MAX), json!(i64::MIN), json!(1.0)] {
            assert!(!ArgumentKind::Integer.admits(&beyond), "{beyond}");
        }
    }
}
