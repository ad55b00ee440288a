//! The document's text: version 1 with the secret in the clear, version 2 with the secret elsewhere.

use std::path::PathBuf;

use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, PrivateJwk, SigningKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::custody::{self, Custody, KeyringEntry, SshAgentPlace};
use super::sealed::{Opener, SealedWire};
use super::{ContentError, KeyFile, KeyKind, MAX_KEY_FILE_BYTES, os_keyring};
use crate::key::DpopKey;
use crate::owner::Owner;

/// The secret is in the file as it is.
const PLAIN: u64 = 1;
/// It is not: programs that know version 1 only have to refuse the file by that.
const GUARDED: u64 = 2;

/// Everything but the secret; written first, so that the secret is copied once, into a text that is wiped.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<SealedWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_agent: Option<SshAgentWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyring: Option<KeyringWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerWire {
    id: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SshAgentWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    socket: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringWire {
    service: String,
    account: String,
}

#[derive(Deserialize)]
struct Outside {
    version: u64,
    did: String,
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

/// Version 2: exactly one of the last three is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guarded {
    #[serde(rename = "version")]
    _version: u64,
    kind: String,
    did: String,
    issuer: Option<String>,
    handle: Option<String>,
    expected_owner: Option<String>,
    owner: Option<OwnerWire>,
    claim: Option<String>,
    sealed: Option<SealedWire>,
    ssh_agent: Option<SshAgentWire>,
    keyring: Option<KeyringWire>,
}

/// Writes the document; a secret that belongs into the keyring is there before it.
pub(crate) fn write(file: &KeyFile) -> Result<Zeroizing<String>, ContentError> {
    match &file.custody {
        Custody::Plain => write_plain(file),
        Custody::Sealed(lock) => {
            let sealed = SealedWire::close(lock, &write_plain(file)?)?;
            // what is outside is not protected, so it says the least
            let head = Head { sealed: Some(sealed), ..Head::bare(GUARDED, file) };
            Ok(Zeroizing::new(line(&head)?))
        }
        Custody::SshAgent(place) => {
            let ssh_agent = Some(SshAgentWire { socket: place.socket.clone() });
            Ok(Zeroizing::new(line(&Head { ssh_agent, ..Head::of(GUARDED, file) })?))
        }
        Custody::Keyring(entry) => {
            os_keyring::store(entry, &file.key)?;
            let keyring = Some(KeyringWire { service: entry.service.clone(), account: entry.account.clone() });
            Ok(Zeroizing::new(line(&Head { keyring, ..Head::of(GUARDED, file) })?))
        }
    }
}

fn write_plain(file: &KeyFile) -> Result<Zeroizing<String>, ContentError> {
    let key = file.key.expose_private_jwk().ok_or(ContentError::SecretElsewhere)?;
    let head = text(&Head::of(PLAIN, file))?;
    let mut document = Zeroizing::new(String::with_capacity(head.len() + key.len() + 16));
    document.push_str(head.strip_suffix('}').unwrap_or(&head));
    document.push_str(r#","key":"#);
    document.push_str(&key);
    document.push_str("}\n");
    Ok(document)
}

impl<'a> Head<'a> {
    /// Whose key it is, and no more.
    fn bare(version: u64, file: &'a KeyFile) -> Self {
        Self {
            version,
            kind: file.kind.as_str(),
            did: file.key.did().as_str(),
            issuer: None,
            handle: None,
            expected_owner: None,
            owner: None,
            claim: None,
            sealed: None,
            ssh_agent: None,
            keyring: None,
        }
    }

    /// With what its holder knows about itself.
    fn of(version: u64, file: &'a KeyFile) -> Self {
        Self {
            issuer: file.issuer.as_deref(),
            handle: file.handle.as_deref(),
            expected_owner: file.expected_owner.as_deref(),
            owner: file.owner.as_ref().map(|owner| OwnerWire { id: owner.id.clone(), name: owner.name.clone() }),
            claim: file.claim.as_deref(),
            ..Self::bare(version, file)
        }
    }
}

fn text(head: &Head<'_>) -> Result<String, ContentError> {
    serde_json::to_string(head).map_err(|error| ContentError::shape(&error.to_string()))
}

fn line(head: &Head<'_>) -> Result<String, ContentError> {
    Ok(text(head)? + "\n")
}

const fn limits() -> Limits {
    Limits::plain(MAX_KEY_FILE_BYTES)
}

/// The DID that a document is about, without opening anything.
pub(crate) fn did(bytes: &[u8]) -> Result<String, ContentError> {
    let Outside { version, did } = json::read(bytes, &limits()).map_err(ContentError::Json)?;
    if version == PLAIN || version == GUARDED { Ok(did) } else { Err(ContentError::Version(version)) }
}

/// Reads the document; unknown members are refused, for they would be lost by the next update.
pub(crate) fn read(bytes: &[u8], opener: &Opener<'_>) -> Result<KeyFile, ContentError> {
    let VersionOnly { version } = json::read(bytes, &limits()).map_err(ContentError::Json)?;
    match version {
        PLAIN => read_plain(bytes),
        GUARDED => read_guarded(bytes, opener),
        other => Err(ContentError::Version(other)),
    }
}

fn read_plain(bytes: &[u8]) -> Result<KeyFile, ContentError> {
    let whole: Whole = json::read(bytes, &limits()).map_err(ContentError::Json)?;
    let key = DpopKey::from_signing_key(SigningKey::try_from(&whole.key).map_err(ContentError::Key)?);
    require_same(&key, &whole.did)?;
    Ok(KeyFile {
        kind: kind(&whole.kind)?,
        key,
        custody: Custody::Plain,
        issuer: whole.issuer,
        handle: whole.handle,
        expected_owner: whole.expected_owner,
        owner: whole.owner.map(|owner| Owner { id: owner.id, name: owner.name }),
        claim: whole.claim,
    })
}

fn read_guarded(bytes: &[u8], opener: &Opener<'_>) -> Result<KeyFile, ContentError> {
    let whole: Guarded = json::read(bytes, &limits()).map_err(ContentError::Json)?;
    let known = [&whole.issuer, &whole.handle, &whole.expected_owner, &whole.claim];
    let is_bare = known.iter().all(|member| member.is_none()) && whole.owner.is_none();
    let custody = match (whole.sealed, whole.ssh_agent, whole.keyring) {
        // beside the encrypted text nothing is protected
        (Some(sealed), None, None) if is_bare => return open(&sealed, &whole.kind, &whole.did, opener),
        (None, Some(place), None) => Custody::SshAgent(SshAgentPlace { socket: place.socket }),
        (None, None, Some(entry)) => Custody::Keyring(KeyringEntry { service: entry.service, account: entry.account }),
        _ => {
            return Err(ContentError::shape(
                "expected one of `ssh_agent` and `keyring`, or `sealed` with nothing but `kind` and `did`",
            ));
        }
    };
    let kind = kind(&whole.kind)?;
    let did = DidKey::parse(&whole.did).map_err(|error| ContentError::shape(&format!("`did`: {error}")))?;
    let key = custody::find(&custody, &did)?;
    require_same(&key, &whole.did)?;
    Ok(KeyFile {
        kind,
        key,
        custody,
        issuer: whole.issuer,
        handle: whole.handle,
        expected_owner: whole.expected_owner,
        owner: whole.owner.map(|owner| Owner { id: owner.id, name: owner.name }),
        claim: whole.claim,
    })
}

/// What stands outside has to be what is inside: it is not protected, and it is what is seen without the passphrase.
fn open(sealed: &SealedWire, outer_kind: &str, did: &str, opener: &Opener<'_>) -> Result<KeyFile, ContentError> {
    let (lock, document) = sealed.open(opener)?;
    let file = read_plain(&document)?;
    require_same(&file.key, did)?;
    if file.kind != kind(outer_kind)? {
        return Err(ContentError::shape("`kind` is another one than the encrypted"));
    }
    Ok(KeyFile { custody: Custody::Sealed(lock), ..file })
}

fn kind(text: &str) -> Result<KeyKind, ContentError> {
    KeyKind::parse(text).ok_or_else(|| ContentError::shape("`kind` is neither `agent` nor `owner`"))
}

fn require_same(key: &DpopKey, did: &str) -> Result<(), ContentError> {
    if key.did().as_str() == did { Ok(()) } else { Err(ContentError::Did) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // tests stop at the first surprise
mod tests {
    use super::super::lock::{Effort, Lock, LockError};
    use super::*;
    use crate::secret::Secret;

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
            let back = read(write(&file).unwrap().as_bytes(), &Opener::Nothing).unwrap();
            assert_eq!(back.key.did(), file.key.did());
            assert_eq!(back.key.expose_private_jwk(), file.key.expose_private_jwk());
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
            let found = match read(changed.as_bytes(), &Opener::Nothing) {
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
        check(text.replace(r#""version":1"#, r#""version":2"#), "json");
        check(text.replace(r#""version":1"#, r#""version":1,"new":true"#), "json");
        check(text.replace(r#""version":1"#, r#""version":1,"version":1"#), "json");
        check(text.replace(r#""kind":"agent""#, r#""kind":"admin""#), "json");
        check(text.replace(full().key.did().as_str(), "") + "x", "json");
        check(format!("{text}{text}"), "json");
        check(text.replace(r#""crv":"Ed25519""#, r#""crv":"P-256""#), "key");
        check(text.replace(r#""d":""#, r#""d":"A"#), "key");
        let did = read(text.as_bytes(), &Opener::Nothing).unwrap().key.did().as_str().to_owned();
        check(text.replace(&format!(r#""did":"{did}""#), &format!(r#""did":"{}""#, other.did())), "did");
        check(text.replace("amber-otter", "brave-otter"), "fine");
    }

    fn sealed() -> (KeyFile, Secret) {
        let phrase = Secret::new("correct horse");
        let effort = Effort::new(8 * 1024, 1, 1).unwrap();
        (KeyFile { custody: Custody::Sealed(Lock::with_effort(&phrase, effort).unwrap()), ..full() }, phrase)
    }

    #[test]
    fn an_encrypted_document_shows_the_did_and_nothing_else() {
        let (file, phrase) = sealed();
        let text = write(&file).unwrap();
        let jwk: serde_json::Value = serde_json::from_str(&file.key.expose_private_jwk().unwrap()).unwrap();
        for hidden in [jwk.get("d").unwrap().as_str().unwrap(), "amber-otter", "reg.example", "claim_1", "owner:x"] {
            assert!(!text.contains(hidden), "{hidden}");
        }
        assert_eq!(did(text.as_bytes()).unwrap(), file.key.did().as_str());
        let back = read(text.as_bytes(), &Opener::Passphrase(&phrase)).unwrap();
        assert_eq!(back.key.expose_private_jwk(), file.key.expose_private_jwk());
        assert_eq!((back.handle, back.owner), (file.handle, file.owner));
        assert!(matches!(back.custody, Custody::Sealed(_)));
        // once read, it is written and read again without the passphrase
        let Custody::Sealed(lock) = back.custody else { unreachable!() };
        assert!(read(text.as_bytes(), &Opener::Lock(&lock)).is_ok());
    }

    #[test]
    fn each_change_of_an_encrypted_document_has_its_own_refusal() {
        let (file, phrase) = sealed();
        let text = write(&file).unwrap().to_string();
        let (other, _) = sealed();
        let Custody::Sealed(other_lock) = &other.custody else { unreachable!() };
        let check = |changed: &str, opener: &Opener<'_>, expected: &str| {
            let found = match read(changed.as_bytes(), opener) {
                Ok(_) => "fine",
                Err(ContentError::Json(_)) => "json",
                Err(ContentError::Did) => "did",
                Err(ContentError::Encrypted) => "encrypted",
                Err(ContentError::Lock(LockError::Closed)) => "closed",
                Err(ContentError::Lock(LockError::Effort)) => "effort",
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{changed}");
        };
        let right = Opener::Passphrase(&phrase);
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        };
        check(&text, &right, "fine");
        check(&text, &Opener::Nothing, "encrypted");
        check(&text, &Opener::Lock(other_lock), "encrypted");
        for wrong in ["", "correct", "Correct horse", "correct horse\n"] {
            check(&text, &Opener::Passphrase(&Secret::new(wrong)), "closed");
        }
        check(&changed(file.key.did().as_str(), other.key.did().as_str()), &right, "did");
        check(&changed(r#""kind":"agent""#, r#""kind":"owner""#), &right, "json");
        check(&changed(r#""passes":1"#, r#""passes":2"#), &right, "closed");
        check(&changed(r#""name":"argon2id""#, r#""name":"argon2i""#), &right, "json");
        check(&changed("xchacha20poly1305", "none"), &right, "json");
        check(&changed(r#""nonce":""#, r#""nonce":"A"#), &right, "json");
        check(&changed(r#""salt":""#, r#""salt":"AAAA"#), &right, "json");
        check(&changed(r#""text":""#, r#""text":"AAAA"#), &right, "closed");
        check(&changed(r#""version":2"#, r#""version":2,"issuer":"https://evil.example""#), &right, "json");
        check(&changed(r#""version":2"#, r#""version":1"#), &right, "json");
        // a hostile file is refused before it costs anything
        for (from, to) in [
            (r#""memory_kib":8192"#, r#""memory_kib":4294967295"#),
            (r#""memory_kib":8192"#, r#""memory_kib":262145"#),
            (r#""memory_kib":8192"#, r#""memory_kib":8191"#),
            (r#""passes":1"#, r#""passes":17"#),
            (r#""passes":1"#, r#""passes":0"#),
            (r#""lanes":1"#, r#""lanes":17"#),
        ] {
            check(&changed(from, to), &right, "effort");
        }
        check(&changed(r#""memory_kib":8192"#, r#""memory_kib":4294967296"#), &right, "json");
    }
}
