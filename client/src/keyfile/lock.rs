//! The lock of encrypted key files: a key made of a passphrase, with an effort that is bounded (spec/key-file.md).

use std::fmt;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use handfast_identity::{OsRandom, random_bytes};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Bytes of a passphrase.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;
/// Least memory for a passphrase: with less, guessing is cheap.
pub(super) const MIN_MEMORY_KIB: u32 = 8 * 1024;
/// Most memory that a file can ask for.
pub(super) const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// Most passes over that memory.
pub(super) const MAX_PASSES: u32 = 16;
/// Most lanes.
pub(super) const MAX_LANES: u32 = 16;
pub(super) const SALT_BYTES: usize = 16;
pub(super) const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// How much work a passphrase takes, for its user once and for a thief with every guess (Argon2id, RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Effort {
    /// The second choice of RFC 9106 4, for machines with little memory: 64 MiB, three passes, four lanes.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// An effort from 8 to 256 MiB, 1 to 16 passes and 1 to 16 lanes.
    ///
    /// # Errors
    ///
    /// [`LockError::Effort`] beyond that.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, LockError> {
        let is_bounded = memory_kib >= MIN_MEMORY_KIB
            && memory_kib <= MAX_MEMORY_KIB
            && passes >= 1
            && passes <= MAX_PASSES
            && lanes >= 1
            && lanes <= MAX_LANES;
        if is_bounded { Ok(Self { memory_kib, passes, lanes }) } else { Err(LockError::Effort) }
    }

    /// Memory in KiB, passes and lanes.
    pub(super) const fn parts(self) -> (u32, u32, u32) {
        (self.memory_kib, self.passes, self.lanes)
    }
}

/// What opens and closes key files: a key made of a passphrase. The passphrase itself is not kept. Cloning shares the one key, which is
/// wiped with the last of them.
#[derive(Clone)]
pub struct Lock(Arc<Inner>);

struct Inner {
    effort: Effort,
    salt: [u8; SALT_BYTES],
    key: Zeroizing<[u8; KEY_BYTES]>,
}

/// Why there is no lock, or it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockError {
    /// Empty, or longer than [`MAX_PASSPHRASE_BYTES`].
    #[error("a passphrase has from 1 to {MAX_PASSPHRASE_BYTES} bytes")]
    Passphrase,
    /// Out of its bounds.
    #[error("the effort for a passphrase is out of its bounds")]
    Effort,
    /// The passphrase is another one, or what it closed was altered.
    #[error("the passphrase does not open it")]
    Closed,
}

impl Lock {
    /// A new lock for a passphrase, at the usual effort: some tenths of a second of work.
    ///
    /// # Errors
    ///
    /// [`LockError::Passphrase`].
    pub fn new(passphrase: &Secret) -> Result<Self, LockError> {
        Self::with_effort(passphrase, Effort::DEFAULT)
    }

    /// The same at another effort.
    ///
    /// # Errors
    ///
    /// [`LockError::Passphrase`].
    pub fn with_effort(passphrase: &Secret, effort: Effort) -> Result<Self, LockError> {
        Self::derive(passphrase, effort, random_bytes(&mut OsRandom))
    }

    /// The lock that a file names.
    pub(super) fn derive(passphrase: &Secret, effort: Effort, salt: [u8; SALT_BYTES]) -> Result<Self, LockError> {
        let text = passphrase.expose().as_bytes();
        if text.is_empty() || text.len() > MAX_PASSPHRASE_BYTES {
            return Err(LockError::Passphrase);
        }
        let params = Params::new(effort.memory_kib, effort.passes, effort.lanes, Some(KEY_BYTES));
        let function = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(|_| LockError::Effort)?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        function.hash_password_into(text, &salt, key.as_mut()).map_err(|_| LockError::Effort)?;
        Ok(Self(Arc::new(Inner { effort, salt, key })))
    }

    /// Whether this is the lock with that effort and salt.
    pub(super) fn is(&self, effort: Effort, salt: &[u8; SALT_BYTES]) -> bool {
        self.0.effort == effort && self.0.salt == *salt
    }

    pub(super) fn effort(&self) -> Effort {
        self.0.effort
    }

    pub(super) fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.0.salt
    }

    /// Encrypts `text` under a fresh nonce.
    pub(super) fn close(&self, text: &[u8]) -> Result<([u8; NONCE_BYTES], Vec<u8>), LockError> {
        let nonce = random_bytes(&mut OsRandom);
        // room for the tag, so that no copy of the text stays behind where it grew
        let mut buffer = Zeroizing::new(Vec::with_capacity(text.len() + TAG_BYTES));
        buffer.extend_from_slice(text);
        self.cipher().encrypt_in_place(&XNonce::from(nonce), b"", &mut *buffer).map_err(|_| LockError::Closed)?;
        Ok((nonce, buffer.to_vec()))
    }

    /// Decrypts what [`Self::close`] gave.
    pub(super) fn open(&self, nonce: [u8; NONCE_BYTES], text: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, LockError> {
        let mut buffer = Zeroizing::new(text);
        self.cipher().decrypt_in_place(&XNonce::from(nonce), b"", &mut *buffer).map_err(|_| LockError::Closed)?;
        Ok(buffer)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(<&Key>::from(&*self.0.key))
    }
}

/// What the cipher adds.
const TAG_BYTES: usize = 16;

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock(redacted)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests stop at the first surprise
mod tests {
    use super::*;

    const LEAST: Effort = Effort { memory_kib: MIN_MEMORY_KIB, passes: 1, lanes: 1 };

    fn check(parts: (u32, u32, u32), is_good: bool) {
        assert_eq!(Effort::new(parts.0, parts.1, parts.2).is_ok(), is_good, "{parts:?}");
    }

    #[test]
    fn an_effort_has_bounds_on_both_sides() {
        check(Effort::DEFAULT.parts(), true);
        check((MIN_MEMORY_KIB, 1, 1), true);
        check((MIN_MEMORY_KIB - 1, 1, 1), false);
        check((MAX_MEMORY_KIB, MAX_PASSES, MAX_LANES), true);
        check((MAX_MEMORY_KIB + 1, 1, 1), false);
        check((MIN_MEMORY_KIB, MAX_PASSES + 1, 1), false);
        check((MIN_MEMORY_KIB, 1, MAX_LANES + 1), false);
        check((MIN_MEMORY_KIB, 0, 1), false);
        check((MIN_MEMORY_KIB, 1, 0), false);
        check((u32::MAX, u32::MAX, u32::MAX), false);
    }

    #[test]
    fn a_passphrase_has_bounds_too() {
        let made = |bytes: usize| Lock::with_effort(&Secret::new("x".repeat(bytes)), LEAST).map(|_| ());
        assert_eq!(made(0), Err(LockError::Passphrase));
        assert_eq!(made(1), Ok(()));
        assert_eq!(made(MAX_PASSPHRASE_BYTES), Ok(()));
        assert_eq!(made(MAX_PASSPHRASE_BYTES + 1), Err(LockError::Passphrase));
    }

    #[test]
    fn only_the_same_passphrase_salt_and_effort_open() {
        let lock = Lock::with_effort(&Secret::new("correct horse"), LEAST).unwrap();
        let (nonce, closed) = lock.close(b"secret").unwrap();
        let opened = |phrase: &str, effort, salt| {
            let lock = Lock::derive(&Secret::new(phrase), effort, salt).unwrap();
            lock.open(nonce, closed.clone()).map(|text| text.to_vec())
        };
        let salt = *lock.salt();
        assert_eq!(opened("correct horse", LEAST, salt), Ok(b"secret".to_vec()));
        assert_eq!(opened("correct horsf", LEAST, salt), Err(LockError::Closed));
        assert_eq!(opened("correct horse ", LEAST, salt), Err(LockError::Closed));
        assert_eq!(opened("correct horse", Effort { passes: 2, ..LEAST }, salt), Err(LockError::Closed));
        let mut other = salt;
        other[0] ^= 1;
        assert_eq!(opened("correct horse", LEAST, other), Err(LockError::Closed));
        for at in 0..closed.len() {
            let mut altered = closed.clone();
            altered[at] ^= 1;
            assert_eq!(lock.open(nonce, altered).map(|_| ()), Err(LockError::Closed), "{at}");
        }
        assert_eq!(lock.open(nonce, Vec::new()).map(|_| ()), Err(LockError::Closed));
        assert!(!format!("{lock:?}").contains(&format!("{:?}", lock.0.key)));
    }

    #[test]
    fn nothing_is_closed_twice_under_one_nonce() {
        let lock = Lock::with_effort(&Secret::new("p"), LEAST).unwrap();
        assert_ne!(lock.close(b"x").unwrap(), lock.close(b"x").unwrap());
    }
}
