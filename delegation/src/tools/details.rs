//! Tools as the claim `authorization_details` (RFC 9396).

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::constraint::Constraint;
use super::node::Node;
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
        Self::read(&Node::of(value))
    }

    fn read(details: &Node<'_>) -> Result<Self, DetailsError> {
        let [object] = details.as_list().ok_or(DetailsError::Malformed)? else { return Err(DetailsError::Malformed) };
        let object = object.as_record().ok_or(DetailsError::Malformed)?;
        let kind = object.find("type").and_then(Node::as_text).ok_or(DetailsError::Malformed)?;
        if kind != DETAILS_TYPE || object.iter().any(|(name, _)| !matches!(name, "type" | "tools")) {
            return Err(DetailsError::Unsupported);
        }
        let tools = object.find("tools").and_then(Node::as_record).ok_or(DetailsError::Malformed)?;
        if tools.len() > MAX_TOOLS {
            return Err(DetailsError::TooLarge);
        }
        let mut entries = Vec::with_capacity(tools.len());
        for (name, value) in tools.iter() {
            entries.push((name.to_owned(), arguments(value)?));
        }
        Self::new(entries)
    }

    /// The value of the claim that says this.
    #[must_use]
    pub fn to_details(&self) -> Value {
        let tools: Map<_, _> = self.iter().map(|(name, arguments)| (name.to_owned(), to_json(arguments))).collect();
        json!([{"type": DETAILS_TYPE, "tools": tools}])
    }
}

/// The claim in a token or hop: as it was read, or the tools to write.
pub(crate) enum DetailsWire<'a> {
    Read(Node<'a>),
    Written(&'a Tools),
}

impl DetailsWire<'_> {
    /// As [`Tools::from_details`].
    pub(crate) fn tools(&self) -> Result<Tools, DetailsError> {
        match self {
            Self::Read(node) => Tools::read(node),
            Self::Written(tools) => Ok((*tools).clone()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for DetailsWire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Self::Read)
    }
}

impl Serialize for DetailsWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Read(_) => Err(serde::ser::Error::custom("what was read is not written")),
            Self::Written(tools) => tools.to_details().serialize(serializer),
        }
    }
}

/// `{}` is an open tool, everything else a closed one.
fn arguments(node: &Node<'_>) -> Result<Arguments, DetailsError> {
    let object = node.as_record().ok_or(DetailsError::Malformed)?;
    if object.len() == 0 {
        return Ok(Arguments::Any);
    }
    if object.len() > MAX_TOOL_ARGUMENTS {
        return Err(DetailsError::TooLarge);
    }
    let mut constraints = BTreeMap::new();
    for (name, node) in object.iter() {
        constraints.insert(name.to_owned(), Constraint::read(node)?);
    }
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
