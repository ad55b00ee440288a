//! Replacing the token key: the one that stands by signs, a new one stands by, and the one before stays published for a while.
//!
//! ```text
//!   token-next.jwk (published ahead) --> token.jwk (signs) --> token-former.json (public half, until its tokens are over)
//! ```
//!
//! Each step is one durable change of one file, in an order in which every state in between is one to start from.

use std::path::Path;

use handfast_identity::json::{self, Limits};
use handfast_identity::{JwkWire, OsRandom, PublicKey, SigningKey, UnixTime};
use handfast_registry_model::limits::{LONGEST_TOKEN_LIFETIME, REVOCATION_MARGIN};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{
    FORMER_FILE, KEYS_DIRECTORY, KeyFileError, NEXT_FILE, TOKEN_FILE, io_error, read, signing, sync_directory, write,
};
use super::token::FormerKey;

/// Longest list of former keys read: room for sixty, and a key is former for an hour.
const MAX_FORMER_BYTES: u64 = 16 * 1024;

/// What a rotation of the token key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedTokenKey {
    /// The `kid` of the key that signs from the next start on.
    pub signs: String,
    /// The `kid` of the key that stands by.
    pub stands_by: String,
    /// The `kid` of the key that signed until now, if it was replaced. It was not where no key stood by: then only one was made.
    pub replaced: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerWire {
    keys: Vec<EntryWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryWire {
    jwk: Value,
    until: UnixTime,
}

/// Rotates the token key of the registry in `directory`, which takes it up at its next start.
///
/// # Errors
///
/// [`KeyFileError`]; whatever was done until then, the registry starts, and calling again goes on.
pub fn rotate_token_key(directory: impl AsRef<Path>, now: UnixTime) -> Result<RotatedTokenKey, KeyFileError> {
    let directory = directory.as_ref().join(KEYS_DIRECTORY);
    let current = signing(&directory, TOKEN_FILE)?.public().clone();
    let mut former: Vec<_> = former(&directory)?.into_iter().filter(|former| now <= former.until).collect();
    let signs = match signing(&directory, NEXT_FILE) {
        Ok(next) => {
            let until = now.saturating_add(LONGEST_TOKEN_LIFETIME).saturating_add(REVOCATION_MARGIN);
            former.retain(|known| known.key != current);
            former.push(FormerKey { key: current.clone(), until });
            keep(&directory, &former)?;
            let path = directory.join(TOKEN_FILE);
            std::fs::rename(directory.join(NEXT_FILE), &path).map_err(|error| io_error(&path, error))?;
            sync_directory(&directory)?;
            next.public().clone()
        }
        Err(error) if error.is_missing() => current.clone(),
        Err(error) => return Err(error),
    };
    let standby = SigningKey::generate_ed25519(&mut OsRandom);
    write(&directory.join(NEXT_FILE), &standby.expose_private_jwk())?;
    sync_directory(&directory)?;
    let id = |key: &PublicKey| key.thumbprint().to_string();
    let replaced = (signs != current).then(|| id(&current));
    Ok(RotatedTokenKey { signs: id(&signs), stands_by: id(standby.public()), replaced })
}

/// The keys that signed before.
pub(super) fn former(directory: &Path) -> Result<Vec<FormerKey>, KeyFileError> {
    let path = directory.join(FORMER_FILE);
    let text = match read(&path, MAX_FORMER_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let content = || KeyFileError::Content { path: path.clone(), cause: None };
    let limits = Limits::plain(usize::try_from(MAX_FORMER_BYTES).unwrap_or(usize::MAX));
    let wire: FormerWire = json::read_object(text.trim_end().as_bytes(), &limits).map_err(|_| content())?;
    let key = |entry: EntryWire| {
        let jwk: JwkWire = serde_json::from_value(entry.jwk).map_err(|_| content())?;
        let key = PublicKey::try_from(&jwk).map_err(|_| content())?;
        Ok(FormerKey { key, until: entry.until })
    };
    wire.keys.into_iter().map(key).collect()
}

fn keep(directory: &Path, former: &[FormerKey]) -> Result<(), KeyFileError> {
    let path = directory.join(FORMER_FILE);
    let told = |error: serde_json::Error| io_error(&path, error.into());
    let entry = |former: &FormerKey| -> Result<_, serde_json::Error> {
        Ok(EntryWire { jwk: serde_json::from_str(&former.key.to_jwk())?, until: former.until })
    };
    let keys = former.iter().map(entry).collect::<Result<Vec<_>, _>>().map_err(told)?;
    let text = serde_json::to_string(&FormerWire { keys }).map_err(told)?;
    let next = path.with_extension("new");
    match std::fs::remove_file(&next) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(&next, error)),
    }
    write(&next, &text)?;
    std::fs::rename(&next, &path).map_err(|error| io_error(&path, error))?;
    sync_directory(directory)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]
mod tests {
    use super::super::RegistryKeys;
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

    fn ids(directory: &Path) -> Vec<String> {
        let keys = RegistryKeys::read(directory).unwrap();
        keys.token_public().iter().map(|key| key.thumbprint().to_string()).collect()
    }

    #[test]
    fn each_rotation_moves_every_key_on_one_place() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        RegistryKeys::generate(&mut OsRandom).write(directory).unwrap();
        let first = ids(directory);
        let rotated = rotate_token_key(directory, NOW).unwrap();
        let second = ids(directory);
        assert_eq!(second, [first[1].clone(), rotated.stands_by.clone(), first[0].clone()]);
        assert_eq!((rotated.signs, rotated.replaced), (first[1].clone(), Some(first[0].clone())));
        // a key is former until its tokens are over, and then gone
        let later = NOW.saturating_add(LONGEST_TOKEN_LIFETIME).saturating_add(REVOCATION_MARGIN);
        rotate_token_key(directory, later).unwrap();
        let third = ids(directory);
        assert_eq!((third.len(), &third[0], &third[2..]), (4, &second[1], &[first[0].clone(), first[1].clone()][..]));
        rotate_token_key(directory, later.saturating_add(handfast_identity::Seconds::new(1))).unwrap();
        assert_eq!(ids(directory)[2..], [first[1].clone(), second[1].clone()]);
        let text = std::fs::read_to_string(directory.join(KEYS_DIRECTORY).join(FORMER_FILE)).unwrap();
        assert!(!text.contains("\"d\""), "no secret is kept of it");
    }

    #[test]
    fn a_rotation_that_was_interrupted_is_gone_on_with() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        RegistryKeys::generate(&mut OsRandom).write(directory).unwrap();
        let before = ids(directory);
        // between the second step and the third, and in the directory of a registry from before there was a second key
        std::fs::remove_file(directory.join(KEYS_DIRECTORY).join(NEXT_FILE)).unwrap();
        assert_eq!(ids(directory), before[..1]);
        let rotated = rotate_token_key(directory, NOW).unwrap();
        assert_eq!((&rotated.signs, rotated.replaced), (&before[0], None));
        assert_eq!(ids(directory), [before[0].clone(), rotated.stands_by]);
        // between the first step and the second: the key that signs is listed among the former ones as well
        let key = signing(&directory.join(KEYS_DIRECTORY), TOKEN_FILE).unwrap().public().clone();
        keep(&directory.join(KEYS_DIRECTORY), &[FormerKey { key, until: NOW }]).unwrap();
        assert_eq!(ids(directory).len(), 2);
        rotate_token_key(directory, NOW).unwrap();
        assert_eq!(ids(directory).len(), 3);
        std::fs::write(directory.join(KEYS_DIRECTORY).join(FORMER_FILE), "{}").unwrap();
        assert!(matches!(RegistryKeys::read(directory), Err(KeyFileError::Content { .. })));
    }
}
