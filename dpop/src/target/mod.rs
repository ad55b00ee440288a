//! The URI a request was made to, in the one spelling in which two of them may be compared (RFC 9449 4.3, RFC 3986 6.2).

mod base;
mod normal;
mod origin;
mod path;

use core::fmt;

pub use base::PublicBase;
pub(crate) use normal::is_surely_normal;
use origin::Origin;

/// Bytes of a target URI: one that is longer could not stand in a proof of 4 KiB (DPOP-39).
pub const MAX_TARGET_BYTES: usize = 4096;

/// An absolute `http` or `https` URI in normal form, without user information, query and fragment.
///
/// The normal form is that of RFC 3986 6.2.2 and 6.2.3: scheme and host in lower case, percent triplets in upper case or
/// decoded where unreserved, dot segments removed, an empty path as `/`, the default port dropped. Nothing else is touched:
/// a trailing slash, an empty segment or a `%2F` stays what it is (DPOP-42). Two targets are equal exactly if their texts are.
///
/// ```
/// use handfast_dpop::Target;
/// let target = Target::parse("HTTPS://Api.example:443/v1/%7euser?page=2")?;
/// assert_eq!(target.as_str(), "https://api.example/v1/~user");
/// assert!(Target::parse("https:///v1").is_err());
/// # Ok::<(), handfast_dpop::TargetError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    origin: Origin,
    text: String,
}

impl Target {
    /// Normalises an absolute URI; what follows the first `?` or `#` is dropped, once it is known to be visible ASCII.
    ///
    /// # Errors
    ///
    /// Whatever leaves room for two readings: see [`TargetError`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        bounded(text)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TargetError::Character);
        }
        let (origin, rest) = Origin::split(text)?;
        let path = path::normalise(path::without_query(rest))?;
        Self::new(origin, &path)
    }

    /// The target of a request as its client saw it: the configured public base, then the request's own path.
    ///
    /// `raw` is path and query as they stood in the request line, not decoded and not re-written by a router (TH22). Only
    /// `base` says scheme, host and port; `Host` and forwarding headers have no say (DPOP-41, P-03). The query is dropped unread.
    ///
    /// # Errors
    ///
    /// A `raw` that does not start with `/` or holds what no URI path does, and one whose dot segments leave the base.
    ///
    /// ```
    /// use handfast_dpop::{PublicBase, Target, TargetError};
    /// let base = PublicBase::parse("https://api.example/v1")?;
    /// assert_eq!(Target::join(&base, "/files/42?x=1")?.as_str(), "https://api.example/v1/files/42");
    /// assert_eq!(Target::join(&base, "/../admin"), Err(TargetError::OutsideBase));
    /// # Ok::<(), TargetError>(())
    /// ```
    pub fn join(base: &PublicBase, raw: &str) -> Result<Self, TargetError> {
        let raw = path::without_query(raw);
        bounded(raw)?;
        if !raw.starts_with('/') {
            return Err(TargetError::NotAbsolute);
        }
        let path = format!("{}{raw}", base.prefix());
        if normal::is_surely_normal_path(raw) {
            return Self::new(base.origin_parts().clone(), &path);
        }
        let path = path::normalise(&path)?;
        if !path.strip_prefix(base.prefix()).is_some_and(|below| below.starts_with('/')) {
            return Err(TargetError::OutsideBase);
        }
        Self::new(base.origin_parts().clone(), &path)
    }

    fn new(origin: Origin, path: &str) -> Result<Self, TargetError> {
        let text = format!("{}{path}", origin.as_str());
        // a base and a path, or a host without one, may come to more than was read
        bounded(&text)?;
        Ok(Self { origin, text })
    }

    /// The normal form: what a proof carries as `htu`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, without a slash at the end: what nonces and credentials are kept by (DPOP-10).
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_str()
    }

    /// The normalised path, starting with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.origin.as_str().len()..).unwrap_or("/")
    }

    /// Whether credentials may go there: `https`, or a loopback host in tests and development (DPOP-16).
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        self.origin.is_https() || self.origin.is_loopback()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.text)
    }
}

const fn bounded(text: &str) -> Result<(), TargetError> {
    if text.len() > MAX_TARGET_BYTES { Err(TargetError::TooLong) } else { Ok(()) }
}

/// Why a text is not usable as a target URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// More than [`MAX_TARGET_BYTES`].
    TooLong,
    /// Not absolute: no `scheme://`, or a request path without its leading `/`.
    NotAbsolute,
    /// A scheme other than the one or two that are allowed here.
    Scheme,
    /// User information in front of the host.
    UserInfo,
    /// An empty host, a name with characters no host name has, or a malformed IPv6 literal.
    Host,
    /// A port that is no number up to 65535.
    Port,
    /// A blank, a control character, one outside ASCII, or one that RFC 3986 wants percent-encoded in a path.
    Character,
    /// A `%` without two hexadecimal digits.
    Percent,
    /// A base URL with a query or fragment.
    Query,
    /// Dot segments lead out of the public base.
    OutsideBase,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than 4096 bytes",
            Self::NotAbsolute => "not an absolute uri, or a path without its leading `/`",
            Self::Scheme => "the scheme is not an allowed one",
            Self::UserInfo => "user information before the host",
            Self::Host => "an empty or malformed host",
            Self::Port => "the port is no number up to 65535",
            Self::Character => "a character that has to be percent-encoded",
            Self::Percent => "a `%` without two hexadecimal digits",
            Self::Query => "a base url has neither query nor fragment",
            Self::OutsideBase => "dot segments lead out of the public base url",
        })
    }
}

impl core::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: Result<&str, TargetError>) {
        let target = Target::parse(input);
        assert_eq!(target.as_ref().map(Target::as_str).map_err(|error| *error), expected, "{input}");
    }

    #[test]
    fn no_target_has_a_character_that_json_escapes() {
        let base = PublicBase::parse("https://api.example/v1");
        let is_plain = |target: &Target| {
            target.as_str().bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte))
        };
        let mut found = 0;
        for byte in (0..=0xff_u8).map(char::from) {
            let texts =
                [format!("https://h{byte}/x"), format!("https://h/{byte}x"), format!("https://h/x%{byte}1{byte}")];
            let raw = [format!("/{byte}"), format!("/x/../{byte}")];
            let parsed = texts.iter().map(|text| Target::parse(text));
            let joined = raw.iter().filter_map(|raw| Some(Target::join(base.as_ref().ok()?, raw)));
            for target in parsed.chain(joined).flatten() {
                assert!(is_plain(&target), "{target}");
                found += 1;
            }
        }
        assert!(found > 200, "{found}");
    }

    #[test]
    fn each_rule_of_the_form_has_its_own_refusal() {
        // TH21 and its neighbours; the accepted rows next to them are the twins
        check("https://api.example:65535/v1", Ok("https://api.example:65535/v1"));
        check("https://api.example:65536/v1", Err(TargetError::Port));
        check("https://api.example:99999999999999999999/v1", Err(TargetError::Port));
        check("https://api.example:00000000000000443/v1", Ok("https://api.example/v1"));
        check("https://api.example:08443/v1", Ok("https://api.example:8443/v1"));
        check("https://api.example:44 3/v1", Err(TargetError::Character));
        check("https://api.example:+443/v1", Err(TargetError::Port));
        check("https://api.example:443:443/v1", Err(TargetError::Port));
        check("https://:443/v1", Err(TargetError::Host));
        check("https://", Err(TargetError::Host));
        check("https://?x", Err(TargetError::Host));
        check("https://api.example", Ok("https://api.example/"));
        check("https://api.example?x=1", Ok("https://api.example/"));
        check("https://api.example#f", Ok("https://api.example/"));
        check("https://api.example/v 1", Err(TargetError::Character));
        check("https://api.example/v%201", Ok("https://api.example/v%201"));
        check("https://api.example/v\t1", Err(TargetError::Character));
        check("https://api.example/v1\n", Err(TargetError::Character));
        check(" https://api.example/v1", Err(TargetError::Character));
        check("https://api.example/v1?a b", Err(TargetError::Character));
        check("https://api.example/caf\u{e9}", Err(TargetError::Character));
        check("https://api.example\\@evil.example/v1", Err(TargetError::UserInfo));
        check("https://api.example\\evil.example/v1", Err(TargetError::Host));
        check("https://api.example/v1\\..\\x", Err(TargetError::Character));
        check("https:/api.example/v1", Err(TargetError::NotAbsolute));
        check("api.example/v1", Err(TargetError::NotAbsolute));
        check("", Err(TargetError::NotAbsolute));
        check("wss://api.example/v1", Err(TargetError::Scheme));
        check("/v1?next=https://api.example/", Err(TargetError::Scheme));
        check("https://u:p@api.example/v1", Err(TargetError::UserInfo));
        check("https://@api.example/v1", Err(TargetError::UserInfo));
        check("https://api.example/u@v:1", Ok("https://api.example/u@v:1"));
    }

    #[test]
    fn percent_triplets_are_read_once() {
        check("https://api.example/%", Err(TargetError::Percent));
        check("https://api.example/%4", Err(TargetError::Percent));
        check("https://api.example/%4g", Err(TargetError::Percent));
        check("https://api.example/%+4", Err(TargetError::Percent));
        check("https://api.example/%41%2d%5f%7E%2E1", Ok("https://api.example/A-_~.1"));
        check("https://api.example/%2541", Ok("https://api.example/%2541"));
        check("https://api.example/%00", Ok("https://api.example/%00"));
        check("https://api.example/a%3fb%23c", Ok("https://api.example/a%3Fb%23c"));
        check("https://ex%41mple/x", Ok("https://example/x"));
        check("https://a%2Fb.example/x", Err(TargetError::Host));
    }

    #[test]
    fn dot_segments_are_removed_and_empty_ones_kept() {
        // RFC 3986 5.2.4, 5.4.2
        check("https://h.example/a/b/c/./../../g", Ok("https://h.example/a/g"));
        check("https://h.example/mid/content=5/../6", Ok("https://h.example/mid/6"));
        check("https://h.example/../../g", Ok("https://h.example/g"));
        check("https://h.example/a/..", Ok("https://h.example/"));
        check("https://h.example/a/.", Ok("https://h.example/a/"));
        check("https://h.example/..", Ok("https://h.example/"));
        check("https://h.example/a//../b", Ok("https://h.example/a/b"));
        check("https://h.example//b", Ok("https://h.example//b"));
        check("https://h.example/g./.g/..g/g..", Ok("https://h.example/g./.g/..g/g.."));
        check("https://h.example/a%2f..%2fb", Ok("https://h.example/a%2F..%2Fb"));
    }

    #[test]
    fn hosts_are_compared_as_written_but_for_case() {
        check("https://[2001:DB8::1]:8443/x", Ok("https://[2001:db8::1]:8443/x"));
        check("https://[::FFFF:10.0.0.1]/x", Ok("https://[::ffff:10.0.0.1]/x"));
        for malformed in ["[::1", "[]", "[::g]", "[fe80::1%25eth0]", "[::1]x", "::1", "[v1.x]"] {
            assert!(Target::parse(&format!("https://{malformed}/x")).is_err(), "{malformed}");
        }
        // no number forms: these stay names of their own
        check("https://0x7f.1/x", Ok("https://0x7f.1/x"));
        check("https://127.0.0.01/x", Ok("https://127.0.0.01/x"));
    }

    #[test]
    fn length_is_bounded_on_both_sides() {
        let at = |length: usize| format!("https://h/{}", "x".repeat(length - 10));
        assert!(Target::parse(&at(MAX_TARGET_BYTES)).is_ok());
        assert_eq!(Target::parse(&at(MAX_TARGET_BYTES + 1)), Err(TargetError::TooLong));
        // the normal form of a bare host has a slash more
        let host = |length: usize| format!("https://{}", "h".repeat(length - 8));
        assert!(Target::parse(&host(MAX_TARGET_BYTES - 1)).is_ok());
        assert_eq!(Target::parse(&host(MAX_TARGET_BYTES)), Err(TargetError::TooLong));
        let base = PublicBase::parse("https://api.example");
        let below =
            |length: usize| base.clone().and_then(|base| Target::join(&base, &format!("/{}", "x".repeat(length - 20))));
        assert!(below(MAX_TARGET_BYTES).is_ok());
        assert_eq!(below(MAX_TARGET_BYTES + 1), Err(TargetError::TooLong));
    }

    #[test]
    fn protected_means_tls_or_loopback() {
        let protected = ["https://api.example/", "http://127.0.0.1:4500/", "http://[::1]/", "http://LOCALHOST:1/"];
        let plain = [
            "http://api.example/",
            "http://10.0.0.5/",
            "http://localhost.evil.example/",
            "http://127.1/",
            "http://[::2]/",
        ];
        for (texts, expected) in [(&protected[..], true), (&plain[..], false)] {
            for text in texts {
                assert_eq!(Target::parse(text).map(|target| target.is_protected()), Ok(expected), "{text}");
            }
        }
    }

    #[test]
    fn a_target_splits_into_origin_and_path() {
        let target = Target::parse("http://api.example:8080/a/b?c");
        assert_eq!(target.as_ref().map(Target::origin), Ok("http://api.example:8080"));
        assert_eq!(target.as_ref().map(Target::path), Ok("/a/b"));
    }
}
