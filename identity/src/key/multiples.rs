//! Multiples of a point that are worked out beforehand, so that sums of multiples need few doublings.
//!
//! A scalar is written with digits that are zero or odd (width-w non-adjacent form), in blocks of [`BLOCK_BITS`] bits. For each
//! block there is a table of the odd multiples of the point, moved to where the block begins; so all blocks, of both points of a
//! sum, share the doublings of one. Points and their addition are the library's: only which of them are added is decided here.
//!
//! Nothing here takes the same time for all scalars. It is for what everybody may know: signatures and public keys.

use std::sync::LazyLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::traits::Identity;
use curve25519_dalek::{EdwardsPoint, Scalar};

/// Bits of a block: a multiple of three, since the library doubles three times in one.
const BLOCK_BITS: usize = 15;
/// Blocks of a scalar, which is below 2^253, with a bit for the carry of its last digit.
const BLOCKS: usize = 17;
/// Odd multiples of a key in each block: half as many cost a tenth more for a check, twice as many take 44 KB.
const OF_KEY: usize = 8;
/// Odd multiples of the base point in each block, 87 KB, which all keys share.
const OF_BASE: usize = 32;

/// The digits of a scalar: for each place in a block, the highest last, one of each block.
type Digits = [[i8; BLOCKS]; BLOCK_BITS];

/// The first `ODD` odd multiples of a point, in each block. `ODD` is a power of two, 64 at most.
struct Table<const ODD: usize>(Vec<[EdwardsPoint; ODD]>);

impl<const ODD: usize> Table<ODD> {
    /// Bits of a digit, its sign among them: the largest is `2 * ODD - 1`.
    const WIDTH: usize = {
        assert!(ODD.is_power_of_two() && ODD <= 64, "digits are odd and fit into eight bits");
        ODD.trailing_zeros() as usize + 2
    };

    fn of(point: &EdwardsPoint) -> Self {
        let beginning =
            |block: &EdwardsPoint| Some((0..BLOCK_BITS / 3).fold(*block, |point, _| point.mul_by_cofactor()));
        let blocks = core::iter::successors(Some(*point), beginning).take(BLOCKS);
        Self(blocks.map(|first| odd_multiples(&first)).collect())
    }

    /// From the lowest bit on: an odd window becomes a digit, the nearest of both signs, and the `WIDTH - 1` places above it are zero.
    fn digits(scalar: &Scalar) -> Digits {
        let mut digits = [[0; BLOCKS]; BLOCK_BITS];
        let (mut place, mut carry) = (0, 0);
        while place < BLOCKS * BLOCK_BITS {
            let window = window(scalar.as_bytes(), place, Self::WIDTH) + carry;
            if window % 2 == 0 {
                place += 1;
                continue;
            }
            let is_nearer_from_above = window >= 1 << (Self::WIDTH - 1);
            carry = i16::from(is_nearer_from_above);
            let digit = i8::try_from(window - (carry << Self::WIDTH)).unwrap_or_default(); // always fits
            if let Some(there) = digits.get_mut(place % BLOCK_BITS).and_then(|row| row.get_mut(place / BLOCK_BITS)) {
                *there = digit;
            }
            place += Self::WIDTH;
        }
        digits
    }

    /// Adds to `sum` what the digits at one place of all blocks stand for.
    fn add(&self, sum: &mut EdwardsPoint, digits: &[i8; BLOCKS]) {
        for (digit, multiples) in digits.iter().zip(&self.0).filter(|(digit, _)| **digit != 0) {
            let Some(multiple) = multiples.get(usize::from(digit.unsigned_abs() / 2)) else { continue };
            if *digit > 0 { *sum += multiple } else { *sum -= multiple }
        }
    }
}

/// `P`, `3P`, `5P` and so on.
fn odd_multiples<const ODD: usize>(point: &EdwardsPoint) -> [EdwardsPoint; ODD] {
    let (twice, mut next) = (point + point, *point);
    core::array::from_fn(|_| {
        let this = next;
        next += twice;
        this
    })
}

/// The `width` bits of a number from `place` on, zeros behind its end. Eight bits at most, so they lie in two bytes.
fn window(bytes: &[u8; 32], place: usize, width: usize) -> i16 {
    let byte = |at: usize| i16::from(bytes.get(at).copied().unwrap_or_default());
    let two = (i32::from(byte(place / 8 + 1)) << 8) | i32::from(byte(place / 8));
    i16::try_from((two >> (place % 8)) & ((1 << width) - 1)).unwrap_or_default() // always fits
}

/// Multiples of the base point `B`, worked out when the first key is prepared.
static OF_BASE_POINT: LazyLock<Table<OF_BASE>> = LazyLock::new(|| Table::of(&ED25519_BASEPOINT_POINT));

/// Multiples of one point, for sums with multiples of the base point.
pub(super) struct Multiples(Table<OF_KEY>);

impl Multiples {
    /// How many bytes they take of memory.
    pub(super) const fn weight() -> usize {
        size_of::<[EdwardsPoint; OF_KEY]>() * BLOCKS
    }

    /// Works them out, which costs as much as two checks of a signature.
    pub(super) fn of(point: &EdwardsPoint) -> Self {
        LazyLock::force(&OF_BASE_POINT);
        Self(Table::of(point))
    }

    /// `[a]P + [b]B`, as [`EdwardsPoint::vartime_double_scalar_mul_basepoint`] of the same, in little more than half its time.
    pub(super) fn double_scalar_mul_basepoint(&self, a: &Scalar, b: &Scalar) -> EdwardsPoint {
        let (of_point, of_base) = (Table::<OF_KEY>::digits(a), Table::<OF_BASE>::digits(b));
        of_point.iter().zip(&of_base).rev().fold(EdwardsPoint::identity(), |sum, (of_point, of_base)| {
            let mut sum = sum + sum;
            self.0.add(&mut sum, of_point);
            OF_BASE_POINT.add(&mut sum, of_base);
            sum
        })
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // a failed set-up should stop the test
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    use super::*;

    /// Zero, one, the last ones below the group order, powers of two and their neighbours, and long runs of one bit.
    fn edges() -> Vec<Scalar> {
        let powers = core::iter::successors(Some(Scalar::ONE), |power| Some(power + power)).take(253);
        powers
            .flat_map(|power| [power, power - Scalar::ONE, power + Scalar::ONE, -power, Scalar::ONE - power])
            .collect()
    }

    fn scalars() -> impl Strategy<Value = Scalar> {
        let any = any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order);
        prop_oneof![4 => any, 1 => prop::sample::select(edges())]
    }

    /// Points with and without a part of small order, and those alone.
    fn points() -> impl Strategy<Value = EdwardsPoint> {
        (scalars(), 0..8_usize).prop_map(|(scalar, at)| EdwardsPoint::mul_base(&scalar) + EIGHT_TORSION[at])
    }

    fn agrees(point: &EdwardsPoint, a: &Scalar, b: &Scalar) {
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(a, point, b);
        // as bytes: equality of points does not tell how they are written
        assert_eq!(
            Multiples::of(point).double_scalar_mul_basepoint(a, b).compress(),
            expected.compress(),
            "{a:?} {b:?}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sums_are_those_of_the_library(point in points(), a in scalars(), b in scalars()) {
            agrees(&point, &a, &b);
        }
    }

    #[test]
    fn sums_at_the_edges_are_those_of_the_library() {
        let point = EdwardsPoint::mul_base(&Scalar::from(7_u8)) + EIGHT_TORSION[1];
        let multiples = Multiples::of(&point);
        for a in edges() {
            let b = a + a + a;
            let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&a, &point, &b);
            assert_eq!(multiples.double_scalar_mul_basepoint(&a, &b), expected, "{a:?}");
        }
    }

    /// The digits are odd, few, and say the scalar as the integer it is: with points that have a part of small order, another
    /// number of the same class would be another sum.
    fn stands_for<const ODD: usize>(scalar: &Scalar) {
        let digits = Table::<ODD>::digits(scalar);
        let place_of = |place: usize| digits[place % BLOCK_BITS][place / BLOCK_BITS];
        // from the top, in a number with a byte more than scalars have, and never below zero or above
        let mut number = [0_u8; 33];
        let mut last = None;
        for place in (0..BLOCKS * BLOCK_BITS).rev() {
            let digit = place_of(place);
            let mut carry = i16::from(digit);
            for byte in &mut number {
                let sum = i16::from(*byte) * 2 + carry;
                *byte = u8::try_from(sum & 0xff).unwrap_or_default();
                carry = sum >> 8;
            }
            assert_eq!(carry, 0, "{scalar:?}");
            if digit != 0 {
                assert!(digit % 2 != 0 && usize::from(digit.unsigned_abs()) < 2 * ODD, "{scalar:?}: {digit}");
                assert!(last.is_none_or(|last| last - place >= Table::<ODD>::WIDTH), "{scalar:?}: {place}");
                last = Some(place);
            }
        }
        assert_eq!((&number[..32], number[32]), (&scalar.as_bytes()[..], 0));
    }

    proptest! {
        #[test]
        fn digits_stand_for_their_scalar(scalar in scalars()) {
            stands_for::<OF_KEY>(&scalar);
            stands_for::<OF_BASE>(&scalar);
        }
    }

    #[test]
    fn their_size_is_what_they_say() {
        let held = Multiples::of(&ED25519_BASEPOINT_POINT).0.0;
        assert_eq!(size_of_val(&held[..]), Multiples::weight());
        assert_eq!(Multiples::weight(), 21_760);
    }
}
