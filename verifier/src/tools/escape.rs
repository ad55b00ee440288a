//! Percent-encoding, undone once.

/// The text that `raw` stands for; `+` is a blank in queries and itself in paths.
///
/// None where the answer would depend on the reader: a character that a URI has to escape, a `%` without two hexadecimal
/// digits, or bytes that are no UTF-8.
pub(super) fn decoded(raw: &str, plus_is_blank: bool) -> Option<String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => (hex_digit(bytes.next()?)? << 4) | hex_digit(bytes.next()?)?,
            b'+' if plus_is_blank => b' ',
            plain if plain.is_ascii_graphic() => plain,
            _ => return None,
        });
    }
    String::from_utf8(out).ok()
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, in_path: Option<&str>, in_query: Option<&str>) {
        assert_eq!(decoded(raw, false).as_deref(), in_path, "{raw:?}");
        assert_eq!(decoded(raw, true).as_deref(), in_query, "{raw:?}");
    }

    #[test]
    fn escapes_are_undone_once() {
        check("", Some(""), Some(""));
        check("a%20b%C3%A9", Some("a b\u{e9}"), Some("a b\u{e9}"));
        check("%2e%2E", Some(".."), Some(".."));
        check("%252e", Some("%2e"), Some("%2e"));
        check("a+b%2B", Some("a+b+"), Some("a b+"));
    }

    #[test]
    fn what_readers_differ_about_is_nothing() {
        for raw in ["%", "%4", "%4g", "%+4", "a%", "%C3", "%ff", "%C0%AE", "%ED%A0%80", "\u{e9}", "a b", "\0", "a\n"] {
            check(raw, None, None);
        }
    }
}
