//! Enrolment tokens: an owner makes them beforehand, and whoever registers an agent with one has it claimed in the same step.
//!
//! A token is `<id>.<secret>`, each with 128 random bits. The id finds the record and stands in lists; of the secret only a hash
//! is stored.

use core::fmt;

use handfast_identity::{RandomSource, is_random_id, random_id};
use zeroize::Zeroizing;

use crate::code::CodeHash;
use crate::limits::MAX_CODE_BYTES;
use crate::{CodeKey, EnrolmentId};

/// An enrolment token in the clear: for the one answer that tells its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken(Zeroizing<String>);

impl EnrolmentToken {
    /// A fresh one of this enrolment.
    pub(crate) fn generate(id: &EnrolmentId, random: &mut dyn RandomSource) -> Self {
        Self(Zeroizing::new(random_id(&format!("{id}."), random)))
    }

    /// Takes the text of a token, as an agent was given it. One that cannot be a token is one of no enrolment.
    ///
    /// Longer than [`MAX_CODE_BYTES`] it is none, and not kept.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= MAX_CODE_BYTES).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The enrolment it says it is of.
    #[must_use]
    pub fn id(&self) -> Option<EnrolmentId> {
        let (id, secret) = self.0.split_once('.')?;
        EnrolmentId::parse(id).ok().filter(|_| is_random_id(secret, ""))
    }

    pub(crate) fn hash(&self, key: &CodeKey) -> CodeHash {
        key.hash_enrolment(&self.0)
    }

    /// Compares in time that does not depend on the token (P-20).
    pub(crate) fn matches(&self, key: &CodeKey, hash: &CodeHash) -> bool {
        key.is_enrolment(&self.0, hash)
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    struct Steps(u8);

    impl RandomSource for Steps {
        fn fill(&mut self, out: &mut [u8]) {
            for byte in out {
                self.0 = self.0.wrapping_mul(5).wrapping_add(17);
                *byte = self.0;
            }
        }
    }

    #[test]
    fn a_token_names_its_enrolment_and_fits_where_codes_do() {
        let mut random = Steps(1);
        let id = EnrolmentId::generate(&mut random);
        let token = EnrolmentToken::generate(&id, &mut random);
        assert_eq!(token.id().as_ref(), Some(&id));
        assert_eq!(EnrolmentToken::new(token.expose()), Some(token.clone()));
        assert_eq!(format!("{token:?}"), "EnrolmentToken(redacted)");
        let text = token.expose();
        for wrong in
            ["", "x", id.as_str(), &format!("{text}0"), &text.replace('.', "-"), &text.replace("enrolment", "x")]
        {
            assert_eq!(EnrolmentToken::new(wrong).and_then(|token| token.id()), None, "{wrong}");
        }
        assert_eq!(EnrolmentToken::new(&"x".repeat(MAX_CODE_BYTES + 1)), None);
    }

    #[test]
    fn a_token_matches_its_own_hash_under_its_own_key_only() {
        let mut random = Steps(2);
        let id = EnrolmentId::generate(&mut random);
        let (token, other) = (EnrolmentToken::generate(&id, &mut random), EnrolmentToken::generate(&id, &mut random));
        let (key, other_key) = (CodeKey::from_bytes(&[1; 32]), CodeKey::from_bytes(&[2; 32]));
        let hash = token.hash(&key);
        assert!(token.matches(&key, &hash));
        assert!(!other.matches(&key, &hash) && !token.matches(&other_key, &hash));
        assert_ne!(other.hash(&key), hash);
    }
}
