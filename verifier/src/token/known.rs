//! A token found to be its issuer's, so that the same bytes need not be read and verified again.

use core::{fmt, ptr};
use std::sync::{Arc, Weak};

use handfast_delegation::{AccessToken, VerifiedAccessToken};
use handfast_identity::{ContentHash, DidKey, PublicKey, Thumbprint, UnixTime, WrittenHash};

use super::TokenNames;
use crate::Rejection;
use crate::revocation::RevocationSet;
use crate::trust::{IssuerFacts, KeySet, TrustedIssuer};

/// How many times its bytes a token takes: its text, and header and payload decoded, of which the texts of its claims are parts.
const TEXT_COPIES: usize = 2;
/// What each name that may be revoked takes.
const NAME_BYTES: usize = 16;

/// The verdict about one token: its signature is good under one key of its issuer. With it, what its bytes say and what can be
/// taken from them alone. Made by the check only.
///
/// It says nothing about time, audience, revocation, binding, replay or the request: those are asked again every time.
pub struct KnownToken {
    hash: WrittenHash,
    token: VerifiedAccessToken,
    /// The claims with the scope as it is called here, where the issuer has words of its own.
    translated: Option<Box<AccessToken>>,
    key: PublicKey,
    /// The set that had the key. A weak reference keeps its place from being another set's, and keeps no set that is over.
    keys: Weak<KeySet>,
    trust: Arc<TrustedIssuer>,
    client: Option<Thumbprint>,
    /// What it names, as its own issuer calls it.
    names: TokenNames,
    /// The same as each issuer calls it whose entries about agents count too, in the order of the trust record.
    listed: Vec<TokenNames>,
}

impl KnownToken {
    /// What is known of the text with this hash once it has become `token`, under `key` of the set that `issuer` has.
    pub(crate) fn new(token: VerifiedAccessToken, hash: WrittenHash, key: &PublicKey, issuer: &IssuerFacts) -> Self {
        let (claims, kid) = (token.claims(), token.kid().unwrap_or_default());
        let translated = issuer.trust.meaning_of(&claims.authority.scope).map(|scope| {
            let mut claims = claims.clone();
            claims.authority.scope = scope;
            Box::new(claims)
        });
        let names = |listing: &str| TokenNames::new(listing, claims, kid);
        Self {
            names: names(&claims.issuer),
            listed: issuer.trust.agent_status.iter().map(|listing| names(listing)).collect(),
            client: DidKey::thumbprint_of(&claims.client_id),
            hash,
            translated,
            token,
            key: key.plain(),
            keys: Arc::downgrade(&issuer.keys),
            trust: Arc::clone(&issuer.trust),
        }
    }

    /// Whether the issuer still has the very key that signed it, and is trusted with what it was trusted with.
    pub(crate) fn stands(&self, issuer: &IssuerFacts) -> bool {
        issuer.is_trusted_with(&self.trust) && self.is_by_key_of(issuer)
    }

    /// Whether the issuer still has the very key that signed it.
    pub(crate) fn is_by_key_of(&self, issuer: &IssuerFacts) -> bool {
        // mostly it has the very set in which the key was found, and nothing has to be looked up in it
        ptr::eq(self.keys.as_ptr(), Arc::as_ptr(&issuer.keys)) || issuer.has_key(self.kid(), &self.key)
    }

    /// The presented text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.token.text()
    }

    /// The hash of the text: what `ath` of a proof is.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash.hash()
    }

    pub(crate) const fn written_hash(&self) -> &WrittenHash {
        &self.hash
    }

    /// When it ends, without leeway. Whoever remembers it longer remembers it for nothing.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.claims().authority.expires_at
    }

    /// Roughly how many bytes it holds, for stores with a bound.
    #[must_use]
    pub fn weight(&self) -> usize {
        let names: usize = self.listed.iter().map(|names| names.len() * NAME_BYTES + size_of::<TokenNames>()).sum();
        size_of::<Self>() + TEXT_COPIES * self.text().len() + self.names.len() * NAME_BYTES + names
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
        // INVARIANT: it was found under one
        self.token.kid().unwrap_or_default()
    }

    /// The thumbprint of the key that the client's DID names; none where the client is no `did:key`.
    pub(crate) const fn client(&self) -> Option<Thumbprint> {
        self.client
    }

    /// Refuses it if `set`, of its own issuer, has anything that it names.
    pub(crate) fn require_clear_of_issuer(&self, set: &RevocationSet) -> Result<(), Rejection> {
        self.names.require_clear_of_issuer(set)
    }

    /// Refuses it if `set`, of `listing`, has an agent that it names, or its key.
    pub(crate) fn require_clear_of_agents(&self, listing: &str, set: &RevocationSet) -> Result<(), Rejection> {
        let place = self.trust.agent_status.iter().position(|status| status == listing);
        match place.and_then(|place| self.listed.get(place)) {
            Some(names) => names.require_clear_of_agents(set),
            None => TokenNames::new(listing, self.claims(), self.kid()).require_clear_of_agents(set),
        }
    }
}

impl fmt::Debug for KnownToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownToken({})", self.claims().token_id) // P-19
    }
}
