//! What one request costs: payers, their limits, and the counters a store keeps for them.

use handfast_delegation::Budget;
use handfast_identity::{Seconds, UnixTime};

use super::{BudgetError, BudgetStore, Payer, PayerKind, Spent};

/// How long after a root token's `iat` its uses are counted: no task lives longer (spec/limits.md).
pub const TASK_COUNT_LIFETIME: Seconds = Seconds::new(86_400);

/// Everything one request has to pay: each payer once. Empty for a request without budgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charges {
    share: [u8; 32],
    charges: Vec<Charge>,
}

/// One payer, and the limits that one more use has to stay within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    payer: Payer,
    limits: Vec<Limit>,
    until: UnixTime,
}

/// The most uses of one payer, in total or in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least one.
    pub uses: u64,
    /// The length of the windows, which begin at its multiples since the epoch; none: in total.
    pub each: Option<Seconds>,
}

/// A span of time in which uses are counted on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// Its first second.
    pub begin: UnixTime,
    /// Its length.
    pub length: Seconds,
}

/// What a store knows a counter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterName {
    /// The payer's key.
    pub payer: [u8; 32],
    /// The window; none for the total.
    pub window: Option<Window>,
}

/// One counter that a use adds one to, if it is below its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub name: CounterName,
    /// What it may reach.
    pub limit: u64,
    /// The last second in which it has to be remembered. A counter that is known already lives until the later of both.
    pub until: UnixTime,
}

impl Charges {
    /// Those of a request without budgets.
    #[must_use]
    pub const fn none() -> Self {
        Self { share: [0; 32], charges: Vec::new() }
    }

    /// All charges of a request for `owner`, whose share of the store they count against. Charges of one payer
    /// become one, with the lesser of two limits that count the same.
    #[must_use]
    pub fn new(owner: &Payer, charges: impl IntoIterator<Item = Charge>) -> Self {
        let mut merged: Vec<Charge> = Vec::new();
        for charge in charges {
            match merged.iter_mut().find(|known| known.payer == charge.payer) {
                Some(known) => known.join(charge),
                None => merged.push(charge),
            }
        }
        Self { share: *owner.key(), charges: merged }
    }

    /// Whether there is nothing to pay.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.charges.is_empty()
    }

    /// The charges, each of another payer.
    pub fn iter(&self) -> core::slice::Iter<'_, Charge> {
        self.charges.iter()
    }

    /// Whose share of the store they count against: the key of the owner, so that one owner's tasks cannot use up what the others'
    /// need (P-18).
    #[must_use]
    pub const fn share(&self) -> &[u8; 32] {
        &self.share
    }

    /// Has `store` count them; it is not asked where there is nothing to pay.
    ///
    /// # Errors
    ///
    /// As [`BudgetStore::spend`].
    pub fn spend(&self, store: &dyn BudgetStore, now: UnixTime) -> Result<Spent, BudgetError> {
        if self.is_empty() { Ok(Spent::nothing()) } else { store.spend(self, now) }
    }
}

impl<'a> IntoIterator for &'a Charges {
    type Item = &'a Charge;
    type IntoIter = core::slice::Iter<'a, Charge>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Charge {
    /// One use of `budget`, paid by `payer`, whose counts have to be remembered through the second `until`.
    #[must_use]
    pub fn new(payer: Payer, budget: &Budget, until: UnixTime) -> Self {
        let total = budget.max_uses().map(|uses| Limit { uses, each: None });
        let rate = budget.rate().map(|rate| Limit { uses: rate.uses, each: Some(Seconds::new(rate.seconds)) });
        Self { payer, limits: total.into_iter().chain(rate).collect(), until }
    }

    /// Who pays.
    #[must_use]
    pub const fn payer(&self) -> &Payer {
        &self.payer
    }

    /// The limits: one total at most, and one for each length of windows.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// The last second in which the payer can pay, and its total has to be remembered.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }

    /// The counters of a use at `now`, one for each limit.
    pub fn counters(&self, now: UnixTime) -> impl Iterator<Item = Counter> {
        self.limits.iter().map(move |limit| {
            let window = limit.each.map(|length| Window::at(now, length));
            Counter {
                name: CounterName { payer: *self.payer.key(), window },
                limit: limit.uses,
                until: window.map_or(self.until, |window| self.end_of(window)),
            }
        })
    }

    /// How long after `now` a counter that is full gives way to the next; none where that never happens in the payer's time.
    #[must_use]
    pub fn wait(&self, counter: &Counter, now: UnixTime) -> Option<Seconds> {
        let next = counter.name.window?.next();
        (next <= self.until).then(|| next.since(now))
    }

    /// A hop is over at its end and so are its windows. Tasks and agents may go on by a younger token, and their windows too.
    fn end_of(&self, window: Window) -> UnixTime {
        let last = window.next().saturating_sub(Seconds::new(1));
        if self.payer.kind() == PayerKind::Hop { last.min(self.until) } else { last }
    }

    /// Two budgets that one payer pays at once: each counter gets one use, within the lesser limit.
    fn join(&mut self, other: Self) {
        for limit in other.limits {
            match self.limits.iter_mut().find(|known| known.each == limit.each) {
                Some(known) => known.uses = known.uses.min(limit.uses),
                None => self.limits.push(limit),
            }
        }
        self.until = self.until.max(other.until);
    }
}

impl Window {
    /// The window of this length that `now` lies in.
    #[must_use]
    pub fn at(now: UnixTime, length: Seconds) -> Self {
        // no budget has windows of no length
        let passed = now.as_secs().checked_rem(length.get()).unwrap_or(0);
        Self { begin: now.saturating_sub(Seconds::new(passed)), length }
    }

    /// The first second of the window after it.
    #[must_use]
    pub const fn next(&self) -> UnixTime {
        self.begin.saturating_add(self.length)
    }
}
