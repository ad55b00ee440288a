//! The quick way through texts as programs write them: no escapes, no fractions, few members.
//!
//! It says "well-formed" or nothing. Whatever it does not know at a glance, wrong texts among them, is for the general scan, so
//! there is one verdict; a test compares them.

use super::Limits;

/// Names of one object that are compared with each other.
const NAMES_AT_A_GLANCE: usize = 24;
/// Digits of an integer that fits 64 bits whatever they are.
const DIGITS_AT_A_GLANCE: usize = 18;

/// Whether `bytes` are surely one value within `limits`, without duplicate members and with nothing behind it.
pub(super) fn is_well_formed(bytes: &[u8], limits: &Limits) -> bool {
    if bytes.len() > limits.max_bytes || core::str::from_utf8(bytes).is_err() {
        return false;
    }
    let mut text = Text { rest: bytes, limits };
    text.value(0).is_some() && text.rest.is_empty()
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
        let end = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.strip_prefix(b"\"")?;
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
        assert_eq!(is_well_formed(text.as_bytes(), &LIMITS), expected, "{text}");
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
        assert!(!is_well_formed(b"\"\xff\"", &LIMITS));
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
            if is_well_formed(text.as_bytes(), &LIMITS) {
                prop_assert_eq!(scan_any(text.as_bytes(), &LIMITS), Ok(()));
            }
        }
    }
}
