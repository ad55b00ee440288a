//! Tools as the claim `authorization_details` (RFC 9396).

use core::fmt;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::constraint::Constraint;
use super::set::{Arguments, MAX_TOOL_ARGUMENTS, MAX_TOOLS, Tools};

/// The one type of `authorization_details` that is read here (draft-niyikiza-oauth-attenuating-agent-tokens-01).
pub const DETAILS_TYPE: &str = "attenuating_agent_token";

/// Why `authorization_details` are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailsError {
    /// A type or member that is not known here. It may be a restriction, so it denies.
    Unsupported,
    /// Another shape than the type has, or a value that readers of JSON may see differently.
    Malformed,
    /// More tools, arguments, values or clauses, a longer name, or deeper nesting than allowed.
    TooLarge,
}

impl fmt::Display for DetailsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "`authorization_details` hold a type or member that is not supported",
            Self::Malformed => "`authorization_details` are not one object of tools with their arguments",
            Self::TooLarge => "`authorization_details` are larger or nested deeper than allowed",
        })
    }
}

impl core::error::Error for DetailsError {}

impl Tools {
    /// Reads the value of the claim: an array with one object, of type [`DETAILS_TYPE`], with `tools` and nothing else.
    ///
    /// The JSON text itself must have been read strictly before, for here a member that stood twice is no longer seen.
    ///
    /// # Errors
    ///
    /// [`DetailsError`], the first fault found.
    ///
    /// ```
    /// use handfast_delegation::{DetailsError, Tools};
    /// use serde_json::json;
    /// let details = json!([{"type": "attenuating_agent_token", "tools": {"search": {}}}]);
    /// assert_eq!(Tools::from_details(&details).map(|tools| tools.to_details()), Ok(details));
    /// let other = json!([{"type": "payment_initiation"}]);
    /// assert_eq!(Tools::from_details(&other), Err(DetailsError::Unsupported));
    /// ```
    pub fn from_details(value: &Value) -> Result<Self, DetailsError> {
        let [Value::Object(object)] = value.as_array().ok_or(DetailsError::Malformed)?.as_slice() else {
            return Err(DetailsError::Malformed);
        };
        let kind = object.get("type").and_then(Value::as_str).ok_or(DetailsError::Malformed)?;
        if kind != DETAILS_TYPE || object.keys().any(|name| !matches!(name.as_str(), "type" | "tools")) {
            return Err(DetailsError::Unsupported);
        }
        let tools = object.get("tools").and_then(Value::as_object).ok_or(DetailsError::Malformed)?;
        if tools.len() > MAX_TOOLS {
            return Err(DetailsError::TooLarge);
        }
        let entries: Vec<_> =
            tools.iter().map(|(name, value)| Ok((name.clone(), arguments(value)?))).collect::<Result<_, _>>()?;
        Self::new(entries)
    }

    /// The value of the claim that says this.
    #[must_use]
    pub fn to_details(&self) -> Value {
        let tools: Map<_, _> = self.iter().map(|(name, arguments)| (name.to_owned(), to_json(arguments))).collect();
        json!([{"type": DETAILS_TYPE, "tools": tools}])
    }
}

/// `{}` is an open tool, everything else a closed one.
fn arguments(value: &Value) -> Result<Arguments, DetailsError> {
    let object = value.as_object().ok_or(DetailsError::Malformed)?;
    if object.is_empty() {
        return Ok(Arguments::Any);
    }
    if object.len() > MAX_TOOL_ARGUMENTS {
        return Err(DetailsError::TooLarge);
    }
    let constraints: BTreeMap<_, _> = object
        .iter()
        .map(|(name, value)| Ok((name.clone(), Constraint::from_json(value)?)))
        .collect::<Result<_, DetailsError>>()?;
    Ok(Arguments::Exactly(constraints))
}

fn to_json(arguments: &Arguments) -> Value {
    match arguments {
        Arguments::Any => json!({}),
        Arguments::Exactly(constraints) => {
            constraints.iter().map(|(name, constraint)| (name.clone(), constraint.to_json())).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expected: Result<(), DetailsError>) {
        assert_eq!(Tools::from_details(value).map(drop), expected, "{value}");
    }

    fn details(tools: &Value) -> Value {
        json!([{"type": DETAILS_TYPE, "tools": tools}])
    }

    #[test]
    fn print_and_parse_agree() {
        for tools in [
            json!({}),
            json!({"search": {}}),
            json!({"read": {"path": {"constraint_type": "path_containment", "root": "/"}}, "search": {}}),
        ] {
            assert_eq!(Tools::from_details(&details(&tools)).map(|read| read.to_details()), Ok(details(&tools)));
        }
    }

    #[test]
    fn one_object_of_the_one_type() {
        let good = json!({"type": DETAILS_TYPE, "tools": {}});
        check(&json!([good]), Ok(()));
        for value in [
            json!(null),
            good.clone(),
            json!([]),
            json!([good, good]),
            json!([good, {"type": "other"}]),
            json!([[good]]),
            json!([{"tools": {}}]),
            json!([{"type": 1, "tools": {}}]),
            json!([{"type": DETAILS_TYPE}]),
            json!([{"type": DETAILS_TYPE, "tools": []}]),
            json!([{"type": DETAILS_TYPE, "tools": null}]),
            json!([{"type": DETAILS_TYPE, "tools": {"a": null}}]),
            json!([{"type": DETAILS_TYPE, "tools": {"a": []}}]),
            json!([{"type": DETAILS_TYPE, "tools": {"": {}}}]),
            json!([{"type": DETAILS_TYPE, "tools": {"a": {"x": 1}}}]),
        ] {
            check(&value, Err(DetailsError::Malformed));
        }
        for value in [
            json!([{"type": "other", "tools": {}}]),
            json!([{"type": "Attenuating_agent_token", "tools": {}}]),
            json!([{"type": DETAILS_TYPE, "tools": {}, "locations": ["https://api.example"]}]),
            json!([{"type": DETAILS_TYPE, "tools": {"a": {"x": {"constraint_type": "regex"}}}}]),
        ] {
            check(&value, Err(DetailsError::Unsupported));
        }
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let many =
            |count: usize, value: &Value| (0..count).map(|n| (format!("n{n}"), value.clone())).collect::<Value>();
        let wildcard = json!({"constraint_type": "wildcard"});
        check(&details(&many(MAX_TOOLS, &json!({}))), Ok(()));
        check(&details(&many(MAX_TOOLS + 1, &json!({}))), Err(DetailsError::TooLarge));
        check(&details(&json!({"a": many(MAX_TOOL_ARGUMENTS, &wildcard)})), Ok(()));
        check(&details(&json!({"a": many(MAX_TOOL_ARGUMENTS + 1, &wildcard)})), Err(DetailsError::TooLarge));
        // before anything inside is read
        check(&details(&many(MAX_TOOLS + 1, &json!(null))), Err(DetailsError::TooLarge));
        check(&details(&json!({"a": many(MAX_TOOL_ARGUMENTS + 1, &json!(null))})), Err(DetailsError::TooLarge));
    }
}
