//! The counts of one process: bounded, exact, forgotten at its end.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use handfast_identity::UnixTime;

use super::{BudgetError, BudgetStore, Charges, CounterName, Spent, StoreFill};

/// What a store holds at most. Zero of either refuses everything that has a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Live counts of all tasks: some 300 bytes each. A total is one, and so is each window that is not over.
    pub total: usize,
    /// Live counts of one owner's tasks and the hops below them, so that one cannot use up what the others need (P-18).
    pub per_owner: usize,
}

impl Default for BudgetLimits {
    /// 2^18 counts. One owner may hold a sixteenth: 64 tasks of 85 live hops, with a total and two rates each.
    fn default() -> Self {
        Self { total: 1 << 18, per_owner: 1 << 14 }
    }
}

/// Counts uses in the memory of this process.
///
/// **The counts end with the process**: after a restart every budget that is still live begins anew. Where that matters, count
/// in a store that outlives it.
///
/// At capacity charges that need a new count are refused and none is forgotten; those whose counts are known go on. Counts are
/// kept in the order of their ends, and only those that are over are ever touched to make room.
///
/// The store keeps the latest time it was told, and for it time never goes back: a use under a clock that was set back counts
/// in the window of that latest time, and a charge whose own time was over then is refused as
/// [`BudgetError::ClockWentBack`], because its count may have been forgotten.
///
/// One lock is around all counts, since one use may touch several of them. Requests without budgets do not take it.
#[derive(Debug)]
pub struct MemoryBudgets {
    limits: BudgetLimits,
    book: Mutex<Book>,
}

impl MemoryBudgets {
    /// An empty store.
    #[must_use]
    pub fn new(limits: BudgetLimits) -> Self {
        Self { limits, book: Mutex::new(Book::default()) }
    }

    /// How many counts are held, those that are over but were not yet freed included. For metrics.
    ///
    /// # Errors
    ///
    /// [`BudgetError::Unavailable`] when the store is broken.
    pub fn held(&self) -> Result<usize, BudgetError> {
        self.book.lock().map(|book| book.counts.len()).map_err(|_| BudgetError::Unavailable)
    }
}

impl BudgetStore for MemoryBudgets {
    fn spend(&self, charges: &Charges, now: UnixTime) -> Result<Spent, BudgetError> {
        let mut book = self.book.lock().map_err(|_| BudgetError::Unavailable)?;
        book.advance(now);
        let missing = book.require_unspent(charges, now)?;
        book.require_room(charges.share(), missing, self.limits)?;
        book.count(charges);
        Ok(Spent::assertion(charges))
    }

    fn fill(&self) -> Option<StoreFill> {
        self.held().ok().map(|held| StoreFill { held, most: self.limits.total })
    }
}

#[derive(Debug)]
struct Count {
    used: u64,
    until: UnixTime,
    share: [u8; 32],
}

/// Every count that is not over.
#[derive(Debug)]
struct Book {
    /// The latest time told. Nothing that ends at or after it was ever forgotten.
    latest: UnixTime,
    counts: HashMap<CounterName, Count>,
    /// The same counts by their ends.
    ends: BTreeSet<(UnixTime, CounterName)>,
    shares: HashMap<[u8; 32], usize>,
}

impl Default for Book {
    fn default() -> Self {
        Self { latest: UnixTime::EPOCH, counts: HashMap::new(), ends: BTreeSet::new(), shares: HashMap::new() }
    }
}

impl Book {
    /// Frees what is over, and nothing else.
    fn advance(&mut self, now: UnixTime) {
        self.latest = self.latest.max(now);
        while let Some((_, name)) = self.ends.first().copied().filter(|(until, _)| *until < self.latest) {
            self.ends.pop_first();
            if let Some(count) = self.counts.remove(&name) {
                self.release_share(count.share);
            }
        }
    }

    fn release_share(&mut self, share: [u8; 32]) {
        if let Entry::Occupied(mut held) = self.shares.entry(share) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }

    /// Whether every counter allows one more; says how many of them are not known yet.
    fn require_unspent(&self, charges: &Charges, now: UnixTime) -> Result<usize, BudgetError> {
        if charges.iter().any(|charge| charge.until() < self.latest) {
            return Err(BudgetError::ClockWentBack);
        }
        let mut missing = 0;
        let mut spent = Vec::new();
        for charge in charges {
            for counter in charge.counters(self.latest) {
                match self.counts.get(&counter.name) {
                    Some(count) if count.used >= counter.limit => spent.push((charge, counter)),
                    Some(_) => {}
                    None => missing += 1,
                }
            }
        }
        BudgetError::spent(&spent, now).map_or(Ok(missing), Err)
    }

    fn require_room(&self, share: &[u8; 32], missing: usize, limits: BudgetLimits) -> Result<(), BudgetError> {
        let held = self.shares.get(share).copied().unwrap_or(0);
        if missing > 0 && held + missing > limits.per_owner {
            Err(BudgetError::ShareFull)
        } else if missing > 0 && self.counts.len() + missing > limits.total {
            Err(BudgetError::Full)
        } else {
            Ok(())
        }
    }

    fn count(&mut self, charges: &Charges) {
        let latest = self.latest;
        for counter in charges.iter().flat_map(|charge| charge.counters(latest)) {
            match self.counts.entry(counter.name) {
                Entry::Occupied(mut known) => {
                    let count = known.get_mut();
                    count.used += 1;
                    if count.until < counter.until {
                        self.ends.remove(&(count.until, counter.name));
                        count.until = counter.until;
                        self.ends.insert((count.until, counter.name));
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(Count { used: 1, until: counter.until, share: *charges.share() });
                    self.ends.insert((counter.until, counter.name));
                    *self.shares.entry(*charges.share()).or_insert(0) += 1;
                }
            }
        }
    }
}
