//! The words a person compares before letting a key speak for them.

use sha2::{Digest, Sha256};

use crate::DidKey;
use crate::words::word;

/// Words of a fingerprint: 48 bits, so a look-alike key costs some 10^14 tries.
pub const FINGERPRINT_WORDS: usize = 6;

/// Six words that name a key, for a person to compare on two screens (spec/registry.md, claiming).
///
/// They are a short hash of the DID: good against mix-ups and against a key chosen in haste, never an identity.
#[must_use]
pub fn fingerprint(did: &DidKey) -> String {
    let digest = Sha256::new().chain_update(b"handfast fingerprint\0").chain_update(did.as_str()).finalize();
    digest.iter().take(FINGERPRINT_WORDS).map(|byte| word(*byte)).collect::<Vec<_>>().join(" ")
}
