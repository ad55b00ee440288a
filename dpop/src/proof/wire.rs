//! Header and claims of a proof as they stand in JSON (RFC 9449 4.2).

use core::fmt;

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use super::{MAX_METHOD_BYTES, MAX_PROOF_ID_BYTES};

/// The claims that a check reads; others are ignored (DPOP-37). A member that is there has the right type: `null` has not.
#[derive(DeriveDeserialize)]
pub(super) struct Claims {
    #[serde(deserialize_with = "proof_id")]
    pub(super) jti: String,
    #[serde(deserialize_with = "method")]
    pub(super) htm: String,
    pub(super) htu: String,
    #[serde(deserialize_with = "numeric_date")]
    pub(super) iat: UnixTime,
    #[serde(default, deserialize_with = "text_if_there")]
    pub(super) ath: Option<String>,
    #[serde(default, deserialize_with = "text_if_there")]
    pub(super) nonce: Option<String>,
    #[serde(default, deserialize_with = "text_if_there")]
    pub(super) dch: Option<String>,
    #[serde(default, deserialize_with = "text_if_there")]
    pub(super) htd: Option<String>,
}

/// Claims as we write them.
#[derive(Serialize)]
pub(super) struct ClaimsOut<'a> {
    pub(super) jti: &'a str,
    pub(super) htm: &'a str,
    pub(super) htu: &'a str,
    pub(super) iat: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) htd: Option<&'a str>,
}

/// DPOP-39, TH11: some characters that are not blanks, and not too many of them.
fn proof_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() || text.len() > MAX_PROOF_ID_BYTES {
        return Err(D::Error::custom("`jti` is blank or longer than 256 bytes"));
    }
    Ok(text)
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text.len() > MAX_METHOD_BYTES {
        return Err(D::Error::custom("`htm` is empty or longer than 64 bytes"));
    }
    Ok(text)
}

fn text_if_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// A `NumericDate` in any form of a JSON number; a fraction is cut off (RFC 7519 2, DPOP-53).
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixTime, D::Error> {
    struct Date;

    impl Visitor<'_> for Date {
        type Value = UnixTime;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of seconds from 0 to 2^53 - 1")
        }

        fn visit_u64<E: Error>(self, seconds: u64) -> Result<UnixTime, E> {
            if seconds > MAX_UNIX_SECONDS {
                return Err(E::invalid_value(Unexpected::Unsigned(seconds), &self));
            }
            Ok(UnixTime::from_secs(seconds))
        }

        #[allow(clippy::cast_precision_loss, reason = "2^53 - 1 is exact in 53 bits")]
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked the line before"
        )]
        fn visit_f64<E: Error>(self, seconds: f64) -> Result<UnixTime, E> {
            if seconds.is_sign_negative() || !(0.0..=MAX_UNIX_SECONDS as f64).contains(&seconds) {
                return Err(E::invalid_value(Unexpected::Float(seconds), &self));
            }
            Ok(UnixTime::from_secs(seconds as u64))
        }
    }

    deserializer.deserialize_any(Date)
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::{Limits, read_object};

    use super::*;

    fn issued_at(number: &str) -> Option<u64> {
        let text = format!(r#"{{"jti":"a","htm":"GET","htu":"x","iat":{number}}}"#);
        read_object::<Claims>(text.as_bytes(), &Limits::plain(4096)).ok().map(|claims| claims.iat.as_secs())
    }

    #[test]
    fn any_form_of_a_number_is_a_date() {
        let good = [
            ("0", 0),
            ("1795262400", 1_795_262_400),
            ("1795262400.0", 1_795_262_400),
            ("1795262400.999", 1_795_262_400),
            ("1.7952624e9", 1_795_262_400),
            ("17952624E+2", 1_795_262_400),
            ("17952624000e-1", 1_795_262_400),
            ("9007199254740991", MAX_UNIX_SECONDS),
        ];
        for (number, expected) in good {
            assert_eq!(issued_at(number), Some(expected), "{number}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        // TH10, DPOP-53
        let bad = [
            "-1",
            "-0",
            "-0.0",
            "-1795262400",
            "9007199254740992",
            "9007199254740992.0",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
            "1e999",
            "-1e300",
            "\"1.7e9\"",
            "\"1795262400\"",
            "true",
            "null",
            "[1]",
            "{}",
            "NaN",
            "Infinity",
            "01",
            "1.",
            ".5",
            "+1",
            "0x10",
        ];
        for number in bad {
            assert_eq!(issued_at(number), None, "{number}");
        }
    }

    #[test]
    fn claims_have_their_types_and_lengths() {
        let longest = "j".repeat(MAX_PROOF_ID_BYTES);
        let too_long = "j".repeat(MAX_PROOF_ID_BYTES + 1);
        let wide = "é".repeat(129); // 258 bytes
        let cases = [
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1}"#.to_owned(), true),
            (format!(r#"{{"jti":"{longest}","htm":"GET","htu":"x","iat":1}}"#), true),
            (format!(r#"{{"jti":"{too_long}","htm":"GET","htu":"x","iat":1}}"#), false),
            (format!(r#"{{"jti":"{wide}","htm":"GET","htu":"x","iat":1}}"#), false),
            (r#"{"jti":"","htm":"GET","htu":"x","iat":1}"#.to_owned(), false),
            (r#"{"jti":" \t\u00a0","htm":"GET","htu":"x","iat":1}"#.to_owned(), false),
            (r#"{"jti":7,"htm":"GET","htu":"x","iat":1}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"","htu":"x","iat":1}"#.to_owned(), false),
            (r#"{"jti":"a","htm":["GET"],"htu":"x","iat":1}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":null,"iat":1}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"ath":null}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"nonce":7}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"dch":{}}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"htd":["sha-256"]}"#.to_owned(), false),
            (r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"other":null}"#.to_owned(), true),
            (r#"["a","GET","x",1]"#.to_owned(), false),
        ];
        for (text, good) in cases {
            assert_eq!(read_object::<Claims>(text.as_bytes(), &Limits::plain(4096)).is_ok(), good, "{text}");
        }
    }
}
