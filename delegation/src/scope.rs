//! OAuth scope as a set of exact tokens (RFC 6749 3.3).

use core::fmt;
use std::collections::BTreeSet;

use handfast_identity::Text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// Longest scope text (spec/limits.md): a token of 8 KiB has to hold it beside everything else.
pub const MAX_SCOPE_BYTES: usize = 2048;
/// Most scope tokens (spec/limits.md), as many as one JSON array may hold.
pub const MAX_SCOPE_TOKENS: usize = 64;

/// A set of scope tokens, compared byte by byte: no prefixes, wildcards or folding (DEL-20). It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
// INVARIANT: the tokens in byte order, each once, with single spaces between them
pub struct Scope(Text);

/// Why a text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// Longer or with more tokens than allowed.
    TooLong,
    /// Not tokens of RFC 6749 3.3 separated by single spaces.
    Syntax,
    /// A token twice.
    Duplicate,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the scope is longer than allowed",
            Self::Syntax => "the scope is not tokens separated by single spaces",
            Self::Duplicate => "the scope names a token twice",
        })
    }
}

impl core::error::Error for ScopeError {}

impl Scope {
    /// Reads tokens separated by single spaces; an empty text is the empty scope.
    ///
    /// # Errors
    ///
    /// [`ScopeError`], by rule broken.
    ///
    /// ```
    /// use handfast_delegation::Scope;
    /// let wide = Scope::parse("files:read files:write").unwrap();
    /// assert!(Scope::parse("files:read").unwrap().is_within(&wide));
    /// assert!(!Scope::parse("files").unwrap().is_within(&wide));
    /// ```
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::read(text, |text| text.into())
    }

    /// The same, where a text in order is kept by `keep`.
    pub(crate) fn read(text: &str, keep: impl FnOnce(&str) -> Text) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(ScopeError::TooLong);
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (mut count, mut last) = (0, "");
        for token in text.split(' ') {
            require_token(token)?;
            if token <= last {
                return Self::sorted(text);
            }
            (count, last) = (count + 1, token);
        }
        if count > MAX_SCOPE_TOKENS { Err(ScopeError::TooLong) } else { Ok(Self(keep(text))) }
    }

    /// The tokens of a text in which they do not stand in order.
    fn sorted(text: &str) -> Result<Self, ScopeError> {
        let mut tokens = BTreeSet::new();
        for token in text.split(' ') {
            require_token(token)?;
            if !tokens.insert(token) {
                return Err(ScopeError::Duplicate);
            }
        }
        if tokens.len() > MAX_SCOPE_TOKENS { Err(ScopeError::TooLong) } else { Ok(Self::joined(tokens)) }
    }

    /// INVARIANT: they come in byte order, each once.
    fn joined<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        Self(tokens.into_iter().collect::<Vec<_>>().join(" ").into())
    }

    /// The tokens in byte order, with single spaces between them.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it names `token`.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|other| other == token)
    }

    /// Whether everything it names is named by `wider` too.
    #[must_use]
    pub fn is_within(&self, wider: &Self) -> bool {
        // both in order, so what was passed does not come again
        let mut wider = wider.tokens();
        self.tokens().all(|token| wider.any(|other| other == token))
    }

    /// What it names that `wider` does not: what an `invalid_scope` answer lists.
    #[must_use]
    pub fn excess_over(&self, wider: &Self) -> Self {
        let wider: BTreeSet<_> = wider.tokens().collect();
        Self::joined(self.tokens().filter(|token| !wider.contains(token)))
    }

    /// What both name.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let other: BTreeSet<_> = other.tokens().collect();
        Self::joined(self.tokens().filter(|token| other.contains(token)))
    }

    /// Everything either names.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::joined(self.tokens().chain(other.tokens()).collect::<BTreeSet<_>>())
    }

    /// The tokens in byte order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        // an empty text is no token
        self.0.split(' ').filter(|token| !token.is_empty())
    }
}

fn require_token(text: &str) -> Result<(), ScopeError> {
    if text.is_empty() || !text.bytes().all(is_scope_byte) { Err(ScopeError::Syntax) } else { Ok(()) }
}

fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parsed(deserializer, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ScopeError>) {
        assert_eq!(Scope::parse(text).map(|scope| scope.to_string()), expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn tokens_are_separated_by_single_spaces() {
        check("", Ok(""));
        check("a b", Ok("a b"));
        check("b a", Ok("a b"));
        check("a b B ab", Ok("B a ab b"));
        for text in [" ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "\u{e4}", "a\nb"] {
            check(text, Err(ScopeError::Syntax));
        }
        for text in ["a b a", "a a", "b a b", "a a  b"] {
            check(text, Err(ScopeError::Duplicate));
        }
        check("b a  b", Err(ScopeError::Syntax));
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let tokens = |count: usize| (0..count).map(|n| format!("s{n:02}")).collect::<Vec<_>>().join(" ");
        for last in ["", " a"] {
            let tokens = |count: usize| tokens(count - last.len() / 2) + last;
            assert!(Scope::parse(&tokens(MAX_SCOPE_TOKENS)).is_ok());
            check(&tokens(MAX_SCOPE_TOKENS + 1), Err(ScopeError::TooLong));
        }
        assert!(Scope::parse(&"x".repeat(MAX_SCOPE_BYTES)).is_ok());
        check(&"x".repeat(MAX_SCOPE_BYTES + 1), Err(ScopeError::TooLong));
    }

    #[test]
    fn narrowing_is_exact() {
        let parent = Scope::parse("repo.read Files").unwrap_or_default();
        for (child, within) in
            [("repo.read", true), ("", true), ("repo", false), ("files", false), ("repo.read x", false)]
        {
            assert_eq!(Scope::parse(child).map(|child| child.is_within(&parent)), Ok(within), "{child}");
        }
        let child = Scope::parse("repo.read x y").unwrap_or_default();
        assert_eq!(child.excess_over(&parent).to_string(), "x y");
        assert_eq!(child.intersection(&parent).to_string(), "repo.read");
        assert_eq!(child.union(&parent).to_string(), "Files repo.read x y");
        assert!(child.contains("x") && !child.contains("x y") && !child.contains(""));
        let empty = Scope::default();
        assert!(empty.tokens().next().is_none() && !empty.contains("") && empty.is_within(&empty));
        assert!(!child.is_within(&empty) && child.intersection(&empty).is_empty());
    }
}
