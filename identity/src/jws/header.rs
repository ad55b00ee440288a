//! The header of a JWS that was presented: read at a glance where it is as [`Header`](super::Header) is written, else by the general
//! reader, whose verdict counts. A test compares the two.

use core::ops::Range;
use core::str;

use serde::Deserialize;

use super::JwsError;
use crate::Algorithm;
use crate::json::{self, Limits};
use crate::jwk::JwkWire;

/// The members of a JOSE header that this project reads; others are ignored (DPOP-37).
#[derive(Clone, Debug, Deserialize)]
struct HeaderWire {
    #[serde(default)]
    typ: Option<String>,
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    jwk: Option<JwkWire>,
    #[serde(default, deserialize_with = "json::present")]
    crit: bool,
    #[serde(default, deserialize_with = "json::present")]
    b64: bool,
}

/// A header without critical extensions, under an algorithm that is known here.
#[derive(Clone)]
pub(super) struct ReadHeader {
    typ: Option<Member>,
    kid: Option<Member>,
    pub(super) algorithm: Algorithm,
    pub(super) jwk: Option<JwkWire>,
}

/// A text in a header.
#[derive(Clone)]
enum Member {
    /// Written as it is meant, at this place.
    At(Range<usize>),
    /// Spelled in another way, or of a header in another form.
    Own(String),
}

impl Member {
    fn text<'a>(&'a self, header: &'a str) -> Option<&'a str> {
        match self {
            Self::At(place) => header.get(place.clone()),
            Self::Own(text) => Some(text),
        }
    }
}

impl ReadHeader {
    /// Reads the decoded first segment.
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Self, JwsError> {
        if let Some((text, Places { typ, alg, kid })) =
            str::from_utf8(bytes).ok().and_then(|text| Some((text, Places::glance(text, limits)?)))
        {
            let algorithm = algorithm(text.get(alg).unwrap_or_default())?;
            return Ok(Self { typ: Some(Member::At(typ)), kid: kid.map(Member::At), algorithm, jwk: None });
        }
        let HeaderWire { typ, alg, kid, jwk, crit, b64 } = json::read_object(bytes, limits).map_err(JwsError::Json)?;
        if crit || b64 {
            return Err(JwsError::Critical);
        }
        Ok(Self { typ: typ.map(Member::Own), kid: kid.map(Member::Own), algorithm: algorithm(&alg)?, jwk })
    }

    /// The `typ`; `header` is what was read.
    pub(super) fn typ<'a>(&'a self, header: &'a str) -> Option<&'a str> {
        self.typ.as_ref()?.text(header)
    }

    /// The `kid`; `header` is what was read.
    pub(super) fn kid<'a>(&'a self, header: &'a str) -> Option<&'a str> {
        self.kid.as_ref()?.text(header)
    }
}

fn algorithm(name: &str) -> Result<Algorithm, JwsError> {
    Algorithm::parse(name).ok_or(JwsError::Algorithm)
}

/// Where the members of a header stand in its text.
struct Places {
    typ: Range<usize>,
    alg: Range<usize>,
    kid: Option<Range<usize>>,
}

impl Places {
    /// Those in the form in which [`Header`](super::Header) is written, which most are. `None` is for the general reader.
    fn glance(text: &str, limits: &Limits) -> Option<Self> {
        if text.len() > limits.max_bytes || limits.max_depth < 1 || limits.max_members < 3 {
            return None;
        }
        let typ = text_behind(r#"{"typ":""#, text, 0)?;
        let alg = text_behind(r#"","alg":""#, text, typ.end)?;
        let kid = text_behind(r#"","kid":""#, text, alg.end);
        let end = kid.as_ref().unwrap_or(&alg).end;
        (text.get(end..) == Some(r#""}"#)).then_some(Self { typ, alg, kid })
    }
}

/// What stands behind `before`, which itself begins at `at`, up to the next quote, if nothing in it is escaped or has to be.
fn text_behind(before: &str, text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?.strip_prefix(before)?;
    let start = at + before.len();
    json::string_length(rest.as_bytes()).map(|length| start..start + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Members = (Option<String>, String, Option<String>, bool);

    fn glanced(text: &str, limits: &Limits) -> Option<Members> {
        let Places { typ, alg, kid } = Places::glance(text, limits)?;
        let own = |place: Range<usize>| text.get(place).map(str::to_owned);
        Some((own(typ), own(alg)?, kid.and_then(own), false))
    }

    fn read(text: &str, limits: &Limits) -> Option<Members> {
        let HeaderWire { typ, alg, kid, jwk, crit, b64 } = json::read_object(text.as_bytes(), limits).ok()?;
        Some((typ, alg, kid, jwk.is_some() || crit || b64))
    }

    fn check(text: &str, is_plain: bool) {
        let limits = Limits::plain(256);
        let found = glanced(text, &limits);
        assert_eq!(found.is_some(), is_plain, "{text}");
        if found.is_some() {
            assert_eq!(found, read(text, &limits), "{text}");
        }
    }

    #[test]
    fn headers_as_we_write_them_are_read_at_a_glance() {
        check(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k#1"}"#, true);
        check(r#"{"typ":"at+jwt","alg":"EdDSA"}"#, true);
        check("{\"typ\":\"\",\"alg\":\"\u{e4}\",\"kid\":\"\"}", true);
        for other in [
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k","kid":"l"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k","crit":["x"]}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":null}"#,
            r#"{"typ":"at\u002bjwt","alg":"EdDSA"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"} "#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"}}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k\"}"#,
            "{\"typ\":\"a\nb\",\"alg\":\"EdDSA\"}",
        ] {
            check(other, false);
        }
        assert!(Places::glance(r#"{"typ":"a","alg":"b"}"#, &Limits::plain(20)).is_none());
    }

    #[test]
    fn members_are_the_same_however_the_header_was_read() {
        let members = |text: &str| {
            let header = ReadHeader::read(text.as_bytes(), &Limits::plain(256)).ok()?;
            let [typ, kid] = [header.typ(text), header.kid(text)];
            Some((typ.map(str::to_owned), kid.map(str::to_owned), header.algorithm))
        };
        let glanced = members(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k#1"}"#);
        assert!(glanced.is_some());
        assert_eq!(members(r#"{"kid":"k#1","alg":"EdDSA","typ":"at\u002bjwt"}"#), glanced);
        assert_eq!(members(r#"{"alg":"EdDSA"}"#), Some((None, None, Algorithm::EdDsa)));
        assert_eq!(members(r#"{ "alg":"EdDSA","kid":"k"}"#), Some((None, Some("k".to_owned()), Algorithm::EdDsa)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_at_a_glance_is_what_the_general_reader_reads(typ in ".{0,4}", alg in "[ -~]{0,4}", kid in "[ -~]{0,6}") {
            let text = format!(r#"{{"typ":"{typ}","alg":"{alg}","kid":"{kid}"}}"#);
            let limits = Limits::plain(256);
            if let Some(found) = glanced(&text, &limits) {
                prop_assert_eq!(Some(found), read(&text, &limits));
            }
        }
    }
}
