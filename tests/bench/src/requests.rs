//! Requests with a token and a proof, from their fields to the handler's argument or the refusal.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use handfast_delegation::{ResourceId, Scope};
use handfast_dpop::{ContentHash, MemoryReplay, ProofRequest, ProofRoom, ReplayLimits, ReplayStore, Target};
use handfast_identity::{Seconds, UnixTime};
use handfast_testkit::{Agent, CountedRandom, Issuer};
use handfast_verifier::budget::{BudgetLimits, MemoryBudgets};
use handfast_verifier::revocation::{FeedEvent, RevocationKind, RevocationName, RevocationSet};
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::{Facts, IssuerFacts, Status};
use handfast_verifier::{NoVerdicts, RequestParts, RouteRule, UnverifiedRequest, Verdicts};

use crate::material::{Kept, PATH, RESOURCE, facts, now, point};
use crate::meter::Candidate;

/// Proofs made in advance; after them the replay store is a new one.
const PROOFS: usize = 4_096;
/// The same where only a few runs are counted: under callgrind each takes long to make.
const FEW_PROOFS: usize = 32;
/// Whether a few are enough.
pub static ARE_FEW: AtomicBool = AtomicBool::new(false);

fn proofs() -> usize {
    if ARE_FEW.load(Ordering::Relaxed) { FEW_PROOFS } else { PROOFS }
}

/// What a replay store here has room for.
const ROOM: ReplayLimits = ReplayLimits { total: 16 * PROOFS, per_key: 16 * PROOFS };

/// One agent's requests: the same token, a proof for each.
pub struct Requests {
    pub issuer: Issuer,
    pub agent: Agent,
    pub token: String,
    pub token_id: String,
    pub target: Target,
    pub proofs: Vec<String>,
}

impl Requests {
    /// With token and proofs of that time.
    pub fn made_at(time: UnixTime) -> Self {
        let (issuer, agent) = (Issuer::example(), Agent::numbered(1));
        let target = Target::parse(&format!("{RESOURCE}{PATH}")).expect("a target");
        let mut claims = issuer.token_for(&agent, RESOURCE, "files:read", time);
        claims.authority.expires_at = time.saturating_add(Seconds::new(3_600));
        let (token, token_id) = (issuer.sign(&claims), claims.token_id);
        let mut requests = Self { issuer, agent, token, token_id: token_id.to_string(), target, proofs: Vec::new() };
        requests.proofs = (0..proofs()).map(|_| requests.proof(time)).collect();
        requests
    }

    fn proof(&self, time: UnixTime) -> String {
        self.proof_for(&self.target, &self.token, time)
    }

    fn proof_for(&self, target: &Target, token: &str, time: UnixTime) -> String {
        let request = ProofRequest {
            method: "GET",
            target,
            token_hash: Some(ContentHash::of(token.as_bytes())),
            nonce: None,
            delegation_hash: None,
            content_digest: None,
        };
        request.sign(self.agent.key(), time, &mut CountedRandom::unshared()).expect("a proof")
    }
}

/// What decides.
struct Server {
    resource: ResourceId,
    facts: Facts,
    route: RouteRule,
    replay: MemoryReplay,
    budgets: MemoryBudgets,
    verdicts: &'static dyn Verdicts,
}

impl Server {
    fn new(verdicts: &'static dyn Verdicts, facts: Facts) -> Self {
        Self {
            resource: ResourceId::parse(RESOURCE).expect("a resource"),
            facts,
            route: RouteRule::agents(Scope::parse("files:read").expect("a scope")),
            replay: MemoryReplay::new(ROOM),
            budgets: MemoryBudgets::new(BudgetLimits::default()),
            verdicts,
        }
    }

    /// The reason of the refusal, or `accepted`.
    fn answer(&self, authorization: &str, proof: &str, target: &Target, now: UnixTime) -> &'static str {
        let point = point(&self.resource, self.verdicts);
        let parts = RequestParts {
            method: "GET",
            target,
            authorization: [black_box(authorization.as_bytes())].into(),
            proofs: [black_box(proof.as_bytes())].into(),
            delegation: [].into(),
            has_misplaced_token: false,
        };
        let mut room = ProofRoom::new();
        let decided = UnverifiedRequest::parse_known(&parts, &point.chain, self.verdicts, now, &mut room)
            .and_then(|request| request.verify(&point, &self.facts, now))
            .and_then(|request| {
                let content = RequestContent::default();
                Ok(request.bind_foreseen(&self.route, &content, |entry| self.replay.foresee(entry))?)
            })
            .and_then(|bound| {
                let receipt = self.replay.insert(bound.replay_entry(), now)?;
                let spent = bound.charges().spend(&self.budgets, now)?;
                bound.admit(receipt, spent)
            });
        decided.map_or_else(
            |rejection| rejection.reason(),
            |authorized| if black_box(authorized).token_id().is_empty() { "" } else { "accepted" },
        )
    }
}

/// All of them.
pub fn all() -> Vec<Candidate> {
    let never_token: &'static Kept = Box::leak(Box::new(Kept::without_tokens()));
    let mut all = vec![
        whole("whole-warm", Box::leak(Box::new(Kept::often()))),
        whole("whole-warm-new", Box::leak(Box::<Kept>::default())),
        whole("whole-known", never_token),
        whole("whole-never", &NoVerdicts),
    ];
    all.extend(refusals());
    all
}

fn whole(name: &str, verdicts: &'static dyn Verdicts) -> Candidate {
    let requests = Requests::made_at(now());
    let authorization = format!("DPoP {}", requests.token);
    let mut server = Server::new(verdicts, facts());
    let mut places = 0..proofs();
    Candidate::new(name, move || {
        let place = places.next().unwrap_or_else(|| {
            server.replay = MemoryReplay::new(ROOM);
            places = 1..proofs();
            0
        });
        server.answer(&authorization, &requests.proofs[place], &requests.target, now()) == "accepted"
    })
}

/// Requests that need no signature to be refused, and one whose signature is bad.
fn refusals() -> Vec<Candidate> {
    let requests = Requests::made_at(now());
    let late = now().saturating_add(Seconds::new(3_631));
    let elsewhere = Target::parse(&format!("{RESOURCE}/elsewhere")).expect("a target");
    let (good, bad) = (requests.proof(now()), requests.proof(now()));
    let (input, _) = bad.rsplit_once('.').expect("a signature");
    let (_, signature) = good.rsplit_once('.').expect("a signature");
    let foreign = {
        let other = Requests { agent: Agent::numbered(2), ..Requests::made_at(now()) };
        other.proof_for(&requests.target, &requests.token, now())
    };
    // as in a server, whatever is known later is of the same trust record
    let facts = crate::material::facts();
    let known = || facts.clone();
    let name = RevocationName::of(requests.issuer.url(), RevocationKind::Token, &requests.token_id);
    let set = Arc::new(RevocationSet::default());
    set.insert(&FeedEvent { seq: 1, kind: RevocationKind::Token, name, cut: None, until: None });
    let revoked = || {
        let with_status = |issuer: &IssuerFacts| IssuerFacts {
            status: Status::Known { set: Arc::clone(&set), as_of: now() },
            ..issuer.clone()
        };
        Facts::new(facts.issuers().map(with_status))
    };
    let token = format!("DPoP {}", requests.token);
    let rows: Vec<(&str, &str, String, String, UnixTime, Facts)> = vec![
        (
            "target",
            "target_mismatch",
            token.clone(),
            requests.proof_for(&elsewhere, &requests.token, now()),
            now(),
            known(),
        ),
        (
            "ath",
            "token_hash_mismatch",
            token.clone(),
            requests.proof_for(&requests.target, "other", now()),
            now(),
            known(),
        ),
        (
            "iat",
            "proof_stale",
            token.clone(),
            requests.proof(UnixTime::from_secs(now().as_secs() - 61)),
            now(),
            known(),
        ),
        ("foreign key", "holder_mismatch", token.clone(), foreign, now(), known()),
        ("revoked", "token_revoked", token.clone(), good.clone(), now(), revoked()),
        ("expired", "token_expired", token.clone(), requests.proof(late), late, known()),
        ("junk proof", "proof_malformed", token.clone(), "a.b.c".repeat(80), now(), known()),
        ("junk token", "credentials_malformed", "DPoP {}".repeat(100), good.clone(), now(), known()),
        ("signature", "proof_signature", token.clone(), format!("{input}.{signature}"), now(), known()),
    ];
    let mut all = Vec::new();
    for (row, reason, authorization, proof, time, facts) in rows {
        let kept: &'static Kept = Box::leak(Box::new(Kept::often()));
        // seen before: token and header of this agent, and the header of the other
        let others = Requests { agent: Agent::numbered(2), ..Requests::made_at(now()) };
        for seen in [&requests, &others] {
            let first = Server::new(kept, known());
            let claims = seen.issuer.token_for(&seen.agent, RESOURCE, "files:read", now());
            let text = if seen.agent.did() == requests.agent.did() {
                requests.token.clone()
            } else {
                seen.issuer.sign(&claims)
            };
            let proof = seen.proof_for(&requests.target, &text, now());
            assert_eq!(first.answer(&format!("DPoP {text}"), &proof, &requests.target, now()), "accepted");
        }
        let (server, target) = (Server::new(kept, facts), requests.target.clone());
        all.push(Candidate::new(format!("refused: {row}"), move || {
            server.answer(&authorization, &proof, &target, time) == reason
        }));
    }
    all
}
