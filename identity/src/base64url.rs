//! Base64url without padding, one spelling per value (RFC 4648 5, RFC 7515 2).

use core::fmt;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};

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

/// The length of `count` bytes written as unpadded base64url.
pub(crate) const fn encoded_len(count: usize) -> usize {
    (count * 4).div_ceil(3)
}

/// Writes `bytes` as unpadded base64url behind `text`.
pub(crate) fn append(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Characters of 32 bytes: a hash or a key.
pub(crate) const CHARS_OF_32_BYTES: usize = 43;

/// Writes 32 bytes into `room`, without asking the heap.
pub(crate) fn encode_32<'room>(bytes: &[u8; 32], room: &'room mut [u8; CHARS_OF_32_BYTES]) -> &'room str {
    URL_SAFE_NO_PAD.encode_as_str(bytes, room.as_mut_slice().as_out())
}

/// The characters of 32 bytes.
pub(crate) fn chars_of_32(bytes: &[u8; 32]) -> [u8; CHARS_OF_32_BYTES] {
    let mut chars = [0; CHARS_OF_32_BYTES];
    encode_32(bytes, &mut chars);
    chars
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

/// So many bytes are `chars` characters of base64url.
pub(crate) const fn decoded_len(chars: usize) -> usize {
    chars / 4 * 3 + chars % 4 * 3 / 4
}

/// Reads unpadded base64url, and puts its bytes behind those in `bytes`.
pub(crate) fn decode_append(text: &str, bytes: &mut Vec<u8>) -> Result<(), Base64Error> {
    URL_SAFE_NO_PAD.decode_append(text, bytes).map_err(|_| Base64Error)
}

/// Reads unpadded base64url into `room`, and says how many bytes it has. What lies behind them in `room` is anything.
///
/// # Errors
///
/// As [`decode`], and more bytes than there is room for.
pub fn decode_into(text: impl AsRef<[u8]>, room: &mut [u8]) -> Result<usize, Base64Error> {
    let text = text.as_ref();
    let room = room.get_mut(..decoded_len(text.len())).ok_or(Base64Error)?;
    URL_SAFE_NO_PAD.decode(text, room.as_out()).map(|read| read.len()).map_err(|_| Base64Error)
}

/// Reads unpadded base64url of exactly `N` bytes.
///
/// # Errors
///
/// As [`decode`], and any other length.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Result<[u8; N], Base64Error> {
    let (text, mut bytes) = (text.as_ref(), [0; N]);
    if text.len() != encoded_len(N) {
        return Err(Base64Error);
    }
    URL_SAFE_NO_PAD.decode(text, bytes.as_mut_slice().as_out()).map_err(|_| Base64Error)?;
    Ok(bytes)
}

/// Characters of 64 bytes: a signature.
pub const CHARS_OF_64_BYTES: usize = 86;

/// Whether `text` is what [`decode_array`] reads 64 bytes of, for signatures that are looked into later, or never.
#[must_use]
pub fn is_of_64_bytes(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; CHARS_OF_64_BYTES]>::try_from(text) else { return false };
    // of the last character's six bits four lie behind the last byte, and have to be zero
    let [.., b'A' | b'Q' | b'g' | b'w'] = text else { return false };
    // two pieces that overlap, of a length that is made of vectors
    let (Some(first), Some(last)) = (text.first_chunk::<48>(), text.last_chunk::<48>()) else { return false };
    first.iter().zip(last).fold(true, |all, (one, other)| all & is_character(*one) & is_character(*other))
}

/// Without a branch, and with comparisons side by side, so that many are looked at in one instruction.
#[allow(clippy::manual_range_contains, reason = "comparisons side by side are what the compiler makes vectors of")]
const fn is_character(byte: u8) -> bool {
    let letter = byte | 0x20;
    let is_letter = (letter >= b'a') & (letter <= b'z');
    let is_digit = (byte >= b'0') & (byte <= b'9');
    is_letter | is_digit | (byte == b'-') | (byte == b'_')
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
        assert_eq!(decode_array::<1>("-_8"), Err(Base64Error));
        assert_eq!(decode_array::<0>(""), Ok([]));
        for text in ["-_9", "-_8=", "+_8", "--", "A", ""] {
            assert_eq!(decode_array::<2>(text), Err(Base64Error), "{text}");
        }
    }

    #[test]
    fn there_is_room_or_there_is_not() {
        let mut room = [7; 3];
        for (text, expected) in
            [("", Ok(0)), ("AA", Ok(1)), ("-_8", Ok(2)), ("AAEC", Ok(3)), ("AAECAA", Err(Base64Error))]
        {
            assert_eq!(decode_into(text, &mut room), expected, "{text}");
        }
        for text in ["A", "AB", "AA==", "+/8", "-_9", "AAAAA"] {
            assert_eq!(decode_into(text, &mut [0; 64]), Err(Base64Error), "{text}");
        }
    }

    #[test]
    fn a_signature_is_known_by_its_characters_as_by_decoding_it() {
        let check = |text: &[u8]| {
            let is_read = decode_array::<64>(text).is_ok();
            assert_eq!(is_of_64_bytes(text), is_read, "{text:?}");
            is_read
        };
        let good = encode(&core::array::from_fn::<_, 64, _>(|place| u8::try_from(place * 37 % 256).unwrap_or(0)));
        let mut accepted = 0;
        for place in 0..CHARS_OF_64_BYTES {
            for byte in 0..=0xff {
                let mut altered = good.clone().into_bytes();
                altered.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                accepted += usize::from(check(&altered));
            }
        }
        assert_eq!(accepted, 85 * 64 + 4);
        for length in 0..=CHARS_OF_64_BYTES * 2 {
            let text: Vec<u8> = good.bytes().cycle().take(length).collect();
            assert_eq!(check(&text), length == CHARS_OF_64_BYTES, "{length}");
        }
    }

    #[test]
    fn hashes_are_written_as_anything_else() {
        for bytes in [[0; 32], [0xff; 32], core::array::from_fn(|place| u8::try_from(place * 7 % 256).unwrap_or(0))] {
            assert_eq!(encode_32(&bytes, &mut [0; CHARS_OF_32_BYTES]), encode(&bytes));
        }
    }
}
