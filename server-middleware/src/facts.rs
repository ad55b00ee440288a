//! The port behind which a resource server finds what is known about its issuers.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use handfast_identity::UnixTime;
use handfast_verifier::trust::Facts;

/// Facts about the trusted issuers: their token keys and what they revoked.
///
/// By default a keeper follows each issuer over the network. A registry that protects its own routes implements this with its
/// own state instead, trusting itself with `StatusSource::InProcess` and a status known as of `now`.
///
/// A source that says too much lets revoked tokens in; one that says too little costs every caller a 503. So whatever it
/// does not know it has to say with the variant for that (`Status::Unknown`), and never as an empty set (P-17).
pub trait FactsSource: Send + Sync + 'static {
    /// What is known at `now`. Called for every request: it must not block.
    fn facts(&self, now: UnixTime) -> Arc<Facts>;

    /// A token names a key of the trusted `issuer` that is in nobody's facts: looks again, if that is worth it (JWKS-04).
    ///
    /// After [`KeyRefresh::Done`] the request is checked once more with what [`Self::facts`] then says. Strangers can make
    /// this be called at will, and go away while it waits: an implementation that goes to the network bounds how often (TH54),
    /// and does not let a look that was dropped count as one that found nothing.
    fn refresh_keys<'a>(&'a self, issuer: &'a str) -> Pin<Box<dyn Future<Output = KeyRefresh> + Send + 'a>> {
        let _ = issuer;
        Box::pin(ready(KeyRefresh::Done))
    }

    /// A good token of the trusted `issuer` names a status list at `uri` that is not held, and that the issuer may name: fetches it.
    ///
    /// The request is checked once more with what [`Self::facts`] then says. Callers go away while it waits, as for keys.
    fn fetch_status_list<'a>(&'a self, issuer: &'a str, uri: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = (issuer, uri);
        Box::pin(ready(()))
    }

    /// A good `token` of the trusted `issuer` was presented, about which the issuer has to be asked: asks.
    ///
    /// The request is checked once more with what [`Self::facts`] then says. Callers go away while it waits, as for keys.
    fn introspect<'a>(&'a self, issuer: &'a str, token: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = (issuer, token);
        Box::pin(ready(()))
    }
}

/// What looking for an issuer's keys came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefresh {
    /// The facts are as current as they get: a key that is still not in them is not the issuer's.
    Done,
    /// Keys were never had, or the last look for them failed. That is not the caller's fault: 503 (P-17).
    Unavailable,
}

/// Facts that do not change, whatever the time. For tests and for an issuer whose status is not followed.
#[derive(Clone, Debug, Default)]
pub struct FixedFacts(Arc<Facts>);

impl FixedFacts {
    /// Always these facts.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }
}

impl FactsSource for FixedFacts {
    fn facts(&self, _: UnixTime) -> Arc<Facts> {
        Arc::clone(&self.0)
    }
}
