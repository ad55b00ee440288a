//! The quick way through texts as programs write them: no escapes, no fractions, few members.
//!
//! It says "well-formed" or nothing. Whatever it does not know at a glance, wrong texts among them, is for the general scan, so
//! there is one verdict; a test compares them.

use super::Limits;

/// Names of one object that are compared with each other.
const NAMES_AT_A_GLANCE: usize = 24;
/// Digits of an integer that fits 64 bits whatever they are.
const DIGITS_AT_A_GLANCE: usize = 18;

/// The text of `bytes`, if it is surely one value within `limits`, without duplicate members and with nothing behind it.
pub(super) fn well_formed<'a>(bytes: &'a [u8], limits: &Limits) -> Option<&'a str> {
    if bytes.len() > limits.max_bytes {
        return None;
    }
    let whole = core::str::from_utf8(bytes).ok()?;
    let mut text = Text { rest: bytes, limits };
    text.value(0)?;
    text.rest.is_empty().then_some(whole)
}

/// How many bytes stand before the closing quote of a string, if none of them is escaped or has to be. For readers of one form of text,
/// who leave every other to [`read`](super::read).
#[must_use]
pub fn string_length(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let special = specials(u64::from_le_bytes(*word));
        if special != 0 {
            let length = place * 8 + special.trailing_zeros() as usize / 8;
            return (bytes.get(length) == Some(&b'"')).then_some(length);
        }
    }
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    (rest.get(length) == Some(&b'"')).then_some(words.len() * 8 + length)
}

/// The highest bit of each byte that is a quote, a backslash or a control character; exact for the lowest such byte, and no bit
/// is below it. For readers as those of [`string_length`].
#[inline]
#[must_use]
pub const fn specials(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let (quotes, backslashes) = (EACH * b'"' as u64, EACH * b'\\' as u64);
    // a byte below what is taken away borrows, and one that had its highest bit set before does not count
    let borrowed =
        word.wrapping_sub(EACH * 0x20) | (word ^ quotes).wrapping_sub(EACH) | (word ^ backslashes).wrapping_sub(EACH);
    borrowed & !word & HIGHEST
}

struct Text<'a> {
    rest: &'a [u8],
    limits: &'a Limits,
}

impl<'a> Text<'a> {
    /// Takes the next byte.
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes the next byte if it is this one.
    fn has(&mut self, byte: u8) -> bool {
        let is_next = self.rest.first() == Some(&byte);
        if is_next {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn word(&mut self, rest_of_it: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(rest_of_it)?;
        Some(())
    }

    /// One value inside `depth` others, without a blank around it.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.next()? {
            b'"' => self.string().map(drop),
            b'{' if depth < self.limits.max_depth => self.object(depth + 1),
            b'[' if depth < self.limits.max_depth => self.array(depth + 1),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            b'0' => self.ends_number(),
            b'1'..=b'9' => {
                let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                self.rest = self.rest.get(digits..)?;
                if digits < DIGITS_AT_A_GLANCE { self.ends_number() } else { None }
            }
            _ => None,
        }
    }

    /// An integer: no fraction, exponent or further digit follows.
    fn ends_number(&self) -> Option<()> {
        let goes_on = matches!(self.rest.first(), Some(b'.' | b'e' | b'E' | b'0'..=b'9'));
        (!goes_on).then_some(())
    }

    /// The text up to the closing quote; escapes and control characters are not for here.
    fn string(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.split_at_checked(string_length(self.rest)?)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        if self.has(b']') {
            return Some(());
        }
        for _ in 0..self.limits.max_members {
            self.value(depth)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
        None
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        if self.has(b'}') {
            return Some(());
        }
        let mut names: [&[u8]; NAMES_AT_A_GLANCE] = [&[]; NAMES_AT_A_GLANCE];
        for place in 0..self.limits.max_members.min(NAMES_AT_A_GLANCE) {
            self.word(b"\"")?;
            let name = self.string()?;
            if names.get(..place)?.contains(&name) {
                return None;
            }
            *names.get_mut(place)? = name;
            self.word(b":")?;
            self.value(depth)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strict::scan_any;
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 300, max_depth: 3, max_members: 26 };

    fn check(text: &str, expected: bool) {
        assert_eq!(well_formed(text.as_bytes(), &LIMITS), expected.then_some(text), "{text}");
    }

    #[test]
    fn texts_as_programs_write_them_are_known() {
        for text in [
            "{}",
            "[]",
            "\"\u{e4}\"",
            "0",
            "123456789012345678",
            "true",
            r#"{"a":1,"b":[true,false,null,{"c":"x y"}],"":{}}"#,
            "[[[]],0]",
        ] {
            check(text, true);
        }
    }

    #[test]
    fn what_is_wrong_or_unusual_is_not() {
        for text in [
            "",
            " {}",
            "{} ",
            "{}{}",
            "{",
            "[1,]",
            "[,1]",
            "[1 ,2]",
            "{\"a\":1,}",
            "{\"a\" :1}",
            "{\"a\"}",
            "{a:1}",
            "01",
            "00",
            "1.0",
            "0.5",
            "1e3",
            "0e1",
            "-1",
            "1234567890123456789",
            "tru",
            "nul",
            "truee",
            "\"",
            "\"\\n\"",
            "\"a\nb\"",
            "\"\u{1}\"",
            "[[[[]]]]",
            r#"{"a":{"a":{"a":{}}}}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1"b":2}"#,
            "[1}",
            "{\"a\":1]",
        ] {
            check(text, false);
        }
        assert_eq!(well_formed(b"\"\xff\"", &LIMITS), None);
        let long = format!("\"{}\"", "x".repeat(299));
        check(&long, false);
    }

    #[test]
    fn members_are_counted() {
        let array = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        let object = |count: usize| {
            format!("{{{}}}", (0..count).map(|place| format!("\"{place}\":0")).collect::<Vec<_>>().join(","))
        };
        check(&array(26), true);
        check(&array(27), false);
        check(&object(NAMES_AT_A_GLANCE), true);
        check(&object(NAMES_AT_A_GLANCE + 1), false);
    }

    #[test]
    fn strings_end_at_the_first_quote() {
        for byte in 0..=0xff_u8 {
            for (place, more) in [(0, 0), (3, 30), (7, 1), (8, 8), (12, 3), (15, 0), (16, 40)] {
                let mut text = vec![b'a'; place];
                text.push(byte);
                text.extend(vec![0xc3; more]);
                let expected = (byte == b'"').then_some(place);
                let is_plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                assert_eq!(string_length(&text), expected, "{byte:#x} at {place}");
                text.extend(*b"\"\\\n");
                let expected = if is_plain { Some(place + 1 + more) } else { expected };
                assert_eq!(string_length(&text), expected, "{byte:#x} at {place}");
            }
        }
        assert_eq!(string_length(b""), None);
    }

    /// JSON-like text: much of it well-formed, some of it nearly.
    fn texts() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "\"[a-c]{0,2}\"",
            "[0-9]{1,3}",
            "-?[0-9]{1,20}(\\.[0-9]{0,2})?(e[0-9]{0,2})?",
            Just("true".to_owned()),
            Just("null".to_owned()),
            "\"[ -~\u{e4}]{0,4}\"",
            "[ -~]{0,3}",
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(("[a-d]{0,1}", inner), 0..5).prop_map(|members| {
                    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_known_as_well_formed_is(text in texts()) {
            if well_formed(text.as_bytes(), &LIMITS).is_some() {
                prop_assert_eq!(scan_any(text.as_bytes(), &LIMITS), Ok(()));
            }
        }
    }
}
