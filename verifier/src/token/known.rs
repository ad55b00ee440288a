//! A token found to be its issuer's, so that the same bytes need not be read and verified again.

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use handfast_delegation::{AccessToken, VerifiedAccessToken};
use handfast_identity::{ContentHash, DidKey, PublicKey, Thumbprint, UnixTime};

use super::TokenNames;
use crate::trust::{Facts, IssuerFacts, TrustedIssuer};

/// How many times its bytes a token takes: text, signing input, payload, and the texts read out of it.
const TEXT_COPIES: usize = 4;
/// What each name that may be revoked takes.
const NAME_BYTES: usize = 16;

/// The verdict about one token: its signature is good under one key of its issuer. With it, what its bytes say and what can be
/// taken from them alone. Made by the check only.
///
/// It says nothing about time, audience, revocation, binding, replay or the request: those are asked again every time.
pub struct KnownToken {
    text: String,
    hash: ContentHash,
    token: VerifiedAccessToken,
    /// The claims with the scope as it is called here, where the issuer has words of its own.
    translated: Option<Box<AccessToken>>,
    kid: String,
    key: PublicKey,
    trust: Arc<TrustedIssuer>,
    client: Option<Thumbprint>,
    names: Vec<TokenNames>,
}

impl KnownToken {
    /// What is known of `text` once it has become `token`, under the key that `issuer` has as `kid`.
    pub(crate) fn new(
        (text, hash): (&str, ContentHash),
        token: VerifiedAccessToken,
        (kid, key): (String, &PublicKey),
        issuer: &IssuerFacts,
    ) -> Self {
        let claims = token.claims();
        let translated = issuer.trust.meaning_of(&claims.authority.scope).map(|scope| {
            let mut claims = claims.clone();
            claims.authority.scope = scope;
            Box::new(claims)
        });
        let listings = core::iter::once(&claims.issuer).chain(&issuer.trust.agent_status);
        Self {
            names: listings.map(|listing| TokenNames::new(listing, claims, &kid)).collect(),
            client: DidKey::thumbprint_of(&claims.client_id),
            text: text.to_owned(),
            hash,
            token,
            translated,
            kid,
            key: key.plain(),
            trust: Arc::clone(&issuer.trust),
        }
    }

    /// Whether it answers for exactly this text.
    pub(crate) fn is_of(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether the issuer still has the very key that signed it, and is trusted with what it was trusted with.
    pub(crate) fn stands(&self, facts: &Facts) -> bool {
        let issuer = facts.issuer(&self.claims().issuer);
        issuer.is_some_and(|issuer| issuer.is_trusted_with(&self.trust) && self.is_by_key_of(issuer))
    }

    /// Whether the issuer still has the very key that signed it.
    pub(crate) fn is_by_key_of(&self, issuer: &IssuerFacts) -> bool {
        issuer.has_key(&self.kid, &self.key)
    }

    /// The presented text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash of the text: what `ath` of a proof is.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// When it ends, without leeway. Whoever remembers it longer remembers it for nothing.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.claims().authority.expires_at
    }

    /// Roughly how many bytes it holds, for stores with a bound.
    #[must_use]
    pub fn weight(&self) -> usize {
        let names: usize = self.names.iter().map(|names| names.len() * NAME_BYTES + size_of::<TokenNames>()).sum();
        size_of::<Self>() + TEXT_COPIES * self.text.len() + names
    }

    pub(crate) const fn token(&self) -> &VerifiedAccessToken {
        &self.token
    }

    /// What the token says, in our words.
    pub(crate) const fn claims(&self) -> &AccessToken {
        match &self.translated {
            Some(claims) => claims,
            None => self.token.claims(),
        }
    }

    /// The key id of the issuer's key.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The thumbprint of the key that the client's DID names; none where the client is no `did:key`.
    pub(crate) const fn client(&self) -> Option<Thumbprint> {
        self.client
    }

    /// What it names, as `listing` calls it.
    pub(crate) fn names(&self, listing: &str) -> Cow<'_, TokenNames> {
        match self.names.iter().find(|names| names.listing() == listing) {
            Some(names) => Cow::Borrowed(names),
            None => Cow::Owned(TokenNames::new(listing, self.claims(), &self.kid)),
        }
    }
}

impl fmt::Debug for KnownToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownToken({})", self.claims().token_id) // P-19
    }
}
