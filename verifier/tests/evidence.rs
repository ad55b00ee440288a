//! Roots and evidence by themselves, as the registry asks about them before it makes a token of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

mod support;

use std::sync::Mutex;

use handfast_delegation::{
    AccessToken, ActorChain, ChainClaims, ChainError, ChainText, Delegability, Hop, MAX_CHAIN_BYTES, MAX_HOPS,
    ResourceId, TriggerKind,
};
use handfast_dpop::{ContentHash, NoncePolicy, ProofWindow};
use handfast_identity::{SigningKey, jws};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::trust::{Facts, IssuerFacts, Status};
use handfast_verifier::{
    CLOCK_LEEWAY, ChainPolicy, Credentials, DEFAULT_STALENESS, EnforcementPoint, Evidence, NoVerdicts, Stop, Stops,
    Work, require_root_not_revoked, verify_evidence, verify_root,
};
use support::*;

fn party(place: u8) -> SigningKey {
    if place == 0 { agent() } else { SigningKey::from_ed25519_seed(&[20 + place; 32]) }
}

fn root() -> AccessToken {
    let mut root = claims(&agent());
    root.authority.max_depth = 2;
    root
}

fn name(text: &str) -> ContentHash {
    ContentHash::of(text.rsplit_once('.').unwrap().0.as_bytes())
}

fn signed(token: &AccessToken) -> String {
    token.sign(&kid(&issuer()), &issuer()).unwrap()
}

/// The root token and two hops below it.
fn members() -> Vec<String> {
    let mut members = vec![signed(&root())];
    for depth in 1..=2 {
        let hop = Hop {
            delegator: did(&party(depth - 1)).text(),
            delegate: did(&party(depth)),
            subject: root().subject,
            task: "task_1".into(),
            authority: root().authority,
            issued_at: at(-50),
            not_before: None,
            hop_id: format!("hop_{depth}").into(),
            depth,
            is_instance: false,
            parent: name(members.last().unwrap()),
        };
        members.push(hop.sign(&party(depth - 1)).unwrap());
    }
    members
}

fn ours() -> IssuerFacts {
    facts_of(trust(), &issuer(), nothing_revoked())
}

fn evidence() -> Evidence {
    let text = members().join(",");
    verify_evidence(&ChainText::parse(&text, MAX_CHAIN_BYTES).unwrap(), &ours(), MAX_HOPS).unwrap()
}

/// The token that the last delegate got for the evidence.
fn exchanged() -> AccessToken {
    let members = members();
    let mut token = claims(&party(2));
    (token.authority, token.task) = (root().authority, root().task);
    token.actors = Some(ActorChain::from_names([2, 1, 0].map(|place| did(&party(place)).text()).into()).unwrap());
    token.delegability = Some(Delegability { depth: 2, offline: false });
    token.token_id = "tok_2".into();
    token.chain = Some(ChainClaims {
        hops: members.iter().skip(1).map(|hop| name(hop)).collect(),
        root_token_id: "tok_1".into(),
        hash: ContentHash::of(members.join(",").as_bytes()),
    });
    token
}

fn revoking(kind: RevocationKind, id: &str) -> RevocationSet {
    let set = RevocationSet::default();
    set.insert(&FeedEvent { seq: 1, kind, name: RevocationName::of(ISSUER, kind, id), cut: None, until: None });
    set
}

/// DEL-38 to DEL-40: what a root names, then what its hops name beside it.
#[test]
fn whatever_is_named_may_be_revoked() {
    let agents = [0, 1, 2].map(|place| did(&party(place)).to_string());
    let keys = [0, 1, 2].map(|place| kid(&party(place)));
    let hops: Vec<_> = members().iter().skip(1).map(|hop| name(hop).to_string()).collect();
    let issuer_key = kid(&issuer());
    let of_root = [
        (RevocationKind::IssuerKey, issuer_key.as_str(), "issuer_key_revoked"),
        (RevocationKind::Token, "tok_1", "token_revoked"),
        (RevocationKind::Task, "task_1", "task_revoked"),
        (RevocationKind::Owner, OWNER, "principal_revoked"),
        (RevocationKind::Agent, agents[0].as_str(), "agent_revoked"),
        (RevocationKind::Key, keys[0].as_str(), "key_compromised"),
    ];
    let of_hops = [
        (RevocationKind::Hop, hops[0].as_str(), "hop_revoked"),
        (RevocationKind::Hop, hops[1].as_str(), "hop_revoked"),
        (RevocationKind::Agent, agents[1].as_str(), "agent_revoked"),
        (RevocationKind::Agent, agents[2].as_str(), "agent_revoked"),
        (RevocationKind::Key, keys[1].as_str(), "key_compromised"),
        (RevocationKind::Key, keys[2].as_str(), "key_compromised"),
    ];
    let (evidence, root) = (evidence(), root());
    let of_evidence = |set: &RevocationSet| evidence.require_not_revoked(ISSUER, set).map_err(|why| why.reason());
    let alone =
        |set: &RevocationSet| require_root_not_revoked(&root, &issuer_key, ISSUER, set).map_err(|why| why.reason());
    for (kind, id, reason) in of_root {
        let set = revoking(kind, id);
        assert_eq!((of_evidence(&set), alone(&set)), (Err(reason), Err(reason)), "{id}");
    }
    for (kind, id, reason) in of_hops {
        let set = revoking(kind, id);
        assert_eq!((of_evidence(&set), alone(&set)), (Err(reason), Ok(())), "{id}");
    }
    for set in [RevocationSet::default(), revoking(RevocationKind::Agent, did(&other_agent()).as_str())] {
        assert_eq!((of_evidence(&set), alone(&set)), (Ok(()), Ok(())));
    }
}

/// P-17: what says nothing of hops clears none.
#[test]
fn lists_and_answers_about_tokens_clear_no_evidence() {
    let asked = |status: Status| {
        let issuer = facts_of(trust(), &issuer(), status);
        evidence().require_not_revoked_as_known(&issuer, DEFAULT_STALENESS, at(0)).map_err(|why| why.reason())
    };
    assert_eq!(asked(nothing_revoked()), Ok(()));
    assert_eq!(asked(Status::NotFollowed), Ok(()));
    for status in [Status::Lists(Default::default()), Status::Introspected(Default::default()), Status::Unknown] {
        assert_eq!(asked(status), Err("status_unknown"));
    }
}

/// DEL-41: of this issuer by its name and its key, whole, and made from no chain.
#[test]
fn a_root_is_the_issuers_own_and_nobody_elses() {
    let check = |text: &str, expected: Result<(), ChainError>| {
        assert_eq!(verify_root(text, &ours()).map(drop), expected, "{text}");
    };
    let untrusted = || Err(ChainError::UntrustedRoot);
    check(&signed(&root()), Ok(()));
    check(&signed(&AccessToken { issuer: "https://second.example".into(), ..root() }), untrusted());
    check(&signed(&AccessToken { delegability: None, ..root() }), untrusted());
    check(
        &signed(&AccessToken { delegability: Some(Delegability { depth: 1, offline: false }), ..root() }),
        untrusted(),
    );
    check(&signed(&AccessToken { chain: exchanged().chain, ..root() }), untrusted());
    check(&root().sign(&kid(&issuer()), &other_agent()).unwrap(), untrusted());
    check(&root().sign(&kid(&other_agent()), &other_agent()).unwrap(), untrusted());
    let payload = signed(&root()).split('.').nth(1).map(handfast_identity::base64url::decode).unwrap().unwrap();
    let mut claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let sign = |claims: &serde_json::Value| jws::sign("at+jwt", Some(&kid(&issuer())), claims, &issuer()).unwrap();
    check(&sign(&claims), Ok(()));
    claims["authorization_details"] = serde_json::json!([{"type": "payment_initiation"}]);
    check(&sign(&claims), untrusted());
    check("root", Err(ChainError::Malformed));
}

/// Keeps whose own tasks it was asked about, behind how many hops, and stops nothing.
#[derive(Debug, Default)]
struct Asked(Mutex<Vec<(Option<String>, usize)>>);

impl Stops for Asked {
    fn stop(&self, work: &Work<'_>) -> Option<Stop> {
        self.0.lock().unwrap().push((work.own_agent.map(str::to_owned), work.hops().count()));
        None
    }
}

/// Drift: a task of its own is the root agent's, however deep the token was made.
#[test]
fn work_belongs_to_the_roots_agent() {
    let (asked, resource) = (Asked::default(), ResourceId::parse(RESOURCE).unwrap());
    let point = EnforcementPoint {
        resource: &resource,
        window: ProofWindow::default(),
        nonces: NoncePolicy::Off,
        leeway: CLOCK_LEEWAY,
        staleness: DEFAULT_STALENESS,
        environment: None,
        chain: ChainPolicy::default(),
        verdicts: &NoVerdicts,
        stops: &asked,
    };
    let text = members().join(",");
    let chain = ChainText::parse(&text, MAX_CHAIN_BYTES).unwrap();
    let facts = Facts::new([ours()]);
    let mut asked_for = root();
    asked_for.task.as_mut().unwrap().trigger.kind = TriggerKind::Owner;
    for (token, chain) in [(root(), None), (exchanged(), Some(&chain)), (asked_for, None)] {
        Credentials::verify(&signed(&token), chain, &point, &facts, at(0)).unwrap();
    }
    let agent = Some(did(&agent()).to_string());
    let expected = [(agent.clone(), 0), (agent, 2), (None, 0)];
    assert_eq!(*asked.0.lock().unwrap(), expected);
}
