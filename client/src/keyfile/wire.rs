//! The document's text.

use handfast_identity::json::{self, JsonError, Limits};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ContentError, KeyFile, KeyKind, MAX_KEY_FILE_BYTES};
use crate::key::DpopKey;
use crate::owner::Owner;

/// The only version so far.
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

/// Writes the document.
pub(crate) fn write(file: &KeyFile) -> Result<Zeroizing<String>, ContentError> {
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
pub(crate) fn read(bytes: &[u8]) -> Result<KeyFile, ContentError> {
    let limits = Limits::plain(MAX_KEY_FILE_BYTES);
    let VersionOnly { version } = json::read(bytes, &limits).map_err(ContentError::Json)?;
    if version != VERSION {
        return Err(ContentError::Version(version));
    }
    let whole: Whole = json::read(bytes, &limits).map_err(ContentError::Json)?;
    let kind = KeyKind::parse(&whole.kind)
        .ok_or_else(|| ContentError::Json(JsonError::Shape("`kind` is neither `agent` nor `owner`".to_owned())))?;
    let key = DpopKey::from_private_jwk(&whole.key.text()).map_err(ContentError::Key)?;
    if key.did().as_str() != whole.did {
        return Err(ContentError::Did);
    }
    Ok(KeyFile {
        kind,
        key,
        issuer: whole.issuer,
        handle: whole.handle,
        expected_owner: whole.expected_owner,
        owner: whole.owner.map(|owner| Owner { id: owner.id, name: owner.name }),
        claim: whole.claim,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // tests stop at the first surprise
mod tests {
    use handfast_identity::SigningKey;

    use super::*;

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
                Err(ContentError::Version(2)) => "version",
                Err(ContentError::Version(version)) => panic!("{version}"),
                Err(ContentError::Key(_)) => "key",
                Err(ContentError::Did) => "did",
            };
            assert_eq!(found, expected, "{changed}");
        };
        check(text.replace(r#""version":1"#, r#""version":2,"new":true"#), "version");
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
}
