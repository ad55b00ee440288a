//! Numbers that mean the same to every reader of JSON.

use core::cmp::Ordering;

use serde_json::Value;

/// The largest integer every JSON reader keeps exactly, 2^53−1 (RFC 8259 6, RFC 8785 appendix D).
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// A number as RFC 8785 writes it: `1` and `1.0` are one, and so are `0` and `-0`. None lies beyond ±(2^53−1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(f64);

impl Number {
    /// The number, if every reader keeps it. All doubles beyond the largest integer are integers, so one test does.
    pub(super) fn new(value: f64) -> Option<Self> {
        // adding zero turns -0 into 0 and leaves everything else; NaN and the infinities fail the comparison
        (value.abs() <= LARGEST).then_some(Self(value + 0.0))
    }

    pub(super) fn to_json(self) -> Value {
        if self.0.fract() == 0.0 {
            #[allow(clippy::cast_possible_truncation, reason = "a whole number within ±(2^53−1)")]
            let whole = self.0 as i64;
            Value::from(whole)
        } else {
            Value::from(self.0)
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0) // neither NaN nor -0 is ever inside
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` as JSON and prints what became of it.
    fn check(text: &str, expected: Option<&str>) {
        let read = serde_json::from_str(text).ok().and_then(Number::new);
        assert_eq!(read.map(|number| number.to_json().to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn numbers_have_one_spelling() {
        for (text, expected) in [("1", "1"), ("1.0", "1"), ("10e-1", "1"), ("-0", "0"), ("-0.0", "0"), ("0.5", "0.5")] {
            check(text, Some(expected));
        }
        check("0.1", Some("0.1"));
        check("5e-324", Some("5e-324"));
        check("123456.789012345678", Some("123456.78901234567"));
    }

    #[test]
    fn integers_beyond_what_all_readers_keep_are_none() {
        check("9007199254740991", Some("9007199254740991"));
        check("-9007199254740991.0", Some("-9007199254740991"));
        for text in ["9007199254740992", "-9007199254740992.0", "9007199254740993", "18446744073709551615", "1e300"] {
            check(text, None);
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Number::new(value), None, "{value}");
        }
    }
}
