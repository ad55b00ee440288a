//! Tokens and chains found good, and the keys in them, remembered in this process.

use std::fmt;
use std::sync::Arc;

use handfast_dpop::ProofHeader;
use handfast_identity::{DidKey, UnixTime};
use handfast_verifier::{CLOCK_LEEWAY, ChainVerdict, KnownToken, VerdictKey, Verdicts};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::often::OftenFound;

/// What remembered chains may take of memory (spec/limits.md): some thousand of three hops.
pub(crate) const VERDICT_BYTES: u64 = 16 * 1024 * 1024;
/// About what a chain of three hops takes: how many there may be is a guess, for the table to be made.
const TYPICAL_BYTES: u64 = 8 * 1024;

/// What remembered tokens may take of memory (spec/limits.md): some four thousand.
pub(crate) const TOKEN_BYTES: u64 = 16 * 1024 * 1024;
/// About what a token takes.
const TYPICAL_TOKEN_BYTES: u64 = 4 * 1024;

/// What remembered headers of proofs may take of memory (spec/limits.md): three thousand with prepared keys, or a hundred thousand
/// that were not found often.
pub(crate) const HEADER_BYTES: u64 = 64 * 1024 * 1024;
/// About what a header takes.
const TYPICAL_HEADER_BYTES: u64 = 640;

/// What delegates' decoded keys may take of memory (spec/limits.md): half as many as headers.
pub(crate) const KEY_BYTES: u64 = 32 * 1024 * 1024;
/// About what a key takes.
const TYPICAL_KEY_BYTES: u64 = 512;

/// The verdicts of one resource server and the keys in them, bounded by weight; the least used make room.
pub(crate) struct RememberedVerdicts {
    verdicts: Cache<VerdictKey, Arc<ChainVerdict>, ByWeight>,
    tokens: Cache<TokenTail, Arc<KnownToken>, ByWeight>,
    headers: OftenFound<Arc<ProofHeader>>,
    keys: OftenFound<DidKey>,
}

/// What is remembered, for metrics: how many of each, and about how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Access tokens whose signature was found good.
    pub tokens: usize,
    /// About what they take of memory, 16 MiB at most.
    pub token_bytes: u64,
    /// Chains found good.
    pub chains: usize,
    /// About what they take of memory, 16 MiB at most.
    pub chain_bytes: u64,
    /// Headers of proofs, read, with their keys decoded.
    pub headers: usize,
    /// About what they take of memory, 64 MiB at most.
    pub header_bytes: u64,
    /// Decoded keys of delegates.
    pub keys: usize,
    /// About what they take of memory, 32 MiB at most.
    pub key_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct ByWeight;

impl Weighter<VerdictKey, Arc<ChainVerdict>> for ByWeight {
    fn weight(&self, _: &VerdictKey, verdict: &Arc<ChainVerdict>) -> u64 {
        u64::try_from(verdict.weight()).unwrap_or(u64::MAX)
    }
}

impl Weighter<TokenTail, Arc<KnownToken>> for ByWeight {
    fn weight(&self, _: &TokenTail, token: &Arc<KnownToken>) -> u64 {
        u64::try_from(token.weight()).unwrap_or(u64::MAX)
    }
}

/// The last characters of a token, half of its signature: no two tokens of one issuer have the same. What is found under them is
/// compared whole by the check, so another text with the same end only finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TokenTail([u8; 43]);

impl TokenTail {
    fn of(text: &[u8]) -> Option<Self> {
        text.last_chunk().copied().map(Self)
    }
}

impl RememberedVerdicts {
    pub(crate) fn new() -> Self {
        Self::bounded(VERDICT_BYTES, TOKEN_BYTES)
    }

    fn bounded(chain_bytes: u64, token_bytes: u64) -> Self {
        let items = |bytes: u64, typical| usize::try_from(bytes / typical).unwrap_or(usize::MAX);
        Self {
            verdicts: Cache::with_weighter(items(chain_bytes, TYPICAL_BYTES), chain_bytes, ByWeight),
            tokens: Cache::with_weighter(items(token_bytes, TYPICAL_TOKEN_BYTES), token_bytes, ByWeight),
            headers: OftenFound::bounded(HEADER_BYTES, TYPICAL_HEADER_BYTES),
            keys: OftenFound::bounded(KEY_BYTES, TYPICAL_KEY_BYTES),
        }
    }

    pub(crate) fn held(&self) -> Remembered {
        Remembered {
            tokens: self.tokens.len(),
            token_bytes: self.tokens.weight(),
            chains: self.verdicts.len(),
            chain_bytes: self.verdicts.weight(),
            headers: self.headers.len(),
            header_bytes: self.headers.weight(),
            keys: self.keys.len(),
            key_bytes: self.keys.weight(),
        }
    }
}

impl Verdicts for RememberedVerdicts {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.verdicts.get(key)
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.verdicts.insert(key, verdict);
    }

    fn find_key(&self, did: &str) -> Option<DidKey> {
        self.keys.find(did)
    }

    fn keep_key(&self, key: &DidKey) {
        if !self.keys.holds(key.as_str()) {
            self.keys.keep(key.as_str(), key);
        }
    }

    fn find_header(&self, text: &[u8]) -> Option<Arc<ProofHeader>> {
        self.headers.find(text)
    }

    fn keep_header(&self, header: &Arc<ProofHeader>) {
        self.headers.keep(header.text(), header);
    }

    fn find_token(&self, text: &[u8], now: UnixTime) -> Option<Arc<KnownToken>> {
        let tail = TokenTail::of(text)?;
        let token = self.tokens.get(&tail)?;
        if now > token.expires_at().saturating_add(CLOCK_LEEWAY) {
            self.tokens.remove(&tail);
            return None;
        }
        Some(token)
    }

    fn keep_token(&self, token: &Arc<KnownToken>) {
        if let Some(tail) = TokenTail::of(token.text().as_bytes()) {
            self.tokens.insert(tail, Arc::clone(token));
        }
    }
}

impl fmt::Debug for RememberedVerdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.held().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

    use handfast_delegation::{ChainText, MAX_CHAIN_BYTES, ResourceId};
    use handfast_dpop::{NoncePolicy, ProofWindow};
    use handfast_identity::Seconds;
    use handfast_testkit::{Agent, Chain, Issuer, START, TOKEN_LIFETIME, facts_of, known};
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
    fn the_keys_of_who_signed_it_are_known_from_then_on() {
        let verdicts = RememberedVerdicts::new();
        verify(&verdicts, 2);
        let known = |number| verdicts.find_key(Agent::numbered(number).did().as_str());
        assert_eq!([1, 2, 3].map(known), [1, 2, 3].map(|number| Some(Agent::numbered(number).did())));
        assert_eq!(known(4), None);
        verify(&verdicts, 2);
        assert_eq!(verdicts.held().keys, 3);
    }

    #[test]
    fn memory_is_bounded_by_what_chains_take() {
        let verdicts = RememberedVerdicts::bounded(64 * 1024, 32 * 1024);
        for hops in (1..=8).cycle().take(64) {
            verify(&verdicts, hops);
            let held = verdicts.held();
            assert!(held.chain_bytes <= 64 * 1024 && held.token_bytes <= 32 * 1024, "{held:?}");
        }
        let Remembered { tokens, chains, .. } = verdicts.held();
        assert!((2..64).contains(&chains) && (2..64).contains(&tokens), "{verdicts:?}");
    }

    #[test]
    fn a_token_is_remembered_until_it_ends() {
        let verdicts = RememberedVerdicts::new();
        let token = verify(&verdicts, 1).offline().token;
        let at = |seconds| START.saturating_add(Seconds::new(seconds));
        let is_known = |text: &str, now| verdicts.find_token(text.as_bytes(), now).is_some();
        let last = TOKEN_LIFETIME.get() + CLOCK_LEEWAY.get();
        assert!(is_known(&token, START) && is_known(&token, at(last)));
        assert!(!is_known(&token[1..43], START));
        assert_eq!(verdicts.held().tokens, 1);
        assert!(!is_known(&token, at(last + 1)));
        assert_eq!(verdicts.held(), Remembered { tokens: 0, token_bytes: 0, ..verdicts.held() });
    }
}
