//! Signed texts, made of what the fuzzer gives, and read by a second reader.

use std::sync::LazyLock;

use handfast_conformance::both::slow_json::{self, Json};
use handfast_conformance::make::keys::Who;
use handfast_identity::json::Limits;
use handfast_identity::{Algorithm, ContentHash, PublicKey, SigningKey, base64url};
use serde_json::Value;

/// Stands in claims for the name of the text before.
const PARENT: &str = "\"^\"";

struct Party {
    key: SigningKey,
    /// What a header says of who signs: `x` of the key, its thumbprint, its DID.
    marks: [String; 3],
}

static PARTIES: LazyLock<Vec<Party>> = LazyLock::new(|| {
    let party = |who: Who| {
        let key = who.key();
        let jwk: Value = serde_json::from_str(&key.public().to_jwk()).expect("a JWK");
        Party { marks: [jwk["x"].as_str().unwrap_or_default().to_owned(), who.jkt(), who.did().to_string()], key }
    };
    Who::all().map(party).collect()
});

/// The key that a header names, or somebody's.
pub fn signer(header: &[u8]) -> &'static SigningKey {
    let header: Value = serde_json::from_slice(header).unwrap_or_default();
    let kid = header["kid"].as_str().and_then(|kid| kid.split('#').next());
    let named = header["jwk"]["x"].as_str().or(kid).unwrap_or_default();
    let party = PARTIES.iter().find(|party| party.marks.iter().any(|mark| mark == named));
    &party.unwrap_or(&PARTIES[0]).key
}

/// Header and claims as one signed text.
pub fn signed(header: &[u8], claims: &[u8]) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
    let signature = signer(header).sign(input.as_bytes());
    format!("{input}.{}", base64url::encode(&signature))
}

/// What a fuzzer's bytes stand for: a text as it is; or, where they begin with `{`, lines of header and claims in turn, each pair of them
/// signed by who its header names, and all joined by commas. `"^"` in claims is the name of the text before.
pub fn text(data: &[u8]) -> Option<String> {
    if data.first() != Some(&b'{') {
        return core::str::from_utf8(data).ok().map(str::to_owned);
    }
    let lines: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    let mut members: Vec<String> = Vec::new();
    for pair in lines.chunks_exact(2) {
        let parent = members.last().and_then(|text| text.rsplit_once('.')).map_or("", |(input, _)| input);
        members.push(signed(pair[0], &with_parent(pair[1], &ContentHash::of(parent.as_bytes()))));
    }
    Some(members.join(","))
}

fn with_parent(claims: &[u8], name: &ContentHash) -> Vec<u8> {
    match core::str::from_utf8(claims) {
        Ok(text) => text.replace(PARENT, &format!("\"{name}\"")).into_bytes(),
        Err(_) => claims.to_vec(),
    }
}

/// The bytes that [`text`] makes this field of, if they can be so written.
pub fn lines(field: &str) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    let mut before: Option<&str> = None;
    for member in field.split(',') {
        let (input, _) = member.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let (header, claims) =
            (base64url::decode(header).ok()?, String::from_utf8(base64url::decode(claims).ok()?).ok()?);
        let claims = match before {
            Some(parent) => claims.replace(&format!("\"{}\"", ContentHash::of(parent.as_bytes())), PARENT),
            None => claims,
        };
        if !header.starts_with(b"{") || header.contains(&b'\n') || claims.contains('\n') {
            return None;
        }
        lines.extend([header, claims.into_bytes()]);
        before = Some(input);
    }
    Some(lines.join(&b'\n'))
}

/// A compact JWS as the second reader sees it (spec/identity.md, compact JWS).
pub struct SlowJws {
    pub header: Json,
    pub claims: Json,
    pub algorithm: Algorithm,
}

impl SlowJws {
    pub fn read(text: &str, limits: &Limits) -> Option<Self> {
        if text.len() > limits.max_bytes {
            return None;
        }
        let segments: Vec<_> = text.split('.').collect();
        let [header, claims, signature] = segments.try_into().ok()?;
        let [header, claims, _] = [slow_base64url(header)?, slow_base64url(claims)?, slow_base64url(signature)?];
        let object = |bytes: &[u8]| slow_json::read(bytes, limits).filter(|json| matches!(json, Json::Object(_)));
        let (header, claims) = (object(&header)?, object(&claims)?);
        let algorithm = match word(&header, "alg")? {
            "EdDSA" => Algorithm::EdDsa,
            "Ed25519" => Algorithm::Ed25519,
            "ES256" => Algorithm::Es256,
            _ => return None,
        };
        let is_text_or_absent =
            |name| matches!(header.member(name), None | Some(Json::Text(_))) || is_null(&header, name);
        let is_critical = header.member("crit").is_some() || header.member("b64").is_some();
        (!is_critical && is_text_or_absent("typ") && is_text_or_absent("kid")).then_some(Self {
            header,
            claims,
            algorithm,
        })
    }

    /// The key in the header, if there is one and it is public and sound.
    pub fn key(&self) -> Option<PublicKey> {
        const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        let jwk = self.header.member("jwk")?;
        if SECRET.iter().any(|name| jwk.member(name).is_some()) {
            return None;
        }
        let coordinate = |name| slow_base64url(word(jwk, name)?);
        let has_no = |name| jwk.member(name).is_none() || is_null(jwk, name);
        match (word(jwk, "kty")?, word(jwk, "crv")?) {
            ("OKP", "Ed25519") if has_no("y") => PublicKey::from_ed25519_bytes(&coordinate("x")?).ok(),
            ("EC", "P-256") => PublicKey::from_p256_coordinates(&coordinate("x")?, &coordinate("y")?).ok(),
            _ => None,
        }
    }
}

/// The text of a member.
pub fn word<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    match json.member(name)? {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn is_null(json: &Json, name: &str) -> bool {
    json.member(name) == Some(&Json::Word("null".to_owned()))
}

/// Canonical base64url without padding, bit by bit; an empty text is none.
pub fn slow_base64url(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = Vec::new();
    for byte in text.bytes() {
        let place = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits.extend((0..6).rev().map(|bit| place >> bit & 1 == 1));
    }
    let whole = bits.len() / 8 * 8;
    // less than a letter is left, and nothing is written in it
    let is_canonical = bits.len() - whole < 6 && !bits[whole..].contains(&true);
    let byte = |bits: &[bool]| bits.iter().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
    (!text.is_empty() && is_canonical).then(|| bits[..whole].chunks(8).map(byte).collect())
}
