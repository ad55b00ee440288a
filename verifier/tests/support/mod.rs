//! A resource server and the requests it gets, in parts that a test can change.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::sync::Arc;

use handfast_delegation::{
    AccessToken, ActorChain, Authority, Delegability, Environment, ResourceId, Scope, Task, Trigger, TriggerKind,
};
use handfast_dpop::{
    ContentHash, MemoryReplay, NoncePolicy, ProofRequest, ProofWindow, ReplayLimits, ReplayStore, Target,
};
use handfast_identity::{DidKey, RandomSource, SigningKey, UnixTime};
use handfast_verifier::budget::{BudgetLimits, MemoryBudgets};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Status, TrustedIssuer};
use handfast_verifier::{
    Authorized, BoundRequest, CLOCK_LEEWAY, ChainPolicy, DEFAULT_STALENESS, Denial, EnforcementPoint, NoStops,
    NoVerdicts, Rejection, RequestParts, RouteRule, UnverifiedRequest,
};

pub const NOW: u64 = 1_795_262_400;
pub const ISSUER: &str = "https://registry.example";
pub const RESOURCE: &str = "https://api.example";
pub const URI: &str = "https://api.example/files/42";
pub const OWNER: &str = "owner:01JD7V3K8Q5XW2T9M4N6R0ABCE";

pub fn at(offset: i64) -> UnixTime {
    UnixTime::from_secs(NOW.saturating_add_signed(offset))
}

pub fn agent() -> SigningKey {
    SigningKey::from_ed25519_seed(&[1; 32])
}

pub fn other_agent() -> SigningKey {
    SigningKey::from_ed25519_seed(&[2; 32])
}

pub fn issuer() -> SigningKey {
    SigningKey::from_ed25519_seed(&[3; 32])
}

pub fn feed() -> SigningKey {
    SigningKey::from_ed25519_seed(&[4; 32])
}

pub fn did(key: &SigningKey) -> DidKey {
    key.public().did()
}

pub fn kid(key: &SigningKey) -> String {
    key.public().thumbprint().to_string()
}

pub fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// A random source that never gives the same twice.
pub struct Counter(pub u64);

impl RandomSource for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 += 1;
        let bytes = self.0.to_be_bytes();
        for (byte, place) in out.iter_mut().rev().zip(0..) {
            *byte = bytes.iter().rev().nth(place).copied().unwrap_or(0);
        }
    }
}

/// The claims of a good token of `key`.
pub fn claims(key: &SigningKey) -> AccessToken {
    let did = did(key).to_string();
    AccessToken {
        issuer: ISSUER.into(),
        subject: OWNER.into(),
        client_id: did.clone().into(),
        authority: Authority {
            expires_at: at(240),
            ..Authority::of(scope("files:read"), [ResourceId::parse(RESOURCE).unwrap()].into())
        },
        confirmation: Some(key.public().thumbprint()),
        actors: Some(ActorChain::root(&did).unwrap()),
        task: Some(Task {
            id: "task_1".into(),
            intent: "tidy up".into(),
            leaf: 7,
            trigger: Trigger { kind: TriggerKind::OnItsOwn, by: did.into(), reference: None },
        }),
        environment: Some(Environment::Prod),
        handle: Some("amber-falcon-00042".into()),
        delegability: Some(Delegability::ROOT),
        issued_at: at(-60),
        not_before: None,
        token_id: "tok_1".into(),
        chain: None,
        status: None,
        has_unreadable_restriction: false,
    }
}

/// A good proof by `key` for the presented token.
pub fn proof(key: &SigningKey, token: &str, id: u64) -> String {
    let target = Target::parse(URI).unwrap();
    let token_hash = Some(ContentHash::of(token.as_bytes()));
    let request = ProofRequest {
        method: "GET",
        target: &target,
        token_hash,
        nonce: None,
        delegation_hash: None,
        content_digest: None,
    };
    request.sign(key, at(0), &mut Counter(id)).unwrap()
}

/// A trusted issuer and its facts.
pub fn facts_of(trust: TrustedIssuer, key: &SigningKey, status: Status) -> IssuerFacts {
    IssuerFacts { trust: Arc::new(trust), keys: Arc::new(KeySet::of_key(key.public())), status }
}

pub fn trust() -> TrustedIssuer {
    TrustedIssuer::single(ISSUER, did(&feed()))
}

pub fn nothing_revoked() -> Status {
    Status::Known { set: Arc::default(), as_of: at(-5) }
}

pub fn revoked(entries: &[(RevocationKind, &str)]) -> Status {
    revoked_by(ISSUER, entries)
}

pub fn revoked_by(issuer: &str, entries: &[(RevocationKind, &str)]) -> Status {
    let set = RevocationSet::default();
    for (kind, id) in entries {
        let name = RevocationName::of(issuer, *kind, id);
        set.insert(&FeedEvent { seq: 1, kind: *kind, name, cut: None, until: None });
    }
    Status::Known { set: Arc::new(set), as_of: at(-5) }
}

/// A resource server with stores of its own.
pub struct Server {
    pub resource: &'static str,
    pub facts: Facts,
    pub route: RouteRule,
    pub environment: Option<Environment>,
    pub replay: MemoryReplay,
    pub budgets: MemoryBudgets,
}

impl Server {
    pub fn new() -> Self {
        Self {
            resource: RESOURCE,
            facts: Facts::new([facts_of(trust(), &issuer(), nothing_revoked())]),
            route: RouteRule::agents(scope("files:read")),
            environment: Some(Environment::Prod),
            replay: MemoryReplay::new(ReplayLimits::default()),
            budgets: MemoryBudgets::new(BudgetLimits::default()),
        }
    }

    pub fn answer(&self, request: &Request) -> Result<Authorized, Rejection> {
        self.answer_with(request, &RequestContent::default())
    }

    /// The answer to a request that says more than its credentials.
    pub fn answer_with(&self, request: &Request, content: &RequestContent<'_>) -> Result<Authorized, Rejection> {
        let bound = self.bound(request, content)?;
        let receipt = self.replay.insert(bound.replay_entry(), at(0))?;
        let spent = bound.charges().spend(&self.budgets, at(0))?;
        bound.admit(receipt, spent)
    }

    /// The denial of a request that is not permitted.
    pub fn deny(&self, request: &Request) -> Denial {
        self.bound(request, &RequestContent::default()).unwrap_err()
    }

    /// The request as it is before anything is remembered of it.
    pub fn bound(&self, request: &Request, content: &RequestContent<'_>) -> Result<BoundRequest, Denial> {
        let resource = ResourceId::parse(self.resource).unwrap();
        let target = Target::parse(URI).unwrap();
        let point = EnforcementPoint {
            resource: &resource,
            window: ProofWindow::default(),
            nonces: NoncePolicy::Off,
            leeway: CLOCK_LEEWAY,
            staleness: DEFAULT_STALENESS,
            environment: self.environment,
            chain: ChainPolicy::default(),
            verdicts: &NoVerdicts,
            stops: &NoStops,
        };
        let parts = RequestParts {
            method: "GET",
            target: &target,
            authorization: request.authorization.iter().map(String::as_bytes).collect(),
            proofs: request.proofs.iter().map(String::as_bytes).collect(),
            delegation: request.delegation.iter().map(String::as_bytes).collect(),
            has_misplaced_token: false,
        };
        let verified = UnverifiedRequest::parse(&parts, &point.chain)?.verify(&point, &self.facts, at(0))?;
        verified.bind(&self.route, content)
    }

    pub fn reason(&self, request: &Request) -> &'static str {
        self.answer(request).map_or_else(|rejection| rejection.reason(), |_| "accepted")
    }
}

/// Field lines of a request.
#[derive(Clone)]
pub struct Request {
    pub authorization: Vec<String>,
    pub proofs: Vec<String>,
    pub delegation: Vec<String>,
}

impl Request {
    /// A token under DPoP, and a proof.
    pub fn of(token: &str, proof: String) -> Self {
        Self { authorization: vec![format!("DPoP {token}")], proofs: vec![proof], delegation: Vec::new() }
    }

    /// The good request of `key` with these claims.
    pub fn with(claims: &AccessToken, key: &SigningKey) -> Self {
        let token = claims.sign(&kid(&issuer()), &issuer()).unwrap();
        let proof = proof(key, &token, 1);
        Self::of(&token, proof)
    }
}
