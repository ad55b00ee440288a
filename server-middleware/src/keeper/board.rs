//! Where keepers write what they learned, and checks read it without waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use handfast_verifier::trust::{Facts, IssuerFacts, KeySet, Status, StatusSource, TrustedIssuer};
use tokio::sync::watch;

/// What is known of each issuer, published as one immutable value after every change.
#[derive(Debug)]
pub(super) struct Board {
    entries: Mutex<Vec<Entry>>,
    facts: ArcSwap<Facts>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Entry {
    facts: IssuerFacts,
    has_keys: bool,
    keys_asked: bool,
    status_asked: bool,
}

impl Entry {
    const fn is_ready(&self) -> bool {
        self.has_keys
            && matches!(
                self.facts.status,
                Status::Known { .. } | Status::NotFollowed | Status::Lists(_) | Status::Introspected(_)
            )
    }
}

/// An issuer's place on the board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Board {
    pub(super) fn new(issuers: &[TrustedIssuer]) -> Self {
        let entries: Vec<_> = issuers.iter().map(Entry::unasked).collect();
        let facts = ArcSwap::from_pointee(published(&entries));
        Self { entries: Mutex::new(entries), facts, changes: watch::Sender::new(()) }
    }

    pub(super) fn places(&self) -> Vec<Place> {
        (0..self.entries().len()).map(Place).collect()
    }

    pub(super) fn facts(&self) -> Arc<Facts> {
        self.facts.load_full()
    }

    pub(super) fn set_keys(&self, place: Place, keys: KeySet) {
        self.change(place, |entry| {
            entry.facts.keys = Arc::new(keys);
            entry.has_keys = true;
            entry.keys_asked = true;
        });
    }

    pub(super) fn set_status(&self, place: Place, status: Status) {
        self.change(place, |entry| {
            entry.facts.status = status;
            entry.status_asked = true;
        });
    }

    /// Keys were asked for, in vain. What was known stays.
    pub(super) fn keys_failed(&self, place: Place) {
        self.change(place, |entry| entry.keys_asked = true);
    }

    /// The feed was asked, in vain. What was known stays, and grows old.
    pub(super) fn status_failed(&self, place: Place) {
        self.change(place, |entry| entry.status_asked = true);
    }

    pub(super) fn has_keys(&self, place: Place) -> bool {
        self.entries().get(place.0).is_some_and(|entry| entry.has_keys)
    }

    /// Waits until every issuer was asked once for everything.
    pub(super) async fn asked_once(&self) {
        self.wait_for(|entry| entry.keys_asked && entry.status_asked).await;
    }

    /// Waits until everything is known.
    pub(super) async fn ready(&self) {
        self.wait_for(Entry::is_ready).await;
    }

    async fn wait_for(&self, condition: fn(&Entry) -> bool) {
        let mut changes = self.changes.subscribe();
        while !self.entries().iter().all(condition) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn change(&self, place: Place, apply: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(place.0) {
            apply(entry);
        }
        // published under the lock: a later change is never overwritten by an earlier one
        self.facts.store(Arc::new(published(&entries)));
        drop(entries);
        self.changes.send_replace(());
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // an entry is changed by assignments only, so a panic elsewhere leaves none half done
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn unasked(trust: &TrustedIssuer) -> Self {
        let (status, is_followed) = match trust.status {
            StatusSource::Feed { .. } | StatusSource::InProcess => (Status::Unknown, true),
            // lists are fetched when a token names one
            StatusSource::StatusList { .. } => (Status::Lists(Arc::default()), false),
            // a token is asked about when it is presented
            StatusSource::Introspection { .. } => (Status::Introspected(Arc::default()), false),
            StatusSource::None => (Status::NotFollowed, false),
        };
        let facts = IssuerFacts { trust: Arc::new(trust.clone()), keys: Arc::default(), status };
        Self { facts, has_keys: false, keys_asked: false, status_asked: !is_followed }
    }
}

fn published(entries: &[Entry]) -> Facts {
    Facts::new(entries.iter().map(|entry| entry.facts.clone()))
}
