//! One request through the verifier: evidence, facts and the time in; an [`Authorized`] or a [`Rejection`] out.

use handfast_delegation::UnverifiedAccessToken;
use handfast_dpop::{ContentHash, Nonce, NonceSource, ProofError, ReplayError, Target};
use handfast_identity::{Thumbprint, UnixTime};
use handfast_verifier::budget::BudgetError;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::trust::Facts;
use handfast_verifier::{
    Authorized, BoundRequest, CLOCK_LEEWAY, Denial, Drift, EnforcementPoint, Rejection, RequestParts, RouteRule,
    UnverifiedRequest,
};

use super::Shared;
use super::nonces::RequestNonces;
use crate::KeyRefresh;
use crate::request::Presented;

/// Status lists that one request can name: of its token, and of the root behind it.
const MOST_LISTS: usize = 2;

/// A request that may be served.
pub(super) struct Admission {
    pub(super) authorized: Authorized,
    pub(super) target: Target,
    pub(super) nonce: Option<Nonce>,
}

/// A request that may not, and what its answer carries.
pub(super) struct Refusal {
    pub(super) rejection: Rejection,
    pub(super) nonce: Option<Nonce>,
    key: Option<Thumbprint>,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, nonce: None, key: None }
    }
}

impl From<ProofError> for Refusal {
    fn from(error: ProofError) -> Self {
        Rejection::Proof(error).into()
    }
}

impl Shared {
    /// Decides, and counts and logs what was decided.
    pub(super) async fn examine(&self, presented: &Presented<'_>, rule: &RouteRule) -> Result<Admission, Refusal> {
        let decided = self.decide(presented, rule).await;
        match &decided {
            Ok(admission) => self.note_accepted(&admission.authorized),
            Err(refusal) => self.note_refused(refusal),
        }
        decided
    }

    async fn decide(&self, presented: &Presented<'_>, rule: &RouteRule) -> Result<Admission, Refusal> {
        let target = self.target(presented)?;
        let (parts, content) = (parts(presented, &target), presented.content());
        let now = self.clock.now();
        let facts = self.facts.facts(now);
        let again = || {
            let now = self.clock.now();
            let facts = self.facts.facts(now);
            self.attempt(&parts, &content, rule, &facts, now)
        };
        let mut decided = self.attempt(&parts, &content, rule, &facts, now);
        if matches!(&decided, Err(Refusal { rejection: Rejection::TokenKeyUnknown, .. })) {
            self.require_issuer_keys(presented).await?;
            // JWKS-04: once more, with what is known now
            decided = again();
        }
        for _ in 0..MOST_LISTS {
            let Err(Refusal { rejection: Rejection::StatusListMissing { uri }, .. }) = &decided else { break };
            let Some(issuer) = named_issuer(presented) else { break };
            self.facts.fetch_status_list(&issuer, uri).await;
            decided = again();
        }
        decided.map(|(authorized, nonce)| Admission { authorized, target, nonce })
    }

    /// The public URI (P-03), or what its absence means to a request whose form is good.
    fn target(&self, presented: &Presented<'_>) -> Result<Target, Refusal> {
        Target::join(&self.base, presented.raw_path).or_else(|error| {
            // no client can have asked for it; faults of form come first all the same, and they read no target
            let any = Target::join(&self.base, "/").map_err(ProofError::TargetForm)?;
            UnverifiedRequest::parse(&parts(presented, &any), &self.chain)?;
            Err(ProofError::TargetForm(error).into())
        })
    }

    /// The four steps. Nothing in them waits, so the facts cannot change between them.
    fn attempt(
        &self,
        parts: &RequestParts<'_>,
        content: &RequestContent<'_>,
        rule: &RouteRule,
        facts: &Facts,
        now: UnixTime,
    ) -> Result<(Authorized, Option<Nonce>), Refusal> {
        let nonces = RequestNonces::new(&*self.nonces);
        let point = self.point(&nonces, now);
        let verified = UnverifiedRequest::parse_known(parts, &self.chain, point.verdicts)
            .and_then(|request| request.verify(&point, facts, now));
        let bound = verified.map_err(Denial::from).and_then(|request| request.bind(rule, content));
        let bound = bound.map_err(|Denial { rejection, drift }| {
            if let Some(drift) = drift {
                self.note_drift(*drift, now);
            }
            let nonce = rejection.answer().needs_nonce.then(|| nonces.issue(now));
            Refusal { nonce, ..rejection.into() }
        })?;
        let key = Some(bound.replay_entry().key());
        let authorized = self.admit(bound, now).map_err(|rejection| Refusal { key, ..rejection.into() })?;
        Ok((authorized, nonces.next(now)))
    }

    /// Remembers the proof, then spends: what is refused before has used no budget (DEL-45).
    fn admit(&self, bound: BoundRequest, now: UnixTime) -> Result<Authorized, Rejection> {
        let receipt = self.replay.insert(bound.replay_entry(), now)?;
        match bound.charges().spend(&*self.budgets, now) {
            Ok(spent) => bound.admit(receipt, spent),
            Err(error) => {
                let rejection = Rejection::from(error);
                if let Some(proven) = bound.drift(&rejection).and_then(|drift| drift.prove(receipt)) {
                    self.drift.count(&proven, now);
                }
                Err(rejection)
            }
        }
    }

    fn point<'a>(&'a self, nonces: &'a RequestNonces<'_>, now: UnixTime) -> EnforcementPoint<'a> {
        EnforcementPoint {
            resource: &self.resource,
            window: self.window,
            nonces: self.nonce_use.policy(nonces).after_start(self.restart, now),
            leeway: CLOCK_LEEWAY,
            staleness: self.staleness,
            environment: self.environment,
            chain: self.chain,
            verdicts: &self.verdicts,
            stops: &self.drift,
        }
    }

    /// Counts a wish whose proof was never used before. One that came with a used proof was counted then; one that the store
    /// cannot remember is refused all the same.
    fn note_drift(&self, drift: Drift, now: UnixTime) {
        let receipt = self.replay.insert(drift.replay_entry(), now);
        if let Some(proven) = receipt.ok().and_then(|receipt| drift.prove(receipt)) {
            self.drift.count(&proven, now);
        }
    }

    /// Has the facts' source look for the keys of the issuer that the token names.
    async fn require_issuer_keys(&self, presented: &Presented<'_>) -> Result<(), Rejection> {
        let issuer = named_issuer(presented).ok_or(Rejection::TokenKeyUnknown)?;
        match self.facts.refresh_keys(&issuer).await {
            KeyRefresh::Done => Ok(()),
            KeyRefresh::Unavailable => Err(Rejection::StatusUnknown), // P-17
        }
    }

    fn note_accepted(&self, authorized: &Authorized) {
        self.decisions.count_accepted();
        // DPOP-138
        tracing::debug!(
            decision = "accepted",
            issuer = authorized.issuer(),
            jkt = %authorized.key(),
            token_id = authorized.token_id(),
            proof_id_hash = %ContentHash::of(authorized.proof_id().as_bytes()),
        );
    }

    fn note_refused(&self, refusal: &Refusal) {
        let reason = refusal.rejection.reason();
        self.decisions.count_refused(reason);
        let jkt = refusal.key.map(|key| key.to_string());
        if refusal.rejection.answer().status == 503 {
            tracing::warn!(decision = "refused", reason, jkt, "a request could not be decided");
        } else {
            tracing::info!(decision = "refused", reason, jkt);
        }
        match refusal.rejection {
            Rejection::Replay(ReplayError::ClockWentBack) => {
                tracing::error!("the system clock was set back by more than the proof window"); // TH77
            }
            Rejection::Budget(BudgetError::ClockWentBack) => {
                tracing::error!("the system clock is behind what the budget store was told before");
            }
            _ => {}
        }
    }
}

fn parts<'a>(presented: &Presented<'a>, target: &'a Target) -> RequestParts<'a> {
    RequestParts {
        method: presented.method,
        target,
        authorization: presented.authorization(),
        proofs: presented.proofs(),
        delegation: presented.delegation(),
        has_misplaced_token: presented.has_misplaced_token,
    }
}

/// The issuer of a token that was found well-formed before.
fn named_issuer(presented: &Presented<'_>) -> Option<String> {
    let (_, token) = core::str::from_utf8(presented.authorization().only()?).ok()?.split_once(' ')?;
    let token = UnverifiedAccessToken::parse(token.trim_start_matches(' ')).ok()?;
    Some(token.unverified_claims().issuer.clone())
}
