//! Arguments in the query.

use serde_json::{Map, Value};

use super::Ambiguity;
use super::argument::Argument;
use super::escape::decoded;

/// Reads the query, which is not decoded. Every parameter is `name=value`, declared, and there once.
pub(super) fn read(query: &str, declared: &[&Argument], into: &mut Map<String, Value>) -> Result<(), Ambiguity> {
    let pairs = query.split('&').filter(|_| !query.is_empty());
    for pair in pairs {
        let (name, value) = pair.split_once('=').ok_or(Ambiguity::QueryForm)?;
        let name = decoded(name, true).ok_or(Ambiguity::QueryForm)?;
        let argument = declared.iter().find(|argument| argument.name == name).ok_or(Ambiguity::Undeclared)?;
        let text = decoded(value, true).ok_or(Ambiguity::QueryForm)?;
        let value = argument.kind.read(text).ok_or(Ambiguity::Kind)?;
        // names are declared once over all places, so what is there came from here
        if into.insert(name, value).is_some() {
            return Err(Ambiguity::Repeated);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::argument::{ArgumentKind, Place};
    use super::*;

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn check(query: &str, expected: Result<Value, Ambiguity>) {
        let argument = |name: &str, kind| Argument { name: name.into(), place: Place::Query, kind, is_optional: true };
        let (path, limit) = (argument("path", ArgumentKind::Any), argument("limit", ArgumentKind::Integer));
        let mut found = Map::new();
        let answer = read(query, &[&path, &limit], &mut found).map(|()| Value::from(found));
        assert_eq!(answer, expected, "{query}");
    }

    #[test]
    fn parameters_are_arguments() {
        check("", Ok(json!({})));
        check("limit=5&path=/a", Ok(json!({"limit": 5, "path": "/a"})));
        check("p%61th=a+b%20c%26d=e", Ok(json!({"path": "a b c&d=e"})));
        check("path=", Ok(json!({"path": ""})));
        check("path=a=b;limit=3", Ok(json!({"path": "a=b;limit=3"})));
        check("path=%252e%252e/%00", Ok(json!({"path": "%2e%2e/\0"})));
    }

    #[test]
    fn two_readings_are_none() {
        for (query, expected) in [
            ("path=a&path=a", Ambiguity::Repeated),
            ("path=a&p%61th=b", Ambiguity::Repeated),
            ("path=a&limit=1&limit=1", Ambiguity::Repeated),
            ("path[]=a", Ambiguity::Undeclared),
            ("Path=a", Ambiguity::Undeclared),
            ("path%00=a", Ambiguity::Undeclared),
            ("other=1", Ambiguity::Undeclared),
            ("=a", Ambiguity::Undeclared),
            ("path", Ambiguity::QueryForm),
            ("path=a&", Ambiguity::QueryForm),
            ("&path=a", Ambiguity::QueryForm),
            ("path=a&&limit=1", Ambiguity::QueryForm),
            ("?path=a", Ambiguity::Undeclared),
            ("path=%", Ambiguity::QueryForm),
            ("path=%zz", Ambiguity::QueryForm),
            ("path=%ff", Ambiguity::QueryForm),
            ("path=\u{e9}", Ambiguity::QueryForm),
            ("limit=5.0", Ambiguity::Kind),
            ("limit=", Ambiguity::Kind),
            ("limit=+5", Ambiguity::Kind),
        ] {
            check(query, Err(expected));
        }
    }
}
