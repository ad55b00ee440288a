//! One entry of the log.
//!
//! Format 1 is RFC 8785 JSON, frozen: the bytes are what a Merkle tree will hash.
//!
//! ```text
//! {"commitment":"<43 base64url>","did":"did:key:…","kind":"agent_claimed","time":1790000000,"v":1}
//! ```
//!
//! `did` is left out where the operator acted at the machine itself, who has none.

use core::fmt;

use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, MAX_UNIX_SECONDS, UnixTime};
use serde::Deserialize;

use crate::Commitment;

/// The only leaf format there is.
const FORMAT: u64 = 1;
/// Longest leaf: all members at their longest come to about 210 bytes.
pub const MAX_LEAF_BYTES: usize = 256;
/// Longest kind of event.
pub const MAX_KIND_CHARS: usize = 32;

/// One entry of the log: what kind of event, when, about whom, and the commitment to the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    kind: String,
    time: UnixTime,
    did: Option<DidKey>,
    commitment: Commitment,
}

/// Why a leaf cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeafError {
    /// A format this version does not know.
    UnknownFormat {
        /// The number found.
        found: u64,
    },
    /// The kind is not 1 to [`MAX_KIND_CHARS`] characters of `a-z` and `_`.
    Kind,
    /// The time is beyond what every JSON reader keeps exactly.
    Time,
    /// Not the one encoding of a leaf.
    Encoding,
}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat { found } => {
                write!(f, "expected leaf format `{FORMAT}`, found `{found}`")
            }
            Self::Kind => f.write_str("the kind of an event is 1 to 32 characters of a-z and `_`"),
            Self::Time => f.write_str("the time of an event is out of range"),
            Self::Encoding => f.write_str("not the canonical encoding of a leaf"),
        }
    }
}

impl core::error::Error for LeafError {}

impl Leaf {
    /// A leaf of an event of `kind` at `time` about `did`.
    ///
    /// # Errors
    ///
    /// [`LeafError::Kind`] or [`LeafError::Time`].
    pub fn new(kind: &str, time: UnixTime, did: Option<DidKey>, commitment: Commitment) -> Result<Self, LeafError> {
        let kind_is_good = (1..=MAX_KIND_CHARS).contains(&kind.len())
            && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !kind_is_good {
            return Err(LeafError::Kind);
        }
        if time.as_secs() > MAX_UNIX_SECONDS {
            return Err(LeafError::Time);
        }
        Ok(Self { kind: kind.to_owned(), time, did, commitment })
    }

    /// The kind of event.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When it happened, by the registry's clock.
    #[must_use]
    pub const fn time(&self) -> UnixTime {
        self.time
    }

    /// Whom it is about.
    #[must_use]
    pub const fn did(&self) -> Option<&DidKey> {
        self.did.as_ref()
    }

    /// The commitment to salt and statement.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// The leaf's one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // nothing in it needs escaping: base64url, a DID, a-z and `_`, digits
        let Self { kind, time, commitment, .. } = self;
        let did = self.did.as_ref().map(|did| format!(r#""did":"{did}","#)).unwrap_or_default();
        format!(r#"{{"commitment":"{commitment}",{did}"kind":"{kind}","time":{time},"v":{FORMAT}}}"#).into_bytes()
    }

    /// Reads a leaf: exactly the bytes that [`Leaf::to_bytes`] writes.
    ///
    /// # Errors
    ///
    /// [`LeafError`]; a later format is named before anything else is judged.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let limits = Limits::plain(MAX_LEAF_BYTES);
        let FormatWire { v } = json::read(bytes, &limits).map_err(|_| LeafError::Encoding)?;
        if v != FORMAT {
            return Err(LeafError::UnknownFormat { found: v });
        }
        let wire: LeafWire = json::read(bytes, &limits).map_err(|_| LeafError::Encoding)?;
        let did = wire.did.map(|text| DidKey::parse(&text)).transpose().map_err(|_| LeafError::Encoding)?;
        let commitment = Commitment::parse(&wire.commitment).map_err(|_| LeafError::Encoding)?;
        let leaf = Self::new(&wire.kind, wire.time, did, commitment)?;
        // one leaf, one spelling: the tree hashes bytes
        if leaf.to_bytes() == bytes { Ok(leaf) } else { Err(LeafError::Encoding) }
    }
}

#[derive(Deserialize)]
struct FormatWire {
    v: u64,
}

#[derive(Deserialize)]
struct LeafWire {
    commitment: String,
    did: Option<String>,
    kind: String,
    time: UnixTime,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    const DID: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";

    fn leaf(kind: &str, time: u64) -> Result<Leaf, LeafError> {
        let did = DidKey::parse(DID).unwrap();
        Leaf::new(kind, UnixTime::from_secs(time), Some(did), Commitment::new(&[7; 32], b"statement"))
    }

    #[test]
    fn format_1_is_frozen() {
        let with_did = leaf("agent_claimed", 1_790_000_000).unwrap();
        let text = concat!(
            r#"{"commitment":"tkv63a-72Zmm9PkwoEKThAmHd85gS_0pJXtn370t8_w","did":"#,
            r#""did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw","kind":"agent_claimed","#,
            r#""time":1790000000,"v":1}"#
        );
        assert_eq!(String::from_utf8(with_did.to_bytes()).unwrap(), text);
        assert_eq!(Leaf::parse(text.as_bytes()), Ok(with_did.clone()));
        let without = Leaf { did: None, ..with_did };
        assert_eq!(Leaf::parse(&without.to_bytes()), Ok(without));
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let longest = "a".repeat(MAX_KIND_CHARS);
        let largest = leaf(&longest, MAX_UNIX_SECONDS).unwrap();
        assert!(largest.to_bytes().len() <= MAX_LEAF_BYTES);
        assert_eq!(Leaf::parse(&largest.to_bytes()), Ok(largest));
        assert_eq!(leaf("a", MAX_UNIX_SECONDS + 1), Err(LeafError::Time));
        for kind in ["", "Agent", "agent-claimed", "a\"", &(longest + "a")] {
            assert_eq!(leaf(kind, 0), Err(LeafError::Kind), "{kind}");
        }
    }

    #[test]
    fn only_the_one_encoding_is_read() {
        let good = String::from_utf8(leaf("agent_claimed", 5).unwrap().to_bytes()).unwrap();
        let check = |text: &str, expected: LeafError| assert_eq!(Leaf::parse(text.as_bytes()), Err(expected), "{text}");
        check(&good.replace(r#""v":1"#, r#""v":2"#), LeafError::UnknownFormat { found: 2 });
        check(&good.replace(r#""v":1"#, r#""new":[1],"v":2"#), LeafError::UnknownFormat { found: 2 });
        check(&good.replace(r#""v":1"#, r#""new":1,"v":1"#), LeafError::Encoding);
        check(&good.replace(r#","v":1"#, ""), LeafError::Encoding);
        check(&good.replace(r#""v":1"#, r#""v":1,"v":1"#), LeafError::Encoding);
        check(&good.replace(":5,", ": 5,"), LeafError::Encoding);
        check(&good.replace("\"did:key:z6M", "\"did:key:z6N"), LeafError::Encoding);
        check(&good.replace("agent_claimed", "agent_cl\\u0061imed"), LeafError::Encoding);
        check(&good.replace("agent_claimed", ""), LeafError::Kind);
        check(&format!("{good} "), LeafError::Encoding);
        check(&" ".repeat(MAX_LEAF_BYTES + 1), LeafError::Encoding);
    }
}
