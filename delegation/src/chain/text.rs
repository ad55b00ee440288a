//! The chain as it travels: compact JWSs joined by commas in one field line.

use handfast_identity::ContentHash;
use memchr::memchr_iter;

use super::{ChainError, MAX_HOPS};

/// Most bytes of evidence read where nothing else is configured (DEL-42, spec/limits.md).
pub const DEFAULT_CHAIN_BYTES: usize = 8 * 1024;
/// Most bytes of evidence any server may be configured to read (DEL-42, spec/limits.md).
pub const MAX_CHAIN_BYTES: usize = 32 * 1024;
/// A root token and the hops behind it.
const MAX_MEMBERS: usize = MAX_HOPS + 1;

/// The members of a `Delegation` field or of a bundle, apart and not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainText<'a> {
    members: Vec<&'a str>,
    hash: ContentHash,
}

impl<'a> ChainText<'a> {
    /// Takes `text` apart at its commas; blanks around them do not count.
    ///
    /// # Errors
    ///
    /// [`ChainError::TooLong`] for more than `max_bytes` or more than nine members, [`ChainError::Malformed`] for an empty one.
    pub fn parse(text: &'a str, max_bytes: usize) -> Result<Self, ChainError> {
        if text.len() > max_bytes.min(MAX_CHAIN_BYTES) {
            return Err(ChainError::TooLong);
        }
        let mut members = Vec::with_capacity(MAX_MEMBERS);
        members.extend(between_commas(text).map(|member| member.trim_matches([' ', '\t'])).take(MAX_MEMBERS + 1));
        if members.len() > MAX_MEMBERS {
            return Err(ChainError::TooLong);
        }
        if members.iter().any(|member| member.is_empty()) {
            return Err(ChainError::Malformed);
        }
        // members and the commas between them are all of the text, unless blanks were left out
        let is_joined = members.iter().map(|member| member.len() + 1).sum::<usize>() == text.len() + 1;
        let hash =
            if is_joined { ContentHash::of(text.as_bytes()) } else { ContentHash::of(members.join(",").as_bytes()) };
        Ok(Self { members, hash })
    }

    /// The members in order.
    #[must_use]
    pub fn members(&self) -> &[&'a str] {
        &self.members
    }

    /// The first member and the rest: root token and hops of an exchanged form or a bundle.
    #[must_use]
    pub fn split_root(&self) -> Option<(&'a str, &[&'a str])> {
        self.members.split_first().map(|(root, hops)| (*root, hops))
    }

    /// What `dch` and `chain_hash` are: the hash of the members joined by one `,` without blanks (DEL-32).
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The bytes of the members together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.members.iter().map(|member| member.len()).sum()
    }

    /// The members joined by one `,`: how the field is sent.
    #[must_use]
    pub fn to_field(&self) -> String {
        self.members.join(",")
    }
}

fn between_commas(text: &str) -> impl Iterator<Item = &str> {
    let commas = memchr_iter(b',', text.as_bytes());
    let starts = core::iter::once(0).chain(commas.clone().map(|comma| comma + 1));
    starts.zip(commas.chain([text.len()])).filter_map(|(start, end)| text.get(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_commas_change_nothing() {
        let tight = ChainText::parse("a.b.c,d.e.f", DEFAULT_CHAIN_BYTES);
        let loose = ChainText::parse(" a.b.c ,\td.e.f", DEFAULT_CHAIN_BYTES);
        assert_eq!(tight, loose);
        assert_eq!(tight.map(|text| text.hash()), Ok(ContentHash::of(b"a.b.c,d.e.f")));
    }

    #[test]
    fn size_and_number_are_bounded() {
        let members = |count: usize| vec!["x"; count].join(",");
        assert!(ChainText::parse(&members(MAX_MEMBERS), DEFAULT_CHAIN_BYTES).is_ok());
        assert_eq!(ChainText::parse(&members(MAX_MEMBERS + 1), DEFAULT_CHAIN_BYTES), Err(ChainError::TooLong));
        assert!(ChainText::parse(&"x".repeat(20), 20).is_ok());
        assert_eq!(ChainText::parse(&"x".repeat(21), 20), Err(ChainError::TooLong));
        assert_eq!(ChainText::parse(&"x".repeat(MAX_CHAIN_BYTES + 1), usize::MAX), Err(ChainError::TooLong));
        for text in ["", " ", "a,,b", ",a", "a,"] {
            assert_eq!(ChainText::parse(text, DEFAULT_CHAIN_BYTES), Err(ChainError::Malformed), "{text:?}");
        }
    }
}
