//! Texts that strangers write and people read: bounded, on one line, without characters that change how the rest looks.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text of at most `MAX` bytes without control, bidirectional or invisible characters. It may be empty.
///
/// It is still a stranger's text: mark it as such and escape it wherever it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownText<const MAX: usize>(String);

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Longer than allowed here.
    TooLong,
    /// A character that would not be seen, or would change how others are seen.
    Character,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "a text is longer than allowed",
            Self::Character => "a text holds a control or invisible character",
        })
    }
}

impl core::error::Error for TextError {}

impl<const MAX: usize> ShownText<MAX> {
    /// Reads a text; nothing is trimmed.
    ///
    /// # Errors
    ///
    /// [`TextError`], by rule broken.
    ///
    /// ```
    /// use handfast_registry_model::ShownText;
    /// assert!(ShownText::<16>::parse("invoice bot").is_ok());
    /// assert!(ShownText::<16>::parse("invoice\u{202e}tob").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > MAX {
            return Err(TextError::TooLong);
        }
        if text.chars().any(is_treacherous) {
            return Err(TextError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Controls, bidirectional marks, zero-width and tag characters (Unicode TR 36, 2.5 and 3.1).
fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

impl<const MAX: usize> fmt::Display for ShownText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Serialize for ShownText<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for ShownText<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), TextError>) {
        assert_eq!(ShownText::<16>::parse(text).map(|_| ()), expected, "{text:?}");
    }

    #[test]
    fn length_and_characters_are_judged() {
        for text in ["", "Rechnungs-Bot ä", "\"quoted\" \\ <b>", &"x".repeat(16)] {
            check(text, Ok(()));
        }
        check(&"x".repeat(17), Err(TextError::TooLong));
        for text in
            ["a\nb", "a\0b", "\u{1b}[2J", "a\u{200b}b", "a\u{202e}b", "a\u{feff}", "a\u{2028}b", "\u{e0041}", "\u{85}"]
        {
            check(text, Err(TextError::Character));
        }
    }
}
