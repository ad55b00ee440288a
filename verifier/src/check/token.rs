//! Step 3: the token is of a trusted issuer, for this resource, in its time, and the issuer's own.

use core::fmt;
use std::sync::Arc;

use handfast_delegation::{AccessToken, TokenError, UnverifiedAccessToken};
use handfast_identity::{ContentHash, Seconds, UnixTime, WrittenHash};

use crate::token::KnownToken;
use crate::trust::{Facts, IssuerFacts, Profile, TrustedIssuer};
use crate::{EnforcementPoint, Rejection, Verdicts};

/// The presented token.
pub(super) enum TokenText<'a> {
    /// Not remembered.
    New(&'a str),
    /// Of exactly the text that is remembered.
    Known(Arc<KnownToken>),
}

impl<'a> TokenText<'a> {
    /// What is remembered of `text`, looked up by its exact bytes.
    pub(super) fn known(text: &[u8], verdicts: &dyn Verdicts, now: UnixTime) -> Option<Self> {
        verdicts.find_token(text, now).filter(|known| known.text().as_bytes() == text).map(Self::Known)
    }

    /// `text`, with what is remembered of it.
    pub(super) fn look_up(text: &'a str, verdicts: &dyn Verdicts, now: UnixTime) -> Self {
        Self::known(text.as_bytes(), verdicts, now).unwrap_or(Self::New(text))
    }

    /// Its hash, if that need not be taken.
    pub(super) fn known_hash(&self) -> Option<&WrittenHash> {
        match self {
            Self::New(_) => None,
            Self::Known(known) => Some(known.written_hash()),
        }
    }

    /// The same with its hash.
    pub(super) fn hashed(self) -> HashedToken<'a> {
        match self {
            Self::New(text) => HashedToken::New { text, hash: ContentHash::of(text.as_bytes()).into() },
            Self::Known(known) => HashedToken::Known(known),
        }
    }
}

impl fmt::Debug for TokenText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(_) => f.write_str("TokenText(redacted)"), // P-19
            Self::Known(known) => known.fmt(f),
        }
    }
}

/// The presented token and its hash.
pub(super) enum HashedToken<'a> {
    New { text: &'a str, hash: WrittenHash },
    Known(Arc<KnownToken>),
}

impl HashedToken<'_> {
    /// What `ath` of a proof is.
    pub(super) fn hash(&self) -> &WrittenHash {
        match self {
            Self::New { hash, .. } => hash,
            Self::Known(known) => known.written_hash(),
        }
    }

    /// Verifies the token's claims and signature, cheap before dear. Gives it with the facts about its issuer.
    ///
    /// A token that is known is not read and its signature not verified again; everything else is asked as of any other.
    pub(super) fn verify<'f>(
        self,
        point: &EnforcementPoint<'_>,
        facts: &'f Facts,
        now: UnixTime,
    ) -> Result<(Arc<KnownToken>, &'f IssuerFacts), Rejection> {
        let standing = match &self {
            Self::New { .. } => None,
            Self::Known(known) => standing(known, facts),
        };
        let (token, issuer) = match (self, standing) {
            (Self::Known(known), Some(issuer)) => {
                require_presentable(known.claims(), point, now)?;
                (known, issuer)
            }
            (Self::Known(known), None) => verify_anew(known.text(), *known.written_hash(), point, facts, now)?,
            (Self::New { text, hash }, _) => verify_anew(text, hash, point, facts, now)?,
        };
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
        if is_elsewhere { Err(Rejection::EnvironmentMismatch) } else { Ok((token, issuer)) }
    }
}

/// The issuer of what is remembered, as long as it has the same key and trust.
fn standing<'f>(known: &KnownToken, facts: &'f Facts) -> Option<&'f IssuerFacts> {
    facts.issuer(&known.claims().issuer).filter(|issuer| known.stands(issuer))
}

fn verify_anew<'f>(
    text: &str,
    hash: WrittenHash,
    point: &EnforcementPoint<'_>,
    facts: &'f Facts,
    now: UnixTime,
) -> Result<(Arc<KnownToken>, &'f IssuerFacts), Rejection> {
    let token = UnverifiedAccessToken::parse(text).map_err(|error| rejection_of(&error))?;
    // P-04: keys come from configured trust; the token only says which record to look at
    let issuer = facts.issuer(&token.unverified_claims().issuer).ok_or(Rejection::IssuerNotTrusted)?;
    require_presentable(token.unverified_claims(), point, now)?;
    let key = token.kid().and_then(|kid| issuer.keys.find(kid)).ok_or(Rejection::TokenKeyUnknown)?;
    let token = token.verify(key).map_err(|error| rejection_of(&error))?;
    let known = Arc::new(KnownToken::new(token, hash, key, issuer));
    point.verdicts.keep_token(&known);
    Ok((known, issuer))
}

/// What needs no signature: the token is for this resource, and in its time.
fn require_presentable(claims: &AccessToken, point: &EnforcementPoint<'_>, now: UnixTime) -> Result<(), Rejection> {
    require_audience(claims, point)?;
    require_time(claims, point.leeway, now)
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

const fn rejection_of(error: &TokenError) -> Rejection {
    match error {
        TokenError::TooLong | TokenError::Form | TokenError::Claims => Rejection::TokenMalformed,
        TokenError::Type => Rejection::TokenTypeMismatch,
        TokenError::Algorithm => Rejection::TokenAlgorithmRefused,
        TokenError::Signature => Rejection::TokenSignatureInvalid,
    }
}
