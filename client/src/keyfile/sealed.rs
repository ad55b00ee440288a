//! The encrypted document: a whole key file in the clear, closed, with what it takes to open it around it.

use handfast_identity::base64url;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ContentError;
use super::lock::{Effort, Lock, LockError, NONCE_BYTES, SALT_BYTES};
use crate::secret::Secret;

/// The only ways there are so far.
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// What a reader has to open a file with.
pub(super) enum Opener<'a> {
    Nothing,
    Passphrase(&'a Secret),
    Lock(&'a Lock),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedWire {
    kdf: KdfWire,
    cipher: String,
    nonce: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfWire {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

impl SealedWire {
    /// Closes `document`.
    pub(super) fn close(lock: &Lock, document: &str) -> Result<Self, ContentError> {
        let (nonce, text) = lock.close(document.as_bytes()).map_err(ContentError::Lock)?;
        let (memory_kib, passes, lanes) = lock.effort().parts();
        let salt = base64url::encode(lock.salt());
        let kdf = KdfWire { name: KDF.to_owned(), memory_kib, passes, lanes, salt };
        let (nonce, text) = (base64url::encode(&nonce), base64url::encode(&text));
        Ok(Self { kdf, cipher: CIPHER.to_owned(), nonce, text })
    }

    /// Opens the document within; everything about its form is looked at before any work is done for it.
    pub(super) fn open(&self, opener: &Opener<'_>) -> Result<(Lock, Zeroizing<Vec<u8>>), ContentError> {
        if self.kdf.name != KDF || self.cipher != CIPHER {
            return Err(ContentError::shape("`sealed` names a way that is not known here"));
        }
        let effort = Effort::new(self.kdf.memory_kib, self.kdf.passes, self.kdf.lanes).map_err(ContentError::Lock)?;
        let unreadable = |_| ContentError::shape("a part of `sealed` is no base64url of its length");
        let salt: [u8; SALT_BYTES] = base64url::decode_array(&self.kdf.salt).map_err(unreadable)?;
        let nonce: [u8; NONCE_BYTES] = base64url::decode_array(&self.nonce).map_err(unreadable)?;
        let text = base64url::decode(&self.text).map_err(unreadable)?;
        let lock = match opener {
            Opener::Nothing => return Err(ContentError::Encrypted),
            Opener::Passphrase(passphrase) => match Lock::derive(passphrase, effort, salt) {
                // no file is closed with such a one
                Err(LockError::Passphrase) => Err(LockError::Closed),
                other => other,
            }
            .map_err(ContentError::Lock)?,
            Opener::Lock(lock) if lock.is(effort, &salt) => (*lock).clone(),
            Opener::Lock(_) => return Err(ContentError::Encrypted),
        };
        let document = lock.open(nonce, text).map_err(ContentError::Lock)?;
        Ok((lock, document))
    }
}
