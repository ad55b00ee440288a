//! Ranges of numbers, each end open, closed or absent.

use core::cmp::Ordering;
use core::ops::Bound;

use super::details::DetailsError;
use super::number::Number;

/// The numbers between two ends. At least one end is there, and some number lies between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    low: Bound<Number>,
    high: Bound<Number>,
}

impl Range {
    /// # Errors
    ///
    /// `Malformed` without any end, with an end that is no finite number within ±(2^53−1), or if nothing lies between.
    pub(super) fn new(low: Bound<f64>, high: Bound<f64>) -> Result<Self, DetailsError> {
        Self::between(read(low)?, read(high)?)
    }

    fn between(low: Bound<Number>, high: Bound<Number>) -> Result<Self, DetailsError> {
        let good = match (low, high) {
            (Bound::Unbounded, Bound::Unbounded) => false,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
            (Bound::Included(low), Bound::Included(high)) => low <= high,
            (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => low < high,
        };
        if good { Ok(Self { low, high }) } else { Err(DetailsError::Malformed) }
    }

    pub(super) fn admits(&self, number: Number) -> bool {
        let point = Self { low: Bound::Included(number), high: Bound::Included(number) };
        point.is_within(self)
    }

    pub(super) fn is_within(&self, wider: &Self) -> bool {
        is_inward(self.low, wider.low, Ordering::Greater) && is_inward(self.high, wider.high, Ordering::Less)
    }

    /// The numbers of both, if there are any.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let low = if is_inward(self.low, other.low, Ordering::Greater) { self.low } else { other.low };
        let high = if is_inward(self.high, other.high, Ordering::Less) { self.high } else { other.high };
        Self::between(low, high).ok()
    }

    pub(super) fn low(&self) -> Bound<Number> {
        self.low
    }

    pub(super) fn high(&self) -> Bound<Number> {
        self.high
    }
}

fn read(end: Bound<f64>) -> Result<Bound<Number>, DetailsError> {
    let number = |at| Number::new(at).ok_or(DetailsError::Malformed);
    Ok(match end {
        Bound::Included(at) => Bound::Included(number(at)?),
        Bound::Excluded(at) => Bound::Excluded(number(at)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// Whether one end of the child lets nothing out past the same end of the parent. `inward` is how a number inside compares.
fn is_inward(child: Bound<Number>, parent: Bound<Number>, inward: Ordering) -> bool {
    match (child, parent) {
        (_, Bound::Unbounded) => true,
        (Bound::Unbounded, _) => false,
        (Bound::Included(child), Bound::Excluded(parent)) => child.cmp(&parent) == inward,
        (Bound::Included(child) | Bound::Excluded(child), Bound::Included(parent) | Bound::Excluded(parent)) => {
            child.cmp(&parent) != inward.reverse()
        }
    }
}

#[cfg(test)]
mod tests {
    use core::ops::Bound::{Excluded, Included, Unbounded};

    use super::*;

    type Ends = (Bound<f64>, Bound<f64>);

    fn range((low, high): Ends) -> Result<Range, DetailsError> {
        Range::new(low, high)
    }

    fn check(child: Ends, parent: Ends, within: bool) {
        let answer = range(child).and_then(|child| Ok(child.is_within(&range(parent)?)));
        assert_eq!(answer, Ok(within), "{child:?} in {parent:?}");
    }

    #[test]
    fn a_range_inside_another() {
        let ten = (Included(0.0), Included(10.0));
        check(ten, ten, true);
        check((Included(1.0), Included(9.0)), ten, true);
        check((Included(0.0), Included(11.0)), ten, false);
        check((Included(-0.5), Included(10.0)), ten, false);
        check((Included(0.0), Unbounded), ten, false);
        check((Unbounded, Included(10.0)), ten, false);
        check(ten, (Included(0.0), Unbounded), true);
        check((Excluded(0.0), Excluded(10.0)), ten, true);
        check(ten, (Excluded(0.0), Included(10.0)), false);
        check(ten, (Included(0.0), Excluded(10.0)), false);
        check((Excluded(0.0), Included(1.0)), (Excluded(0.0), Unbounded), true);
    }

    #[test]
    fn ends_are_admitted_when_included() {
        let numbers = [-1.0, 0.0, 5.0, 10.0, 11.0];
        for (ends, expected) in [
            ((Included(0.0), Excluded(10.0)), [false, true, true, false, false]),
            ((Excluded(0.0), Included(10.0)), [false, false, true, true, false]),
            ((Unbounded, Included(0.0)), [true, true, false, false, false]),
            ((Excluded(5.0), Unbounded), [false, false, false, true, true]),
        ] {
            let range = range(ends);
            let admitted = |number| Some(range.as_ref().ok()?.admits(Number::new(number)?));
            assert_eq!(numbers.map(admitted), expected.map(Some), "{ends:?}");
        }
    }

    #[test]
    fn ranges_of_nothing_or_everything_are_refused() {
        assert!(range((Included(1.0), Included(1.0))).is_ok());
        for ends in [
            (Unbounded, Unbounded),
            (Included(2.0), Included(1.0)),
            (Included(1.0), Excluded(1.0)),
            (Excluded(1.0), Included(1.0)),
            (Included(f64::NAN), Unbounded),
            (Unbounded, Excluded(f64::INFINITY)),
            (Unbounded, Included(9_007_199_254_740_992.0)),
        ] {
            assert_eq!(range(ends), Err(DetailsError::Malformed), "{ends:?}");
        }
    }

    #[test]
    fn the_numbers_of_both() {
        let meet = |one, other| range(one).ok()?.meet(&range(other).ok()?);
        let overlap = meet((Included(0.0), Included(5.0)), (Excluded(0.0), Included(9.0)));
        assert_eq!(overlap, range((Excluded(0.0), Included(5.0))).ok());
        assert_eq!(meet((Included(0.0), Unbounded), (Unbounded, Excluded(0.0))), None);
        assert_eq!(meet((Unbounded, Included(1.0)), (Included(2.0), Unbounded)), None);
    }
}
