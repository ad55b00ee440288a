//! The claims of a proof as the check asks for them: read at a glance where they are as programs write them, else by the general
//! reader, whose verdict counts. A test compares the two.

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime, base64url, json};

use super::{MAX_METHOD_BYTES, MAX_PROOF_ID_BYTES, wire};

/// Longest claims read at a glance. With `ath` and a target of the usual length they have some 200 bytes, with nonce, `dch` and `htd`
/// some 370. No longer, for they are handed on from step to step.
const GLANCE_BYTES: usize = 384;
/// Digits of a time that are read at a glance: none above 2^53.
const GLANCE_DIGITS: usize = 15;

/// The claims, well-formed. What is only compared is given as bytes, which need not be shown to be text again.
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

    pub(super) fn method(&self) -> &[u8] {
        match self {
            Self::Glanced(glanced) => glanced.bytes(glanced.htm),
            Self::Read(claims) => claims.htm.as_bytes(),
        }
    }

    pub(super) fn target(&self) -> &[u8] {
        match self {
            Self::Glanced(glanced) => glanced.bytes(glanced.htu),
            Self::Read(claims) => claims.htu.as_bytes(),
        }
    }

    /// The same as text, for whoever looks into it.
    pub(super) fn target_text(&self) -> &str {
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

    pub(super) fn token_hash(&self) -> Option<&[u8]> {
        match self {
            Self::Glanced(glanced) => glanced.ath.map(|span| glanced.bytes(span)),
            Self::Read(claims) => claims.ath.as_deref().map(str::as_bytes),
        }
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.nonce.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.nonce.as_deref(),
        }
    }

    pub(super) fn delegation_hash(&self) -> Option<&[u8]> {
        match self {
            Self::Glanced(glanced) => glanced.dch.map(|span| glanced.bytes(span)),
            Self::Read(claims) => claims.dch.as_deref().map(str::as_bytes),
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

/// First byte and the one behind the last. Small, since claims are handed on from step to step.
#[derive(Clone, Copy)]
struct Span {
    start: u16,
    end: u16,
}

impl Span {
    fn len(self) -> usize {
        usize::from(self.end.saturating_sub(self.start))
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

impl Glanced {
    /// Reads a payload of nothing but the known claims, each once, without blanks, escapes or anything outside ASCII. None says
    /// that it is for the general reader.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = [0; GLANCE_BYTES];
        let length = base64url::decode_into(payload, &mut bytes).ok()?;
        // what lies behind them is zero still, and rows of one length are looked through in fewer steps
        if !bytes.is_ascii() {
            return None;
        }
        let mut text = Text { bytes: bytes.get(..length)?, at: 0 };
        let (mut jti, mut htm, mut htu, mut iat) = (None, None, None, None);
        let (mut ath, mut nonce, mut dch, mut htd) = (None, None, None, None);
        text.take(b"{")?;
        loop {
            let is_again = match text.name()? {
                b"iat" => iat.replace(text.time()?).is_some(),
                b"jti" => jti.replace(text.string()?).is_some(),
                b"htm" => htm.replace(text.string()?).is_some(),
                b"htu" => htu.replace(text.string()?).is_some(),
                b"ath" => ath.replace(text.string()?).is_some(),
                b"nonce" => nonce.replace(text.string()?).is_some(),
                b"dch" => dch.replace(text.string()?).is_some(),
                b"htd" => htd.replace(text.string()?).is_some(),
                _ => return None,
            };
            if is_again {
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
        // what the general reader asks of them
        let is_id = jti.len() <= MAX_PROOF_ID_BYTES && jti.of(&bytes).iter().any(|byte| *byte != b' ');
        let is_method = (1..=MAX_METHOD_BYTES).contains(&htm.len());
        (is_whole && is_id && is_method).then_some(Self { bytes, jti, htm, htu: htu?, iat: iat?, ath, nonce, dch, htd })
    }

    fn bytes(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    fn text(&self, span: Span) -> &str {
        // INVARIANT: spans are of ASCII
        core::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }
}

/// What is left of claims from `at` on.
struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn rest(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.at..)
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.rest()?.starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    /// The name of a member: its quotes and the colon behind them are taken too.
    fn name(&mut self) -> Option<&'a [u8]> {
        self.take(b"\"")?;
        let rest = self.rest()?;
        // all names but `nonce` have three letters
        let letters = if rest.get(3..5) == Some(b"\":") { 3 } else { 5 };
        self.at += letters;
        self.take(b"\":")?;
        rest.get(..letters)
    }

    /// A string in its quotes, without escapes.
    fn string(&mut self) -> Option<Span> {
        self.take(b"\"")?;
        let start = self.at;
        let end = start + json::string_length(self.rest()?)?;
        self.at = end + 1;
        Some(Span { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    /// Whole seconds, without sign, fraction, exponent or a zero in front.
    fn time(&mut self) -> Option<UnixTime> {
        let digits = self.rest()?.iter().take_while(|byte| byte.is_ascii_digit()).count();
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
        let own_bytes = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        [
            own(claims.proof_id()),
            own_bytes(claims.method()),
            own_bytes(claims.target()).filter(|target| target == claims.target_text()),
            own(&claims.issued_at().to_string()),
            claims.token_hash().and_then(own_bytes),
            claims.nonce().map(str::to_owned),
            claims.delegation_hash().and_then(own_bytes),
            claims.content_digest().map(str::to_owned),
        ]
    }

    /// What both readers say of a payload; says whether a glance was enough.
    fn check(payload: &str) -> bool {
        let glanced = Glanced::read(base64url::encode(payload.as_bytes()).as_bytes()).map(Claims::Glanced);
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
