//! Step 3: the token is of a trusted issuer, for this resource, in its time, and the issuer's own.

use handfast_delegation::{AccessToken, UnverifiedAccessToken, VerifiedAccessToken};
use handfast_identity::{Seconds, UnixTime};

use super::parse::rejection_of;
use crate::trust::{Facts, IssuerFacts, Profile, TrustedIssuer};
use crate::{EnforcementPoint, Rejection};

/// Verifies the token's claims and signature, cheap before dear. Gives it with the facts about its issuer.
pub(super) fn verify<'f>(
    token: UnverifiedAccessToken,
    point: &EnforcementPoint<'_>,
    facts: &'f Facts,
    now: UnixTime,
) -> Result<(VerifiedAccessToken, &'f IssuerFacts, String), Rejection> {
    let claims = token.unverified_claims();
    // P-04: keys come from configured trust; the token only says which record to look at
    let issuer = facts.issuer(&claims.issuer).ok_or(Rejection::IssuerNotTrusted)?;
    require_audience(claims, point)?;
    require_time(claims, point.leeway, now)?;
    let kid = token.kid().ok_or(Rejection::TokenKeyUnknown)?.to_owned();
    let key = issuer.keys.find(&kid).ok_or(Rejection::TokenKeyUnknown)?;
    let token = token.verify(key).map_err(|error| rejection_of(&error))?;
    let claims = token.claims();
    require_lifetime(claims, &issuer.trust)?;
    if !issuer.trust.speaks_for(point.resource, &claims.authority.scope, &claims.subject) {
        return Err(Rejection::IssuerNotTrusted);
    }
    require_profile(claims, issuer.trust.profile)?;
    let is_elsewhere = match (claims.environment, point.environment) {
        (Some(of_token), Some(of_point)) => of_token != of_point,
        (None, Some(_)) => issuer.trust.profile == Profile::Handfast && !claims.is_of_owner(),
        (_, None) => false,
    };
    if is_elsewhere { Err(Rejection::EnvironmentMismatch) } else { Ok((token, issuer, kid)) }
}

/// AT-14: exactly one of the audiences is this resource, as text.
fn require_audience(claims: &AccessToken, point: &EnforcementPoint<'_>) -> Result<(), Rejection> {
    if claims.authority.resources.contains(point.resource) { Ok(()) } else { Err(Rejection::AudienceMismatch) }
}

/// AT-16, AT-17: one reading of the clock, one leeway.
fn require_time(claims: &AccessToken, leeway: Seconds, now: UnixTime) -> Result<(), Rejection> {
    let latest_start = now.saturating_add(leeway);
    if now > claims.authority.expires_at.saturating_add(leeway) {
        return Err(Rejection::TokenExpired);
    }
    if claims.issued_at > latest_start || claims.not_before.is_some_and(|start| start > latest_start) {
        return Err(Rejection::TokenNotYetValid);
    }
    Ok(())
}

fn require_lifetime(claims: &AccessToken, trust: &TrustedIssuer) -> Result<(), Rejection> {
    if claims.authority.expires_at < claims.issued_at {
        return Err(Rejection::TokenClaimsIncomplete);
    }
    let lifetime = claims.authority.expires_at.since(claims.issued_at);
    if lifetime > trust.max_lifetime { Err(Rejection::TokenLifetimeExceeded) } else { Ok(()) }
}

/// Which claims a token owes, and what may not stand in one that this version accepts.
fn require_profile(claims: &AccessToken, profile: Profile) -> Result<(), Rejection> {
    // RAR-09, P-08: a restriction nobody here can apply is refused, never ignored
    let (has_tools, has_budget) = (claims.authority.tools.is_some(), claims.authority.budget.is_some());
    // what a foreign issuer means by these words is not known here
    let is_foreign = profile == Profile::Rfc9068 && (has_tools || has_budget);
    // DEL-45: a budget is counted under its task
    let has_no_payer = has_budget && claims.task.is_none();
    if claims.has_unreadable_restriction || is_foreign || has_no_payer {
        return Err(Rejection::RestrictionUnsupported);
    }
    if profile == Profile::Rfc9068 {
        return Ok(());
    }
    if claims.is_of_owner() {
        return Ok(());
    }
    if claims.actors.is_none() || claims.task.is_none() || claims.delegability.is_none() {
        return Err(Rejection::TokenClaimsIncomplete);
    }
    Ok(())
}
