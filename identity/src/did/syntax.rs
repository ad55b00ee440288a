//! What is a DID at all, of whatever method (DID 1.1, DID Syntax).

use super::MAX_DID_BYTES;

/// The method of a text that is a DID and nothing more: no path, query or fragment (DID-01 to DID-04, DID-06).
///
/// ```
/// use handfast_identity::did_method;
/// assert_eq!(did_method("did:web:example.com"), Some("web"));
/// assert_eq!(did_method("did:web:example.com#key"), None);
/// ```
#[must_use]
pub fn did_method(text: &str) -> Option<&str> {
    let (method, id) = text.strip_prefix("did:")?.split_once(':')?;
    let is_name = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_id = !id.is_empty() && !id.ends_with(':') && id_characters(id.as_bytes());
    (text.len() <= MAX_DID_BYTES && is_name && is_id).then_some(method)
}

fn id_characters(mut rest: &[u8]) -> bool {
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            [byte, after @ ..] if byte.is_ascii_alphanumeric() || b".-_:".contains(byte) => after,
            _ => return false,
        };
    }
}

/// DID and fragment of an absolute DID URL that has a fragment and neither path nor query: how verification methods are named.
pub(super) fn did_and_fragment(url: &str) -> Option<(&str, &str)> {
    let (did, fragment) = url.split_once('#')?;
    let is_fragment = !fragment.is_empty() && fragment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (is_fragment && did_method(did).is_some()).then_some((did, fragment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(did_method(text), expected, "{text}");
    }

    #[test]
    fn a_did_is_the_whole_text() {
        check("did:web:api.example", Some("web"));
        check("did:web:localhost%3A8443:a", Some("web"));
        check("did:0:a:b", Some("0"));
        check("did:x::y", Some("x"));
        for text in [
            "",
            "did",
            "did:key",
            "did:key:",
            "did:Key:z6Mk",
            "DID:key:z6Mk",
            "did:key:z6Mk:",
            "did::x",
            "did:web:a/b",
            "did:web:a?b",
            "did:web:a#b",
            "did:web:a%2",
            "did:web:a%zz",
            "did:web:a b",
            " did:web:a",
            "did:web:a;b",
            "did:web:ä",
        ] {
            check(text, None);
        }
        check(&format!("did:web:{}", "a".repeat(MAX_DID_BYTES - 8)), Some("web"));
        check(&format!("did:web:{}", "a".repeat(MAX_DID_BYTES - 7)), None);
    }

    #[test]
    fn a_method_is_named_by_did_and_fragment() {
        assert_eq!(did_and_fragment("did:web:a.example#k"), Some(("did:web:a.example", "k")));
        for url in ["did:web:a.example", "did:web:a.example#", "#k", "did:web:a.example/p#k", "did:web:a.example?q#k"] {
            assert_eq!(did_and_fragment(url), None, "{url}");
        }
        assert_eq!(did_and_fragment("did:web:a.example#k#l"), None);
        assert_eq!(did_and_fragment("did:web:a.example#k l"), None);
    }
}
