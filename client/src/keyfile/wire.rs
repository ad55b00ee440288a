//! The document's text.

use handfast_identity::DidKey;
use handfast_identity::json::{self, JsonError, Limits};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ContentError, Cost, KeyFile, KeyFileFace, KeyKind, KeySeal, MAX_KEY_FILE_BYTES};
use crate::key::DpopKey;
use crate::owner::Owner;

/// A file as it is; an encrypted one is of version [`SealedWire::VERSION`] and holds one of these.
const VERSION: u64 = 1;

/// Everything but the key; written first, so that the secret is copied once, into a text that is wiped.
#[derive(Serialize)]
struct Head<'a> {
    version: u64,
    kind: &'a str,
    did: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerWire {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(rename = "version")]
    _version: u64,
    kind: String,
    did: String,
    issuer: Option<String>,
    handle: Option<String>,
    expected_owner: Option<String>,
    owner: Option<OwnerWire>,
    claim: Option<String>,
    key: PrivateJwk,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateJwk {
    kty: String,
    crv: String,
    d: Zeroizing<String>,
    x: String,
    y: Option<String>,
}

impl PrivateJwk {
    fn text(&self) -> Zeroizing<String> {
        // these members came out of JSON strings of base64url; anything else is refused when the key is read
        let y = self.y.as_ref().map(|y| format!(r#","y":"{y}""#)).unwrap_or_default();
        let (kty, crv, x) = (&self.kty, &self.crv, &self.x);
        let mut text =
            Zeroizing::new(String::with_capacity(64 + self.d.len() + kty.len() + crv.len() + x.len() + y.len()));
        text.push_str(&format!(r#"{{"kty":"{kty}","crv":"{crv}","x":"{x}"{y},"d":""#));
        text.push_str(&self.d);
        text.push_str(r#""}"#);
        text
    }
}

/// An encrypted file: whose key it is, how the passphrase becomes a key, and what is sealed with that, a file of version 1.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedWire {
    pub(super) version: u64,
    pub(super) kind: String,
    pub(super) did: String,
    pub(super) kdf: String,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: String,
    pub(super) check: String,
    pub(super) cipher: String,
    pub(super) nonce: String,
    pub(super) sealed: String,
}

impl SealedWire {
    pub(super) const VERSION: u64 = 2;
    pub(super) const KDF: &str = "argon2id";
    pub(super) const CIPHER: &str = "chacha20-poly1305";

    pub(super) const fn cost(&self) -> Cost {
        Cost { memory_kib: self.memory_kib, passes: self.passes, lanes: self.lanes }
    }

    /// What it says openly.
    pub(super) fn face(&self) -> Result<KeyFileFace, ContentError> {
        let kind = KeyKind::parse(&self.kind).ok_or_else(no_kind)?;
        let did = DidKey::parse(&self.did).map_err(|_| ContentError::Did)?;
        Ok(KeyFileFace { kind, did, is_encrypted: true })
    }

    /// The file inside, which has to be of the key and kind that stand outside.
    pub(super) fn open(&self, seal: &KeySeal) -> Result<KeyFile, ContentError> {
        let Content::Open(inner) = read(&seal.0.open(self)?)? else { return Err(ContentError::Damaged) };
        if inner.key.did().as_str() != self.did || inner.kind.as_str() != self.kind {
            return Err(ContentError::Damaged);
        }
        Ok(KeyFile { seal: Some(seal.clone()), ..*inner })
    }
}

/// A document.
#[derive(Debug)]
pub(crate) enum Content {
    /// As it is.
    Open(Box<KeyFile>),
    /// Encrypted.
    Sealed(Box<SealedWire>),
}

fn no_kind() -> ContentError {
    ContentError::Json(JsonError::Shape("`kind` is neither `agent` nor `owner`".to_owned()))
}

/// Writes the document, encrypted if it is to be.
pub(crate) fn write(file: &KeyFile) -> Result<Zeroizing<String>, ContentError> {
    let text = write_open(file)?;
    let Some(seal) = &file.seal else { return Ok(text) };
    let sealed = seal.0.seal(file.kind.as_str(), file.key.did().as_str(), &text)?;
    let text =
        serde_json::to_string(&sealed).map_err(|error| ContentError::Json(JsonError::Shape(error.to_string())))?;
    Ok(Zeroizing::new(format!("{text}\n")))
}

fn write_open(file: &KeyFile) -> Result<Zeroizing<String>, ContentError> {
    let head = Head {
        version: VERSION,
        kind: file.kind.as_str(),
        did: file.key.did().as_str(),
        issuer: file.issuer.as_deref(),
        handle: file.handle.as_deref(),
        expected_owner: file.expected_owner.as_deref(),
        owner: file.owner.as_ref().map(|owner| OwnerWire { id: owner.id.clone(), name: owner.name.clone() }),
        claim: file.claim.as_deref(),
    };
    let head = serde_json::to_string(&head).map_err(|error| ContentError::Json(JsonError::Shape(error.to_string())))?;
    let key = file.key.expose_private_jwk();
    let mut text = Zeroizing::new(String::with_capacity(head.len() + key.len() + 16));
    text.push_str(head.strip_suffix('}').unwrap_or(&head));
    text.push_str(r#","key":"#);
    text.push_str(&key);
    text.push_str("}\n");
    Ok(text)
}

/// Reads the document; unknown members are refused, for they would be lost by the next update.
pub(crate) fn read(bytes: &[u8]) -> Result<Content, ContentError> {
    let limits = Limits::plain(MAX_KEY_FILE_BYTES);
    let VersionOnly { version } = json::read(bytes, &limits).map_err(ContentError::Json)?;
    if version == SealedWire::VERSION {
        let wire: SealedWire = json::read(bytes, &limits).map_err(ContentError::Json)?;
        if wire.kdf != SealedWire::KDF || wire.cipher != SealedWire::CIPHER {
            return Err(ContentError::Cost);
        }
        return Ok(Content::Sealed(Box::new(wire)));
    }
    if version != VERSION {
        return Err(ContentError::Version(version));
    }
    let whole: Whole = json::read(bytes, &limits).map_err(ContentError::Json)?;
    let kind = KeyKind::parse(&whole.kind).ok_or_else(no_kind)?;
    let key = DpopKey::from_private_jwk(&whole.key.text()).map_err(ContentError::Key)?;
    if key.did().as_str() != whole.did {
        return Err(ContentError::Did);
    }
    Ok(Content::Open(Box::new(KeyFile {
        kind,
        key,
        issuer: whole.issuer,
        handle: whole.handle,
        expected_owner: whole.expected_owner,
        owner: whole.owner.map(|owner| Owner { id: owner.id, name: owner.name }),
        claim: whole.claim,
        seal: None,
    })))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // tests stop at the first surprise
mod tests {
    use handfast_identity::SigningKey;

    use std::sync::Arc;

    use super::super::Seal;
    use super::*;
    use crate::secret::Secret;

    /// The file of a document that is not encrypted.
    fn read(bytes: &[u8]) -> Result<KeyFile, ContentError> {
        match super::read(bytes)? {
            Content::Open(file) => Ok(*file),
            Content::Sealed(wire) => panic!("{wire:?}"),
        }
    }

    fn full() -> KeyFile {
        KeyFile {
            issuer: Some("https://reg.example".into()),
            handle: Some("amber-otter-00017".into()),
            expected_owner: Some("owner:x".into()),
            owner: Some(Owner { id: "owner:x".into(), name: "Eve \"quoted\"".into() }),
            claim: Some("claim_1".into()),
            ..KeyFile::new(KeyKind::Agent, DpopKey::generate())
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let p256 = DpopKey::from_signing_key(SigningKey::from_p256_scalar(&[9; 32]).unwrap());
        for file in [full(), KeyFile::new(KeyKind::Owner, DpopKey::generate()), KeyFile::new(KeyKind::Agent, p256)] {
            let back = read(write(&file).unwrap().as_bytes()).unwrap();
            assert_eq!(back.key.did(), file.key.did());
            assert_eq!(*back.key.expose_private_jwk(), *file.key.expose_private_jwk());
            assert_eq!(
                (back.kind, back.issuer, back.handle, back.expected_owner, back.owner, back.claim),
                (file.kind, file.issuer, file.handle, file.expected_owner, file.owner, file.claim)
            );
        }
    }

    #[test]
    fn each_change_of_the_text_has_its_own_refusal() {
        let text = write(&full()).unwrap().to_string();
        let other = DpopKey::generate();
        let check = |changed: String, expected: &str| {
            assert_ne!(changed, text, "{expected}");
            let found = match read(changed.as_bytes()) {
                Ok(_) => "fine",
                Err(ContentError::Json(_)) => "json",
                Err(ContentError::Version(3)) => "version",
                Err(ContentError::Version(version)) => panic!("{version}"),
                Err(ContentError::Key(_)) => "key",
                Err(ContentError::Did) => "did",
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{changed}");
        };
        check(text.replace(r#""version":1"#, r#""version":3,"new":true"#), "version");
        check(text.replace(r#""version":1"#, r#""version":1,"new":true"#), "json");
        check(text.replace(r#""version":1"#, r#""version":1,"version":1"#), "json");
        check(text.replace(r#""kind":"agent""#, r#""kind":"admin""#), "json");
        check(text.replace(full().key.did().as_str(), "") + "x", "json");
        check(format!("{text}{text}"), "json");
        check(text.replace(r#""crv":"Ed25519""#, r#""crv":"P-256""#), "key");
        check(text.replace(r#""d":""#, r#""d":"A"#), "key");
        let did = read(text.as_bytes()).unwrap().key.did().as_str().to_owned();
        check(text.replace(&format!(r#""did":"{did}""#), &format!(r#""did":"{}""#, other.did())), "did");
        check(text.replace("amber-otter", "brave-otter"), "fine");
    }

    /// The least that is allowed, so that the test is quick.
    const CHEAP: Cost = Cost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

    fn sealed() -> (KeyFile, String) {
        let seal = Seal::new(&Secret::new("open sesame"), CHEAP).unwrap();
        let file = KeyFile { seal: Some(KeySeal(Arc::new(seal))), ..full() };
        let text = write(&file).unwrap().to_string();
        (file, text)
    }

    fn opened(text: &str, passphrase: &str) -> Result<KeyFile, ContentError> {
        match super::read(text.as_bytes())? {
            Content::Open(file) => panic!("{file:?}"),
            Content::Sealed(wire) => wire.open(&KeySeal(Arc::new(Seal::of(&wire, &Secret::new(passphrase))?))),
        }
    }

    #[test]
    fn an_encrypted_file_shows_whose_key_it_is_and_nothing_else() {
        let (file, text) = sealed();
        for hidden in ["https://reg.example", "amber-otter", "owner:x", "\"d\"", "claim_1"] {
            assert!(!text.contains(hidden), "{hidden}");
        }
        let Content::Sealed(wire) = super::read(text.as_bytes()).unwrap() else { panic!("not encrypted") };
        let face = wire.face().unwrap();
        assert_eq!((face.kind, &face.did, face.is_encrypted), (KeyKind::Agent, file.key.did(), true));
        let back = opened(&text, "open sesame").unwrap();
        assert_eq!(*back.key.expose_private_jwk(), *file.key.expose_private_jwk());
        assert_eq!((back.handle.clone(), back.is_encrypted()), (file.handle.clone(), true));
        // each writing is another text, and the same seal opens it
        let again = write(&back).unwrap();
        assert_ne!(*again, text);
        let Content::Sealed(wire) = super::read(again.as_bytes()).unwrap() else { panic!("not encrypted") };
        assert!(back.seal.as_ref().unwrap().0.is_of(&wire));
        assert_eq!(wire.open(back.seal.as_ref().unwrap()).unwrap().key.did(), file.key.did());
    }

    #[test]
    fn what_stands_outside_is_bound_by_the_tag_and_compared_with_what_is_inside() {
        let (file, text) = sealed();
        let seal = file.seal.clone().unwrap();
        let Content::Sealed(wire) = super::read(text.as_bytes()).unwrap() else { panic!("not encrypted") };
        assert!(seal.0.open(&wire).is_ok());
        let other = DpopKey::generate().did().to_string();
        for changed in [
            SealedWire { kind: "owner".to_owned(), ..(*wire).clone() },
            SealedWire { did: other.clone(), ..(*wire).clone() },
            SealedWire { lanes: 2, ..(*wire).clone() },
            SealedWire { salt: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(), ..(*wire).clone() },
        ] {
            assert!(matches!(seal.0.open(&changed), Err(ContentError::Damaged)), "{changed:?}");
        }
        // whoever knows the passphrase could seal one key under the name of another
        let inner = write_open(&file).unwrap();
        for (kind, did) in [("agent", other.as_str()), ("owner", file.key.did().as_str())] {
            let lying = seal.0.seal(kind, did, &inner).unwrap();
            assert!(matches!(lying.open(&seal), Err(ContentError::Damaged)), "{kind} {did}");
        }
    }

    #[test]
    fn a_wrong_passphrase_and_a_changed_file_are_told_apart() {
        let (file, text) = sealed();
        let check = |text: &str, passphrase: &str, expected: &str| {
            let found = match opened(text, passphrase) {
                Ok(_) => "fine",
                Err(ContentError::Passphrase) => "passphrase",
                Err(ContentError::Damaged) => "damaged",
                Err(ContentError::Cost) => "cost",
                Err(ContentError::EmptyPassphrase) => "empty",
                Err(ContentError::Json(_)) => "json",
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{text} {passphrase}");
        };
        check(&text, "open sesame", "fine");
        check(&text, "open sesamE", "passphrase");
        check(&text, "open sesame\n", "passphrase");
        check(&text, "", "empty");
        let other = DpopKey::generate();
        let own = file.key.did().as_str();
        check(&text.replace(own, other.did().as_str()), "open sesame", "damaged");
        check(&text.replace(r#""kind":"agent""#, r#""kind":"owner""#), "open sesame", "damaged");
        let flipped = |member: &str| {
            let start = text.find(&format!("\"{member}\":\"")).unwrap() + member.len() + 4;
            let letter = if text.as_bytes().get(start) == Some(&b'A') { "B" } else { "A" };
            format!("{}{letter}{}", &text[..start], &text[start + 1..])
        };
        check(&flipped("sealed"), "open sesame", "damaged");
        check(&flipped("nonce"), "open sesame", "damaged");
        check(&flipped("salt"), "open sesame", "passphrase");
        check(&flipped("check"), "open sesame", "passphrase");
        for (member, value) in [
            ("memory_kib", 8 * 1024 - 1),
            ("memory_kib", 1024 * 1024 + 1),
            ("passes", 0),
            ("passes", 17),
            ("lanes", 17),
        ] {
            let cheap = if member == "memory_kib" { 8 * 1024 } else { 1 };
            let changed = text.replace(&format!("\"{member}\":{cheap}"), &format!("\"{member}\":{value}"));
            assert_ne!(changed, text);
            check(&changed, "open sesame", "cost");
        }
        check(&text.replace("argon2id", "argon2d"), "open sesame", "cost");
        check(&text.replace("\"kdf\"", "\"kdf2\""), "open sesame", "json");
    }
}
