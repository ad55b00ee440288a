//! The one spelling that hashes are taken over (RFC 8785), for the objects this project writes itself.

use serde::Serialize;
use serde_json::Value;

use super::JsonError;

/// Writes `value` in the JSON canonicalization scheme.
///
/// Only what our own objects hold: ASCII member names and integers. For those, sorting by bytes is RFC 8785's order.
///
/// # Errors
///
/// [`JsonError::Shape`] for a fraction or a member name outside ASCII, whose canonical form this does not write.
pub fn to_jcs(value: &impl Serialize) -> Result<Vec<u8>, JsonError> {
    let value = serde_json::to_value(value).map_err(|error| JsonError::Shape(error.to_string()))?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
    match value {
        Value::Number(number) if number.is_f64() => {
            Err(JsonError::Shape("a fraction has no canonical form here".into()))
        }
        Value::Array(items) => separated(items.iter(), b'[', b']', out, write),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            separated(members.into_iter(), b'{', b'}', out, |(name, value), out| {
                if !name.is_ascii() {
                    return Err(JsonError::Shape("a member name outside ascii has no canonical form here".into()));
                }
                plain(&Value::String(name.clone()), out)?;
                out.push(b':');
                write(value, out)
            })
        }
        plain_value => plain(plain_value, out),
    }
}

fn plain(value: &Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
    // serde_json escapes exactly what RFC 8785 3.2.2.2 asks for, in the same short forms
    serde_json::to_writer(out, value).map_err(|error| JsonError::Shape(error.to_string()))
}

fn separated<T>(
    items: impl Iterator<Item = T>,
    open: u8,
    close: u8,
    out: &mut Vec<u8>,
    each: impl Fn(T, &mut Vec<u8>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    out.push(open);
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        each(item, out)?;
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_blanks_dropped() {
        let value = json!({"b": [1, {"d": null, "c": "\u{20ac}\n\u{1f}"}], "a": -7});
        assert_eq!(
            to_jcs(&value).map(String::from_utf8),
            Ok(Ok("{\"a\":-7,\"b\":[1,{\"c\":\"€\\n\\u001f\",\"d\":null}]}".to_owned()))
        );
    }

    #[test]
    fn what_has_no_safe_form_is_refused() {
        assert!(to_jcs(&json!({"a": 1.5})).is_err());
        assert!(to_jcs(&json!({"\u{e9}": 1})).is_err());
    }
}
