//! The lists a server holds of one issuer, and what they say about a token (TSL-20 to TSL-32).

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use handfast_delegation::StatusReference;
use handfast_identity::{Seconds, UnixTime};

use super::{EntryStatus, StatusList, StatusListError};
use crate::Rejection;
#[cfg(feature = "zlib")]
use {super::VerifiedStatusList, crate::CLOCK_LEEWAY};

/// How long a list without `ttl` is kept before it is asked for again (spec/limits.md).
pub const DEFAULT_LIST_TTL: Seconds = Seconds::new(300);
/// Within which bounds a `ttl` is taken (TSL-29, spec/limits.md).
pub const LIST_TTL_BOUNDS: (Seconds, Seconds) = (Seconds::new(5), Seconds::new(86_400));
/// The longest a list counts behind its fetch, whatever its `exp` says (TSL-29, spec/limits.md).
pub const MAX_LIST_LIFETIME: Seconds = Seconds::new(86_400);
/// Most lists held of one issuer (spec/limits.md): 64 MiB, and 250 million delegations.
pub const MAX_HELD_LISTS: usize = 64;
/// Of how many lists of one issuer it is remembered how new they were, held or not (spec/limits.md).
pub const MAX_REMEMBERED_LISTS: usize = 256;

/// Why a list by the right key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListError {
    /// `sub` is another address than the one it was fetched from (TSL-21).
    OtherList,
    /// Signed too far ahead of our clock.
    Ahead,
    /// Past its `exp`.
    Expired,
    /// Older than one that came before: what it speaks of is not known until one comes that is not (TH64).
    Older,
    /// Not inflated to a list.
    List(StatusListError),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherList => f.write_str("the status list is not that of its address"),
            Self::Ahead => f.write_str("the status list is signed ahead of our clock"),
            Self::Expired => f.write_str("the status list has expired"),
            Self::Older => f.write_str("the status list is older than the one known"),
            Self::List(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ListError {}

/// What is held of one issuer: an immutable value for whoever checks, cheap to clone for whoever changes it.
#[derive(Clone, Debug, Default)]
pub struct StatusLists {
    held: HashMap<String, Arc<Held>>,
    /// When the newest list of each address was signed, of lists let go too: none that is older is believed.
    newest: BTreeMap<String, UnixTime>,
}

struct Held {
    list: StatusList,
    issued_at: UnixTime,
    /// The last second at which it counts, by its own word and our bound.
    counts_until: UnixTime,
    /// When it was asked for: before the answer was made.
    fetched_at: UnixTime,
    ttl: Seconds,
    /// Whether an older one came after it.
    is_doubted: bool,
    /// When a token last asked: what nobody asks for makes room.
    asked_at: AtomicU64,
}

/// One list, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// Its address.
    pub uri: String,
    /// When it was signed.
    pub issued_at: UnixTime,
    /// When to ask for the next (TSL-27).
    pub due_at: UnixTime,
    /// When a token last asked for it, or it was fetched for one.
    pub asked_at: UnixTime,
    /// Whether an older one came after it, so that nothing it speaks of is known.
    pub is_doubted: bool,
}

impl StatusLists {
    /// None held, of addresses whose [`newest`](Self::newest) lists were signed at these times.
    #[must_use]
    pub fn resume(newest: BTreeMap<String, UnixTime>) -> Self {
        Self { held: HashMap::new(), newest }
    }

    /// When the newest list of each address was signed: what a restart must not forget. [`MAX_REMEMBERED_LISTS`] at most.
    #[must_use]
    pub const fn newest(&self) -> &BTreeMap<String, UnixTime> {
        &self.newest
    }

    #[cfg(feature = "zlib")]
    /// Takes a list in that was asked for at `uri`, at `fetched_at` by our clock. What is refused changes nothing, but that an older
    /// one puts the one held in doubt.
    ///
    /// # Errors
    ///
    /// The first [`ListError`].
    pub fn apply(&mut self, uri: &str, list: &VerifiedStatusList, fetched_at: UnixTime) -> Result<(), ListError> {
        if list.uri() != uri {
            return Err(ListError::OtherList);
        }
        if list.issued_at() > fetched_at.saturating_add(CLOCK_LEEWAY) {
            return Err(ListError::Ahead);
        }
        let expires_at = list.expires_at().map(|end| end.saturating_add(CLOCK_LEEWAY));
        if expires_at.is_some_and(|end| fetched_at > end) {
            return Err(ListError::Expired);
        }
        let held = self.held.get(uri);
        if self.newest.get(uri).is_some_and(|newest| list.issued_at() < *newest) {
            if let Some(held) = held {
                let doubted = Arc::new(held.doubted());
                self.held.insert(uri.to_owned(), doubted);
            }
            return Err(ListError::Older);
        }
        let asked_at = held.map_or(fetched_at.as_secs(), |held| held.asked_at.load(Ordering::Relaxed));
        let most = fetched_at.saturating_add(MAX_LIST_LIFETIME);
        let (shortest, longest) = LIST_TTL_BOUNDS;
        let taken = Held {
            list: list.list().map_err(ListError::List)?,
            issued_at: list.issued_at(),
            counts_until: expires_at.map_or(most, |end| end.min(most)),
            fetched_at,
            ttl: list.ttl().unwrap_or(DEFAULT_LIST_TTL).clamp(shortest, longest),
            is_doubted: false,
            asked_at: AtomicU64::new(asked_at),
        };
        if held.is_none() && self.held.len() >= MAX_HELD_LISTS {
            self.make_room();
        }
        self.held.insert(uri.to_owned(), Arc::new(taken));
        self.remember(uri, list.issued_at());
        Ok(())
    }

    #[cfg(feature = "zlib")]
    /// Of too many addresses the one whose list is oldest is forgotten.
    fn remember(&mut self, uri: &str, issued_at: UnixTime) {
        self.newest.insert(uri.to_owned(), issued_at);
        while self.newest.len() > MAX_REMEMBERED_LISTS {
            let oldest = self.newest.iter().min_by_key(|(_, issued_at)| **issued_at).map(|(uri, _)| uri.clone());
            oldest.and_then(|uri| self.newest.remove(&uri));
        }
    }

    /// The list at `uri`, taken in just now, counts for no longer than what `before` held there did: how new it is could not be kept.
    #[cfg(feature = "zlib")]
    pub fn no_fresher_than(&mut self, uri: &str, before: &Self) {
        let taken = self.held.remove(uri);
        if let (Some(taken), Some(before)) = (taken, before.held.get(uri)) {
            let stale = Held { fetched_at: before.fetched_at, counts_until: before.counts_until, ..taken.copied() };
            self.held.insert(uri.to_owned(), Arc::new(stale));
        }
    }

    #[cfg(feature = "zlib")]
    /// Lets the list go that was asked for longest ago.
    fn make_room(&mut self) {
        let oldest = self.held.iter().min_by_key(|(_, held)| held.asked_at.load(Ordering::Relaxed));
        if let Some(uri) = oldest.map(|(uri, _)| uri.clone()) {
            self.held.remove(&uri);
        }
    }

    /// Lets the list at `uri` go.
    pub fn drop(&mut self, uri: &str) {
        self.held.remove(uri);
    }

    /// What is held.
    pub fn states(&self) -> impl Iterator<Item = ListState> {
        self.held.iter().map(|(uri, held)| ListState {
            uri: uri.clone(),
            issued_at: held.issued_at,
            due_at: held.fetched_at.saturating_add(held.ttl),
            asked_at: UnixTime::from_secs(held.asked_at.load(Ordering::Relaxed)),
            is_doubted: held.is_doubted,
        })
    }

    /// Whether the list at `uri` is held, whatever it is worth by now.
    #[must_use]
    pub fn holds(&self, uri: &str) -> bool {
        self.held.contains_key(uri)
    }

    /// Refuses what a list speaks against, or does not speak of.
    ///
    /// # Errors
    ///
    /// [`Rejection::StatusListMissing`] for a list that is not held, [`Rejection::StatusUnknown`] for one that is in doubt, past its
    /// end, or was fetched longer ago than its `ttl` and `staleness`; [`Rejection::StatusReferenceInvalid`] outside the list and for
    /// a value that nobody here understands; [`Rejection::TokenRevoked`] and [`Rejection::TokenSuspended`].
    pub(crate) fn require_valid(
        &self,
        reference: &StatusReference,
        staleness: Seconds,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        let Some(held) = self.held.get(reference.uri.as_str()) else {
            return Err(Rejection::StatusListMissing { uri: reference.uri.to_string() });
        };
        held.note_asked(now);
        if !held.counts(staleness, now) {
            return Err(Rejection::StatusUnknown);
        }
        match held.list.status(reference.index) {
            Some(EntryStatus::Valid) => Ok(()),
            Some(EntryStatus::Invalid) => Err(Rejection::TokenRevoked),
            Some(EntryStatus::Suspended) => Err(Rejection::TokenSuspended),
            Some(EntryStatus::Other(_)) | None => Err(Rejection::StatusReferenceInvalid),
        }
    }
}

impl Held {
    /// TSL-27: never beyond `exp`; and who cannot be asked again is not believed for ever.
    fn counts(&self, staleness: Seconds, now: UnixTime) -> bool {
        let freshest = self.fetched_at.saturating_add(self.ttl).saturating_add(staleness);
        !self.is_doubted && now <= self.counts_until && now <= freshest
    }

    /// Seconds at most, so that a busy list is not written to by every request.
    fn note_asked(&self, now: UnixTime) {
        if self.asked_at.load(Ordering::Relaxed) < now.as_secs() {
            self.asked_at.store(now.as_secs(), Ordering::Relaxed);
        }
    }

    #[cfg(feature = "zlib")]
    fn doubted(&self) -> Self {
        Self { is_doubted: true, ..self.copied() }
    }

    #[cfg(feature = "zlib")]
    fn copied(&self) -> Self {
        Self {
            list: self.list.clone(),
            issued_at: self.issued_at,
            counts_until: self.counts_until,
            fetched_at: self.fetched_at,
            ttl: self.ttl,
            is_doubted: self.is_doubted,
            asked_at: AtomicU64::new(self.asked_at.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { list, issued_at, counts_until, is_doubted, .. } = self;
        f.debug_struct("Held")
            .field("list", list)
            .field("issued_at", issued_at)
            .field("counts_until", counts_until)
            .field("is_doubted", is_doubted)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "zlib"))]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_identity::SigningKey;

    use super::super::{EntryBits, StatusListToken, UnverifiedStatusList};
    use super::*;
    use crate::DEFAULT_STALENESS as STALENESS;

    const NOW: u64 = 1_795_262_400;

    fn at(offset: u64) -> UnixTime {
        UnixTime::from_secs(NOW + offset)
    }

    fn uri(number: usize) -> String {
        format!("https://registry.example/status-lists/{number}")
    }

    fn signed(number: usize, exp: Option<u64>, ttl: Option<u64>) -> VerifiedStatusList {
        made(number, at(0), exp, ttl)
    }

    /// List 0, good for a minute from then on.
    fn signed_at(offset: u64) -> VerifiedStatusList {
        made(0, at(offset), None, Some(60))
    }

    fn made(number: usize, issued_at: UnixTime, exp: Option<u64>, ttl: Option<u64>) -> VerifiedStatusList {
        let key = SigningKey::from_ed25519_seed(&[9; 32]);
        let mut list = StatusList::new(EntryBits::Two, 8);
        assert!(list.set(1, EntryStatus::Invalid));
        let token =
            StatusListToken { uri: uri(number), issued_at, expires_at: exp.map(at), ttl: ttl.map(Seconds::new), list };
        UnverifiedStatusList::parse(&token.sign(&key).unwrap()).unwrap().verify(key.public()).unwrap()
    }

    fn asked(lists: &StatusLists, number: usize, index: u64, now: u64) -> Result<(), Rejection> {
        lists.require_valid(&StatusReference { index, uri: uri(number).into() }, STALENESS, at(now))
    }

    /// TSL-26, TSL-27, TSL-29: last seconds at which a list counts.
    #[test]
    fn a_list_counts_until_its_end_or_its_ttl_and_the_staleness() {
        for (exp, ttl, last) in [
            (Some(300), Some(60), 90),
            (Some(40), Some(60), 70),
            (Some(300), None, 330),
            (None, Some(60), 90),
            (None, Some(1), 35),
            (None, None, 330),
            (Some(10 * 86_400), Some(10 * 86_400), 86_400),
        ] {
            let mut lists = StatusLists::default();
            lists.apply(&uri(0), &signed(0, exp, ttl), at(0)).unwrap();
            assert_eq!(asked(&lists, 0, 0, last), Ok(()), "{exp:?} {ttl:?}");
            assert_eq!(asked(&lists, 0, 0, last + 1), Err(Rejection::StatusUnknown), "{exp:?} {ttl:?}");
            assert_eq!(asked(&lists, 0, 1, last), Err(Rejection::TokenRevoked));
        }
    }

    #[test]
    fn no_more_lists_are_held_than_there_is_room_for() {
        let mut lists = StatusLists::default();
        for number in 0..MAX_HELD_LISTS {
            lists.apply(&uri(number), &signed(number, None, None), at(0)).unwrap();
        }
        // every list but one was asked for since
        for number in (0..MAX_HELD_LISTS).filter(|number| *number != 7) {
            assert_eq!(asked(&lists, number, 0, 9), Ok(()));
        }
        // a newer one of the same address needs no room
        lists.apply(&uri(3), &signed(3, None, None), at(5)).unwrap();
        assert!(lists.holds(&uri(7)));
        lists.apply(&uri(99), &signed(99, None, None), at(10)).unwrap();
        assert!(!lists.holds(&uri(7)) && lists.holds(&uri(99)));
        assert_eq!(lists.states().count(), MAX_HELD_LISTS);
        let missing = Rejection::StatusListMissing { uri: uri(7) };
        assert_eq!(asked(&lists, 7, 0, 10), Err(missing));
    }

    /// TH64: an address whose list was let go, here or before a restart, has no older one believed.
    #[test]
    fn how_new_a_list_was_outlives_it() {
        let at_ten = BTreeMap::from([(uri(0), at(10))]);
        let mut lists = StatusLists::resume(at_ten.clone());
        assert_eq!(lists.apply(&uri(0), &signed_at(9), at(11)), Err(ListError::Older));
        assert!(!lists.holds(&uri(0)));
        assert_eq!(lists.newest(), &at_ten);
        lists.apply(&uri(0), &signed_at(10), at(11)).unwrap();
        lists.apply(&uri(0), &signed_at(12), at(12)).unwrap();
        lists.drop(&uri(0));
        assert_eq!(lists.apply(&uri(0), &signed_at(11), at(13)), Err(ListError::Older));
        assert_eq!(lists.newest(), &BTreeMap::from([(uri(0), at(12))]));
    }

    #[test]
    fn of_too_many_addresses_the_one_with_the_oldest_list_is_forgotten() {
        let full = (1..=MAX_REMEMBERED_LISTS).map(|number| (uri(number), at(if number == 7 { 0 } else { 1 })));
        let mut lists = StatusLists::resume(full.collect());
        lists.apply(&uri(0), &signed_at(5), at(5)).unwrap();
        assert_eq!(lists.newest().len(), MAX_REMEMBERED_LISTS);
        assert!(lists.newest().contains_key(&uri(0)) && !lists.newest().contains_key(&uri(7)));
    }

    #[test]
    fn a_list_that_could_not_be_kept_counts_no_longer_than_the_one_before() {
        let mut before = StatusLists::default();
        let mut first = before.clone();
        first.apply(&uri(0), &signed_at(0), at(0)).unwrap();
        first.no_fresher_than(&uri(0), &before);
        assert!(!first.holds(&uri(0)));
        before.apply(&uri(0), &signed_at(0), at(0)).unwrap();
        let mut after = before.clone();
        after.apply(&uri(0), &signed_at(60), at(60)).unwrap();
        assert_eq!(asked(&after, 0, 0, 91), Ok(()));
        after.no_fresher_than(&uri(0), &before);
        assert_eq!(asked(&after, 0, 0, 90), Ok(()));
        assert_eq!(asked(&after, 0, 0, 91), Err(Rejection::StatusUnknown));
        assert_eq!(after.states().next().unwrap().issued_at, at(60), "what it says counts");
    }

    #[test]
    fn it_is_known_when_a_list_is_due_and_when_it_was_asked_for() {
        let mut lists = StatusLists::default();
        lists.apply(&uri(0), &signed(0, None, Some(60)), at(3)).unwrap();
        let state = |lists: &StatusLists| lists.states().next().unwrap();
        assert_eq!((state(&lists).due_at, state(&lists).asked_at), (at(63), at(3)));
        assert_eq!(asked(&lists, 0, 0, 40), Ok(()));
        lists.apply(&uri(0), &signed(0, None, Some(60)), at(50)).unwrap();
        assert_eq!((state(&lists).due_at, state(&lists).asked_at), (at(110), at(40)), "that it was asked for is kept");
        lists.drop(&uri(0));
        assert_eq!(lists.states().count(), 0);
    }
}
