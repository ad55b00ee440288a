//! Texts that are parts of greater ones.

use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that never changes. A clone shares its memory, and so does a text that was read out of another, such as a claim out of its
/// token: it keeps the memory of the whole.
///
/// Equality, order and hash are those of the text.
///
/// ```
/// use handfast_identity::Text;
/// let whole = Text::from("owner:1 task_2");
/// assert_eq!(whole.part(&whole[..7]).as_deref(), Some("owner:1"));
/// assert!(whole.part("owner:1").is_none(), "the same characters elsewhere");
/// ```
#[derive(Clone)]
pub struct Text {
    whole: Arc<str>,
    // INVARIANT: a part of the whole, between characters
    start: usize,
    end: usize,
}

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.whole.get(self.start..self.end).unwrap_or_default()
    }

    /// `text` as one of its own that shares this memory; `None` for a text that does not lie in it.
    #[must_use]
    pub fn part(&self, text: &str) -> Option<Self> {
        // how far it begins behind the whole: what is that far into it is `text`, or `text` lies elsewhere
        let start = text.as_ptr().addr().checked_sub(self.whole.as_ptr().addr())?;
        let end = start.checked_add(text.len())?;
        self.whole.get(start..end)?;
        Some(Self { whole: Arc::clone(&self.whole), start, end })
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl Default for Text {
    fn default() -> Self {
        "".into()
    }
}

impl From<Arc<str>> for Text {
    fn from(whole: Arc<str>) -> Self {
        Self { start: 0, end: whole.len(), whole }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the part alone: the whole may be a token (P-19)
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        *self == **other
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        **self == **other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    #[test]
    fn a_part_shares_the_memory_and_is_equal_by_its_text() {
        let whole = Text::from("a b\u{e4}c");
        let part = whole.part(&whole[2..]).unwrap_or_default();
        assert_eq!((part.as_str(), part.len()), ("b\u{e4}c", 4));
        assert!(Arc::ptr_eq(&part.whole, &whole.whole));
        assert_eq!(part, Text::from("b\u{e4}c"));
        let of_part = part.part(&part[1..3]);
        assert!(of_part.as_ref().is_some_and(|text| *text == "\u{e4}" && Arc::ptr_eq(&text.whole, &whole.whole)));
        assert_eq!(format!("{part} {part:?}"), "b\u{e4}c \"b\u{e4}c\"");
        drop(whole);
        assert_eq!(part, "b\u{e4}c");
    }

    #[test]
    fn a_text_elsewhere_is_no_part() {
        let (whole, other) = (Text::from("abc"), String::from("abc"));
        for text in ["abc", "", &other, &other[1..]] {
            assert_eq!(whole.part(text), None, "{text:?}");
        }
        for (start, end) in [(0, 0), (3, 3), (1, 1), (0, 3)] {
            assert_eq!(whole.part(&whole[start..end]).as_deref(), Some(&whole[start..end]));
        }
        // around it: one that begins before and reaches into it
        let around: Arc<str> = "xabcx".into();
        let inner = Text { whole: Arc::clone(&around), start: 1, end: 4 };
        assert_eq!(inner.part(&around[..2]).as_deref(), Some("xa"), "the memory counts, not the part that one has");
    }
}
