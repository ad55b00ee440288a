//! The configured address under which the outside world knows a server.

use core::fmt;

use super::origin::Origin;
use super::{TargetError, path};

/// A server's public base URL, from its configuration: scheme, host, port and an optional path prefix.
///
/// It is the only source of the compared origin. If a proxy changes host, port or prefix on the way in, this is the address
/// *outside* that proxy; a wrong one shows as `target_mismatch` on every request, never as a relayed proof that passes.
///
/// A single `/` at the end is dropped: `https://api.example/v1/` and `https://api.example/v1` are the same base, and the
/// request path `/` below it is `https://api.example/v1/`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicBase {
    origin: Origin,
    prefix: String,
}

impl PublicBase {
    /// Reads an `https` base URL.
    ///
    /// # Errors
    ///
    /// Any other scheme, a query or fragment, and everything [`Target::parse`](crate::Target::parse) refuses.
    ///
    /// ```
    /// use handfast_dpop::{PublicBase, TargetError};
    /// assert!(PublicBase::parse("https://api.example/v1").is_ok());
    /// assert_eq!(PublicBase::parse("http://127.0.0.1:4600"), Err(TargetError::Scheme));
    /// assert!(PublicBase::danger_loopback_http("http://127.0.0.1:4600").is_ok());
    /// ```
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let base = Self::read(text)?;
        if base.origin.is_https() { Ok(base) } else { Err(TargetError::Scheme) }
    }

    /// Reads a plain `http` base URL on a loopback host, for development and tests (DPOP-16, P-24).
    ///
    /// # Errors
    ///
    /// As [`Self::parse`]; `https` is [`TargetError::Scheme`] here, and a host beyond loopback [`TargetError::Host`].
    pub fn danger_loopback_http(text: &str) -> Result<Self, TargetError> {
        let base = Self::read(text)?;
        match (base.origin.is_https(), base.origin.is_loopback()) {
            (true, _) => Err(TargetError::Scheme),
            (false, false) => Err(TargetError::Host),
            (false, true) => Ok(base),
        }
    }

    fn read(text: &str) -> Result<Self, TargetError> {
        if text.contains(['?', '#']) {
            return Err(TargetError::Query);
        }
        super::bounded(text)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TargetError::Character);
        }
        let (origin, rest) = Origin::split(text)?;
        let path = path::normalise(rest)?;
        let prefix = path.strip_suffix('/').unwrap_or(&path).to_owned();
        Ok(Self { origin, prefix })
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_str()
    }

    /// The path in front of every request path: empty, or `/` and more without a slash at the end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) const fn origin_parts(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for PublicBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the one slash that is dropped, where another stands before it
        let slash = if self.prefix.ends_with('/') { "/" } else { "" };
        write!(f, "{}{}{slash}", self.origin.as_str(), self.prefix)
    }
}

impl fmt::Debug for PublicBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicBase({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Target;

    fn joined(base: &str, raw: &str) -> Result<String, TargetError> {
        Target::join(&PublicBase::parse(base)?, raw).map(|target| target.to_string())
    }

    fn check(base: &str, raw: &str, expected: Result<&str, TargetError>) {
        assert_eq!(joined(base, raw), expected.map(str::to_owned), "{base} {raw}");
    }

    #[test]
    fn requests_are_seen_from_outside() {
        check("https://api.example", "/v1", Ok("https://api.example/v1"));
        check("https://api.example/", "/", Ok("https://api.example/"));
        check("https://api.example/v1", "/", Ok("https://api.example/v1/"));
        check("https://api.example/v1/", "/x?y=//z#f", Ok("https://api.example/v1/x"));
        check("https://API.example:443/%76%31", "/%7Eu/a%2fb", Ok("https://api.example/v1/~u/a%2Fb"));
        check("https://api.example", "//evil.example/x", Ok("https://api.example//evil.example/x"));
        check("https://api.example", "/?u=http://evil.example [", Ok("https://api.example/"));
    }

    #[test]
    fn a_base_is_read_as_it_is_shown() {
        for (text, shown) in [
            ("https://api.example/v1/", "https://api.example/v1"),
            ("https://API.example:443", "https://api.example"),
            ("https://api.example//", "https://api.example//"),
            ("https://api.example/v1//", "https://api.example/v1//"),
        ] {
            let base = PublicBase::parse(text);
            assert_eq!(base.as_ref().map(ToString::to_string), Ok(shown.to_owned()), "{text}");
            assert_eq!(PublicBase::parse(shown), base, "{text}");
        }
        check("https://api.example//", "/x", Ok("https://api.example//x"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_joined_at_a_glance_is_what_the_long_way_gives(
            prefix in "(/[a-z.%2e~]{0,3}){0,3}",
            raw in "(/[a-z.%2eE~]{0,3}){1,4}[?#]?",
        ) {
            let Ok(base) = PublicBase::parse(&format!("https://api.example{prefix}")) else { return Ok(()) };
            let whole = path::normalise(&format!("{}{}", base.prefix(), path::without_query(&raw)));
            let below = |path: &String| path.strip_prefix(base.prefix()).is_some_and(|below| below.starts_with('/'));
            let expected = whole.and_then(|path| if below(&path) { Ok(path) } else { Err(TargetError::OutsideBase) });
            let joined = Target::join(&base, &raw);
            prop_assert_eq!(joined.map(|target| target.to_string()), expected.map(|path| format!("https://api.example{path}")));
        }
    }

    #[test]
    fn nothing_in_the_request_path_moves_the_base() {
        check("https://api.example/v1", "/../admin", Err(TargetError::OutsideBase));
        check("https://api.example/v1", "/%2e%2e/v10", Err(TargetError::OutsideBase));
        check("https://api.example/v1", "/..", Err(TargetError::OutsideBase));
        check("https://api.example/v1", "/a/../b", Ok("https://api.example/v1/b"));
        check("https://api.example/v1", "@evil.example/", Err(TargetError::NotAbsolute));
        check("https://api.example", "", Err(TargetError::NotAbsolute));
        check("https://api.example", "*", Err(TargetError::NotAbsolute));
        check("https://api.example", "http://evil.example/x", Err(TargetError::NotAbsolute));
        check("https://api.example", "/a b", Err(TargetError::Character));
        check("https://api.example", "/a\\b", Err(TargetError::Character));
    }

    #[test]
    fn each_mode_takes_only_its_own_bases() {
        let cases = [
            ("https://api.example", Ok(()), Err(TargetError::Scheme)),
            ("http://api.example", Err(TargetError::Scheme), Err(TargetError::Host)),
            ("http://127.0.0.1:4600", Err(TargetError::Scheme), Ok(())),
            ("http://localhost", Err(TargetError::Scheme), Ok(())),
            ("http://[::1]:1/v1", Err(TargetError::Scheme), Ok(())),
            ("https://api.example/?x", Err(TargetError::Query), Err(TargetError::Query)),
            ("https://api.example/#", Err(TargetError::Query), Err(TargetError::Query)),
            ("https://u@api.example", Err(TargetError::UserInfo), Err(TargetError::UserInfo)),
        ];
        for (text, production, development) in cases {
            assert_eq!(PublicBase::parse(text).map(drop), production, "{text}");
            assert_eq!(PublicBase::danger_loopback_http(text).map(drop), development, "{text}");
        }
    }
}
