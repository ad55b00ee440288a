//! A delegation that was signed, and is signed anew when what it stands on is renewed.

use handfast_delegation::{Hop, MAX_HOP_LIFETIME};
use handfast_identity::{DidKey, OsRandom, Seconds, UnixTime, random_id};

use super::builder::Terms;
use super::parent::Parent;
use super::{Bundle, DelegationError, DelegationSource};
use crate::error::ClientError;
use crate::registry::RegistryClient;

/// One delegation: its newest bundle, and what it takes to sign the next.
///
/// A hop ends with its root token, which lives minutes. For longer work call [`refresh`](Self::refresh) now and then and hand
/// the new bundle to the delegate, which replaces the old one by it ([`Delegated::renew`](super::Delegated::renew)).
#[derive(Debug)]
pub struct Delegation {
    registry: RegistryClient,
    source: DelegationSource,
    terms: Terms,
    until: Option<UnixTime>,
    bundle: Bundle,
}

impl Delegation {
    pub(super) async fn sign(
        registry: RegistryClient,
        source: DelegationSource,
        terms: Terms,
        until: Option<UnixTime>,
    ) -> Result<Self, ClientError> {
        let parent = source.parent().await?;
        let bundle = sign_below(&parent, &registry, &terms, until).await?;
        Ok(Self { registry, source, terms, until, bundle })
    }

    /// What to hand to the delegate.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// To whom it is.
    #[must_use]
    pub const fn delegate(&self) -> &DidKey {
        &self.terms.delegate
    }

    /// When the newest hop ends.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.bundle.expires_at()
    }

    /// Signs the same hop below the newest token or bundle of its source, if there is a newer one; says whether.
    ///
    /// # Errors
    ///
    /// [`ClientError::Delegation`]: [`Ended`](DelegationError::Ended) when the time that was given is over, and others when the
    /// new parent allows less than the old one did. The bundle is then the old one, until it ends.
    pub async fn refresh(&mut self) -> Result<bool, ClientError> {
        let parent = self.source.parent().await?;
        if self.bundle.leaf().parent == parent.name {
            self.bundle.require_running(self.registry.clock().now())?;
            return Ok(false);
        }
        // the token is held until there is one by the new key: nothing can be signed below it any more
        if self.is_by_a_former_key(&parent) {
            self.bundle.require_running(self.registry.clock().now())?;
            return Ok(false);
        }
        self.bundle = sign_below(&parent, &self.registry, &self.terms, self.until).await?;
        Ok(true)
    }

    fn is_by_a_former_key(&self, parent: &Parent) -> bool {
        let keys = self.registry.keys();
        let is_ours = || DidKey::parse(&parent.delegate).is_ok_and(|did| keys.of(&did).is_some());
        parent.delegate != keys.current().did().as_str() && is_ours()
    }
}

async fn sign_below(
    parent: &Parent,
    registry: &RegistryClient,
    terms: &Terms,
    until: Option<UnixTime>,
) -> Result<Bundle, ClientError> {
    let key = registry.key();
    if parent.delegate != key.did().as_str() {
        return Err(
            DelegationError::Root("the token or bundle is another agent's: only its own key can pass it on").into()
        );
    }
    // the registry's clock may be a little ahead of ours, and a child older than its parent is refused (DEL-24)
    let issued_at = registry.clock().now().max(parent.issued_at);
    let expires_at = issued_at
        .saturating_add(MAX_HOP_LIFETIME)
        .min(parent.authority.expires_at)
        .min(until.unwrap_or(UnixTime::from_secs(u64::MAX)));
    if expires_at.since(issued_at) == Seconds::new(0) {
        return Err(DelegationError::Ended.into());
    }
    let hop = Hop {
        delegator: parent.delegate.clone().into(),
        delegate: terms.delegate.clone(),
        subject: parent.subject.clone().into(),
        task: parent.task.clone().into(),
        authority: terms.authority(parent, expires_at)?,
        issued_at,
        not_before: None,
        hop_id: random_id("hop_", &mut OsRandom).into(),
        depth: parent.depth.saturating_add(1),
        is_instance: terms.is_instance,
        parent: parent.name,
    };
    // read back as the delegate and every server will: what they would refuse never leaves
    Ok(Bundle::parse(&format!("{},{}", parent.text.as_str(), key.sign_hop(&hop).await?))?)
}
