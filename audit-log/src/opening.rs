//! The salt and statement behind a commitment.
//!
//! Format 1 is binary: one byte `1`, the 32 bytes of salt, then the statement.

use core::fmt;

use handfast_identity::{RandomSource, random_bytes};

use crate::{Commitment, Leaf};

/// Bytes of a salt: as much as the hash gives, so that a guessed statement cannot be confirmed.
pub const SALT_BYTES: usize = 32;
/// The only format of an opening there is.
const FORMAT: u8 = 1;
/// Longest statement: an opening is one stored value of at most 4 KiB (spec/limits.md).
pub const MAX_STATEMENT_BYTES: usize = 4096 - 1 - SALT_BYTES;

/// A statement with the salt it was committed under. Whoever has it can show what a leaf stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    salt: [u8; SALT_BYTES],
    statement: Vec<u8>,
}

/// Why an opening cannot be made, read or matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpeningError {
    /// A format this version does not know.
    UnknownFormat {
        /// The number found.
        found: u8,
    },
    /// Shorter than its salt.
    Truncated,
    /// The statement is longer than [`MAX_STATEMENT_BYTES`].
    TooLong,
    /// The leaf commits to something else.
    OtherLeaf,
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat { found } => write!(f, "expected opening format `{FORMAT}`, found `{found}`"),
            Self::Truncated => f.write_str("the opening is cut short"),
            Self::TooLong => f.write_str("the statement is longer than allowed"),
            Self::OtherLeaf => f.write_str("the leaf commits to another statement"),
        }
    }
}

impl core::error::Error for OpeningError {}

/// A leaf and the statement it stands for. Made by [`Opening::opens`] only.
///
/// It says that the log holds this statement. Who made the statement is another question.
#[derive(Clone, Copy, Debug)]
pub struct OpenedLeaf<'a> {
    leaf: &'a Leaf,
    statement: &'a [u8],
}

impl<'a> OpenedLeaf<'a> {
    /// The leaf.
    #[must_use]
    pub const fn leaf(&self) -> &'a Leaf {
        self.leaf
    }

    /// The statement it commits to.
    #[must_use]
    pub const fn statement(&self) -> &'a [u8] {
        self.statement
    }
}

impl Opening {
    /// Salts a statement afresh.
    ///
    /// # Errors
    ///
    /// [`OpeningError::TooLong`].
    pub fn new(statement: Vec<u8>, random: &mut dyn RandomSource) -> Result<Self, OpeningError> {
        if statement.len() > MAX_STATEMENT_BYTES {
            return Err(OpeningError::TooLong);
        }
        Ok(Self { salt: random_bytes(random), statement })
    }

    /// What goes into the leaf.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment::new(&self.salt, &self.statement)
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        &self.statement
    }

    /// Shows that `leaf` commits to this statement.
    ///
    /// # Errors
    ///
    /// [`OpeningError::OtherLeaf`].
    pub fn opens<'a>(&'a self, leaf: &'a Leaf) -> Result<OpenedLeaf<'a>, OpeningError> {
        if self.commitment().is_same(leaf.commitment()) {
            Ok(OpenedLeaf { leaf, statement: &self.statement })
        } else {
            Err(OpeningError::OtherLeaf)
        }
    }

    /// The bytes to keep apart from the log.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[FORMAT][..], &self.salt, &self.statement].concat()
    }

    /// Reads what [`Opening::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`OpeningError`], never [`OpeningError::OtherLeaf`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OpeningError> {
        let (format, rest) = bytes.split_first().ok_or(OpeningError::Truncated)?;
        if *format != FORMAT {
            return Err(OpeningError::UnknownFormat { found: *format });
        }
        let (salt, statement) = rest.split_first_chunk().ok_or(OpeningError::Truncated)?;
        if statement.len() > MAX_STATEMENT_BYTES {
            return Err(OpeningError::TooLong);
        }
        Ok(Self { salt: *salt, statement: statement.to_vec() })
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the statement is for its parties, not for logs (P-19)
        write!(f, "Opening({} bytes, {:?})", self.statement.len(), self.commitment())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use handfast_identity::UnixTime;
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl RandomSource for Fixed {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    fn opening(salt: u8, statement: &[u8]) -> Opening {
        Opening::new(statement.to_vec(), &mut Fixed(salt)).unwrap()
    }

    fn leaf(opening: &Opening) -> Leaf {
        Leaf::new("task_created", UnixTime::from_secs(9), None, opening.commitment()).unwrap()
    }

    #[test]
    fn a_leaf_is_opened_by_its_own_opening_only() {
        let own = opening(1, b"statement");
        let leaf = leaf(&own);
        let opened = own.opens(&leaf).unwrap();
        assert_eq!((opened.leaf(), opened.statement()), (&leaf, &b"statement"[..]));
        for other in [opening(2, b"statement"), opening(1, b"statemenu"), opening(1, b""), opening(1, b"\x01statement")]
        {
            assert_eq!(other.opens(&leaf).map(|_| ()), Err(OpeningError::OtherLeaf));
        }
    }

    #[test]
    fn the_commitment_is_the_hash_of_salt_and_statement() {
        // printf '\001%.0s' {1..32} and "abc", through sha256sum
        let expected = "8TjfuS8tFRQ75qp12MIqhIVZ53NiZwxFyKtYUv4j4IE";
        assert_eq!(opening(1, b"abc").commitment().to_string(), expected);
        assert_eq!(Commitment::parse(expected), Ok(opening(1, b"abc").commitment()));
    }

    #[test]
    fn sizes_and_formats_are_judged() {
        let longest = opening(1, &[b'x'; MAX_STATEMENT_BYTES]);
        let bytes = longest.to_bytes();
        assert_eq!(bytes.len(), 4096);
        assert_eq!(Opening::parse(&bytes), Ok(longest));
        assert_eq!(Opening::parse(&[&bytes[..], b"x"].concat()), Err(OpeningError::TooLong));
        let too_long = vec![b'x'; MAX_STATEMENT_BYTES + 1];
        assert_eq!(Opening::new(too_long, &mut Fixed(1)), Err(OpeningError::TooLong));
        assert_eq!(Opening::parse(&[]), Err(OpeningError::Truncated));
        assert_eq!(Opening::parse(&[FORMAT; SALT_BYTES]), Err(OpeningError::Truncated));
        assert_eq!(Opening::parse(&[FORMAT; SALT_BYTES + 1]), Ok(opening(1, b"")));
        assert_eq!(Opening::parse(&[2; 64]), Err(OpeningError::UnknownFormat { found: 2 }));
    }

    #[test]
    fn debug_shows_neither_salt_nor_statement() {
        let text = format!("{:?}", opening(1, b"statement"));
        assert!(text.starts_with("Opening(9 bytes, Commitment(") && !text.contains("statement"), "{text}");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_another_leaf(statement in prop::collection::vec(any::<u8>(), 1..64), bit in 0_usize..512) {
            let own = opening(3, &statement);
            let leaf = leaf(&own);
            let mut bytes = own.to_bytes();
            let place = 1 + (bit / 8) % (bytes.len() - 1);
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << (bit % 8);
            }
            prop_assert_eq!(Opening::parse(&bytes).unwrap().opens(&leaf).map(|_| ()), Err(OpeningError::OtherLeaf));
            prop_assert!(own.opens(&leaf).is_ok());
        }
    }
}
