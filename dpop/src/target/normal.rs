//! Targets that are their own normal form, seen without making it.

use super::MAX_TARGET_BYTES;
use super::path::is_unreserved;

/// Whether `text` is surely a target in normal form, as nearly all are: two such texts that differ are two targets. Where it is not
/// sure, the normal form has to be made.
///
/// Sure are `https` or `http`, a name in lower case without a port, and a path of unreserved characters and slashes, without percent
/// triplets and without a segment that begins with a dot.
pub(crate) fn is_surely_normal(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let Some((host, path)) = rest.find('/').and_then(|end| rest.split_at_checked(end)) else { return false };
    let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    text.len() <= MAX_TARGET_BYTES && !host.is_empty() && host.bytes().all(is_name) && is_surely_normal_path(path)
}

/// The same for a path, which starts with `/`: below any path in normal form it stays as it is.
pub(super) fn is_surely_normal_path(path: &str) -> bool {
    let is_path = |byte: u8| is_unreserved(byte) || byte == b'/';
    path.starts_with('/') && path.bytes().all(is_path) && !path.contains("/.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Target;

    #[test]
    fn targets_as_they_are_made_are_sure() {
        for sure in ["https://api.example/", "http://10.0.0.1/a_b~c/x.txt", "https://h//", "https://xn--e1a.example/-/"]
        {
            assert!(is_surely_normal(sure), "{sure}");
            assert_eq!(Target::parse(sure).map(|target| target.to_string()).as_deref(), Ok(sure));
        }
        for other in [
            "",
            "https://api.example",
            "https:///v1",
            "https://Api.example/",
            "https://api.example:8443/",
            "https://u@api.example/",
            "https://api.example/%7Eu",
            "https://api.example/a/../b",
            "https://api.example/./b",
            "https://api.example/.hidden",
            "https://api.example/x?y",
            "https://api.example/x#y",
            "https://[::1]/",
            "HTTPS://api.example/",
            "ftp://api.example/",
            "https://api.example/a b",
            "https://api.example/\u{e4}",
        ] {
            assert!(!is_surely_normal(other), "{other}");
        }
        let long = |bytes: usize| format!("https://h/{}", "x".repeat(bytes - "https://h/".len()));
        assert!(is_surely_normal(&long(MAX_TARGET_BYTES)) && !is_surely_normal(&long(MAX_TARGET_BYTES + 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_surely_normal_is_its_own_normal_form(text in "https?://[a-zA-C0-9.:%-]{0,4}(/[a-z.%2eE/?~]{0,8})?") {
            if is_surely_normal(&text) {
                prop_assert_eq!(Target::parse(&text).map(|target| target.to_string()), Ok(text));
            }
        }
    }
}
