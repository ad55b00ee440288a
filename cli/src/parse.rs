//! Arguments that are more than a word.

use handfast_delegation::{Budget, Rate, Tools};
use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, Seconds};
use serde_json::{Map, Value};

/// Longest JSON argument: an access token could hold no longer one.
const MAX_ARGUMENT_BYTES: usize = 8192;

/// A length of time: digits, and `s`, `m` or `h`; seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Seconds, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("expected a number and `s`, `m` or `h`, such as `10m`".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| "expected a number and `s`, `m` or `h`, such as `10m`".to_owned())?;
    count.checked_mul(unit).map(Seconds::new).ok_or_else(|| "this is longer than time".to_owned())
}

/// So many uses in so much time: `10/60s`.
pub(crate) fn rate(text: &str) -> Result<Rate, String> {
    let (uses, span) = text.split_once('/').ok_or_else(|| "expected uses and a time, such as `10/60s`".to_owned())?;
    let uses = uses.parse().map_err(|_| "expected a count before the `/`, as in `10/60s`".to_owned())?;
    let rate = Rate { uses, seconds: duration(span)?.get() };
    Budget::new(None, Some(rate)).map_err(|error| error.to_string())?;
    Ok(rate)
}

/// A `did:key`.
pub(crate) fn did(text: &str) -> Result<DidKey, String> {
    DidKey::parse(text).map_err(|error| error.to_string())
}

/// `authorization_details` as JSON, read as strictly as in a token.
pub(crate) fn tools(text: &str) -> Result<Tools, String> {
    let value: Value = strictly(text)?;
    Tools::from_details(&value).map_err(|error| error.to_string())
}

/// One `--tool`: a name for an open tool, or a JSON object of tools with their arguments.
pub(crate) fn tool(text: &str) -> Result<Map<String, Value>, String> {
    if text.starts_with('{') {
        return strictly(text);
    }
    Ok([(text.to_owned(), Value::Object(Map::new()))].into_iter().collect())
}

fn strictly<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    json::read(text.as_bytes(), &Limits::token(MAX_ARGUMENT_BYTES)).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own table should stop
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_one_unit() {
        for (text, expected) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("1h", Some(3600)),
            ("0", Some(0)),
            ("", None),
            ("m", None),
            ("-1s", None),
            ("1.5h", None),
            ("10 m", None),
            ("1h30m", None),
            ("1d", None),
            ("18446744073709551615h", None),
        ] {
            assert_eq!(duration(text).ok(), expected.map(Seconds::new), "{text}");
        }
    }

    #[test]
    fn rates_are_uses_and_a_time() {
        for (text, expected) in [
            ("10/60s", Some((10, 60))),
            ("10/60", Some((10, 60))),
            ("1/1s", Some((1, 1))),
            ("100/24h", Some((100, 86_400))),
            ("9007199254740991/1m", Some((9_007_199_254_740_991, 60))),
            ("9007199254740992/1m", None),
            ("100/86401s", None),
            ("0/60s", None),
            ("10/0s", None),
            ("10", None),
            ("10/", None),
            ("/60s", None),
            ("-1/60s", None),
            ("10/60s/60s", None),
            ("10 / 60s", None),
        ] {
            assert_eq!(rate(text).ok(), expected.map(|(uses, seconds)| Rate { uses, seconds }), "{text}");
        }
    }

    #[test]
    fn tools_are_read_strictly() {
        let names = |text: &str| tool(text).unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names("search"), ["search"]);
        assert_eq!(names(r#"{"read":{},"list":{}}"#), ["list", "read"]);
        assert!(tool(r#"{"read":{},"read":{}}"#).is_err(), "a member twice");
        assert!(tools(r#"[{"type":"attenuating_agent_token","tools":{"read":{}}}]"#).is_ok());
        assert!(tools(r#"[{"type":"attenuating_agent_token","type":"x","tools":{}}]"#).is_err());
        assert!(tools(r#"[{"type":"other","tools":{}}]"#).is_err());
        assert!(tools("read").is_err());
    }
}
