//! `application/x-www-form-urlencoded` (WHATWG URL 5), as RFC 6749 B asks for.

/// Writes the pairs in order.
pub(super) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let each = pairs.into_iter().map(|(name, value)| format!("{}={}", component(name), component(value)));
    each.collect::<Vec<_>>().join("&")
}

/// One name or value.
pub(super) fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_with_a_meaning_is_encoded() {
        assert_eq!(
            encode([("resource", "https://a.example/?x=1&y"), ("b c", "50% \u{e9}")]),
            "resource=https%3A%2F%2Fa.example%2F%3Fx%3D1%26y&b+c=50%25+%C3%A9"
        );
    }
}
