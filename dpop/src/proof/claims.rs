//! The claims of a proof as the check asks for them: read at a glance where they are as programs write them, else by the general
//! reader, whose verdict counts. A test compares the two.

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime, base64url};

use super::{MAX_METHOD_BYTES, MAX_PROOF_ID_BYTES, wire};

/// Longest claims read at a glance. With `ath` and a target of the usual length they have some 200 bytes.
const GLANCE_BYTES: usize = 512;
/// Digits of a time that are read at a glance: none above 2^53.
const GLANCE_DIGITS: usize = 15;

/// The claims, well-formed.
#[allow(clippy::large_enum_variant)] // on the stack of one check; the small one is for what is unusual
pub(super) enum Claims {
    Glanced(Glanced),
    Read(Box<wire::Claims>),
}

impl Claims {
    pub(super) fn proof_id(&self) -> &str {
        match self {
            Self::Glanced(glanced) => glanced.text(glanced.jti),
            Self::Read(claims) => &claims.jti,
        }
    }

    pub(super) fn method(&self) -> &str {
        match self {
            Self::Glanced(glanced) => glanced.text(glanced.htm),
            Self::Read(claims) => &claims.htm,
        }
    }

    pub(super) fn target(&self) -> &str {
        match self {
            Self::Glanced(glanced) => glanced.text(glanced.htu),
            Self::Read(claims) => &claims.htu,
        }
    }

    pub(super) const fn issued_at(&self) -> UnixTime {
        match self {
            Self::Glanced(glanced) => glanced.iat,
            Self::Read(claims) => claims.iat,
        }
    }

    pub(super) fn token_hash(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.ath.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.ath.as_deref(),
        }
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.nonce.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.nonce.as_deref(),
        }
    }

    pub(super) fn delegation_hash(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.dch.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.dch.as_deref(),
        }
    }

    pub(super) fn content_digest(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.htd.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.htd.as_deref(),
        }
    }
}

/// Claims that lie as they were decoded, each by its place.
pub(super) struct Glanced {
    bytes: [u8; GLANCE_BYTES],
    jti: Span,
    htm: Span,
    htu: Span,
    iat: UnixTime,
    ath: Option<Span>,
    nonce: Option<Span>,
    dch: Option<Span>,
    htd: Option<Span>,
}

/// First byte and the one behind the last.
type Span = (usize, usize);

impl Glanced {
    /// Reads a payload of nothing but the known claims, each once, without blanks, escapes or anything outside ASCII. None says
    /// that it is for the general reader.
    pub(super) fn read(payload: &str) -> Option<Self> {
        let mut bytes = [0; GLANCE_BYTES];
        let length = base64url::decode_into(payload, &mut bytes).ok()?;
        let mut text = Text { bytes: bytes.get(..length)?, at: 0 };
        let (mut jti, mut htm, mut htu, mut iat) = (None, None, None, None);
        let (mut ath, mut nonce, mut dch, mut htd) = (None, None, None, None);
        text.take(b"{")?;
        loop {
            let name = text.string()?;
            text.take(b":")?;
            let claim = match text.bytes.get(name.0..name.1)? {
                b"iat" => {
                    if iat.replace(text.time()?).is_some() {
                        return None;
                    }
                    match text.next()? {
                        b',' => continue,
                        b'}' => break,
                        _ => return None,
                    }
                }
                b"jti" => &mut jti,
                b"htm" => &mut htm,
                b"htu" => &mut htu,
                b"ath" => &mut ath,
                b"nonce" => &mut nonce,
                b"dch" => &mut dch,
                b"htd" => &mut htd,
                _ => return None,
            };
            if claim.replace(text.string()?).is_some() {
                return None;
            }
            match text.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let is_whole = text.at == length;
        let (jti, htm) = (jti?, htm?);
        let is_id = jti.1 - jti.0 <= MAX_PROOF_ID_BYTES && bytes.get(jti.0..jti.1)?.iter().any(|byte| *byte != b' ');
        let is_method = htm.1 > htm.0 && htm.1 - htm.0 <= MAX_METHOD_BYTES;
        (is_whole && is_id && is_method).then_some(Self { bytes, jti, htm, htu: htu?, iat: iat?, ath, nonce, dch, htd })
    }

    fn text(&self, (start, end): Span) -> &str {
        // INVARIANT: spans are of visible ASCII
        self.bytes.get(start..end).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Which bytes are blanks and visible ASCII without quote and backslash.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        #[allow(clippy::indexing_slicing, reason = "at compile time")]
        let place = &mut plain[byte as usize];
        *place = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    plain
};

struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word).then_some(())
    }

    /// A string in its quotes, of blanks and visible ASCII without quote and backslash.
    fn string(&mut self) -> Option<Span> {
        self.take(b"\"")?;
        let start = self.at;
        let is_plain = |byte: &u8| PLAIN.get(usize::from(*byte)).copied().unwrap_or_default();
        let length = self.bytes.get(start..)?.iter().position(|byte| !is_plain(byte))?;
        self.at = start + length;
        self.take(b"\"")?;
        Some((start, start + length))
    }

    /// Whole seconds, without sign, fraction, exponent or a zero in front.
    fn time(&mut self) -> Option<UnixTime> {
        let digits = self.bytes.get(self.at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = self.bytes.get(self.at..self.at + digits)?;
        if digits.len() > GLANCE_DIGITS || (digits.len() > 1 && digits.first() == Some(&b'0')) || digits.is_empty() {
            return None;
        }
        self.at += digits.len();
        let seconds = digits.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        (seconds <= MAX_UNIX_SECONDS).then(|| UnixTime::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::{Limits, read_object};

    use super::*;

    /// Everything a check asks of claims.
    fn seen(claims: &Claims) -> [Option<String>; 8] {
        let own = |text: &str| Some(text.to_owned());
        [
            own(claims.proof_id()),
            own(claims.method()),
            own(claims.target()),
            own(&claims.issued_at().to_string()),
            claims.token_hash().map(str::to_owned),
            claims.nonce().map(str::to_owned),
            claims.delegation_hash().map(str::to_owned),
            claims.content_digest().map(str::to_owned),
        ]
    }

    /// What both readers say of a payload; says whether a glance was enough.
    fn check(payload: &str) -> bool {
        let glanced = Glanced::read(&base64url::encode(payload.as_bytes())).map(Claims::Glanced);
        let read = read_object(payload.as_bytes(), &Limits::plain(4096)).ok().map(Box::new).map(Claims::Read);
        let Some(glanced) = glanced else { return false };
        assert_eq!(Some(seen(&glanced)), read.as_ref().map(seen), "{payload}");
        true
    }

    const GOOD: &str = r#"{"jti":"a","htm":"GET","htu":"https://h/x","iat":1795262400,"ath":"h"}"#;

    #[test]
    fn a_glance_is_enough_for_what_programs_write() {
        for good in [
            GOOD,
            r#"{"ath":"","dch":"","htd":"","htm":"G","htu":"","iat":0,"jti":"!","nonce":""}"#,
            r#"{"iat":999999999999999,"jti":" x ","htm":"a b","htu":"'{}[]:,"}"#,
        ] {
            assert!(check(good), "{good}");
        }
        let with_id = |length: usize| GOOD.replace(r#""a""#, &format!(r#""{}""#, "j".repeat(length)));
        assert!(check(&with_id(MAX_PROOF_ID_BYTES)) && !check(&with_id(MAX_PROOF_ID_BYTES + 1)));
        let with_method = |length: usize| GOOD.replace("GET", &"M".repeat(length));
        assert!(check(&with_method(MAX_METHOD_BYTES)) && !check(&with_method(MAX_METHOD_BYTES + 1)));
        let with_target = |length: usize| GOOD.replace("https://h/x", &"t".repeat(length));
        let most = GLANCE_BYTES + "https://h/x".len() - GOOD.len();
        assert!(check(&with_target(most)) && !check(&with_target(most + 1)));
    }

    #[test]
    fn whatever_is_unusual_is_for_the_general_reader() {
        for unusual in [
            r#"{"jti":"","htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"  ","htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"a","htm":"","htu":"x","iat":1}"#,
            r#"{"jti":"a","htm":"GET","htu":"x"}"#,
            r#"{"htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"a","htu":"x","iat":1}"#,
            r#"{"jti":"a","htm":"GET","iat":1}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":01}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1.0}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1e3}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":-1}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":"1"}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":9007199254740992}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"iat":1}"#,
            r#"{"jti":"a","jti":"a","htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"other":"x"}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1,"ath":null}"#,
            r#"{"jti":"a\u0041","htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"é","htm":"GET","htu":"x","iat":1}"#,
            "{\"jti\":\"a\tb\",\"htm\":\"GET\",\"htu\":\"x\",\"iat\":1}",
            r#"{ "jti":"a","htm":"GET","htu":"x","iat":1}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1} "#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1}}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1,}"#,
            r#"{"jti":"a","htm":"GET","htu":"x","iat":1"#,
            r#"["a","GET","x",1]"#,
            "{}",
            "",
        ] {
            assert!(!check(unusual), "{unusual}");
        }
    }

    #[test]
    fn both_readers_agree_about_altered_claims() {
        let mut glances = 0;
        for place in 0..GOOD.len() {
            for byte in 0x20..0x7f_u8 {
                let mut altered = GOOD.as_bytes().to_vec();
                if let Some(there) = altered.get_mut(place) {
                    *there = byte;
                }
                glances += u32::from(core::str::from_utf8(&altered).is_ok_and(check));
                let (before, behind) = GOOD.split_at(place);
                glances += u32::from(check(&format!("{before}{}{behind}", char::from(byte))));
                glances += u32::from(check(&format!("{before}{}", behind.get(1..).unwrap_or_default())));
            }
        }
        assert!(glances > 1_000, "{glances}");
    }
}
