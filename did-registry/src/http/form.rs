//! `application/x-www-form-urlencoded`, strictly (RFC 6749 B): the form of the token endpoint, and of queries.

use handfast_registry_model::Refusal;

/// The most pairs read: a token request has about ten.
const MAX_PAIRS: usize = 64;

/// Decoded pairs, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form. An incomplete escape or text outside UTF-8 has no one reading and is refused.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let pairs: Option<Vec<_>> = bytes.split(|byte| *byte == b'&').take(MAX_PAIRS + 1).map(pair).collect();
        match pairs {
            Some(pairs) if pairs.len() <= MAX_PAIRS => Ok(Self(pairs)),
            Some(_) | None => Err(Refusal::InvalidRequest),
        }
    }

    /// The one value of `name`; an empty one counts as none (RFC 6749 3.2).
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`] if it stands there twice, whatever the values (TX-15).
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.pairs().filter(|(known, _)| *known == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::InvalidRequest),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// All pairs, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Refuses pairs with other names: what is unknown in a query is a misspelling, and would silently be a default.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub(super) fn only(self, names: &[&str]) -> Result<Self, Refusal> {
        if self.0.iter().all(|(name, _)| names.contains(&name.as_str())) {
            Ok(self)
        } else {
            Err(Refusal::InvalidRequest)
        }
    }
}

fn pair(bytes: &[u8]) -> Option<(String, String)> {
    let mut halves = bytes.splitn(2, |byte| *byte == b'=');
    let name = decode(halves.next().unwrap_or_default())?;
    let value = decode(halves.next().unwrap_or_default())?;
    (!name.is_empty()).then_some((name, value))
}

fn decode(mut rest: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(rest.len());
    loop {
        rest = match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'%', high, low, after @ ..] => {
                bytes.push(digit(*high)? * 16 + digit(*low)?);
                after
            }
            [b'%', ..] => return None,
            [b'+', after @ ..] => {
                bytes.push(b' ');
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(Form::parse(text.as_bytes()).ok(), expected.map(|pairs| Form(owned(pairs))), "{text}");
    }

    #[test]
    fn pairs_are_decoded_once() {
        check("", Some(&[]));
        check("a=1&b=x+y%2Bz&c", Some(&[("a", "1"), ("b", "x y+z"), ("c", "")]));
        check("a=b=c&%61=%25", Some(&[("a", "b=c"), ("a", "%")]));
        check("a=%C3%A9", Some(&[("a", "\u{e9}")]));
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", "=x", "&", "a=1&", "a=1&&b=2"] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        let form = |count: usize| vec!["a=1"; count].join("&");
        assert!(Form::parse(form(MAX_PAIRS).as_bytes()).is_ok());
        assert_eq!(Form::parse(form(MAX_PAIRS + 1).as_bytes()), Err(Refusal::InvalidRequest));
    }

    #[test]
    fn what_stands_once_is_had_and_what_stands_twice_is_refused() {
        let form = Form::parse(b"a=1&b=&c=2&c=2").unwrap_or_default();
        assert_eq!(form.one("a"), Ok(Some("1")));
        assert_eq!((form.one("b"), form.one("d")), (Ok(None), Ok(None)));
        assert_eq!(form.one("c"), Err(Refusal::InvalidRequest)); // TX-15
        assert_eq!(form.pairs().count(), 4);
    }

    #[test]
    fn only_named_pairs_may_stand_there() {
        let only = |text: &str| Form::parse(text.as_bytes()).and_then(|form| form.only(&["after"])).is_ok();
        assert!(only("") && only("after=1"));
        assert!(!only("After=1") && !only("after=1&wait=1"));
    }
}
