//! One random source for all requests of a service.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use handfast_identity::RandomSource;

/// A random source that clones share, so that tests can give a service a predictable one.
#[derive(Clone)]
pub struct SharedRandom(Arc<Mutex<dyn RandomSource + Send>>);

impl SharedRandom {
    /// Shares `source`, which has to be a cryptographic one outside tests.
    #[must_use]
    pub fn new(source: impl RandomSource + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }
}

impl RandomSource for SharedRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
    }
}

impl fmt::Debug for SharedRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedRandom")
    }
}
