//! Keys that do nothing else, as far as that can be told.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use handfast_identity::base64url;
use thiserror::Error;

use super::{SshAgent, SshKey, codec, standard};
use crate::holder::HolderError;

/// What the comment of a dedicated key begins with.
pub const MARK: &str = "handfast";
/// Most of a file of keys that is looked through.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Why an agent has no key for this.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DedicatedError {
    /// The agent cannot be asked.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// None with the mark, and none was named.
    #[error(
        "the ssh-agent holds no ed25519 key whose comment begins with `{MARK}`, and none was named by its fingerprint"
    )]
    None,
    /// More than one with the mark.
    #[error("the ssh-agent holds several keys whose comment begins with `{MARK}`: name one of {}", .0.join(", "))]
    Several(Vec<String>),
    /// None with this fingerprint.
    #[error("the ssh-agent holds no ed25519 key `{0}`")]
    Unknown(String),
    /// It is used for something else.
    #[error("the key `{fingerprint}` is used for ssh: {by}")]
    Used {
        /// Which key.
        fingerprint: String,
        /// By what that is seen.
        by: String,
    },
}

impl SshAgent {
    /// The key to be used: the one with `fingerprint`, or else the only one whose comment begins with `handfast`. `folder` is the
    /// user's SSH folder, in which other uses are looked for.
    ///
    /// # Errors
    ///
    /// [`DedicatedError`]: a key is refused that the agent has a certificate for, that is one of the user's identities (`id_*.pub`), or
    /// that may log in here or sign for somebody (`authorized_keys`, `allowed_signers`). Other uses are not seen.
    pub async fn dedicated(&self, fingerprint: Option<&str>, folder: Option<&Path>) -> Result<SshKey, DedicatedError> {
        let key = chosen(self.keys().await?, fingerprint)?;
        let used = |by| DedicatedError::Used { fingerprint: key.fingerprint(), by };
        if key.is_certified {
            return Err(used("the agent holds a certificate for it".to_owned()));
        }
        match folder.and_then(|folder| other_use(folder, &key)) {
            Some(path) => Err(used(format!("it stands in `{}`", path.display()))),
            None => Ok(key),
        }
    }
}

fn chosen(keys: Vec<SshKey>, fingerprint: Option<&str>) -> Result<SshKey, DedicatedError> {
    if let Some(wanted) = fingerprint {
        let named = keys.into_iter().find(|key| key.fingerprint() == wanted);
        return named.ok_or_else(|| DedicatedError::Unknown(wanted.to_owned()));
    }
    let mut marked: Vec<_> = keys.into_iter().filter(|key| key.comment.starts_with(MARK)).collect();
    match (marked.pop(), marked.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => Err(DedicatedError::None),
        (Some(last), false) => {
            Err(DedicatedError::Several(marked.iter().chain([&last]).map(SshKey::fingerprint).collect()))
        }
    }
}

/// The file in which the key stands for something else.
fn other_use(folder: &Path, key: &SshKey) -> Option<PathBuf> {
    let text = standard(&base64url::encode(&codec::blob(&key.public.to_bytes())));
    let entries = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = entries.filter(|path| tells_of_use(path)).collect();
    files.sort();
    files.into_iter().find(|path| names(path, &text))
}

fn tells_of_use(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_identity = name.starts_with("id_") && name.ends_with(".pub");
    is_identity || ["authorized_keys", "authorized_keys2", "allowed_signers"].contains(&name)
}

/// Whether one of the words of the file is the key.
fn names(path: &Path, key: &str) -> bool {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    read.is_ok() && text.split_ascii_whitespace().any(|word| word == key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // tests stop at the first surprise
mod tests {
    use handfast_identity::SigningKey;

    use super::*;

    fn key(seed: u8, comment: &str) -> SshKey {
        let public = SigningKey::from_ed25519_seed(&[seed; 32]).public().clone();
        SshKey { public, comment: comment.to_owned(), is_certified: false }
    }

    #[test]
    fn one_marked_key_is_taken_or_the_one_that_is_named() {
        let (plain, marked, other) = (key(1, "me@laptop"), key(2, "handfast:filer"), key(3, "handfast"));
        let all = || vec![plain.clone(), marked.clone(), other.clone()];
        assert_eq!(chosen(vec![plain.clone(), marked.clone()], None), Ok(marked.clone()));
        assert_eq!(chosen(vec![plain.clone(), key(4, "my handfast")], None), Err(DedicatedError::None));
        assert_eq!(chosen(Vec::new(), None), Err(DedicatedError::None));
        assert_eq!(chosen(all(), None), Err(DedicatedError::Several(vec![marked.fingerprint(), other.fingerprint()])));
        assert_eq!(chosen(all(), Some(&plain.fingerprint())), Ok(plain.clone()));
        for unknown in ["", "SHA256:", &plain.fingerprint().to_lowercase(), "handfast:filer"] {
            assert_eq!(chosen(all(), Some(unknown)), Err(DedicatedError::Unknown(unknown.to_owned())));
        }
    }

    #[test]
    fn a_key_of_the_ssh_folder_is_used_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let key = key(1, "handfast");
        let line = format!("ssh-ed25519 {} me", standard(&base64url::encode(&codec::blob(&key.public.to_bytes()))));
        let found = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            let found = other_use(folder.path(), &key);
            fs::remove_file(&path).unwrap();
            found == Some(path)
        };
        assert!(found("id_ed25519.pub", &line));
        assert!(found("id_work.pub", &line));
        assert!(found("authorized_keys", &format!("# mine\nrestrict,command=\"x\" {line}\n")));
        assert!(found("allowed_signers", &format!("me@example {line}\n")));
        // where a key made for this lies, under another name
        assert!(!found("handfast.pub", &line));
        assert!(!found("authorized_keys", &line.replace(" me", "x me")));
        assert!(!found("id_ed25519.pub", "ssh-ed25519 AAAA me"));
        assert_eq!(other_use(&folder.path().join("missing"), &key), None);
    }

    #[test]
    fn a_fingerprint_is_the_one_that_openssh_shows() {
        // `ssh-keygen -l` of the key of RFC 8032 7.1, TEST 1
        let seed = base64url::decode_array("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let public = SigningKey::from_ed25519_seed(&seed).public().clone();
        let key = SshKey { public, comment: String::new(), is_certified: false };
        assert_eq!(key.fingerprint(), "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
    }
}
