//! Requests that carry a DPoP proof and no token: the token endpoint, and an agent asking about its claim.

use handfast_dpop::{
    CheckedProof, Expectation, Nonce, NoncePolicy, NonceSource as _, ProofError, ReplayStore as _, Target,
    UnverifiedProof, VerifiedProof,
};
use handfast_identity::jws::JwsError;
use handfast_identity::{ContentHash, DidKey, UnixTime};
use handfast_middleware::Rejection;
use http::HeaderName;
use http::request::Parts;

use super::{App, Failure};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Checks what needs no signature about the request's proof: form, method, target, nonce and freshness, in this order.
///
/// A nonce of this process is always asked for: it proves that the proof was made for this registry, lately, and after its
/// start, so a replay store in memory is enough (DPOP-60, DPOP-133).
///
/// `evidence` is the hash of the delegation evidence beside it, which the proof covers (DEL-32).
pub(super) fn check<'a>(
    app: &App,
    parts: &'a Parts,
    evidence: Option<ContentHash>,
    now: UnixTime,
) -> Result<CheckedProof<'a>, Failure> {
    read(app, parts, evidence, now).map_err(|rejection| {
        let failure = Failure::from(rejection);
        if failure.needs_nonce() { failure.with_nonce(app.nonces.issue(now)) } else { failure }
    })
}

fn read<'a>(
    app: &App,
    parts: &'a Parts,
    evidence: Option<ContentHash>,
    now: UnixTime,
) -> Result<CheckedProof<'a>, Rejection> {
    let mut lines = parts.headers.get_all(DPOP).iter();
    let field = match (lines.next(), lines.next()) {
        (None, _) => return Err(Rejection::ProofMissing),
        // DPOP-21: two field lines, or two proofs folded into one
        (Some(one), None) if !one.as_bytes().contains(&b',') => one,
        (Some(_), _) => return Err(Rejection::ProofRepeated),
    };
    let field = core::str::from_utf8(field.as_bytes()).map_err(|_| ProofError::Malformed(JwsError::Form))?;
    let target = Target::join(app.config.base(), parts.uri.path()).map_err(ProofError::TargetForm)?;
    let expected = Expectation {
        method: parts.method.as_str(),
        target: &target,
        token_hash: None,
        delegation_hash: evidence,
        window: app.config.window(),
        nonces: NoncePolicy::required(&*app.nonces),
    };
    Ok(UnverifiedProof::parse(field)?.check(&expected, now)?)
}

/// The party behind a checked proof, its signature verified.
pub(super) fn verify(proof: CheckedProof<'_>) -> Result<(VerifiedProof, DidKey), Failure> {
    let proof = proof.verify().map_err(Rejection::from)?;
    let did = proof.key().did();
    Ok((proof, did))
}

/// Uses a proof up, as the last thing before what it asks for is done: one that failed any check burns nothing (DPOP-50).
pub(super) fn spend(app: &App, proof: &VerifiedProof, now: UnixTime) -> Result<(), Failure> {
    let entry = proof.replay_entry(app.config.issuer());
    app.replay.insert(&entry, now).map(drop).map_err(|error| Rejection::from(error).into())
}

/// The nonce to send along with a success, so that the next request needs no detour (DPOP-66).
pub(super) fn next_nonce(app: &App, now: UnixTime) -> Nonce {
    app.nonces.issue(now)
}
