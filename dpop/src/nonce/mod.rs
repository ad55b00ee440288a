//! Nonces: text a server asks its clients to sign, so that a proof cannot have been made long before (RFC 9449 8, 9).

mod keys;
mod policy;

use core::fmt;

use handfast_identity::UnixTime;

pub use keys::{NONCE_PERIOD, NonceKeys, NonceRole, NonceSecret, PeriodError};
pub use policy::{NonceDemand, NonceEffect, NoncePolicy, RestartRule};

/// Bytes of a nonce from outside: others may pack state into theirs, and a proof has room for 4 KiB in all (DPOP-39).
pub const MAX_NONCE_BYTES: usize = 1024;

/// A nonce: one of ours on its way out, or a server's on its way into a proof. Opaque to clients (DPOP-67).
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Reads the value of a `DPoP-Nonce` field.
    ///
    /// # Errors
    ///
    /// [`NonceTextError`] for an empty or overlong value, and for a blank, a quote, a backslash or a character outside ASCII
    /// (DPOP-59).
    ///
    /// ```
    /// use handfast_dpop::Nonce;
    /// assert_eq!(Nonce::parse("eyJ7S_zG.eyJH0-Z.HX4w-7v").map(|nonce| nonce.as_str().len()), Ok(24));
    /// assert!(Nonce::parse("two nonces").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NonceTextError> {
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || text.len() > MAX_NONCE_BYTES || !text.bytes().all(allowed) {
            return Err(NonceTextError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, byte for byte as received or made.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)") // DPOP-138
    }
}

/// The text cannot be a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceTextError;

impl fmt::Display for NonceTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 1 to 1024 characters of those a nonce may hold")
    }
}

impl core::error::Error for NonceTextError {}

/// Where a server's nonces come from. [`NonceKeys`] keeps no state; a list of issued values would do as well.
///
/// A wrong yes lets a proof in that was made in advance or before a restart (RFC 9449 11.2). A wrong no costs an honest
/// client one more round trip, and its request when it happens twice. Neither may block: this runs on every request.
pub trait NonceSource: fmt::Debug + Send + Sync {
    /// The nonce to hand out at `now`; equal calls may give equal nonces.
    fn issue(&self, now: UnixTime) -> Nonce;

    /// Judges a nonce that came back in a proof.
    ///
    /// # Errors
    ///
    /// [`NonceError`]; the answer to both is `use_dpop_nonce` with a new nonce (DPOP-61).
    fn check(&self, nonce: &str, now: UnixTime) -> Result<NonceTime, NonceError>;
}

/// What a good nonce says about time, by the server's own clock (DPOP-54).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceTime {
    /// When its step began: no proof with it is older, but for the one round it was handed out early.
    pub step_start: UnixTime,
    /// The last second in which it is accepted.
    pub good_until: UnixTime,
}

/// Why a nonce was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceError {
    /// Not made by this source: foreign, of the other role, of a process before this one, or altered.
    Unknown,
    /// Made by this source, but its turn is over, or the clock was set back and it has not come yet.
    OutOfWindow,
}

impl fmt::Display for NonceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the nonce is not one of this server",
            Self::OutOfWindow => "the nonce is no longer accepted",
        })
    }
}

impl core::error::Error for NonceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_nonces_are_of_the_allowed_alphabet() {
        let longest = "n".repeat(MAX_NONCE_BYTES);
        for good in ["!", "#[]~", "n0nce-AS-1", longest.as_str()] {
            assert_eq!(Nonce::parse(good).map(|nonce| nonce.as_str() == good), Ok(true), "{good}");
        }
        let too_long = "n".repeat(MAX_NONCE_BYTES + 1);
        for bad in ["", " ", "a b", "a\"b", "a\\b", "a\u{7f}", "a\n", "n\u{e9}", too_long.as_str()] {
            assert_eq!(Nonce::parse(bad), Err(NonceTextError), "{bad}");
        }
    }
}
