//! One compact JWS as members in order, and the many ways in which the same members can be written.

use std::fmt;

use handfast_identity::base64url;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};

use super::{Corpus, Dice};

/// What a text is, and so which names and values are at home in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Proof,
    Token,
    Hop,
    ProofHeader,
    TokenHeader,
    HopHeader,
}

impl Kind {
    /// The kind of the text's header.
    pub(super) const fn header(self) -> Self {
        match self {
            Self::Proof | Self::ProofHeader => Self::ProofHeader,
            Self::Token | Self::TokenHeader => Self::TokenHeader,
            Self::Hop | Self::HopHeader => Self::HopHeader,
        }
    }
}

pub(super) type Members = Vec<(String, Value)>;

/// A text, taken apart.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) header: Members,
    pub(super) claims: Members,
    /// The segments as they came in, for as long as their members are what they were.
    segments: [String; 3],
    is_header_new: bool,
    are_claims_new: bool,
}

/// Members in order, repeated ones included.
struct InOrder(Members);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = InOrder;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl Text {
    /// Takes a text apart, if it is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let segments: [String; 3] = segments.try_into().ok()?;
        let members = |segment: &str| {
            let bytes = base64url::decode(segment).ok()?;
            serde_json::from_slice::<InOrder>(&bytes).ok().map(|members| members.0)
        };
        let (header, claims) = (members(&segments[0])?, members(&segments[1])?);
        Some(Self { header, claims, segments, is_header_new: false, are_claims_new: false })
    }

    pub(super) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Sets a claim, in its place or at the end.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.are_claims_new = true;
        match self.claims.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.claims.push((name.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.are_claims_new = true;
        self.claims.retain(|(known, _)| known != name);
    }

    /// Changes one thing about the members of header or claims.
    pub(super) fn change(&mut self, corpus: &Corpus, dice: &mut Dice, kind: Kind) {
        let is_header = dice.one_in(4);
        let (list, kind) = if is_header { (&mut self.header, kind.header()) } else { (&mut self.claims, kind) };
        *(if is_header { &mut self.is_header_new } else { &mut self.are_claims_new }) = true;
        let place = dice.below(list.len());
        match dice.below(10) {
            0 if !list.is_empty() => drop(list.remove(place)),
            1 if !list.is_empty() => {
                let again = list[place].clone();
                list.push(again);
            }
            2 if list.len() > 1 => list.swap(0, place),
            3 if !list.is_empty() => list[place].1 = odd(dice),
            4 => {
                let name = corpus.any_name(dice, kind).to_owned();
                let value = corpus.any_value(dice, kind, &name).cloned().unwrap_or(Value::Null);
                list.push((name, value));
            }
            5 => list
                .push(((*dice.pick(&["x", "d", "b64", "crit", "kid", "é", "", "nonce", "htd"])).to_owned(), odd(dice))),
            _ if !list.is_empty() => {
                let name = list[place].0.clone();
                if let Some(value) = corpus.any_value(dice, kind, &name) {
                    list[place].1 = value.clone();
                }
            }
            _ => {}
        }
    }

    /// Writes it and signs it, in most cases as it says.
    pub(super) fn signed(&mut self, corpus: &Corpus, dice: &mut Dice, is_odd: bool) -> String {
        let [mut header, mut claims, old] = self.segments.clone();
        if self.is_header_new || (is_odd && dice.one_in(3)) {
            header = base64url::encode(&written(&self.header, dice, is_odd));
        }
        if self.are_claims_new || is_odd {
            claims = base64url::encode(&written(&self.claims, dice, is_odd));
        }
        let input = format!("{header}.{claims}");
        let own = corpus.signer(self);
        let throw = dice.below(40);
        let mut signature = match (throw, own) {
            (0, _) | (_, None) => corpus.any_signer(dice).sign(input.as_bytes()).to_vec(),
            (_, Some(key)) => key.sign(input.as_bytes()).to_vec(),
        };
        match throw {
            1 => signature.truncate(dice.below(64)),
            2 => signature[dice.below(64)] ^= 1 << dice.below(8),
            3 => signature.push(0),
            4 => return format!("{input}.{old}"),
            5 => signature[..32].fill(0),
            _ => {}
        }
        format!("{input}.{}", base64url::encode(&signature))
    }
}

/// A value that nobody expects.
pub(super) fn odd(dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1.5),
        5 => json!(9_007_199_254_740_993_u64),
        6 => json!(""),
        7 => json!(" "),
        8 => json!("x".repeat([1, 64, 65, 256, 257, 700][dice.below(6)])),
        9 => json!([]),
        10 => json!({}),
        11 => (0..[7, 8, 9, 15, 16, 17][dice.below(6)]).fold(json!([]), |inner, _| json!([inner])),
        12 => json!("\u{e9}\u{1f980}\"\\\n"),
        _ => Value::Array(vec![json!(1); [63, 64, 65][dice.below(3)]]),
    }
}

/// The members as JSON, in most cases as programs write it.
fn written(members: &Members, dice: &mut Dice, is_odd: bool) -> Vec<u8> {
    let style = if is_odd { dice.below(14) } else { 0 };
    let (comma, colon) = match style {
        1 => (", ", ": "),
        2 => (",\n\t", " : "),
        _ => (",", ":"),
    };
    let chosen = dice.below(members.len());
    let member = |(place, (name, value)): (usize, &(String, Value))| {
        let (mut name, mut value) = (json!(name).to_string(), value.to_string());
        if place == chosen {
            match style {
                3 => name = escaped(&name),
                4 => value = escaped(&value),
                5 if value.parse::<u64>().is_ok() => {
                    value += ["\u{2e}0", "e0", "E+0", ".9", "0e-1", " ", "\u{a0}"][dice.below(7)];
                }
                6 if value.parse::<u64>().is_ok() => value = format!("{}{value}", ["0", "-", "+", " "][dice.below(4)]),
                7 => value = value.replace('/', "\\/"),
                _ => {}
            }
        }
        format!("{name}{colon}{value}")
    };
    let inner = members.iter().enumerate().map(member).collect::<Vec<_>>().join(comma);
    let mut text = format!("{{{inner}}}").into_bytes();
    match style {
        8 => text.push(b' '),
        9 => text.insert(0, b'\n'),
        10 => text.push(*dice.pick(b"}x,\0")),
        11 => drop(text.pop()),
        12 => {
            let place = dice.below(text.len());
            text[place] = *dice.pick(b"\xff\0\"\\ {}[],:0aA\x7f\xc3");
        }
        13 => text.insert(text.len() - 1, b','),
        _ => {}
    }
    text
}

/// The same text with its first character written as an escape.
fn escaped(text: &str) -> String {
    let mut inner = text.strip_prefix('"').unwrap_or_default().chars();
    match inner.next() {
        Some(first) if first.is_ascii_alphanumeric() => format!("\"\\u{:04x}{}", u32::from(first), inner.as_str()),
        _ => text.to_owned(),
    }
}
