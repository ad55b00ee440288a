//! How often: budgets, which bound use where it happens (spec/delegation.md, budgets).

use handfast_identity::json;
use serde::{Deserialize, Serialize};

/// Largest count of a budget (spec/limits.md): the largest integer every JSON reader keeps exactly.
pub const MAX_USES: u64 = (1 << 53) - 1;
/// Longest span of a rate in seconds (spec/limits.md): a day.
pub const MAX_RATE_SECONDS: u64 = 86_400;

/// How often authority may be used: in total, in each span of time, or both. Never neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BudgetWire", into = "BudgetWire")]
pub struct Budget {
    max_uses: Option<u64>,
    rate: Option<Rate>,
}

/// At most `uses` in every span of `seconds` that begins at a multiple of `seconds` since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// From 1 to [`MAX_USES`].
    pub uses: u64,
    /// From 1 to [`MAX_RATE_SECONDS`].
    pub seconds: u64,
}

/// The numbers are no budget: a member is missing that has to be there, or one is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetError;

impl core::fmt::Display for BudgetError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "a budget has `max_uses`, `rate` or both; counts from 1 to {MAX_USES}, seconds from 1 to {MAX_RATE_SECONDS}"
        )
    }
}

impl core::error::Error for BudgetError {}

impl Budget {
    /// A budget of these parts.
    ///
    /// # Errors
    ///
    /// [`BudgetError`].
    ///
    /// ```
    /// use handfast_delegation::Budget;
    /// let ten = Budget::new(Some(10), None).unwrap();
    /// let hundred = Budget::new(Some(100), None).unwrap();
    /// assert!(ten.narrows(&hundred) && !hundred.narrows(&ten));
    /// ```
    pub fn new(max_uses: Option<u64>, rate: Option<Rate>) -> Result<Self, BudgetError> {
        let is_count = |count: u64| (1..=MAX_USES).contains(&count);
        let is_rate = |rate: Rate| is_count(rate.uses) && (1..=MAX_RATE_SECONDS).contains(&rate.seconds);
        if (max_uses.is_none() && rate.is_none()) || !max_uses.is_none_or(is_count) || !rate.is_none_or(is_rate) {
            return Err(BudgetError);
        }
        Ok(Self { max_uses, rate })
    }

    /// The most uses in total.
    #[must_use]
    pub const fn max_uses(&self) -> Option<u64> {
        self.max_uses
    }

    /// The most uses in each span.
    #[must_use]
    pub const fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Whether it allows no use that `parent` does not, whenever the uses come.
    #[must_use]
    pub fn narrows(&self, parent: &Self) -> bool {
        let within = |parent: u64| self.max_uses.is_some_and(|uses| uses <= parent);
        parent.max_uses.is_none_or(within)
            && parent.rate.is_none_or(|parent| self.rate.is_some_and(|rate| rate.narrows(parent)))
    }

    /// The widest budget we offer that narrows both; none where their rates have no common span within bounds.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let max_uses = lesser(self.max_uses, other.max_uses);
        let rate = match (self.rate, other.rate) {
            (Some(one), Some(two)) => Some(one.meet(two)?),
            (one, two) => one.or(two),
        };
        Some(Self { max_uses, rate })
    }
}

fn lesser(one: Option<u64>, two: Option<u64>) -> Option<u64> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

impl Rate {
    /// Spans begin at multiples, so one span of a multiple holds whole spans of the other.
    const fn narrows(self, parent: Self) -> bool {
        // never zero: `Budget::new` is the only way to a rate that is compared
        self.uses <= parent.uses && matches!(self.seconds.checked_rem(parent.seconds), Some(0))
    }

    fn meet(self, other: Self) -> Option<Self> {
        let divisor = greatest_common_divisor(self.seconds, other.seconds);
        let seconds = self.seconds.checked_div(divisor)?.checked_mul(other.seconds)?;
        (seconds <= MAX_RATE_SECONDS).then(|| Self { uses: self.uses.min(other.uses), seconds })
    }
}

const fn greatest_common_divisor(mut one: u64, mut two: u64) -> u64 {
    while let Some(rest) = one.checked_rem(two) {
        (one, two) = (two, rest);
    }
    one
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetWire {
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    max_uses: Option<u64>,
    #[serde(default, deserialize_with = "json::optional_object", skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
}

impl TryFrom<BudgetWire> for Budget {
    type Error = BudgetError;

    fn try_from(wire: BudgetWire) -> Result<Self, BudgetError> {
        Self::new(wire.max_uses, wire.rate)
    }
}

impl From<Budget> for BudgetWire {
    fn from(budget: Budget) -> Self {
        Self { max_uses: budget.max_uses, rate: budget.rate }
    }
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::{Limits, read_object};

    use super::*;

    fn budget(max_uses: u64, uses: u64, seconds: u64) -> Budget {
        let some = |count| (count > 0).then_some(count);
        Budget { max_uses: some(max_uses), rate: some(seconds).map(|seconds| Rate { uses, seconds }) }
    }

    fn check(child: Budget, parent: Budget, expected: bool) {
        assert_eq!(child.narrows(&parent), expected, "{child:?} under {parent:?}");
    }

    #[test]
    fn each_member_of_the_parent_stays_and_grows_no_larger() {
        check(budget(5, 0, 0), budget(5, 0, 0), true);
        check(budget(6, 0, 0), budget(5, 0, 0), false);
        check(budget(5, 2, 60), budget(5, 0, 0), true);
        check(budget(5, 0, 0), budget(5, 2, 60), false);
        check(budget(0, 2, 60), budget(5, 2, 60), false);
        check(budget(0, 1, 60), budget(0, 2, 60), true);
        check(budget(0, 3, 60), budget(0, 2, 60), false);
        check(budget(0, 2, 120), budget(0, 2, 60), true);
        check(budget(0, 2, 90), budget(0, 2, 60), false);
        check(budget(0, 1, 30), budget(0, 2, 60), false);
    }

    #[test]
    fn the_meet_narrows_both() {
        assert_eq!(budget(5, 0, 0).meet(&budget(3, 4, 60)), Some(budget(3, 4, 60)));
        assert_eq!(budget(0, 3, 60).meet(&budget(0, 2, 90)), Some(budget(0, 2, 180)));
        assert_eq!(budget(0, 3, 86_399).meet(&budget(0, 2, 86_400)), None);
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let read = |text: &str| read_object::<Budget>(text.as_bytes(), &Limits::plain(256)).is_ok();
        for good in [
            r#"{"max_uses":1}"#,
            r#"{"max_uses":9007199254740991}"#,
            r#"{"rate":{"uses":1,"seconds":1}}"#,
            r#"{"max_uses":2,"rate":{"uses":9007199254740991,"seconds":86400}}"#,
        ] {
            assert!(read(good), "{good}");
        }
        for bad in [
            "{}",
            r#"{"max_uses":0}"#,
            r#"{"max_uses":9007199254740992}"#,
            r#"{"max_uses":null}"#,
            r#"{"max_uses":1.5}"#,
            r#"{"rate":{"uses":0,"seconds":1}}"#,
            r#"{"rate":{"uses":1,"seconds":0}}"#,
            r#"{"rate":{"uses":1,"seconds":86401}}"#,
            r#"{"rate":{"uses":1}}"#,
            r#"{"max_uses":1,"per_day":1}"#,
        ] {
            assert!(!read(bad), "{bad}");
        }
    }
}
