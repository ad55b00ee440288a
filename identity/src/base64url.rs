//! Base64url without padding, one spelling per value (RFC 4648 5, RFC 7515 2).

use core::fmt;

use base64_simd::URL_SAFE_NO_PAD;

/// The text is not canonical unpadded base64url, or not of the length asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Error;

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not canonical base64url without padding")
    }
}

impl core::error::Error for Base64Error {}

/// Writes `bytes` as unpadded base64url.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Reads unpadded base64url.
///
/// # Errors
///
/// Padding, blanks, the standard alphabet's `+` and `/`, and set bits behind the last byte: each would be a second spelling.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    // the decoder refuses non-zero trailing bits, so every value has one spelling
    URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| Base64Error)
}

/// Reads unpadded base64url of exactly `N` bytes.
///
/// # Errors
///
/// As [`decode`], and any other length.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], Base64Error> {
    decode(text)?.try_into().map_err(|_| Base64Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        for (text, expected) in [("", Some(&b""[..])), ("AA", Some(&[0][..])), ("-_8", Some(&[0xfb, 0xff][..]))] {
            assert_eq!(decode(text).ok().as_deref(), expected, "{text}");
        }
        for text in ["AA==", "AB", "A", "AA ", " AA", "A\nA", "+/8", "AAB\u{e9}", "AAA=", "-_9"] {
            assert_eq!(decode(text), Err(Base64Error), "{text}");
        }
    }

    #[test]
    fn arrays_have_one_length() {
        assert_eq!(decode_array::<2>("-_8"), Ok([0xfb, 0xff]));
        assert_eq!(decode_array::<3>("-_8"), Err(Base64Error));
    }
}
