//! `application/x-www-form-urlencoded` (WHATWG URL 5), as RFC 6749 B asks for at the token endpoint.

/// Writes the pairs in order; names may repeat.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        append(&mut out, name);
        out.push('=');
        append(&mut out, value);
    }
    out
}

fn append(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_with_a_meaning_is_encoded() {
        for (pairs, expected) in [
            (&[("scope", "echo:read other:read")][..], "scope=echo%3Aread+other%3Aread"),
            (
                &[("a", "1"), ("resource", "https://a.example/?x=1&y"), ("a", "2")],
                "a=1&resource=https%3A%2F%2Fa.example%2F%3Fx%3D1%26y&a=2",
            ),
            (&[("task_intent", "50% of 1+1 = \u{e9}\n")], "task_intent=50%25+of+1%2B1+%3D+%C3%A9%0A"),
            (&[("empty", "")], "empty="),
            (&[], ""),
        ] {
            assert_eq!(encode(pairs.iter().copied()), expected);
        }
    }
}
