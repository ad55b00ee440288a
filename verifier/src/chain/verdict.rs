//! A chain found good, and the port through which a shell may remember it.

use core::fmt;
use std::sync::Arc;

use handfast_delegation::{StatusReference, VerifiedChain};
use handfast_dpop::ProofHeader;
use handfast_identity::{ContentHash, DidKey, PublicKey, UnixTime};

use super::ChainNames;
use crate::budget::RootBudget;
use crate::token::KnownToken;
use crate::trust::{IssuerFacts, TrustedIssuer};

/// How many times the bytes of the evidence a verdict takes: its texts, and headers and payloads decoded, of which the texts of hops are
/// parts.
const EVIDENCE_COPIES: usize = 2;
/// What a verdict takes for each hop beside its texts, and for the names of it that each listing issuer may revoke.
const LINK_BYTES: usize = 512;

/// What a verdict was made from: the presented token and the evidence, byte for byte.
///
/// A verdict also depends on the enforcement point and its trust, so each of them remembers its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerdictKey {
    pub(crate) token: ContentHash,
    pub(crate) chain: ContentHash,
}

/// Signatures, links and narrowing of one chain, found good. Made by the check only.
///
/// It says nothing about time, revocation, replay or the request: those are asked again every time.
#[derive(Debug)]
pub struct ChainVerdict {
    pub(crate) key: VerdictKey,
    pub(crate) max_hops: usize,
    /// What the issuer was trusted with: it says whose revocations are asked, and so which names are kept here.
    pub(crate) trust: Arc<TrustedIssuer>,
    /// Bytes of the evidence it was made from.
    pub(crate) evidence_bytes: usize,
    pub(crate) chain: VerifiedChain,
    pub(crate) root_key: RootKey,
    pub(crate) names: Vec<ChainNames>,
    /// Where the root's own status stands.
    pub(crate) root_status: Option<StatusReference>,
    pub(crate) root_budget: Option<RootBudget>,
}

/// The issuer's key under which the root was verified: the verdict stands as long as the issuer has it.
#[derive(Debug)]
pub(crate) struct RootKey {
    pub(crate) kid: String,
    pub(crate) key: PublicKey,
}

impl ChainVerdict {
    /// Whether it answers for exactly this key, with what is known of the issuer now and under this depth limit.
    pub(crate) fn stands(&self, key: &VerdictKey, issuer: &IssuerFacts, max_hops: usize) -> bool {
        let is_asked_for = self.key == *key && self.max_hops == max_hops;
        is_asked_for && issuer.is_trusted_with(&self.trust) && self.is_by_key_of(issuer)
    }

    /// Whether the issuer still has the very key that signed the root.
    pub(crate) fn is_by_key_of(&self, issuer: &IssuerFacts) -> bool {
        issuer.has_key(&self.root_key.kid, &self.root_key.key)
    }

    /// Roughly how many bytes it holds, for stores with a bound.
    #[must_use]
    pub const fn weight(&self) -> usize {
        let links = self.chain.depth() + self.names.len() * (self.chain.depth() + 1);
        size_of::<Self>() + EVIDENCE_COPIES * self.evidence_bytes + LINK_BYTES * links
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &VerifiedChain {
        &self.chain
    }
}

/// Where verdicts are remembered, about tokens and chains, and headers of proofs and keys that were decoded. Losing one costs a verification; a store
/// of one enforcement point is not for another.
pub trait Verdicts: fmt::Debug + Send + Sync {
    /// The verdict kept under `key`, if it is still there.
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>>;

    /// Remembers a verdict, in the place of the least used.
    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>);

    /// The key of a DID that was decoded before, which saves a tenth of a signature check. Only a key with exactly this DID is
    /// taken, so a wrong one costs what none does.
    fn find_key(&self, _did: &str) -> Option<DidKey> {
        None
    }

    /// Remembers a decoded key, in the place of the least used. Asked for delegates of chains found good only, so that junk cannot
    /// push them out.
    fn keep_key(&self, _key: &DidKey) {}

    /// The verdict about exactly this token, if it is still there and has not ended before `now`. Only one about exactly these
    /// bytes is taken, so a wrong one costs what none does. They are as they came in, and may be no text at all.
    fn find_token(&self, _text: &[u8], _now: UnixTime) -> Option<Arc<KnownToken>> {
        None
    }

    /// The header of a proof with exactly this text, if it was read before. Only one of exactly these bytes is taken, so a wrong one
    /// costs what none does. They are as they came in, and may be no text at all.
    fn find_header(&self, _text: &[u8]) -> Option<Arc<ProofHeader>> {
        None
    }

    /// Remembers the header of a proof, in the place of the least used. Asked for headers of proofs that the holder of a good token
    /// signed only, so that junk cannot push them out.
    fn keep_header(&self, _header: &Arc<ProofHeader>) {}

    /// Remembers the verdict about a token, in the place of the least used. Asked for tokens that their issuer signed for this
    /// resource only, so that junk cannot push them out.
    fn keep_token(&self, _token: &Arc<KnownToken>) {}
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVerdicts;

impl Verdicts for NoVerdicts {
    fn find(&self, _: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        None
    }

    fn keep(&self, _: VerdictKey, _: Arc<ChainVerdict>) {}
}
