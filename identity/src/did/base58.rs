//! Base58btc of one size: the `did:key` value of an Ed25519 key. Other sizes are read by the general decoder, which is ten times slower.

/// Codec and key.
pub(super) const BYTES: usize = 34;
/// Digits of any 34 bytes that begin with the codec of Ed25519: 58^46 < 0xed01 · 2^256 and 0xed02 · 2^256 < 58^47.
const DIGITS: usize = 47;
/// So many digits are taken at a time: 58^5 < 2^32.
const DIGITS_AT_A_TIME: usize = 5;
/// 32-bit words of 34 bytes, and room for what does not fit.
const WORDS: usize = 9;

/// The value of each ASCII character as a digit; none above 57.
const DIGIT_OF: [u8; 128] = digit_of();

#[allow(clippy::indexing_slicing)] // evaluated while compiling
const fn digit_of() -> [u8; 128] {
    let alphabet = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut table = [u8::MAX; 128];
    let mut digit = 0_u8;
    while (digit as usize) < alphabet.len() {
        table[alphabet[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
}

/// Reads 47 digits, the first not the zero `1`, as 34 bytes, the first not zero. `None` says that the text is another one, not
/// that it is wrong.
///
/// A number has one spelling without leading zeros, so no two such texts are the same bytes: the way back would give this text.
pub(super) fn decode(text: &str) -> Option<[u8; BYTES]> {
    let text: &[u8; DIGITS] = text.as_bytes().try_into().ok()?;
    if text.first() == Some(&b'1') {
        return None;
    }
    let mut words = [0_u64; WORDS];
    for digits in text.chunks(DIGITS_AT_A_TIME) {
        let (mut carry, mut base) = (0_u64, 1_u64);
        for character in digits {
            let digit = *DIGIT_OF.get(usize::from(*character)).filter(|digit| **digit < 58)?;
            carry = carry * 58 + u64::from(digit);
            base *= 58;
        }
        // INVARIANT: words hold 32 bits each, lowest first, so nothing here exceeds 2^64
        for word in &mut words {
            let next = *word * base + carry;
            *word = next & 0xffff_ffff;
            carry = next >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut all = [0; WORDS * 4];
    for (room, word) in all.chunks_exact_mut(4).zip(words.iter().rev()) {
        room.iter_mut().zip(word.to_be_bytes().into_iter().skip(4)).for_each(|(room, byte)| *room = byte);
    }
    let (overflow, bytes) = all.split_last_chunk::<BYTES>()?;
    let fits = overflow.iter().all(|byte| *byte == 0) && bytes.first() != Some(&0);
    fits.then_some(*bytes)
}

#[cfg(test)]
mod tests {
    use multibase::Base;
    use proptest::prelude::*;

    use super::*;

    fn general(text: &str) -> Option<Vec<u8>> {
        Base::Base58Btc.decode(text).ok()
    }

    #[test]
    fn other_sizes_and_alphabets_are_left_to_the_general_decoder() {
        let good = "6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
        assert_eq!(decode(good).map(Vec::from), general(good));
        assert!(decode(good).is_some());
        let zeros = format!("1{}", &good[1..]);
        let largest = "z".repeat(DIGITS);
        for text in [
            "",
            &good[1..],
            &format!("{good}1"),
            &zeros,
            &largest,
            &good.replace('6', "0"),
            &good.replace('w', "\u{e4}"),
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_key_is_read_as_the_general_decoder_does(key: [u8; 32]) {
            let bytes = [&[0xed, 0x01][..], &key].concat();
            let text = Base::Base58Btc.encode(&bytes);
            prop_assert_eq!(decode(&text).map(Vec::from), Some(bytes));
        }

        #[test]
        fn what_is_read_is_what_the_general_decoder_reads(text in "[1-9A-HJ-NP-Za-km-z]{47}", place in 0_usize..47, other in "[ -~]") {
            let mut altered = text.clone();
            altered.replace_range(place..=place, &other);
            for text in [text, altered] {
                if let Some(bytes) = decode(&text) {
                    prop_assert_eq!(Some(bytes.to_vec()), general(&text));
                    prop_assert_eq!(Base::Base58Btc.encode(bytes), text);
                }
            }
        }
    }
}
