//! The lines of one field of a request.

/// The values of all lines of one field, in any number: of one its bytes, of more only how many and how long they are, since no field
/// that the check reads may stand twice.
///
/// ```
/// use handfast_verifier::FieldLines;
/// let one = FieldLines::from([b"DPoP abc".as_slice()]);
/// let two: FieldLines<'_> = [b"a".as_slice(), b"b"].into_iter().collect();
/// assert_eq!((one.count(), two.count()), (1, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldLines<'a> {
    first: &'a [u8],
    count: usize,
    bytes: usize,
}

/// What a check wants to know of a field's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines<'a> {
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> FieldLines<'a> {
    /// How many lines there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The value, where there is one line.
    #[must_use]
    pub const fn only(&self) -> Option<&'a [u8]> {
        match self.lines() {
            Lines::One(line) => Some(line),
            Lines::None | Lines::Several => None,
        }
    }

    /// The bytes of all values together.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn lines(&self) -> Lines<'a> {
        match self.count {
            0 => Lines::None,
            1 => Lines::One(self.first),
            _ => Lines::Several,
        }
    }
}

impl<'a> FromIterator<&'a [u8]> for FieldLines<'a> {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(lines: I) -> Self {
        lines.into_iter().fold(Self::default(), |known, line| Self {
            first: if known.count == 0 { line } else { known.first },
            count: known.count.saturating_add(1),
            bytes: known.bytes.saturating_add(line.len()),
        })
    }
}

impl<'a, const N: usize> From<[&'a [u8]; N]> for FieldLines<'a> {
    fn from(lines: [&'a [u8]; N]) -> Self {
        lines.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_line_is_a_value() {
        assert_eq!(FieldLines::default().lines(), Lines::None);
        assert_eq!(FieldLines::from([b"abc".as_slice()]).lines(), Lines::One(b"abc"));
        assert_eq!(FieldLines::from([b"".as_slice()]).lines(), Lines::One(b""));
        let two = FieldLines::from([b"abc".as_slice(), b"abc"]);
        assert_eq!((two.lines(), two.count(), two.bytes(), two.only()), (Lines::Several, 2, 6, None));
    }
}
