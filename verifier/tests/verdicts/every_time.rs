//! What a remembered token and chain do not answer for: each of it is asked again, of a server that has just accepted them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use handfast_delegation::{ActorChain, Budget, ChainText, Environment, Hop, MAX_CHAIN_BYTES, ResourceId, Tools};
use handfast_dpop::{
    ContentHash, MemoryReplay, NONCE_PERIOD, NonceKeys, NoncePolicy, NonceRole, NonceSecret, ProofHeader, ProofRequest,
    ProofRoom, ProofWindow, ReplayLimits, ReplayStore, Target,
};
use handfast_identity::{Seconds, SigningKey, UnixTime};
use handfast_verifier::budget::{BudgetLimits, MemoryBudgets};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::tools::{RequestContent, ToolRoute};
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, SpeaksFor, Status, TrustedIssuer};
use handfast_verifier::{
    CLOCK_LEEWAY, ChainPolicy, ChainVerdict, DEFAULT_STALENESS, EnforcementPoint, KnownToken, MAX_AUTHORIZATION_BYTES,
    RequestParts, RouteRule, Stop, Stops, UnverifiedRequest, VerdictKey, Verdicts, Work,
};
use serde_json::json;

use super::support::*;
use super::{Presented, altered_hops, delegate, exchanged, hops, name, offline, root};

/// Everything that was found good, for ever, with the counts of what was verified.
#[derive(Debug, Default)]
struct Everything {
    chains: Mutex<HashMap<VerdictKey, Arc<ChainVerdict>>>,
    tokens: Mutex<HashMap<Vec<u8>, Arc<KnownToken>>>,
    headers: Mutex<HashMap<Vec<u8>, Arc<ProofHeader>>>,
    kept: Mutex<(usize, usize)>,
}

impl Verdicts for Everything {
    fn find(&self, key: &VerdictKey) -> Option<Arc<ChainVerdict>> {
        self.chains.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: VerdictKey, verdict: Arc<ChainVerdict>) {
        self.kept.lock().unwrap().1 += 1;
        self.chains.lock().unwrap().insert(key, verdict);
    }

    fn find_header(&self, text: &[u8]) -> Option<Arc<ProofHeader>> {
        self.headers.lock().unwrap().get(text).cloned()
    }

    fn keep_header(&self, header: &Arc<ProofHeader>) {
        self.headers.lock().unwrap().insert(header.text().into(), Arc::clone(header));
    }

    fn find_token(&self, text: &[u8], _: UnixTime) -> Option<Arc<KnownToken>> {
        self.tokens.lock().unwrap().get(text).cloned()
    }

    fn keep_token(&self, token: &Arc<KnownToken>) {
        self.kept.lock().unwrap().0 += 1;
        self.tokens.lock().unwrap().insert(token.text().into(), Arc::clone(token));
    }
}

#[derive(Debug, Default)]
struct Stopped(bool);

impl Stops for Stopped {
    fn stop(&self, _: &Work<'_>) -> Option<Stop> {
        self.0.then_some(Stop::Task)
    }
}

/// An issuer beside the token's own.
const LISTING: &str = "https://other.example";

/// A request, and everything about the server that may change between two of them.
struct Ask<'a> {
    token: &'a str,
    field: Option<&'a str>,
    signer: SigningKey,
    method: &'a str,
    target: &'a str,
    proof_token: Option<&'a str>,
    proof_chain: Option<&'a str>,
    made_at: i64,
    id: u64,
    is_proof_cut: bool,
    /// What is written behind the proof.
    proof_tail: &'a str,
    /// How many lines of each field there are.
    proofs: usize,
    authorizations: usize,
    /// What is written before the token in its field.
    before_token: String,
    is_token_misplaced: bool,
    asks_for_nonce: bool,
    path: &'a str,
    now: i64,
    resource: &'a str,
    environment: Option<Environment>,
    trust: TrustedIssuer,
    keys: KeySet,
    status: Status,
    /// What another issuer says of agents, to whom the token's own is told to listen.
    listed: Option<Status>,
    is_stopped: bool,
    max_hops: usize,
    route: RouteRule,
}

impl<'a> Ask<'a> {
    fn good(presented: &'a Presented) -> Self {
        Self {
            token: &presented.token,
            field: Some(&presented.field),
            signer: delegate(2),
            method: "GET",
            target: URI,
            proof_token: None,
            proof_chain: None,
            made_at: 0,
            id: 2 << 8,
            is_proof_cut: false,
            proof_tail: "",
            proofs: 1,
            authorizations: 1,
            before_token: "DPoP ".to_owned(),
            is_token_misplaced: false,
            asks_for_nonce: false,
            path: "/files/42",
            now: 0,
            resource: RESOURCE,
            environment: None,
            trust: trust(),
            keys: keys(&[("", &issuer()), ("", &super::old_issuer())]),
            status: nothing_revoked(),
            listed: None,
            is_stopped: false,
            max_hops: 5,
            route: RouteRule::agents(scope("files:read")),
        }
    }

    fn answer(&self, server: &Server) -> &'static str {
        self.decide(server).map_or_else(|rejection| rejection.reason(), |()| "accepted")
    }

    fn decide(&self, server: &Server) -> Result<(), handfast_verifier::Rejection> {
        let now = at(self.now);
        let (resource, target) = (ResourceId::parse(self.resource).unwrap(), Target::parse(URI).unwrap());
        let hash = |text: &str| ContentHash::of(text.as_bytes());
        let chain_hash = |field: &str| ChainText::parse(field, MAX_CHAIN_BYTES).unwrap().hash();
        let proof = ProofRequest {
            method: self.method,
            target: &Target::parse(self.target).unwrap(),
            token_hash: Some(hash(self.proof_token.unwrap_or(self.token))),
            nonce: None,
            delegation_hash: self.proof_chain.or(self.field).map(chain_hash),
            content_digest: None,
        };
        let mut proof = proof.sign(&self.signer, at(self.made_at), &mut Counter(self.id)).unwrap();
        if self.is_proof_cut {
            let (input, _) = proof.rsplit_once('.').unwrap();
            proof = format!("{input}.{}", "A".repeat(86));
        }
        proof.push_str(self.proof_tail);
        let nonces =
            NonceKeys::new(&NonceSecret::from_shared(&[7; 32]), NonceRole::ResourceServer, NONCE_PERIOD).unwrap();
        let facts = |trust, status: &Status| IssuerFacts {
            trust: Arc::new(trust),
            keys: Arc::new(self.keys.clone()),
            status: status.clone(),
        };
        let listing = TrustedIssuer { issuer: LISTING.to_owned(), ..trust() };
        let listing = self.listed.as_ref().map(|status| facts(listing, status));
        let facts = Facts::new([facts(self.trust.clone(), &self.status)].into_iter().chain(listing));
        let point = EnforcementPoint {
            resource: &resource,
            window: ProofWindow::default(),
            nonces: if self.asks_for_nonce { NoncePolicy::required(&nonces) } else { NoncePolicy::Off },
            leeway: CLOCK_LEEWAY,
            staleness: DEFAULT_STALENESS,
            environment: self.environment,
            chain: ChainPolicy { max_hops: self.max_hops, ..ChainPolicy::default() },
            verdicts: &server.verdicts,
            stops: &Stopped(self.is_stopped),
        };
        let authorization = format!("{}{}", self.before_token, self.token);
        let parts = RequestParts {
            method: "GET",
            target: &target,
            authorization: [authorization.as_bytes()].repeat(self.authorizations).into_iter().collect(),
            proofs: [proof.as_bytes()].repeat(self.proofs).into_iter().collect(),
            delegation: self.field.into_iter().map(str::as_bytes).collect(),
            has_misplaced_token: self.is_token_misplaced,
        };
        let bound = UnverifiedRequest::parse_known(&parts, &point.chain, point.verdicts, now, &mut ProofRoom::new())?
            .verify(&point, &facts, now)?
            .bind(&self.route, &RequestContent { path: self.path, body: Some(b""), ..RequestContent::default() })?;
        let receipt = server.replay.insert(bound.replay_entry(), now)?;
        let spent = bound.charges().spend(&server.budgets, now)?;
        bound.admit(receipt, spent).map(drop)
    }
}

fn keys(entries: &[(&str, &SigningKey)]) -> KeySet {
    let entry = |(id, key): &(&str, &SigningKey)| {
        let id = if id.is_empty() { kid(key) } else { (*id).to_owned() };
        format!(r#"{{"kid":"{id}",{}"#, key.public().to_jwk().strip_prefix('{').unwrap())
    };
    let set = format!(r#"{{"keys":[{}]}}"#, entries.iter().map(entry).collect::<Vec<_>>().join(","));
    KeySet::parse(set.as_bytes()).unwrap()
}

struct Server {
    verdicts: Everything,
    replay: MemoryReplay,
    budgets: MemoryBudgets,
}

impl Server {
    fn empty() -> Self {
        Self {
            verdicts: Everything::default(),
            replay: MemoryReplay::new(ReplayLimits::default()),
            budgets: MemoryBudgets::new(BudgetLimits::default()),
        }
    }

    /// A server that has accepted what is presented, with the proof of number 1.
    fn after(presented: &Presented) -> Self {
        let server = Self::empty();
        let first = Ask { id: 1 << 8, ..Ask::good(presented) };
        assert_eq!(first.answer(&server), "accepted");
        server
    }

    fn kept(&self) -> (usize, usize) {
        *self.verdicts.kept.lock().unwrap()
    }
}

/// After a request that was accepted, another that `change` makes different is refused, without verifying token or chain anew.
fn refused(reason: &str, change: impl Fn(&mut Ask<'_>)) {
    for presented in [offline(&delegate(1)), exchanged()] {
        let server = Server::after(&presented);
        let mut ask = Ask::good(&presented);
        change(&mut ask);
        assert_eq!(ask.answer(&server), reason);
        assert_eq!(server.kept(), (1, 1), "{reason}: verified anew");
        // the twin: what was remembered is as good as before
        assert_eq!(Ask { id: 3 << 8, ..Ask::good(&presented) }.answer(&server), "accepted");
        assert_eq!(server.kept(), (1, 1));
    }
}

#[test]
fn the_times_of_the_token_are_asked_every_time() {
    // its end is 240, as is that of the hops; made 60 before
    let presented = exchanged();
    let last = Ask { now: 270, made_at: 270, status: known_at(270), ..Ask::good(&presented) };
    assert_eq!(last.answer(&Server::after(&presented)), "accepted");
    refused("token_expired", |ask| (ask.now, ask.made_at, ask.status) = (271, 271, known_at(271)));
    refused("token_not_yet_valid", |ask| (ask.now, ask.made_at) = (-91, -91));
}

fn known_at(offset: i64) -> Status {
    Status::Known { set: Arc::default(), as_of: at(offset) }
}

#[test]
fn the_times_of_every_hop_are_asked_every_time() {
    // a root that lives longer than its hops
    let mut long = root();
    long.authority.expires_at = at(1_000);
    let token = long.sign(&kid(&issuer()), &issuer()).unwrap();
    let presented = Presented { field: hops(&root(), &token, &delegate(1)).join(","), token };
    let server = Server::after(&presented);
    let later = |offset, id: u64| Ask {
        now: offset,
        made_at: offset,
        id: id << 8,
        status: known_at(offset),
        ..Ask::good(&presented)
    };
    assert_eq!(later(270, 4).answer(&server), "accepted");
    assert_eq!(later(271, 5).answer(&server), "hop_expired");
    assert_eq!(later(-81, 6).answer(&server), "hop_not_yet_valid");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn the_times_of_hops_before_the_last_are_asked_too() {
    // what is above may begin later than what is below, never end before it
    let token = root().sign(&kid(&issuer()), &issuer()).unwrap();
    let first_later = |hop: &mut Hop| hop.not_before = (hop.depth == 1).then(|| at(-10));
    let field = altered_hops(&root(), &token, &delegate(1), first_later).join(",");
    let presented = Presented { field, token };
    let server = Server::after(&presented);
    let earlier = |offset, id: u64| Ask {
        now: offset,
        made_at: offset,
        id: id << 8,
        status: known_at(offset),
        ..Ask::good(&presented)
    };
    assert_eq!(earlier(-41, 4).answer(&server), "hop_not_yet_valid");
    assert_eq!(earlier(-40, 5).answer(&server), "accepted");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn hops_and_who_they_lead_through_are_looked_up_every_time() {
    for presented in [offline(&delegate(1)), exchanged()] {
        let server = Server::after(&presented);
        let hops = presented.field.split(',').rev().take(2).map(|hop| name(hop).to_string());
        let dids = [1, 2].map(|place| did(&delegate(place)).to_string());
        let keys = [1, 2].map(|place| kid(&delegate(place)));
        let all = hops
            .map(|hop| (RevocationKind::Hop, hop, "hop_revoked"))
            .chain(dids.map(|did| (RevocationKind::Agent, did, "agent_revoked")))
            .chain(keys.map(|key| (RevocationKind::Key, key, "key_compromised")));
        for ((kind, id, reason), number) in all.zip(10..) {
            let ask = Ask { status: revoked(&[(kind, &id)]), id: number << 8, ..Ask::good(&presented) };
            assert_eq!(ask.answer(&server), reason, "{id}");
        }
        assert_eq!(server.kept(), (1, 1));
    }
}

/// One set that grows, as a server follows a feed: what it was clear of is found in it once it is there.
#[test]
fn a_name_is_found_in_the_very_set_that_was_clear_of_it() {
    for presented in [offline(&delegate(1)), exchanged()] {
        let hop = name(presented.field.split(',').next_back().unwrap()).to_string();
        let (first, second) = (did(&agent()).to_string(), did(&delegate(2)).to_string());
        let (key, kid) = (kid(&delegate(2)), kid(&issuer()));
        for (kind, id, reason) in [
            (RevocationKind::Hop, hop.as_str(), "hop_revoked"),
            (RevocationKind::Agent, first.as_str(), "agent_revoked"),
            (RevocationKind::Agent, second.as_str(), "agent_revoked"),
            (RevocationKind::Key, key.as_str(), "key_compromised"),
            (RevocationKind::IssuerKey, kid.as_str(), "issuer_key_revoked"),
            (RevocationKind::Task, "task_1", "task_revoked"),
            (RevocationKind::Token, "tok_1", "token_revoked"),
            (RevocationKind::Owner, OWNER, "principal_revoked"),
        ] {
            let (server, set) = (Server::after(&presented), Arc::new(RevocationSet::default()));
            let answer = |number: u64| {
                let status = Status::Known { set: Arc::clone(&set), as_of: at(-5) };
                Ask { status, id: number << 8, ..Ask::good(&presented) }.answer(&server)
            };
            let revoke = |id: &str| {
                let name = RevocationName::of(ISSUER, kind, id);
                set.insert(&FeedEvent { seq: 1, kind, name, cut: None, until: None });
            };
            assert_eq!((answer(10), answer(11)), ("accepted", "accepted"), "{id}");
            revoke("another");
            assert_eq!((answer(12), answer(13)), ("accepted", "accepted"), "{id}");
            revoke(id);
            assert_eq!((answer(14), answer(15)), (reason, reason), "{id}");
        }
    }
}

#[test]
fn how_the_token_is_sent_is_asked_every_time() {
    let sent = |before: &str| {
        let before = before.to_owned();
        move |ask: &mut Ask<'_>| ask.before_token.clone_from(&before)
    };
    refused("token_misplaced", |ask| ask.is_token_misplaced = true);
    refused("bearer_downgrade", sent("Bearer "));
    refused("scheme_unsupported", sent("Basic "));
    refused("scheme_unsupported", sent("Mage "));
    refused("scheme_unsupported", sent("DPoP"));
    refused("credentials_malformed", sent("DPoP \t"));
    let most = MAX_AUTHORIZATION_BYTES - exchanged().token.len() - "DPoP".len();
    let blanks = |count: usize| format!("DPoP{}", " ".repeat(count));
    let presented = exchanged();
    let server = Server::after(&presented);
    for (before_token, answer) in [
        ("dpop ".to_owned(), "accepted"),
        ("DPOP  ".to_owned(), "accepted"),
        (blanks(most), "accepted"),
        (blanks(most + 1), "token_malformed"),
    ] {
        let ask = Ask { id: (before_token.len() as u64 + 10) << 8, before_token, ..Ask::good(&presented) };
        assert_eq!(ask.answer(&server), answer, "{}", ask.before_token);
    }
    assert_eq!(server.kept(), (1, 1), "verified anew");
}

#[test]
fn the_audience_is_asked_every_time() {
    refused("audience_mismatch", |ask| ask.resource = "https://files.example");
}

#[test]
fn the_environment_is_asked_every_time() {
    refused("environment_mismatch", |ask| ask.environment = Some(Environment::Dev));
}

/// The answer to the same token at a server that has accepted it, once something about its issuer has changed.
fn after_change(change: impl Fn(&mut Ask<'_>)) -> &'static str {
    let presented = exchanged();
    let server = Server::after(&presented);
    let mut ask = Ask::good(&presented);
    change(&mut ask);
    ask.answer(&server)
}

#[test]
fn a_change_of_key_drops_what_was_remembered() {
    assert_eq!(after_change(|ask| ask.keys = keys(&[("", &super::old_issuer())])), "token_key_unknown");
    // another key under the same id is not the same key
    let other = || keys(&[(&kid(&issuer()), &other_agent()), ("", &super::old_issuer())]);
    assert_eq!(after_change(|ask| ask.keys = other()), "token_signature_invalid");
}

#[test]
fn a_change_of_trust_drops_what_was_remembered() {
    assert_eq!(after_change(|ask| ask.trust.max_lifetime = Seconds::new(60)), "token_lifetime_exceeded");
    assert_eq!(after_change(|ask| ask.trust.scopes = SpeaksFor::Only(scope("files:write"))), "issuer_not_trusted");
    assert_eq!(after_change(|ask| ask.trust.issuer = "https://other.example".to_owned()), "issuer_not_trusted");
    // trust that says the same for the token is still another: it is verified anew, and then known under it
    let presented = exchanged();
    let server = Server::after(&presented);
    let ask = |id: u64| {
        let mut ask = Ask { id: id << 8, ..Ask::good(&presented) };
        ask.trust.max_lifetime = Seconds::new(1_000);
        ask.answer(&server)
    };
    assert_eq!((ask(2), server.kept().0), ("accepted", 2));
    assert_eq!((ask(3), server.kept().0), ("accepted", 2));
}

#[test]
fn revocation_is_asked_every_time() {
    let (agent, issuer_key, jkt) = (did(&delegate(0)).to_string(), kid(&issuer()), kid(&delegate(0)));
    for (kind, id, reason) in [
        (RevocationKind::Task, "task_1", "task_revoked"),
        (RevocationKind::Owner, OWNER, "principal_revoked"),
        (RevocationKind::Agent, &agent, "agent_revoked"),
        (RevocationKind::IssuerKey, &issuer_key, "issuer_key_revoked"),
        (RevocationKind::Token, "tok_1", "token_revoked"),
        (RevocationKind::Key, &jkt, "key_compromised"),
    ] {
        refused(reason, |ask| ask.status = revoked(&[(kind, id)]));
    }
    refused("status_unknown", |ask| ask.status = Status::Unknown);
    refused("status_unknown", |ask| ask.status = known_at(-31));
    refused("feed_rolled_back", |ask| ask.status = Status::RolledBack);
    refused("task_halted", |ask| ask.is_stopped = true);
}

#[test]
fn what_no_chain_asks_too_is_asked_of_a_remembered_token() {
    // no chain, so nothing else looks its names up
    let token = claims(&delegate(0)).sign(&kid(&issuer()), &issuer()).unwrap();
    let presented = Presented { token, field: String::new() };
    let alone = |id: u64| Ask { field: None, signer: delegate(0), id: id << 8, ..Ask::good(&presented) };
    let server = Server::empty();
    assert_eq!(alone(1).answer(&server), "accepted");
    let (agent, issuer_key, jkt) = (did(&delegate(0)).to_string(), kid(&issuer()), kid(&delegate(0)));
    for (place, (kind, id, reason)) in [
        (RevocationKind::Token, "tok_1", "token_revoked"),
        (RevocationKind::Task, "task_1", "task_revoked"),
        (RevocationKind::Owner, OWNER, "principal_revoked"),
        (RevocationKind::Agent, agent.as_str(), "agent_revoked"),
        (RevocationKind::Key, jkt.as_str(), "key_compromised"),
        (RevocationKind::IssuerKey, issuer_key.as_str(), "issuer_key_revoked"),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = Ask { status: revoked(&[(kind, id)]), ..alone(10 + place as u64) };
        assert_eq!(ask.answer(&server), reason);
    }
    assert_eq!(Ask { status: Status::Unknown, ..alone(20) }.answer(&server), "status_unknown");
    assert_eq!(Ask { resource: "https://files.example", ..alone(22) }.answer(&server), "audience_mismatch");
    assert_eq!(alone(21).answer(&server), "accepted");
    assert_eq!(server.kept(), (1, 0));
}

#[test]
fn each_listing_is_asked_by_its_own_names_every_time() {
    let token = claims(&delegate(0)).sign(&kid(&issuer()), &issuer()).unwrap();
    let presented = Presented { token, field: String::new() };
    let (agent, server) = (did(&delegate(0)).to_string(), Server::empty());
    let listens = |listed, id: u64| Ask {
        field: None,
        signer: delegate(0),
        trust: TrustedIssuer { agent_status: vec![LISTING.to_owned()], ..trust() },
        listed: Some(listed),
        id: id << 8,
        ..Ask::good(&presented)
    };
    assert_eq!(listens(nothing_revoked(), 1).answer(&server), "accepted");
    let entries = [(RevocationKind::Agent, agent.as_str())];
    assert_eq!(listens(revoked_by(LISTING, &entries), 2).answer(&server), "agent_revoked");
    // one id has another name at every issuer
    assert_eq!(listens(revoked_by(ISSUER, &entries), 3).answer(&server), "accepted");
    assert_eq!(server.kept(), (1, 0));
}

#[test]
fn every_actor_of_a_remembered_token_is_looked_up() {
    // ACT-10: also of a token that is refused in the end, because evidence of those before is owed
    let mut claims = claims(&delegate(0));
    claims.actors = Some(ActorChain::from_names([0, 1, 2].map(|place| did(&delegate(place)).text()).into()).unwrap());
    let presented = Presented { token: claims.sign(&kid(&issuer()), &issuer()).unwrap(), field: String::new() };
    let server = Server::empty();
    let alone = |id: u64| Ask { field: None, signer: delegate(0), id: id << 8, ..Ask::good(&presented) };
    assert_eq!(alone(1).answer(&server), "actor_mismatch");
    for place in [0, 1, 2] {
        let agent = did(&delegate(place)).to_string();
        let ask = Ask { status: revoked(&[(RevocationKind::Agent, &agent)]), ..alone(10 + u64::from(place)) };
        assert_eq!(ask.answer(&server), "agent_revoked", "{place}");
    }
    assert_eq!(server.kept(), (1, 0));
}

#[test]
fn method_and_target_are_compared_every_time() {
    refused("method_mismatch", |ask| ask.method = "POST");
    refused("target_mismatch", |ask| ask.target = "https://api.example/files/43");
}

#[test]
fn the_tokens_hash_is_compared_every_time() {
    refused("token_hash_mismatch", |ask| ask.proof_token = Some("another"));
}

#[test]
fn the_chains_hash_is_compared_every_time() {
    refused("chain_malformed", |ask| ask.proof_chain = Some("another"));
}

#[test]
fn the_proof_has_to_be_fresh_every_time() {
    refused("proof_stale", |ask| ask.made_at = -61);
    refused("proof_from_future", |ask| ask.made_at = 31);
}

#[test]
fn the_proofs_signature_is_verified_every_time() {
    refused("proof_signature", |ask| ask.is_proof_cut = true);
}

#[test]
fn a_proof_is_looked_up_every_time() {
    refused("proof_replayed", |ask| ask.id = 1 << 8);
}

#[test]
fn the_form_of_every_field_is_looked_at_every_time() {
    refused("proof_malformed", |ask| ask.proof_tail = "=");
    refused("proof_malformed", |ask| ask.proof_tail = ".");
    refused("proof_repeated", |ask| ask.proofs = 2);
    refused("proof_missing", |ask| ask.proofs = 0);
    refused("credentials_repeated", |ask| ask.authorizations = 2);
    refused("credentials_missing", |ask| ask.authorizations = 0);
    let long = "A".repeat(4096);
    for presented in [offline(&delegate(1)), exchanged()] {
        let server = Server::after(&presented);
        let ask = |field: &str, reason: &str| {
            assert_eq!(
                Ask { field: Some(field), proof_chain: Some("x"), ..Ask::good(&presented) }.answer(&server),
                reason
            );
        };
        ask(&format!("{},", presented.field), "chain_malformed");
        ask(&["x"; 10].join(","), "chain_too_long");
        ask(&[presented.field.as_str(); 9].join(","), "chain_too_long");
        assert_eq!(Ask { proof_tail: &long, ..Ask::good(&presented) }.answer(&server), "proof_too_long");
        // DPOP-21: two in one line
        assert_eq!(Ask { proof_tail: ",a.b.c", ..Ask::good(&presented) }.answer(&server), "proof_repeated");
        assert_eq!(server.kept(), (1, 1));
    }
}

#[test]
fn the_nonce_is_asked_for_every_time() {
    refused("nonce_required", |ask| ask.asks_for_nonce = true);
}

/// Offline the last hop says for which resources it is, and its root may be for more.
#[test]
fn the_resources_of_the_last_hop_are_asked_every_time() {
    const OTHER: &str = "https://files.example";
    let mut root = root();
    root.authority.resources.insert(ResourceId::parse(OTHER).unwrap());
    let token = root.sign(&kid(&issuer()), &issuer()).unwrap();
    let for_one = |hop: &mut Hop| {
        if hop.depth == 2 {
            hop.authority.resources = [ResourceId::parse(RESOURCE).unwrap()].into();
        }
    };
    let presented = Presented { field: altered_hops(&root, &token, &delegate(1), for_one).join(","), token };
    let server = Server::after(&presented);
    assert_eq!(Ask { resource: OTHER, ..Ask::good(&presented) }.answer(&server), "audience_mismatch");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn tools_are_asked_every_time() {
    let details = json!([{"type": "attenuating_agent_token", "tools": {"read_file": {
        "path": {"constraint_type": "path_containment", "root": "/reports"}
    }}}]);
    let mut root = root();
    root.authority.tools = Some(Tools::from_details(&details).unwrap());
    let token = root.sign(&kid(&issuer()), &issuer()).unwrap();
    let presented = Presented { field: hops(&root, &token, &delegate(1)).join(","), token };
    let route = || RouteRule::agents(scope("files:read")).tool(ToolRoute::named("read_file").path("/{*path}")).unwrap();
    let server = Server::empty();
    let ask = |path, id: u64| Ask { route: route(), path, id: id << 8, ..Ask::good(&presented) };
    assert_eq!(ask("/reports/q1", 1).answer(&server), "accepted");
    assert_eq!(ask("/secret", 2).answer(&server), "tool_refused");
    assert_eq!(ask("/reports/%2e%2e/secret", 3).answer(&server), "arguments_ambiguous");
    assert_eq!(ask("/reports/q2", 4).answer(&server), "accepted");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn the_holder_is_asked_every_time() {
    refused("holder_mismatch", |ask| ask.signer = delegate(1));
}

#[test]
fn the_route_is_asked_every_time() {
    refused("insufficient_scope", |ask| ask.route = RouteRule::agents(scope("files:write")));
    refused("caller_not_permitted", |ask| ask.route = RouteRule::owners(scope("")));
}

#[test]
fn content_is_compared_every_time() {
    refused("content_digest_required", |ask| ask.route = RouteRule::agents(scope("files:read")).bind_content());
}

#[test]
fn token_and_chain_are_held_together_every_time() {
    // the chain belongs to the token each time, and has to be there
    let presented = exchanged();
    let server = Server::after(&presented);
    assert_eq!(Ask { field: None, ..Ask::good(&presented) }.answer(&server), "evidence_required");
    let hop = presented.field.split(',').nth(1).unwrap();
    assert_eq!(Ask { field: Some(hop), ..Ask::good(&presented) }.answer(&server), "chain_malformed");
    assert_eq!(Ask { max_hops: 1, ..Ask::good(&presented) }.answer(&server), "depth_invalid");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn budgets_are_spent_every_time() {
    let mut root = root();
    root.authority.budget = Some(Budget::new(Some(2), None).unwrap());
    let token = root.sign(&kid(&issuer()), &issuer()).unwrap();
    let presented = Presented { field: hops(&root, &token, &delegate(1)).join(","), token };
    let server = Server::after(&presented);
    assert_eq!(Ask { id: 2 << 8, ..Ask::good(&presented) }.answer(&server), "accepted");
    assert_eq!(Ask { id: 3 << 8, ..Ask::good(&presented) }.answer(&server), "budget_spent");
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn a_store_that_mixes_tokens_up_is_not_believed() {
    /// Whatever is asked for, it has the first token it was given.
    #[derive(Debug, Default)]
    struct Confused(Mutex<Option<Arc<KnownToken>>>);

    impl Verdicts for Confused {
        fn find(&self, _: &VerdictKey) -> Option<Arc<ChainVerdict>> {
            None
        }

        fn keep(&self, _: VerdictKey, _: Arc<ChainVerdict>) {}

        fn find_token(&self, _: &[u8], _: UnixTime) -> Option<Arc<KnownToken>> {
            self.0.lock().unwrap().clone()
        }

        fn keep_token(&self, token: &Arc<KnownToken>) {
            self.0.lock().unwrap().get_or_insert(Arc::clone(token));
        }
    }

    let verdicts = Confused::default();
    super::check(&offline(&delegate(1)), &super::both_keys(), 5, &verdicts, "accepted");
    assert_eq!(super::answer(&exchanged(), &super::both_keys(), 5, &verdicts).unwrap().token_id(), "tok_2");
    // the same claims with another signature
    let mut forged = offline(&delegate(1));
    let (input, _) = forged.token.rsplit_once('.').unwrap();
    forged.token = format!("{input}.{}", "A".repeat(86));
    super::check(&forged, &super::both_keys(), 5, &verdicts, "token_signature_invalid");
    assert_eq!(name(&forged.token), name(&offline(&delegate(1)).token));
}
