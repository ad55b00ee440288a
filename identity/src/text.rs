//! Texts that are parts of greater ones.

/// A text that never changes. A clone shares its memory, and so does a text that was read out of another, such as a claim out of its token:
/// it keeps the memory of the whole.
pub type Text = arcstr::Substr;
