//! What an enforcement point asks of delegation evidence.

use handfast_delegation::{DEFAULT_CHAIN_BYTES, DEFAULT_HOPS};

/// Whether a token made from a chain needs the chain beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidencePolicy {
    /// Yes: what the issuer says about hops is checked, hop by hop. The default.
    Required,
    /// Evidence that is sent is checked; without it the issuer's word is taken.
    Optional,
}

/// How much of a chain is read, and whether it has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPolicy {
    /// Whether evidence is needed.
    pub evidence: EvidencePolicy,
    /// Most bytes of it; over [`MAX_CHAIN_BYTES`](handfast_delegation::MAX_CHAIN_BYTES) counts as that (DEL-42).
    pub max_bytes: usize,
    /// Most hops; over [`MAX_HOPS`](handfast_delegation::MAX_HOPS) counts as that (DEL-26).
    pub max_hops: usize,
}

impl Default for ChainPolicy {
    fn default() -> Self {
        Self { evidence: EvidencePolicy::Required, max_bytes: DEFAULT_CHAIN_BYTES, max_hops: DEFAULT_HOPS }
    }
}
