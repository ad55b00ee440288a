//! Chains found good, and the keys in them, remembered in this process.

use std::fmt;
use std::sync::Arc;

use handfast_identity::DidKey;
use handfast_verifier::{ChainVerdict, ChainVerdicts, VerdictKey};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// What remembered chains may take of memory (spec/limits.md): some thousand of three hops.
const VERDICT_BYTES: u64 = 16 * 1024 * 1024;
/// About what a chain of three hops takes: how many there may be is a guess, for the table to be made.
const TYPICAL_BYTES: u64 = 8 * 1024;

/// Delegates whose decoded keys are remembered (spec/limits.md): some 300 bytes each.
const KNOWN_KEYS: usize = 4096;

/// The verdicts of one resource server, bounded by weight, and keys, bounded by number; the least used make room.
pub(crate) struct RememberedVerdicts {
    verdicts: Cache<VerdictKey, Arc<ChainVerdict>, ByWeight>,
    keys: Cache<String, DidKey>,
}

#[derive(Clone, Copy, Debug)]
struct ByWeight;

impl Weighter<VerdictKey, Arc<ChainVerdict>> for ByWeight {
    fn weight(&self, _: &VerdictKey, verdict: &Arc<ChainVerdict>) -> u64 {
        u64::try_from(verdict.weight()).unwrap_or(u64::MAX)
    }
}

impl RememberedVerdicts {
    pub(crate) fn new() -> Self {
        Self::bounded(VERDICT_BYTES)
    }

    fn bounded(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(usize::MAX);
        Self { verdicts: Cache::with_weighter(items, bytes, ByWeight), keys: Cache::new(KNOWN_KEYS) }
    }
}

impl ChainVerdicts for RememberedVerdicts {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.verdicts.get(key)
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.verdicts.insert(key, verdict);
    }

    fn find_key(&self, did: &str) -> Option<DidKey> {
        self.keys.get(did)
    }

    fn keep_key(&self, key: &DidKey) {
        if !self.keys.contains_key(key.as_str()) {
            self.keys.insert(key.as_str().to_owned(), key.clone());
        }
    }
}

impl fmt::Debug for RememberedVerdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberedVerdicts").field("held", &self.verdicts.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

    use handfast_delegation::{ChainText, MAX_CHAIN_BYTES, ResourceId};
    use handfast_dpop::{NoncePolicy, ProofWindow};
    use handfast_testkit::{Agent, Chain, Issuer, START, facts_of, known};
    use handfast_verifier::{CLOCK_LEEWAY, ChainPolicy, Credentials, DEFAULT_STALENESS, EnforcementPoint, NoStops};

    use super::*;

    const API: &str = "https://api.example";

    /// Has a chain of `hops` hops verified, with these verdicts at hand.
    fn verify(verdicts: &RememberedVerdicts, hops: u8) -> Chain {
        let (issuer, agent) = (Issuer::example(), Agent::numbered(1));
        let root = issuer.token_for(&agent, API, "files:read", START);
        let chain = Chain::below(&issuer, &agent, root);
        let chain = (1..=hops).fold(chain, |chain, place| chain.to(&Agent::numbered(place + 1)));
        again(verdicts, &chain);
        chain
    }

    fn again(verdicts: &RememberedVerdicts, chain: &Chain) {
        let evidence = chain.offline();
        let point = EnforcementPoint {
            resource: &ResourceId::parse(API).unwrap(),
            window: ProofWindow::default(),
            nonces: NoncePolicy::Off,
            leeway: CLOCK_LEEWAY,
            staleness: DEFAULT_STALENESS,
            environment: None,
            chain: ChainPolicy { max_bytes: MAX_CHAIN_BYTES, max_hops: 8, ..ChainPolicy::default() },
            verdicts,
            stops: &NoStops,
        };
        let text = ChainText::parse(&evidence.field, MAX_CHAIN_BYTES).unwrap();
        let facts = facts_of(&Issuer::example(), known(START));
        Credentials::verify(&evidence.token, Some(&text), &point, &facts, START).unwrap();
    }

    #[test]
    fn a_chain_is_remembered_once() {
        let verdicts = RememberedVerdicts::new();
        let chain = verify(&verdicts, 3);
        let kept = || verdicts.verdicts.iter().map(|(_, verdict)| Arc::as_ptr(&verdict)).collect::<Vec<_>>();
        let first = kept();
        again(&verdicts, &chain);
        assert_eq!(first.len(), 1);
        assert_eq!(kept(), first, "verified anew, it would have been kept anew");
    }

    #[test]
    fn the_keys_of_its_delegates_are_known_from_then_on() {
        let verdicts = RememberedVerdicts::new();
        verify(&verdicts, 2);
        let known = |number| verdicts.find_key(Agent::numbered(number).did().as_str());
        assert_eq!([2, 3].map(known), [2, 3].map(|number| Some(Agent::numbered(number).did())));
        assert_eq!(known(4), None);
        verify(&verdicts, 2);
        assert_eq!(verdicts.keys.len(), 2);
    }

    #[test]
    fn memory_is_bounded_by_what_chains_take() {
        let verdicts = RememberedVerdicts::bounded(64 * 1024);
        for hops in (1..=8).cycle().take(64) {
            verify(&verdicts, hops);
            assert!(verdicts.verdicts.weight() <= 64 * 1024);
        }
        assert!((2..64).contains(&verdicts.verdicts.len()), "{verdicts:?}");
    }
}
