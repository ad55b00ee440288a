//! Keys that are found again and again are prepared, so that their signatures cost a fifth to two fifths less.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use handfast_dpop::ProofHeader;
use handfast_identity::DidKey;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// How often something is found before its key is prepared (spec/limits.md). Preparing costs two signature checks: who comes with a
/// new key for every few requests does not make us pay for more than an eighth of each.
pub(super) const FINDS_BEFORE_PREPARED: u8 = 16;

/// What holds a key.
pub(super) trait HoldsKey: Clone + Send + Sync {
    /// The same with its key prepared.
    fn prepared(&self) -> Self;

    /// Whether preparing changes nothing any more.
    fn is_prepared(&self) -> bool;

    /// Roughly how many bytes it takes, what was prepared included.
    fn weight(&self) -> usize;
}

impl HoldsKey for Arc<ProofHeader> {
    fn prepared(&self) -> Self {
        Self::new(ProofHeader::prepared(self))
    }

    fn is_prepared(&self) -> bool {
        ProofHeader::is_prepared(self)
    }

    fn weight(&self) -> usize {
        ProofHeader::weight(self)
    }
}

impl HoldsKey for DidKey {
    fn prepared(&self) -> Self {
        Self::prepared(self)
    }

    fn is_prepared(&self) -> bool {
        self.public_key().is_prepared()
    }

    fn weight(&self) -> usize {
        Self::weight(self)
    }
}

/// A memory by text, bounded by weight, whose least used entries make room.
pub(super) struct OftenFound<V> {
    cache: Cache<Box<[u8]>, Arc<Entry<V>>, ByWeight>,
}

struct Entry<V> {
    value: V,
    finds: AtomicU8,
}

#[derive(Clone, Copy)]
struct ByWeight;

impl<V: HoldsKey> Weighter<Box<[u8]>, Arc<Entry<V>>> for ByWeight {
    fn weight(&self, text: &Box<[u8]>, entry: &Arc<Entry<V>>) -> u64 {
        u64::try_from(text.len() + size_of::<Entry<V>>() + entry.value.weight()).unwrap_or(u64::MAX)
    }
}

impl<V: HoldsKey> OftenFound<V> {
    /// A memory of `bytes` at most, in which a plain entry takes about `typical`.
    pub(super) fn bounded(bytes: u64, typical: u64) -> Self {
        let items = usize::try_from(bytes / typical).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(items, bytes, ByWeight) }
    }

    /// What is remembered under `text`. Found often enough, it is remembered with its key prepared from then on.
    pub(super) fn find(&self, text: impl AsRef<[u8]>) -> Option<V> {
        let entry = self.cache.get(text.as_ref())?;
        let is_often =
            !entry.value.is_prepared() && entry.finds.fetch_add(1, Ordering::Relaxed) == FINDS_BEFORE_PREPARED;
        if !is_often {
            return Some(entry.value.clone());
        }
        let prepared = entry.value.prepared();
        self.keep(text, &prepared);
        Some(prepared)
    }

    pub(super) fn holds(&self, text: impl AsRef<[u8]>) -> bool {
        self.cache.contains_key(text.as_ref())
    }

    pub(super) fn keep(&self, text: impl AsRef<[u8]>, value: &V) {
        self.cache.insert(text.as_ref().into(), Arc::new(Entry { value: value.clone(), finds: AtomicU8::new(0) }));
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

    use handfast_testkit::Agent;

    use super::*;

    const BYTES: u64 = 256 * 1024;

    fn memory_of(agents: u8) -> OftenFound<DidKey> {
        let memory = OftenFound::bounded(BYTES, 512);
        for did in (1..=agents).map(|number| Agent::numbered(number).did()) {
            memory.keep(did.as_str(), &did);
        }
        memory
    }

    #[test]
    fn a_key_is_prepared_once_it_was_found_often() {
        let (memory, did) = (memory_of(2), Agent::numbered(1).did());
        let plain = memory.weight();
        for _ in 0..FINDS_BEFORE_PREPARED {
            let found = memory.find(did.as_str()).unwrap();
            assert!(found == did && !HoldsKey::is_prepared(&found));
        }
        for _ in 0..3 {
            let found = memory.find(did.as_str()).unwrap();
            assert!(found == did && HoldsKey::is_prepared(&found));
        }
        assert_eq!(memory.len(), 2);
        let prepared = did.prepared();
        assert_eq!(
            memory.weight(),
            plain + u64::try_from(prepared.public_key().weight_of_prepared()).unwrap(),
            "the other one stays as it was"
        );
        assert!(memory.find("did:key:z6Mk").is_none());
    }

    #[test]
    fn what_was_prepared_counts_for_the_bound() {
        let memory = memory_of(40);
        assert_eq!(memory.len(), 40);
        for did in (1..=40).map(|number| Agent::numbered(number).did()) {
            for _ in 0..=FINDS_BEFORE_PREPARED {
                memory.find(did.as_str());
            }
            assert!(memory.weight() <= BYTES, "{}", memory.weight());
        }
        assert!((2..40).contains(&memory.len()), "{}", memory.len());
    }
}
