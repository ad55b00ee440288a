//! One request through the verifier: evidence, facts and the time in; an [`Authorized`] or a [`Rejection`] out.

use std::sync::Arc;

use handfast_delegation::UnverifiedAccessToken;
use handfast_dpop::{Nonce, NonceSource, ProofError, ProofRoom, Receipt, Target};
use handfast_identity::UnixTime;
use handfast_verifier::budget::Spent;
use handfast_verifier::tools::RequestContent;
use handfast_verifier::{
    Attribution, Authorized, BoundRequest, CLOCK_LEEWAY, Denial, Drift, EnforcementPoint, Rejection, RequestParts,
    RouteRule, UnverifiedRequest,
};

use super::nonces::RequestNonces;
use super::{Shared, log};
use crate::KeyRefresh;
use crate::request::Presented;

/// Status lists that one request can name: of its token, and of the root behind it.
const MOST_LISTS: usize = 2;

/// A request that may be served.
pub(super) struct Admission {
    pub(super) authorized: Authorized,
    pub(super) target: Target,
    pub(super) nonce: Option<Nonce>,
    /// The token's text, where its issuer has to be asked about it again and again.
    pub(super) token: Option<Arc<str>>,
}

/// A request that may not, and what its answer carries.
pub(super) struct Refusal {
    pub(super) rejection: Rejection,
    pub(super) nonce: Option<Nonce>,
    /// Who asked, once that is known.
    pub(super) by: Option<Box<Attribution>>,
}

/// A request that may be served once its proof is remembered and its budgets have paid, and the nonce its answer carries.
struct Judged {
    bound: BoundRequest,
    nonce: Option<Nonce>,
    now: UnixTime,
    /// Whether it may because its issuer said so of its token.
    is_introspected: bool,
}

/// A request that may not, and the wish to be counted.
struct Turned {
    refusal: Refusal,
    drift: Option<Box<Drift>>,
    now: UnixTime,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, nonce: None, by: None }
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
            Ok(admission) => {
                self.decisions.count_accepted();
                log::accepted(admission.authorized.attribution());
            }
            Err(refusal) => {
                self.decisions.count_refused(refusal.rejection.reason());
                log::refused(&refusal.rejection, refusal.by.as_deref());
            }
        }
        decided
    }

    async fn decide(&self, presented: &Presented<'_>, rule: &RouteRule) -> Result<Admission, Refusal> {
        let target = self.target(presented)?;
        let (parts, content) = (parts(presented, &target), presented.content());
        let mut judged = self.judge(&parts, &content, rule);
        if matches!(&judged, Err(Turned { refusal: Refusal { rejection: Rejection::TokenKeyUnknown, .. }, .. })) {
            self.require_issuer_keys(presented).await?;
            // JWKS-04: once more, with what is known now
            judged = self.judge(&parts, &content, rule);
        }
        for _ in 0..MOST_LISTS {
            let Err(Turned { refusal: Refusal { rejection: Rejection::StatusListMissing { uri }, .. }, .. }) = &judged
            else {
                break;
            };
            let Some(issuer) = named_issuer(presented) else { break };
            self.facts.fetch_status_list(&issuer, uri).await;
            judged = self.judge(&parts, &content, rule);
        }
        if matches!(&judged, Err(Turned { refusal: Refusal { rejection: Rejection::IntrospectionMissing, .. }, .. }))
            && let (Some(issuer), Some(token)) = (named_issuer(presented), presented_token(presented))
        {
            self.facts.introspect(&issuer, token).await;
            judged = self.judge(&parts, &content, rule);
        }
        match judged {
            Ok(Judged { bound, nonce, now, is_introspected }) => {
                let token: Option<Arc<str>> = presented_token(presented).filter(|_| is_introspected).map(Arc::from);
                let authorized = self.admit(bound, now).await?;
                if self.stores.are_waited_for() {
                    self.require_not_stopped_meanwhile(&authorized, token.as_deref()).await?;
                }
                Ok(Admission { authorized, target, nonce, token })
            }
            Err(Turned { refusal, drift, now }) => {
                if let Some(drift) = drift {
                    self.note_drift(*drift, now).await;
                }
                Err(refusal)
            }
        }
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

    /// The steps up to the last. Nothing in them waits, so the facts cannot change between them.
    fn judge(
        &self,
        parts: &RequestParts<'_>,
        content: &RequestContent<'_>,
        rule: &RouteRule,
    ) -> Result<Judged, Turned> {
        let now = self.clock.now();
        let facts = self.facts.facts(now);
        let nonces = RequestNonces::new(&*self.nonces);
        let point = self.point(&nonces, now);
        let mut room = ProofRoom::new();
        let verified = UnverifiedRequest::parse_known(parts, &self.chain, point.verdicts, now, &mut room)
            .and_then(|request| request.verify(&point, &facts, now));
        let bound = verified
            .map_err(Denial::from)
            .and_then(|request| request.bind_foreseen(rule, content, |entry| self.stores.foresee(entry)));
        match bound {
            Ok(bound) => {
                let is_introspected = facts.is_introspected(bound.by().issuer());
                Ok(Judged { bound, nonce: nonces.next(now), now, is_introspected })
            }
            Err(Denial { rejection, by, drift }) => {
                let nonce = rejection.answer().needs_nonce.then(|| nonces.issue(now));
                Err(Turned { refusal: Refusal { rejection, nonce, by }, drift, now })
            }
        }
    }

    /// The last step: the proof is remembered and budgets pay, which may wait for a memory that is shared.
    async fn admit(&self, bound: BoundRequest, now: UnixTime) -> Result<Authorized, Refusal> {
        match self.spend(&bound, now).await {
            Ok((receipt, spent)) => Ok(bound.admit(receipt, spent)?),
            Err(rejection) => Err(Refusal { by: Some(Box::new(bound.by().clone())), ..rejection.into() }),
        }
    }

    /// P-11: what was revoked or stopped while the request waited counts for it too (spec/access-tokens.md, the check). Its proof is
    /// used and its budgets have paid all the same.
    async fn require_not_stopped_meanwhile(&self, authorized: &Authorized, token: Option<&str>) -> Result<(), Refusal> {
        let look = || {
            let now = self.clock.now();
            authorized.require_not_stopped(&self.facts.facts(now), self.staleness, &self.drift, now)
        };
        let mut found = look();
        // INT-06: what the issuer said of the token is too old by now
        if let (Err(Rejection::IntrospectionMissing), Some(token)) = (&found, token) {
            self.facts.introspect(authorized.issuer(), token).await;
            found = look();
        }
        found.map_err(|rejection| Refusal { by: Some(Box::new(authorized.attribution().clone())), ..rejection.into() })
    }

    /// Remembers the proof, then spends: what is refused before has used no budget (DEL-45).
    async fn spend(&self, bound: &BoundRequest, now: UnixTime) -> Result<(Receipt, Spent), Rejection> {
        let receipt = self.stores.remember(bound.replay_entry(), now).await?;
        match self.stores.spend(bound.charges(), now).await {
            Ok(spent) => Ok((receipt, spent)),
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
    async fn note_drift(&self, drift: Drift, now: UnixTime) {
        let receipt = self.stores.remember(drift.replay_entry(), now).await;
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
    let token = UnverifiedAccessToken::parse(presented_token(presented)?).ok()?;
    Some(token.unverified_claims().issuer.to_string())
}

/// The text of a token that was found well-formed before.
fn presented_token<'a>(presented: &'a Presented<'_>) -> Option<&'a str> {
    let (_, token) = core::str::from_utf8(presented.authorization().only()?).ok()?.split_once(' ')?;
    Some(token.trim_start_matches(' '))
}
