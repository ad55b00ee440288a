//! Claim codes that people type, and enrolment codes of owners. Both are stored hashed and shown once.

use core::fmt;

use handfast_identity::{RandomSource, random_bytes, random_id};
use ring::hmac;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ClaimId;
use crate::limits::MAX_CODE_BYTES;

/// 20 consonants: no vowels, so no words, and no letter that looks like another (RFC 8628 6.1).
const CODE_ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Characters of a claim code: 34.6 bits, behind five tries an owner and fifty in all.
pub const USER_CODE_CHARS: u32 = 8;
const OWNER_CODE_PREFIX: &str = "enrol_";

/// The registry's secret under which claim codes and enrolment tokens are hashed.
///
/// A claim code is short enough to be found from a plain hash by trying; under this key a stolen store does not help. The
/// same on every node of one registry. Losing it voids the open codes and enrolments, and nothing else.
pub struct CodeKey(hmac::Key);

impl CodeKey {
    /// The key of 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    pub(crate) fn hash(&self, claim: &ClaimId, code: &str) -> CodeHash {
        self.tag(&message(claim, code))
    }

    /// Compares in time that does not depend on the code (P-20).
    pub(crate) fn matches(&self, claim: &ClaimId, presented: &PresentedCode, hash: &CodeHash) -> bool {
        hmac::verify(&self.0, &message(claim, &presented.0), &hash.0).is_ok()
    }

    pub(crate) fn hash_enrolment(&self, token: &str) -> CodeHash {
        self.tag(&enrolment_message(token))
    }

    /// Compares in time that does not depend on the token (P-20).
    pub(crate) fn is_enrolment(&self, token: &str, hash: &CodeHash) -> bool {
        hmac::verify(&self.0, &enrolment_message(token), &hash.0).is_ok()
    }

    fn tag(&self, message: &[u8]) -> CodeHash {
        let tag = hmac::sign(&self.0, message);
        let mut hash = [0; 32];
        // both have 32 bytes; were they ever different, the rest stays zero and matches nothing
        hash.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        CodeHash(hash)
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(redacted)")
    }
}

fn message(claim: &ClaimId, code: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([b"handfast claim code\0", claim.as_str().as_bytes(), b"\0", code.as_bytes()].concat())
}

fn enrolment_message(token: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([b"handfast agent enrolment\0", token.as_bytes()].concat())
}

/// What is stored of a claim code, or of an enrolment token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeHash(pub(crate) [u8; 32]);

/// A claim code in the clear: for the one answer that tells the agent.
pub struct UserCode(Zeroizing<String>);

impl UserCode {
    pub(crate) fn generate(random: &mut dyn RandomSource) -> Self {
        // of 2^64 values, 20^8 is one in 7 × 10^8: the bias is beyond measuring
        let mut value = u64::from_be_bytes(random_bytes(random));
        let mut digit = || {
            let place = usize::try_from(value % 20).unwrap_or_default();
            value /= 20;
            char::from(CODE_ALPHABET.get(place).copied().unwrap_or(b'B'))
        };
        Self(Zeroizing::new((0..USER_CODE_CHARS).map(|_| digit()).collect()))
    }

    /// The 8 letters.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(redacted)")
    }
}

/// A claim code as somebody typed it: case, `-` and blanks do not count (RFC 8628 6.1).
pub struct PresentedCode(Zeroizing<String>);

impl PresentedCode {
    /// Takes any text. One that cannot be a code is a wrong code, and counts as one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let letters = text.chars().filter(|c| !matches!(c, '-' | ' ')).take(MAX_CODE_BYTES);
        Self(Zeroizing::new(letters.map(|c| c.to_ascii_uppercase()).collect()))
    }
}

impl fmt::Debug for PresentedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedCode(redacted)")
    }
}

/// An enrolment code in the clear: it makes an owner, once.
pub struct OwnerCode(Zeroizing<String>);

impl OwnerCode {
    pub(crate) fn generate(random: &mut dyn RandomSource) -> Self {
        Self(Zeroizing::new(random_id(OWNER_CODE_PREFIX, random)))
    }

    /// Takes the text of a code, as an owner was given it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key under which its record is found. 128 random bits need no secret to stay unguessable.
    pub(crate) fn digest(&self) -> OwnerCodeDigest {
        let hash = Sha256::new().chain_update(b"handfast owner code\0").chain_update(self.0.as_bytes()).finalize();
        OwnerCodeDigest(hash.into())
    }
}

impl fmt::Debug for OwnerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerCode(redacted)")
    }
}

/// What is stored of an enrolment code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerCodeDigest(pub(crate) [u8; 32]);

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
    fn claim_codes_have_8_letters_of_20() {
        let mut random = Steps(1);
        for _ in 0..100 {
            let code = UserCode::generate(&mut random);
            assert_eq!(code.expose().len(), 8);
            assert!(code.expose().bytes().all(|byte| CODE_ALPHABET.contains(&byte)), "{}", code.expose());
        }
    }

    #[test]
    fn a_code_matches_at_its_own_claim_and_key_only() {
        let mut random = Steps(2);
        let (key, other_key) = (CodeKey::from_bytes(&[1; 32]), CodeKey::from_bytes(&[2; 32]));
        let (claim, other_claim) = (ClaimId::generate(&mut random), ClaimId::generate(&mut random));
        let hash = key.hash(&claim, "BCDFGHJK");
        for typed in ["BCDFGHJK", "bcdf-ghjk", " BCDF GHJK "] {
            assert!(key.matches(&claim, &PresentedCode::new(typed), &hash), "{typed}");
        }
        for typed in ["", "BCDFGHJL", "BCDFGHJ", "BCDFGHJKB", "BCDF_GHJK", &"B".repeat(100_000)] {
            assert!(!key.matches(&claim, &PresentedCode::new(typed), &hash));
        }
        let typed = PresentedCode::new("BCDFGHJK");
        assert!(!key.matches(&other_claim, &typed, &hash) && !other_key.matches(&claim, &typed, &hash));
    }

    #[test]
    fn secrets_have_no_debug_text() {
        // TH73
        let mut random = Steps(3);
        let (user, owner) = (UserCode::generate(&mut random), OwnerCode::generate(&mut random));
        let shown =
            format!("{user:?} {owner:?} {:?} {:?}", PresentedCode::new(user.expose()), CodeKey::from_bytes(&[1; 32]));
        assert!(!shown.contains(user.expose()) && !shown.contains(owner.expose()), "{shown}");
        assert_eq!(shown.matches("redacted").count(), 4);
    }
}
