//! What is remembered about tokens and chains: it answers for the same bytes, under the same keys and limits, and for nothing else.
#![allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod every_time;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use handfast_delegation::{
    AccessToken, ActorChain, ChainClaims, ChainText, Delegability, Hop, MAX_CHAIN_BYTES, ResourceId,
};
use handfast_dpop::{
    ContentHash, MemoryReplay, NoncePolicy, ProofRequest, ProofRoom, ProofWindow, ReplayLimits, ReplayStore, Target,
};
use handfast_identity::{DidKey, SigningKey};
use handfast_verifier::budget::Spent;
use handfast_verifier::revocation::RevocationKind;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Status, TrustedIssuer};
use handfast_verifier::{
    Authorized, CLOCK_LEEWAY, ChainPolicy, ChainVerdict, DEFAULT_STALENESS, EnforcementPoint, NoStops, NoVerdicts,
    Rejection, RequestParts, RouteRule, UnverifiedRequest, VerdictKey, Verdicts,
};
use support::*;

fn delegate(place: u8) -> SigningKey {
    if place == 0 { agent() } else { SigningKey::from_ed25519_seed(&[20 + place; 32]) }
}

fn old_issuer() -> SigningKey {
    SigningKey::from_ed25519_seed(&[9; 32])
}

/// A root that may be passed on twice, also offline.
fn root() -> AccessToken {
    let mut root = claims(&agent());
    root.authority.max_depth = 2;
    root.delegability = Some(Delegability { depth: 0, offline: true });
    root
}

/// Two hops below the root token, the second signed by `second`.
fn hops(root: &AccessToken, root_text: &str, second: &SigningKey) -> Vec<String> {
    altered_hops(root, root_text, second, |_| ())
}

/// The same, each altered before it is signed.
fn altered_hops(root: &AccessToken, root_text: &str, second: &SigningKey, alter: impl Fn(&mut Hop)) -> Vec<String> {
    let mut texts = Vec::new();
    let mut parent = name(root_text);
    for place in 1..=2 {
        let mut hop = Hop {
            delegator: did(&delegate(place - 1)).text(),
            delegate: did(&delegate(place)),
            subject: root.subject.clone(),
            task: root.task.as_ref().unwrap().id.clone(),
            authority: root.authority.clone(),
            issued_at: at(-50),
            not_before: None,
            hop_id: format!("hop_{place}").into(),
            depth: place,
            is_instance: false,
            parent,
        };
        alter(&mut hop);
        let mut text = hop.sign(&delegate(place - 1)).unwrap();
        if place == 2 {
            let (input, _) = text.rsplit_once('.').unwrap();
            text = format!("{input}.{}", handfast_identity::base64url::encode(&second.sign(input.as_bytes())));
        }
        parent = name(&text);
        texts.push(text);
    }
    texts
}

/// The name of a token or hop.
fn name(text: &str) -> ContentHash {
    ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes())
}

/// A presented token and its evidence.
struct Presented {
    token: String,
    field: String,
}

fn offline(second: &SigningKey) -> Presented {
    let token = root().sign(&kid(&issuer()), &issuer()).unwrap();
    let field = hops(&root(), &token, second).join(",");
    Presented { token, field }
}

/// An exchanged token by the issuer's key, with a root by its old one.
fn exchanged() -> Presented {
    let root_text = root().sign(&kid(&old_issuer()), &old_issuer()).unwrap();
    let hops = hops(&root(), &root_text, &delegate(1));
    let field = [vec![root_text], hops.clone()].concat().join(",");
    let actors = [2, 1, 0].map(|place| did(&delegate(place)).text());
    let mut token = root();
    token.client_id = did(&delegate(2)).text();
    token.confirmation = Some(delegate(2).public().thumbprint());
    token.actors = Some(ActorChain::from_names(actors.into()).unwrap());
    token.delegability = Some(Delegability { depth: 2, offline: false });
    token.token_id = "tok_2".into();
    token.chain = Some(ChainClaims {
        hops: hops.iter().map(|hop| name(hop)).collect(),
        root_token_id: "tok_1".into(),
        hash: ContentHash::of(field.as_bytes()),
    });
    Presented { token: token.sign(&kid(&issuer()), &issuer()).unwrap(), field }
}

fn facts(keys: &[SigningKey], status: Status) -> Facts {
    let jwk = |key: &SigningKey| {
        let jwk = key.public().to_jwk();
        format!(r#"{{"kid":"{}",{}"#, kid(key), jwk.strip_prefix('{').unwrap())
    };
    let set = format!(r#"{{"keys":[{}]}}"#, keys.iter().map(jwk).collect::<Vec<_>>().join(","));
    let keys = Arc::new(KeySet::parse(set.as_bytes()).unwrap());
    Facts::new([IssuerFacts { trust: Arc::new(trust()), keys, status }])
}

fn both_keys() -> Facts {
    facts(&[issuer(), old_issuer()], nothing_revoked())
}

/// One request by the last delegate to a server that remembers in `verdicts`.
fn answer(
    presented: &Presented,
    facts: &Facts,
    max_hops: usize,
    verdicts: &dyn Verdicts,
) -> Result<Authorized, Rejection> {
    static PROOFS: AtomicU64 = AtomicU64::new(1);
    let (resource, target) = (ResourceId::parse(RESOURCE).unwrap(), Target::parse(URI).unwrap());
    let hash = ChainText::parse(&presented.field, MAX_CHAIN_BYTES).unwrap().hash();
    let proof = ProofRequest {
        method: "GET",
        target: &target,
        token_hash: Some(ContentHash::of(presented.token.as_bytes())),
        nonce: None,
        delegation_hash: Some(hash),
        content_digest: None,
    };
    let proof = proof.sign(&delegate(2), at(0), &mut Counter(PROOFS.fetch_add(1, Ordering::Relaxed) << 8)).unwrap();
    let point = EnforcementPoint {
        resource: &resource,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
        leeway: CLOCK_LEEWAY,
        staleness: DEFAULT_STALENESS,
        environment: None,
        chain: ChainPolicy { max_hops, ..ChainPolicy::default() },
        verdicts,
        stops: &NoStops,
    };
    let authorization = format!("DPoP {}", presented.token);
    let parts = RequestParts {
        method: "GET",
        target: &target,
        authorization: [authorization.as_bytes()].into(),
        proofs: [proof.as_bytes()].into(),
        delegation: [presented.field.as_bytes()].into(),
        has_misplaced_token: false,
    };
    let route = RouteRule::agents(scope("files:read"));
    let bound = UnverifiedRequest::parse_known(&parts, &point.chain, verdicts, at(0), &mut ProofRoom::new())?
        .verify(&point, facts, at(0))?
        .bind(&route, &RequestContent::default())?;
    let receipt = MemoryReplay::new(ReplayLimits::default()).insert(bound.replay_entry(), at(0))?;
    bound.admit(receipt, Spent::nothing())
}

fn check(presented: &Presented, facts: &Facts, max_hops: usize, verdicts: &dyn Verdicts, expected: &str) {
    let found =
        answer(presented, facts, max_hops, verdicts).map_or_else(|rejection| rejection.reason(), |_| "accepted");
    assert_eq!(found, expected);
}

/// An honest store, which counts what it is told to keep.
#[derive(Debug, Default)]
struct Honest {
    kept: Mutex<HashMap<VerdictKey, Arc<ChainVerdict>>>,
    verified: AtomicU64,
}

impl Verdicts for Honest {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.kept.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.verified.fetch_add(1, Ordering::Relaxed);
        self.kept.lock().unwrap().insert(key, verdict);
    }
}

/// A store that mixes keys up: whatever is asked for, it has the first verdict it was given.
#[derive(Debug, Default)]
struct Confused(Mutex<Option<Arc<ChainVerdict>>>);

impl Verdicts for Confused {
    fn find(&self, _: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.0.lock().unwrap().clone()
    }

    fn keep(&self, _: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.0.lock().unwrap().get_or_insert(verdict);
    }
}

#[test]
fn a_chain_found_good_is_verified_once() {
    for presented in [offline(&delegate(1)), exchanged()] {
        let verdicts = Honest::default();
        for _ in 0..3 {
            check(&presented, &both_keys(), 5, &verdicts, "accepted");
        }
        assert_eq!(verdicts.verified.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn what_is_refused_is_not_remembered() {
    let verdicts = Honest::default();
    check(&offline(&other_agent()), &both_keys(), 5, &verdicts, "hop_signature_invalid");
    assert_eq!(verdicts.verified.load(Ordering::Relaxed), 0);
}

#[test]
fn a_wrong_verdict_is_not_believed() {
    let verdicts = Confused::default();
    check(&offline(&delegate(1)), &both_keys(), 5, &verdicts, "accepted");
    assert!(verdicts.0.lock().unwrap().is_some());
    // the same token, the same hops, another signature
    check(&offline(&other_agent()), &both_keys(), 5, &verdicts, "hop_signature_invalid");
    // another token
    check(&exchanged(), &both_keys(), 5, &verdicts, "accepted");
    let found = answer(&exchanged(), &both_keys(), 5, &verdicts).unwrap();
    assert_eq!(found.token_id(), "tok_2");
    // another token without its evidence's good signature
    let mut forged = exchanged();
    let (kept, _) = forged.field.rsplit_once('.').unwrap();
    forged.field = format!("{kept}.{}", "A".repeat(86));
    check(&forged, &both_keys(), 5, &verdicts, "hop_signature_invalid");
}

/// The issuer's keys with another one under the id of the old one, which signed the root of an exchanged chain.
fn replaced_keys() -> Facts {
    let (old, other) = (old_issuer(), other_agent());
    let jwk = other.public().to_jwk();
    let entry = |key: &SigningKey, jwk: &str| format!(r#"{{"kid":"{}",{}"#, kid(key), jwk.strip_prefix('{').unwrap());
    let set = format!(r#"{{"keys":[{},{}]}}"#, entry(&issuer(), &issuer().public().to_jwk()), entry(&old, &jwk));
    let keys = Arc::new(KeySet::parse(set.as_bytes()).unwrap());
    Facts::new([IssuerFacts { trust: Arc::new(trust()), keys, status: nothing_revoked() }])
}

#[test]
fn a_verdict_ends_with_the_issuers_key() {
    let verdicts = Honest::default();
    let presented = exchanged();
    check(&presented, &both_keys(), 5, &verdicts, "accepted");
    check(&presented, &facts(&[issuer()], nothing_revoked()), 5, &verdicts, "untrusted_root");
    // another key under the old one's id is not the old one
    check(&presented, &replaced_keys(), 5, &verdicts, "untrusted_root");
    check(&presented, &both_keys(), 5, &verdicts, "accepted");
}

/// The second look at an answer that goes on sees what the check would see.
#[test]
fn an_answer_ends_with_the_keys_that_signed_for_it() {
    let authorized = answer(&exchanged(), &both_keys(), 5, &Honest::default()).unwrap();
    let still = |facts: &Facts| authorized.require_not_stopped(facts, DEFAULT_STALENESS, &NoStops, at(0));
    assert_eq!(still(&both_keys()), Ok(()));
    for changed in [facts(&[old_issuer()], nothing_revoked()), facts(&[issuer()], nothing_revoked()), replaced_keys()] {
        assert_eq!(still(&changed), Err(Rejection::TokenKeyUnknown));
    }
}

/// Whose revocations are asked is a matter of trust: a chain that was read under other listings has no names for the new ones.
#[test]
fn a_verdict_ends_with_the_trust_it_was_made_under() {
    const LISTING: &str = "https://other.example";
    let (verdicts, presented) = (Honest::default(), exchanged());
    check(&presented, &both_keys(), 5, &verdicts, "accepted");
    let keys = Arc::clone(&both_keys().issuers().next().unwrap().keys);
    let status = nothing_revoked();
    let facts =
        |trust: TrustedIssuer| IssuerFacts { trust: Arc::new(trust), keys: Arc::clone(&keys), status: status.clone() };
    let listing = facts(TrustedIssuer { issuer: LISTING.to_owned(), ..trust() });
    let ours = facts(TrustedIssuer { agent_status: vec![LISTING.to_owned()], ..trust() });
    check(&presented, &Facts::new([ours, listing]), 5, &verdicts, "accepted");
}

#[test]
fn a_verdict_is_for_one_depth_limit() {
    let verdicts = Honest::default();
    let presented = offline(&delegate(1));
    check(&presented, &both_keys(), 5, &verdicts, "accepted");
    check(&presented, &both_keys(), 1, &verdicts, "depth_invalid");
    check(&presented, &both_keys(), 5, &verdicts, "accepted");
}

#[test]
fn what_is_revoked_later_stops_a_remembered_chain() {
    let presented = exchanged();
    let hop = name(presented.field.split(',').nth(1).unwrap()).to_string();
    let (root_agent, middle) = (did(&agent()).to_string(), did(&delegate(1)).to_string());
    let middle_key = kid(&delegate(1));
    for (kind, id, reason) in [
        (RevocationKind::Hop, hop.as_str(), "hop_revoked"),
        (RevocationKind::Agent, middle.as_str(), "agent_revoked"),
        (RevocationKind::Agent, root_agent.as_str(), "agent_revoked"),
        (RevocationKind::Key, middle_key.as_str(), "key_compromised"),
        (RevocationKind::Token, "tok_1", "token_revoked"),
        (RevocationKind::IssuerKey, kid(&old_issuer()).as_str(), "issuer_key_revoked"),
    ] {
        let verdicts = Honest::default();
        check(&presented, &both_keys(), 5, &verdicts, "accepted");
        check(&presented, &facts(&[issuer(), old_issuer()], revoked(&[(kind, id)])), 5, &verdicts, reason);
        assert_eq!(verdicts.verified.load(Ordering::Relaxed), 1, "{reason}");
    }
}

/// A store that keeps decoded keys and no verdict. With `mixes_up` it has the first key it was given, whatever it is asked for.
#[derive(Debug, Default)]
struct Keys {
    kept: Mutex<Vec<DidKey>>,
    mixes_up: bool,
    asked: AtomicU64,
}

impl Verdicts for Keys {
    fn find(&self, _: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        None
    }

    fn keep(&self, _: VerdictKey, _: Arc<ChainVerdict>) {}

    fn find_key(&self, did: &str) -> Option<DidKey> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.kept.lock().unwrap().iter().find(|kept| self.mixes_up || kept.as_str() == did).cloned()
    }

    fn keep_key(&self, key: &DidKey) {
        self.kept.lock().unwrap().push(key.clone());
    }
}

#[test]
fn keys_of_good_chains_are_remembered_and_change_no_verdict() {
    for mixes_up in [false, true] {
        let keys = Keys { mixes_up, ..Keys::default() };
        check(&offline(&other_agent()), &both_keys(), 5, &keys, "hop_signature_invalid");
        assert!(keys.kept.lock().unwrap().is_empty(), "keys of a chain that was refused");
        for presented in [offline(&delegate(1)), exchanged()] {
            check(&presented, &both_keys(), 5, &keys, "accepted");
            let kept = keys.kept.lock().unwrap().split_off(0);
            // whoever signed a hop, and the last delegate
            assert_eq!(kept, [0, 1, 2].map(|place| did(&delegate(place))));
            keys.kept.lock().unwrap().extend(kept);
            check(&presented, &both_keys(), 5, &keys, "accepted");
            check(&offline(&other_agent()), &both_keys(), 5, &keys, "hop_signature_invalid");
            keys.kept.lock().unwrap().clear();
        }
        // two hops and the root's client in each of seven requests
        assert_eq!(keys.asked.load(Ordering::Relaxed), 21);
    }
}

#[test]
fn nothing_is_remembered_where_nothing_is_to_be() {
    let verdicts = Honest::default();
    check(&offline(&delegate(1)), &both_keys(), 5, &verdicts, "accepted");
    let (key, verdict) = verdicts.kept.lock().unwrap().drain().next().unwrap();
    NoVerdicts.keep(key, verdict);
    assert!(NoVerdicts.find(&key).is_none());
    NoVerdicts.keep_key(&did(&agent()));
    assert!(NoVerdicts.find_key(did(&agent()).as_str()).is_none());
    check(&offline(&delegate(1)), &both_keys(), 5, &NoVerdicts, "accepted");
}

#[test]
fn who_acts_offline_is_the_last_delegate() {
    let found = answer(&offline(&delegate(1)), &both_keys(), 5, &NoVerdicts).unwrap();
    let actors: Vec<_> = found.actors().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(actors, [2, 1, 0].map(|place| did(&delegate(place)).to_string()));
    assert_eq!(found.client_id(), did(&delegate(2)).as_str());
    assert_eq!(found.chain().map(handfast_delegation::VerifiedChain::depth), Some(2));
    assert_eq!(found.key(), delegate(2).public().thumbprint());
}
