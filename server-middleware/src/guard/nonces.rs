//! The nonces of one request: noticing that the one it carried is about to end (DPOP-66).

use std::sync::atomic::{AtomicBool, Ordering};

use handfast_dpop::{Nonce, NonceError, NonceSource, NonceTime};
use handfast_identity::UnixTime;

/// A server's nonces, as one check sees them.
#[derive(Debug)]
pub(super) struct RequestNonces<'a> {
    source: &'a dyn NonceSource,
    is_outdated: AtomicBool,
}

impl<'a> RequestNonces<'a> {
    pub(super) fn new(source: &'a dyn NonceSource) -> Self {
        Self { source, is_outdated: AtomicBool::new(false) }
    }

    /// The nonce to send along with a success: only to clients that use nonces, and only when theirs is no longer the newest.
    pub(super) fn next(&self, now: UnixTime) -> Option<Nonce> {
        self.is_outdated.load(Ordering::Relaxed).then(|| self.source.issue(now))
    }
}

impl NonceSource for RequestNonces<'_> {
    fn issue(&self, now: UnixTime) -> Nonce {
        self.source.issue(now)
    }

    fn check(&self, nonce: &str, now: UnixTime) -> Result<NonceTime, NonceError> {
        let time = self.source.check(nonce, now)?;
        self.is_outdated.store(self.source.issue(now).as_str() != nonce, Ordering::Relaxed);
        Ok(time)
    }
}
