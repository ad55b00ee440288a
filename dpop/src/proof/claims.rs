//! The claims of a proof as the check asks for them: read at a glance where they are as programs write them, else by the general
//! reader, whose verdict counts. A test compares the two.

use core::fmt;

use handfast_identity::{MAX_UNIX_SECONDS, UnixTime, WrittenHash, base64url, json};

use super::{MAX_METHOD_BYTES, MAX_PROOF_ID_BYTES, wire};
use crate::Target;

/// Longest claims read at a glance. With `ath` and a target of the usual length they have some 200 bytes, with nonce, `dch` and `htd`
/// some 370.
const GLANCE_BYTES: usize = 384;
/// Bytes that are looked at together.
const WORD_BYTES: usize = 8;
/// Digits of a time that are read at a glance: none above 2^53.
const GLANCE_DIGITS: usize = 15;

/// Room for the claims of one proof, which are decoded there and looked at where they lie: they need not be handed from step to step.
/// What was in it before does not matter.
pub struct ProofRoom {
    bytes: [u8; GLANCE_BYTES + 2 * WORD_BYTES],
    places: Places,
}

impl ProofRoom {
    /// Room, with nothing in it.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; GLANCE_BYTES + 2 * WORD_BYTES], places: Places::NOWHERE }
    }
}

impl Default for ProofRoom {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ProofRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofRoom") // DPOP-138
    }
}

/// The claims, well-formed. What is only compared is given as bytes, which need not be shown to be text again.
pub(super) enum Claims<'a> {
    Glanced(Glanced<'a>),
    Read(Box<wire::Claims>),
}

impl Claims<'_> {
    pub(super) fn proof_id(&self) -> &str {
        match self {
            Self::Glanced(glanced) => glanced.text(glanced.places().jti),
            Self::Read(claims) => &claims.jti,
        }
    }

    pub(super) fn method(&self) -> &[u8] {
        match self {
            Self::Glanced(glanced) => glanced.bytes(glanced.places().htm),
            Self::Read(claims) => claims.htm.as_bytes(),
        }
    }

    pub(super) fn target(&self) -> &[u8] {
        match self {
            Self::Glanced(glanced) => glanced.bytes(glanced.places().htu),
            Self::Read(claims) => claims.htu.as_bytes(),
        }
    }

    /// The same as text, for whoever looks into it.
    pub(super) fn target_text(&self) -> &str {
        match self {
            Self::Glanced(glanced) => glanced.text(glanced.places().htu),
            Self::Read(claims) => &claims.htu,
        }
    }

    pub(super) const fn issued_at(&self) -> UnixTime {
        match self {
            Self::Glanced(glanced) => glanced.places().iat,
            Self::Read(claims) => claims.iat,
        }
    }

    pub(super) fn token_hash(&self) -> Option<&[u8]> {
        match self {
            Self::Glanced(glanced) => glanced.places().ath.map(|span| glanced.bytes(span)),
            Self::Read(claims) => claims.ath.as_deref().map(str::as_bytes),
        }
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.places().nonce.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.nonce.as_deref(),
        }
    }

    pub(super) fn delegation_hash(&self) -> Option<&[u8]> {
        match self {
            Self::Glanced(glanced) => glanced.places().dch.map(|span| glanced.bytes(span)),
            Self::Read(claims) => claims.dch.as_deref().map(str::as_bytes),
        }
    }

    pub(super) fn content_digest(&self) -> Option<&str> {
        match self {
            Self::Glanced(glanced) => glanced.places().htd.map(|span| glanced.text(span)),
            Self::Read(claims) => claims.htd.as_deref(),
        }
    }
}

/// What the claims of an honest proof say, which is looked for in its place before a text is looked through. It decides nothing.
#[derive(Clone, Copy, Debug)]
pub struct Likely<'a> {
    target: &'a str,
    token_hash: &'a [u8],
}

impl<'a> Likely<'a> {
    /// A proof for `target`, and for a token with that hash if it is known already. Neither has a character in it that JSON escapes.
    #[must_use]
    pub fn of(target: &'a Target, token_hash: Option<&'a WrittenHash>) -> Self {
        Self { target: target.as_str(), token_hash: token_hash.map_or(b"", |written| written.chars()) }
    }
}

/// Where each claim lies.
struct Places {
    jti: Span,
    htm: Span,
    htu: Span,
    iat: UnixTime,
    ath: Option<Span>,
    nonce: Option<Span>,
    dch: Option<Span>,
    htd: Option<Span>,
}

impl Places {
    const NOWHERE: Self = Self {
        jti: Span::NOWHERE,
        htm: Span::NOWHERE,
        htu: Span::NOWHERE,
        iat: UnixTime::EPOCH,
        ath: None,
        nonce: None,
        dch: None,
        htd: None,
    };
}

/// First byte, and the one behind the last.
#[derive(Clone, Copy)]
struct Span {
    start: u16,
    end: u16,
}

impl Span {
    const NOWHERE: Self = Self { start: 0, end: 0 };

    fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u16::try_from(start).ok()?, end: u16::try_from(end).ok()? })
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// Claims that lie as they were decoded. Only a reader that found all of them well-formed makes one.
#[derive(Clone, Copy)]
pub(super) struct Glanced<'a>(&'a ProofRoom);

impl<'a> Glanced<'a> {
    /// Reads a payload of nothing but the known claims, each once, without blanks, escapes or anything outside ASCII. None says
    /// that it is for the general reader.
    pub(super) fn read(payload: &[u8], likely: &Likely<'_>, room: &'a mut ProofRoom) -> Option<Self> {
        let length = base64url::decode_into(payload, room.bytes.first_chunk_mut::<GLANCE_BYTES>()?).ok()?;
        let mut text = Text { bytes: &room.bytes, at: 0, all: 0 };
        let (mut jti, mut htm, mut htu, mut iat) = (None, None, None, None);
        let (mut ath, mut nonce, mut dch, mut htd) = (None, None, None, None);
        let mut before = b'{';
        loop {
            text.take(before)?;
            let word = text.word()?;
            let mut expected: &[u8] = b"";
            let member = match word & FIRST_SIX {
                IAT => {
                    text.at += NAME_BYTES;
                    if iat.replace(text.time()?).is_some() {
                        return None;
                    }
                    None
                }
                JTI => Some(&mut jti),
                HTM => Some(&mut htm),
                HTU => {
                    expected = likely.target.as_bytes();
                    Some(&mut htu)
                }
                ATH => {
                    expected = likely.token_hash;
                    Some(&mut ath)
                }
                DCH => Some(&mut dch),
                HTD => Some(&mut htd),
                _ if word == NONCE => {
                    text.at += WORD_BYTES - NAME_BYTES;
                    Some(&mut nonce)
                }
                _ => return None,
            };
            if let Some(member) = member {
                text.at += NAME_BYTES;
                if member.replace(text.string(expected)?).is_some() {
                    return None;
                }
            }
            if text.at + 1 == length {
                break;
            }
            before = b',';
        }
        text.take(b'}')?;
        let (bytes, is_ascii) = (text.bytes.get(..length)?, text.all & HIGHEST == 0);
        let (jti, htm) = (jti?, htm?);
        // what the general reader asks of them
        let is_id = jti.of(bytes).len() <= MAX_PROOF_ID_BYTES && jti.of(bytes).iter().any(|byte| *byte != b' ');
        let is_method = (1..=MAX_METHOD_BYTES).contains(&htm.of(bytes).len());
        if !is_ascii || !is_id || !is_method {
            return None;
        }
        room.places = Places { jti, htm, htu: htu?, iat: iat?, ath, nonce, dch, htd };
        Some(Self(room))
    }

    const fn places(self) -> &'a Places {
        &self.0.places
    }

    fn bytes(self, span: Span) -> &'a [u8] {
        span.of(&self.0.bytes)
    }

    fn text(self, span: Span) -> &'a str {
        // INVARIANT: spans are of ASCII
        core::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }
}

/// Eight bytes, the first in the lowest place.
type Word = u64;

/// The name of a claim with its quotes and the colon behind them.
const NAME_BYTES: usize = 6;
/// As many bytes of a word.
const FIRST_SIX: Word = 0x0000_ffff_ffff_ffff;
/// The highest bit of each byte.
const HIGHEST: Word = 0x8080_8080_8080_8080;

const JTI: Word = u64::from_le_bytes(*b"\"jti\":\0\0");
const HTM: Word = u64::from_le_bytes(*b"\"htm\":\0\0");
const HTU: Word = u64::from_le_bytes(*b"\"htu\":\0\0");
const IAT: Word = u64::from_le_bytes(*b"\"iat\":\0\0");
const ATH: Word = u64::from_le_bytes(*b"\"ath\":\0\0");
const DCH: Word = u64::from_le_bytes(*b"\"dch\":\0\0");
const HTD: Word = u64::from_le_bytes(*b"\"htd\":\0\0");
/// The only one of five letters.
const NONCE: Word = u64::from_le_bytes(*b"\"nonce\":");

/// What is left of claims from `at` on. It may go on behind their end, with anything; whoever reads it looks where it came to.
struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Every bit that some byte of a string has.
    all: u64,
}

impl Text<'_> {
    /// The next eight bytes.
    fn word(&self) -> Option<u64> {
        self.bytes.get(self.at..)?.first_chunk().copied().map(u64::from_le_bytes)
    }

    fn two_words(&self) -> Option<[u64; 2]> {
        let bytes: &[u8; 2 * WORD_BYTES] = self.bytes.get(self.at..)?.first_chunk()?;
        let [.., first, second] = bytes.as_chunks().0 else { return None };
        Some([u64::from_le_bytes(*first), u64::from_le_bytes(*second)])
    }

    /// Goes past the next byte if it is this one.
    fn take(&mut self, byte: u8) -> Option<()> {
        (*self.bytes.get(self.at)? == byte).then(|| self.at += 1)
    }

    /// A string in its quotes, without escapes; first of all the one that is expected, which has none.
    fn string(&mut self, expected: &[u8]) -> Option<Span> {
        self.take(b'"')?;
        let start = self.at;
        let end = start + expected.len();
        if !expected.is_empty() && self.bytes.get(end) == Some(&b'"') && self.bytes.get(start..end) == Some(expected) {
            self.at = end + 1;
            return Span::new(start, end);
        }
        loop {
            // two words at a time: most strings are longer than one
            let [first, second] = self.two_words()?;
            self.all |= first | second;
            let (in_first, in_second) = (json::specials(first), json::specials(second));
            if in_first != 0 {
                self.at += in_first.trailing_zeros() as usize / 8;
                break;
            }
            if in_second != 0 {
                self.at += WORD_BYTES + in_second.trailing_zeros() as usize / 8;
                break;
            }
            self.at += 2 * WORD_BYTES;
        }
        let end = self.at;
        self.take(b'"')?;
        Span::new(start, end)
    }

    /// Whole seconds, without sign, fraction, exponent or a zero in front.
    fn time(&mut self) -> Option<UnixTime> {
        let start = self.at;
        let mut seconds = match eight_digits(self.word()?) {
            // times of our age have ten
            Some(number) => {
                self.at += WORD_BYTES;
                number
            }
            None => {
                self.at += 1;
                u64::from(self.digit(start)?)
            }
        };
        while let Some(digit) = self.digit(self.at) {
            seconds = seconds * 10 + u64::from(digit);
            self.at += 1;
            if self.at - start > GLANCE_DIGITS {
                return None;
            }
        }
        let has_zero_in_front = self.digit(start) == Some(0) && self.at - start > 1;
        (!has_zero_in_front && seconds <= MAX_UNIX_SECONDS).then(|| UnixTime::from_secs(seconds))
    }

    fn digit(&self, place: usize) -> Option<u8> {
        self.bytes.get(place).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
    }
}

/// The number that eight digits are, the first byte's the highest; none if one of the bytes is no digit.
const fn eight_digits(word: u64) -> Option<u64> {
    let each = word ^ 0x3030_3030_3030_3030;
    // from ten on a byte reaches its highest bit, or had it
    if (each | each.wrapping_add(0x7676_7676_7676_7676)) & HIGHEST != 0 {
        return None;
    }
    // pairs in every second byte, then fours in every fourth, then all: what lies between is cut off, or shifted out
    let pairs = each.wrapping_mul(10).wrapping_add(each >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use handfast_identity::json::{Limits, read_object};

    use super::*;

    /// Everything a check asks of claims.
    fn seen(claims: &Claims<'_>) -> [Option<String>; 8] {
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

    const UNLIKELY: Likely<'_> = Likely { target: "", token_hash: b"" };
    const LIKELY: [Likely<'_>; 3] = [
        Likely { target: "https://h/x", token_hash: b"h" },
        Likely { target: "https://h/", token_hash: b"https://h/x" },
        Likely { target: "https://h/xx", token_hash: b"hh" },
    ];

    /// What both readers say of a payload; says whether a glance was enough.
    fn check(payload: &str) -> bool {
        // what somebody else left there means nothing
        let mut room = ProofRoom { bytes: [b'"'; GLANCE_BYTES + 2 * WORD_BYTES], places: Places::NOWHERE };
        let encoded = base64url::encode(payload.as_bytes());
        let glanced = Glanced::read(encoded.as_bytes(), &UNLIKELY, &mut room).map(Claims::Glanced);
        // what is expected changes nothing
        for likely in LIKELY {
            let mut room = ProofRoom { bytes: [b'"'; GLANCE_BYTES + 2 * WORD_BYTES], places: Places::NOWHERE };
            let again = Glanced::read(encoded.as_bytes(), &likely, &mut room).map(Claims::Glanced);
            assert_eq!(again.as_ref().map(seen), glanced.as_ref().map(seen), "{payload} {likely:?}");
        }
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
    fn eight_digits_are_a_number() {
        let check = |text: &str| {
            let word = u64::from_le_bytes(text.as_bytes().try_into().unwrap_or_default());
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            assert_eq!(eight_digits(word), text.parse().ok().filter(|_| is_number), "{text}");
        };
        for number in (0..100_000_000_u64).step_by(997).chain([1, 9, 99_999_999, 12_345_678, 17_952_624]) {
            check(&format!("{number:08}"));
        }
        for place in 0..8 {
            for byte in 0..=0x7f_u8 {
                let mut text = *b"90909090";
                text.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                check(core::str::from_utf8(&text).unwrap_or_default());
                let mut word = text.map(|byte| if byte == b'0' { 0xff } else { byte });
                word.iter_mut().skip(place).take(1).for_each(|at| *at = byte | 0x80);
                assert_eq!(eight_digits(u64::from_le_bytes(word)), None);
            }
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
