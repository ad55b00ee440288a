//! What is known at one moment, as an immutable value: shells build a new one, a check reads one.

use std::collections::BTreeMap;
use std::sync::Arc;

use handfast_identity::{PublicKey, UnixTime};

use super::{KeySet, TrustedIssuer};
use crate::introspection::Introspections;
use crate::revocation::RevocationSet;
use crate::status_list::StatusLists;

/// Facts about every trusted issuer.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    issuers: BTreeMap<String, IssuerFacts>,
    has_introspected: bool,
}

/// Facts about one trusted issuer.
#[derive(Clone, Debug)]
pub struct IssuerFacts {
    /// What it is trusted with.
    pub trust: Arc<TrustedIssuer>,
    /// Its token keys.
    pub keys: Arc<KeySet>,
    /// What it has revoked.
    pub status: Status,
}

impl IssuerFacts {
    /// Whether it has this very key under `kid`: what was signed with another one of the name is not its any more.
    pub(crate) fn has_key(&self, kid: &str, key: &PublicKey) -> bool {
        self.keys.find(kid) == Some(key)
    }

    /// Whether it is trusted with exactly this.
    pub(crate) fn is_trusted_with(&self, trust: &Arc<TrustedIssuer>) -> bool {
        Arc::ptr_eq(&self.trust, trust) || self.trust == *trust
    }
}

/// What is known of an issuer's revocations. "Not known" and "none" are different answers.
#[derive(Clone, Debug)]
pub enum Status {
    /// Not followed, by configuration; its tokens are short-lived.
    NotFollowed,
    /// Followed, and nothing has arrived yet.
    Unknown,
    /// This set, as of the issuer's signed time.
    Known {
        /// The revoked names.
        set: Arc<RevocationSet>,
        /// When the issuer last said that they are all.
        as_of: UnixTime,
    },
    /// Its status lists, as far as tokens asked for them.
    Lists(Arc<StatusLists>),
    /// What it answered about single tokens, as far as they were presented.
    Introspected(Arc<Introspections>),
    /// The issuer's feed went back behind what was known of it.
    RolledBack,
}

impl Facts {
    /// Facts about these issuers, each under its own name.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = IssuerFacts>) -> Self {
        let issuers: BTreeMap<_, _> = issuers.into_iter().map(|facts| (facts.trust.issuer.clone(), facts)).collect();
        let has_introspected = issuers.values().any(|facts| matches!(facts.status, Status::Introspected(_)));
        Self { issuers, has_introspected }
    }

    /// Facts about the issuer of exactly this name.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Option<&IssuerFacts> {
        self.issuers.get(name)
    }

    /// Whether the issuer of exactly this name is asked about each of its tokens.
    #[must_use]
    pub fn is_introspected(&self, name: &str) -> bool {
        // most servers ask nobody, and look nothing up
        self.has_introspected && self.issuer(name).is_some_and(|facts| matches!(facts.status, Status::Introspected(_)))
    }

    /// All of them.
    pub fn issuers(&self) -> impl Iterator<Item = &IssuerFacts> {
        self.issuers.values()
    }
}
