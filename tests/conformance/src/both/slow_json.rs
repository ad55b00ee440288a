//! Strict JSON read the slow way: a second reader, from RFC 8259 and spec/identity.md alone, that nothing of the product's takes part in.
//!
//! ```text
//! bytes --lex--> every token, texts decoded --parse(limits)--> one value, by a machine with a stack of its own
//! ```
//!
//! It looks at one character after the other, keeps everything, and is in no hurry: where the two differ, this one is easier to check.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use handfast_identity::json::Limits;
use serde_json::Value;

/// A value. Numbers stay as they were written, and members in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `true`, `false` or `null`.
    Word(String),
    /// A number, by its digits.
    Number(String),
    /// A string, without its escapes.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object, no name twice.
    Object(Vec<(String, Self)>),
}

/// The one value that `bytes` are, if they are one within `limits`.
#[must_use]
pub fn read(bytes: &[u8], limits: &Limits) -> Option<Json> {
    if bytes.len() > limits.max_bytes {
        return None;
    }
    let tokens = lex(std::str::from_utf8(bytes).ok()?)?;
    parse(tokens, limits)
}

/// Whether `bytes` are one JSON value within `limits`, no member twice in one object and nothing behind it.
#[must_use]
pub fn is_strict(bytes: &[u8], limits: &Limits) -> bool {
    read(bytes, limits).is_some()
}

impl Json {
    /// Whether another reader made the same of it.
    #[must_use]
    pub fn is(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Word(word), Value::Null) => word == "null",
            (Self::Word(word), Value::Bool(is_true)) => word == if *is_true { "true" } else { "false" },
            (Self::Number(digits), Value::Number(number)) => is_number(digits, number),
            (Self::Text(text), Value::String(other)) => text == other,
            (Self::Array(items), Value::Array(others)) => {
                items.len() == others.len() && items.iter().zip(others).all(|(item, other)| item.is(other))
            }
            (Self::Object(members), Value::Object(others)) => {
                let is_same = |(name, value): &(String, Self)| others.get(name).is_some_and(|other| value.is(other));
                members.len() == others.len() && members.iter().all(is_same)
            }
            _ => false,
        }
    }

    /// The value of a member, if it is an object that has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Integers that 64 bits hold are exact; everything else is a double, where the last bits may differ.
fn is_number(digits: &str, number: &serde_json::Number) -> bool {
    if digits != "-0" {
        if let Ok(exact) = digits.parse::<u64>() {
            return number.as_u64() == Some(exact);
        }
        if let Ok(exact) = digits.parse::<i64>() {
            return number.as_i64() == Some(exact);
        }
    }
    match (digits.parse::<f64>(), number.as_f64()) {
        (Ok(one), Some(other)) => number.is_f64() && (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON,
        _ => false,
    }
}

#[derive(Debug)]
enum Token {
    /// `[`, `]`, `{`, `}`, `:` or `,`.
    Mark(char),
    /// `true`, `false`, `null`, or a number.
    Plain(Json),
    Text(String),
}

/// RFC 8259 2: tokens, with blanks of four kinds between them.
fn lex(text: &str) -> Option<Vec<Token>> {
    let mut rest = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(first) = rest.next() {
        match first {
            ' ' | '\t' | '\n' | '\r' => {}
            '[' | ']' | '{' | '}' | ':' | ',' => tokens.push(Token::Mark(first)),
            '"' => tokens.push(Token::Text(string(&mut rest)?)),
            _ => {
                let mut word = String::from(first);
                while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || "+-.".contains(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Plain(plain(word)?));
            }
        }
    }
    Some(tokens)
}

/// What stands without quotes.
fn plain(word: String) -> Option<Json> {
    if ["true", "false", "null"].contains(&word.as_str()) {
        return Some(Json::Word(word));
    }
    // what no double holds is no number here (RFC 8259 6)
    let is_held = word.parse::<f64>().is_ok_and(f64::is_finite);
    (is_number_form(&word) && is_held).then_some(Json::Number(word))
}

/// RFC 8259 6, from the back: an exponent, a fraction, an integer, a sign.
fn is_number_form(word: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    let (word, exponent) = match word.split_once(['e', 'E']) {
        Some((word, exponent)) => (word, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (word, None),
    };
    let (word, fraction) = match word.split_once('.') {
        Some((word, fraction)) => (word, Some(fraction)),
        None => (word, None),
    };
    let integer = word.strip_prefix('-').unwrap_or(word);
    are_digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(are_digits)
        && exponent.is_none_or(are_digits)
}

/// RFC 8259 7, behind the opening quote: up to the closing one.
fn string(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    // as UTF-16, where escapes may name the two halves of one character
    let mut units = Vec::new();
    loop {
        match rest.next()? {
            '"' => return String::from_utf16(&units).ok(),
            '\\' => units.push(escape(rest)?),
            control if u32::from(control) < 0x20 => return None,
            other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
        }
    }
}

/// What stands behind a backslash.
fn escape(rest: &mut Peekable<Chars<'_>>) -> Option<u16> {
    let named =
        [('"', '"'), ('\\', '\\'), ('/', '/'), ('b', '\u{8}'), ('f', '\u{c}'), ('n', '\n'), ('r', '\r'), ('t', '\t')];
    let name = rest.next()?;
    if name == 'u' {
        return (0..4).try_fold(0, |unit, _| {
            let digit = rest.next()?.to_digit(16)?;
            Some(unit << 4 | u16::try_from(digit).ok()?)
        });
    }
    let (_, meant) = named.into_iter().find(|(known, _)| *known == name)?;
    u16::try_from(u32::from(meant)).ok()
}

/// An array or object that is not closed yet.
enum Open {
    Array(Vec<Json>),
    Object { members: Vec<(String, Json)>, names: BTreeSet<String>, name: Option<String> },
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A value.
    Value,
    /// A value, or the end of an array that has none yet.
    FirstItem,
    /// A name, or the end of an object that has none yet.
    FirstName,
    /// A name.
    Name,
    /// The colon behind a name.
    Colon,
    /// A comma, or an end; behind the outermost value nothing.
    Comma,
}

fn parse(tokens: Vec<Token>, limits: &Limits) -> Option<Json> {
    let (mut open, mut next, mut whole) = (Vec::new(), Next::Value, None);
    for token in tokens {
        let done = match (token, next) {
            (Token::Plain(value), Next::Value | Next::FirstItem) => value,
            (Token::Text(text), Next::Value | Next::FirstItem) => Json::Text(text),
            (Token::Mark(mark @ ('[' | '{')), Next::Value | Next::FirstItem) => {
                if open.len() >= limits.max_depth {
                    return None;
                }
                if mark == '[' {
                    open.push(Open::Array(Vec::new()));
                    next = Next::FirstItem;
                } else {
                    open.push(Open::Object { members: Vec::new(), names: BTreeSet::new(), name: None });
                    next = Next::FirstName;
                }
                continue;
            }
            (Token::Mark(']'), Next::FirstItem | Next::Comma) => match open.pop()? {
                Open::Array(items) => Json::Array(items),
                Open::Object { .. } => return None,
            },
            (Token::Mark('}'), Next::FirstName | Next::Comma) => match open.pop()? {
                Open::Object { members, .. } => Json::Object(members),
                Open::Array(_) => return None,
            },
            (Token::Text(text), Next::FirstName | Next::Name) => {
                let Some(Open::Object { names, name, .. }) = open.last_mut() else { return None };
                if !names.insert(text.clone()) {
                    return None;
                }
                *name = Some(text);
                next = Next::Colon;
                continue;
            }
            (Token::Mark(':'), Next::Colon) => {
                next = Next::Value;
                continue;
            }
            (Token::Mark(','), Next::Comma) => {
                next = if let Open::Array(_) = open.last()? { Next::Value } else { Next::Name };
                continue;
            }
            _ => return None,
        };
        next = Next::Comma;
        let count = match open.last_mut() {
            None => {
                whole = Some(done);
                continue;
            }
            Some(Open::Array(items)) => {
                items.push(done);
                items.len()
            }
            Some(Open::Object { members, name, .. }) => {
                members.push((name.take()?, done));
                members.len()
            }
        };
        if count > limits.max_members {
            return None;
        }
    }
    whole.filter(|_| open.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 60, max_depth: 2, max_members: 2 };

    fn check(text: &str, is_good: bool) {
        assert_eq!(is_strict(text.as_bytes(), &LIMITS), is_good, "{text}");
    }

    #[test]
    fn values_are_read_as_written() {
        for text in [
            "{}",
            "[]",
            " [ {} , [\t] ]\r\n",
            "null",
            "\"\"",
            "-0.5E+3",
            "[10,0]",
            r#"{"a":{"a":1}}"#,
            r#""\ud83e\udd80""#,
        ] {
            check(text, true);
            let read = read(text.as_bytes(), &LIMITS).unwrap();
            assert!(read.is(&serde_json::from_str(text).unwrap()), "{text}");
        }
        assert_eq!(read(br#""\u0041\"\\\/\b\f\n\r\t""#, &LIMITS), Some(Json::Text("A\"\\/\u{8}\u{c}\n\r\t".into())));
        assert!(!Json::Number("1".into()).is(&Value::from(1.0)));
        assert!(!Json::Number("-0".into()).is(&Value::from(0)));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "]",
            "{]",
            "[}",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:1}",
            "{\"a\" 1}",
            "{\"a\"::1}",
            "1 2",
            "[],[]",
            ",",
            ":",
            "\u{feff}1",
            "\u{a0}1",
            "tru",
            "True",
            "nulll",
            "01",
            "-",
            "-01",
            "1.",
            ".1",
            "1e",
            "1e+",
            "+1",
            "1.e1",
            "0x1",
            "1_0",
            "1e999",
            "-1e999",
            "NaN",
            "inf",
            "\"",
            "\"\n\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "'a'",
            "[[[]]]",
            "[1,2,3]",
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1,"b":2,"c":3}"#,
        ] {
            check(text, false);
        }
        assert!(!is_strict(b"\"\xff\"", &LIMITS));
        check(&format!("\"{}\"", "x".repeat(58)), true);
        check(&format!("\"{}\"", "x".repeat(59)), false);
    }
}
