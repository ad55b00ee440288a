//! Handles: readable names of agents. They survive key rotation and never decide access.

use core::fmt;

use unicode_security::confusable_detection::skeleton;

use crate::random::{RandomSource, random_bytes};
use crate::words::word;

/// Shortest handle.
pub const MIN_HANDLE_CHARS: usize = 3;
/// Longest handle; one DNS label.
pub const MAX_HANDLE_CHARS: usize = 63;
/// Numbers at the end of a generated handle: with two words of 256, a space of 6.5 × 10^9.
const GENERATED_NUMBERS: u64 = 100_000;

/// Names nobody may choose: they would speak for the service, or collide with a path or a role.
const RESERVED: [&str; 36] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "agent",
    "agents",
    "anonymous",
    "api",
    "claim",
    "claims",
    "console",
    "default",
    "handfast",
    "health",
    "help",
    "hostmaster",
    "info",
    "issuer",
    "localhost",
    "log",
    "mail",
    "me",
    "nobody",
    "null",
    "oauth",
    "official",
    "owner",
    "postmaster",
    "registry",
    "root",
    "security",
    "self",
    "support",
    "system",
    "user",
    "webmaster",
];

/// A well-formed handle: `[a-z0-9]` words joined by single `-`, 3 to 63 characters, not reserved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(String);

/// Why a text is not a handle somebody may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleError {
    /// Not `[a-z0-9]` words joined by single `-`, or not 3 to 63 characters.
    Syntax,
    /// Reads like a reserved word.
    Reserved,
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "a handle is 3 to 63 characters: words of a-z and 0-9 joined by single `-`",
            Self::Reserved => "this handle is reserved",
        })
    }
}

impl core::error::Error for HandleError {}

impl Handle {
    /// Reads a handle; nothing is trimmed or folded (TH55).
    ///
    /// # Errors
    ///
    /// [`HandleError`], also for a look-alike of a reserved word.
    pub fn parse(text: &str) -> Result<Self, HandleError> {
        if !(MIN_HANDLE_CHARS..=MAX_HANDLE_CHARS).contains(&text.len()) || !text.split('-').all(is_word) {
            return Err(HandleError::Syntax);
        }
        let handle = Self(text.to_owned());
        let looks = handle.skeleton();
        if RESERVED.iter().any(|reserved| folded(reserved) == looks) {
            return Err(HandleError::Reserved);
        }
        Ok(handle)
    }

    /// A random handle of two words and a number; uniqueness is the registry's to check.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        let [first, second] = random_bytes(random);
        let number = u64::from_be_bytes(random_bytes(random)) % GENERATED_NUMBERS;
        Self(format!("{}-{}-{number:05}", word(first), word(second)))
    }

    /// What the handle looks like: two handles with one skeleton are confusable (UTS 39 4, folded to lower case).
    #[must_use]
    pub fn skeleton(&self) -> String {
        folded(&self.0)
    }

    /// What every handle that begins with `text` looks like at its beginning; `None` for a text no handle begins with.
    ///
    /// Others may begin so too: those that look as if they began with `text`.
    #[must_use]
    pub fn skeleton_of_beginning(text: &str) -> Option<String> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_one = text.len() <= MAX_HANDLE_CHARS && text.bytes().all(fits) && !text.starts_with('-');
        (is_one && !text.contains("--")).then(|| folded(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn folded(text: &str) -> String {
    // the skeleton of `0` is `O`; folding once more makes it equal to the skeleton of `o`
    skeleton(text).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), HandleError>) {
        assert_eq!(Handle::parse(text).map(|_| ()), expected, "{text}");
    }

    #[test]
    fn syntax_is_one_alphabet_and_two_bounds() {
        let longest = "a".repeat(MAX_HANDLE_CHARS);
        for text in ["abc", "billing-bot", "a-1-b", "007", &longest] {
            check(text, Ok(()));
        }
        let too_long = "a".repeat(MAX_HANDLE_CHARS + 1);
        // TH55 and its neighbours
        for text in [
            "",
            "ab",
            "-ab",
            "ab-",
            "a--b",
            "Abc",
            "a_b",
            "agent one",
            "agent_\u{43e}ne",
            "agent\u{200b}one",
            "a.b",
            "abc\n",
            &too_long,
        ] {
            check(text, Err(HandleError::Syntax));
        }
    }

    #[test]
    fn reserved_words_and_their_look_alikes_are_refused() {
        for text in ["admin", "r00t", "nu11", "registry", "he1p"] {
            check(text, Err(HandleError::Reserved));
        }
        for text in ["admins", "root-cause", "helpful"] {
            check(text, Ok(()));
        }
    }

    #[test]
    fn the_skeleton_of_a_beginning_is_the_beginning_of_the_skeleton() {
        for text in ["billing-bot-00042", "mmw-1l0o", "rnn-vv"] {
            let whole = Handle::parse(text).map(|handle| handle.skeleton()).unwrap_or_default();
            for (place, _) in text.char_indices() {
                let beginning = Handle::skeleton_of_beginning(text.get(..place).unwrap_or_default());
                assert!(beginning.is_some_and(|beginning| whole.starts_with(&beginning)), "{text} {place}");
            }
        }
        for wrong in ["-a", "a--b", "A", "a b", "\u{430}", &"a".repeat(64)] {
            assert_eq!(Handle::skeleton_of_beginning(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        let looks = |text: &str| Handle::parse(text).map(|handle| handle.skeleton());
        for (a, b) in [("bi11ing", "billing"), ("g00gle", "google"), ("modern", "rnodern")] {
            assert_eq!(looks(a), looks(b), "{a} {b}");
        }
        for (a, b) in [("billing", "filling"), ("ab-c", "a-bc"), ("bot-1", "bot-2")] {
            assert_ne!(looks(a), looks(b), "{a} {b}");
        }
    }

    #[test]
    fn generated_handles_are_well_formed() {
        struct Steps(u8);
        impl RandomSource for Steps {
            fn fill(&mut self, out: &mut [u8]) {
                for byte in out {
                    self.0 = self.0.wrapping_mul(5).wrapping_add(17);
                    *byte = self.0;
                }
            }
        }
        let mut random = Steps(1);
        for _ in 0..300 {
            let handle = Handle::generate(&mut random);
            check(handle.as_str(), Ok(()));
        }
    }
}
