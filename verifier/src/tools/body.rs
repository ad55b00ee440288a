//! Arguments in a JSON body.

use handfast_identity::json::{Limits, read_object};
use serde_json::{Map, Value};

use super::argument::Argument;
use super::{Ambiguity, RequestContent};

/// Longest body that arguments are read from (spec/limits.md).
pub const MAX_TOOL_BODY_BYTES: usize = 64 * 1024;
/// Deepest nesting of such a body (spec/limits.md).
pub const MAX_TOOL_BODY_DEPTH: usize = 16;
/// Most entries of one array or object in it (spec/limits.md): an argument may be a list.
pub const MAX_TOOL_BODY_MEMBERS: usize = 1024;

const LIMITS: Limits =
    Limits { max_bytes: MAX_TOOL_BODY_BYTES, max_depth: MAX_TOOL_BODY_DEPTH, max_members: MAX_TOOL_BODY_MEMBERS };

/// The one object that the body is.
pub(super) fn object(content: &RequestContent<'_>) -> Result<Map<String, Value>, Ambiguity> {
    match content.media_types.as_slice() {
        [one] if is_json(one) => {}
        _ => return Err(Ambiguity::MediaType),
    }
    Ok(read_object(content.body.ok_or(Ambiguity::BodyUnread)?, &LIMITS)?)
}

/// Reads the members of the body. Each is declared.
pub(super) fn read(
    content: &RequestContent<'_>,
    declared: &[&Argument],
    into: &mut Map<String, Value>,
) -> Result<(), Ambiguity> {
    for (name, value) in object(content)? {
        let argument = declared.iter().find(|argument| argument.name == name).ok_or(Ambiguity::Undeclared)?;
        if !argument.kind.admits(&value) {
            return Err(Ambiguity::Kind);
        }
        into.insert(name, value);
    }
    Ok(())
}

/// `application/json`, which is UTF-8 whether it says so or not (RFC 8259 8.1); other types and charsets are other readings.
fn is_json(value: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(value) else { return false };
    let (essence, parameter) = text.split_once(';').map_or((text, None), |(before, behind)| (before, Some(behind)));
    let is_utf8 = |parameter: &str| {
        let parameter = parameter.trim_matches([' ', '\t']);
        ["charset=utf-8", "charset=\"utf-8\""].iter().any(|known| parameter.eq_ignore_ascii_case(known))
    };
    essence.trim_matches([' ', '\t']).eq_ignore_ascii_case("application/json") && parameter.is_none_or(is_utf8)
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::JsonError;
    use serde_json::json;

    use super::super::argument::{ArgumentKind, Place};
    use super::*;

    fn read_as(media_types: &[&str], body: Option<&str>) -> Result<Value, Ambiguity> {
        let argument = |name: &str, kind| Argument { name: name.into(), place: Place::Body, kind, is_optional: true };
        let (path, limit) = (argument("path", ArgumentKind::Any), argument("limit", ArgumentKind::Integer));
        let content = RequestContent {
            media_types: media_types.iter().map(|text| text.as_bytes()).collect(),
            body: body.map(str::as_bytes),
            ..RequestContent::default()
        };
        let mut found = Map::new();
        read(&content, &[&path, &limit], &mut found).map(|()| found.into())
    }

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(body: &str, expected: Result<Value, Ambiguity>) {
        let shown = body.get(..80).unwrap_or(body);
        assert_eq!(read_as(&["application/json"], Some(body)), expected, "{shown}");
    }

    #[test]
    fn members_are_arguments() {
        check("{}", Ok(json!({})));
        check(r#"{"path":{"deep":[1,null]},"limit":-3}"#, Ok(json!({"path": {"deep": [1, null]}, "limit": -3})));
        check(r#" {"p\u0061th":"\u0000"} "#, Ok(json!({"path": "\0"})));
    }

    #[test]
    fn two_readings_are_none() {
        let json = |error| Err(Ambiguity::Json(error));
        check(r#"{"path":1,"path":1}"#, json(JsonError::DuplicateMember));
        check(r#"{"path":1,"p\u0061th":2}"#, json(JsonError::DuplicateMember));
        check(r#"{"path":{"a":1,"a":2}}"#, json(JsonError::DuplicateMember));
        check(r#"{"path":1,"other":2}"#, Err(Ambiguity::Undeclared));
        check(r#"{"Path":1}"#, Err(Ambiguity::Undeclared));
        check(r#"{"limit":"5"}"#, Err(Ambiguity::Kind));
        check(r#"{"limit":5.0}"#, Err(Ambiguity::Kind));
        check(r#"{"limit":null}"#, Err(Ambiguity::Kind));
        for body in ["", "{", "{}{}", "{} x", "path=a", "\u{feff}{}", "{'path':1}", r#"{"path":1,}"#] {
            check(body, json(JsonError::Syntax));
        }
        for body in ["[]", r#"["a",1]"#, "null", "1", r#""{}""#] {
            assert!(matches!(read_as(&["application/json"], Some(body)), Err(Ambiguity::Json(JsonError::Shape(_)))));
        }
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        let long = |bytes: usize| format!(r#"{{"path":"{}"}}"#, "x".repeat(bytes - 11));
        assert!(read_as(&["application/json"], Some(&long(MAX_TOOL_BODY_BYTES))).is_ok());
        check(&long(MAX_TOOL_BODY_BYTES + 1), Err(Ambiguity::Json(JsonError::TooLong)));
        let deep = |depth: usize| format!(r#"{{"path":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(read_as(&["application/json"], Some(&deep(MAX_TOOL_BODY_DEPTH))).is_ok());
        check(&deep(MAX_TOOL_BODY_DEPTH + 1), Err(Ambiguity::Json(JsonError::TooDeep)));
        let wide = |entries: usize| format!(r#"{{"path":[{}]}}"#, vec!["1"; entries].join(","));
        assert!(read_as(&["application/json"], Some(&wide(MAX_TOOL_BODY_MEMBERS))).is_ok());
        check(&wide(MAX_TOOL_BODY_MEMBERS + 1), Err(Ambiguity::Json(JsonError::TooManyMembers)));
    }

    #[test]
    fn the_media_type_is_json_and_told_once() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert_eq!(read_as(&[good], Some("{}")), Ok(json!({})), "{good}");
        }
        for bad in [
            &[][..],
            &[""],
            &["text/json"],
            &["application/json5"],
            &["application/vnd.api+json"],
            &["application/json, text/plain"],
            &["application/json; charset=utf-16"],
            &["application/json; charset=utf-8; charset=utf-16"],
            &["application/json;"],
            &["application/x-www-form-urlencoded"],
            &["application/json", "application/json"],
            &["application/json", "text/plain"],
        ] {
            assert_eq!(read_as(bad, Some("{}")), Err(Ambiguity::MediaType), "{bad:?}");
        }
    }

    #[test]
    fn a_body_that_was_not_read_is_not_empty() {
        assert_eq!(read_as(&["application/json"], None), Err(Ambiguity::BodyUnread));
    }
}
