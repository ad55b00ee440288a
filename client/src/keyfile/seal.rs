//! Encryption of a key file with a passphrase (spec/identity.md, encrypted key files).

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use handfast_identity::{OsRandom, base64url, random_bytes};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::ContentError;
use super::wire::SealedWire;
use crate::secret::Secret;

/// Memory that guessing one passphrase takes, in KiB (spec/limits.md).
pub const KDF_MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory (spec/limits.md).
pub const KDF_PASSES: u32 = 3;
/// Lanes of that memory (spec/limits.md).
pub const KDF_LANES: u32 = 4;
/// Least memory that a file may ask for, in KiB (spec/limits.md).
pub const MIN_KDF_MEMORY_KIB: u32 = 8 * 1024;
/// Most memory that a file may ask for, in KiB (spec/limits.md).
pub const MAX_KDF_MEMORY_KIB: u32 = 1024 * 1024;
/// Most passes that a file may ask for (spec/limits.md).
pub const MAX_KDF_PASSES: u32 = 16;
/// Most lanes that a file may ask for (spec/limits.md).
pub const MAX_KDF_LANES: u32 = 16;

const KDF_SALT_BYTES: usize = 16;
const SEAL_KEY_BYTES: usize = 32;
const SEAL_CHECK_BYTES: usize = 16;

/// What guessing costs, as the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    pub(crate) const DEFAULT: Self = Self { memory_kib: KDF_MEMORY_KIB, passes: KDF_PASSES, lanes: KDF_LANES };

    /// A file is read before anything of it is known to be true, so it cannot ask for a day's work, or for none.
    fn params(self) -> Result<Params, ContentError> {
        let is_within = (MIN_KDF_MEMORY_KIB..=MAX_KDF_MEMORY_KIB).contains(&self.memory_kib)
            && (1..=MAX_KDF_PASSES).contains(&self.passes)
            && (1..=MAX_KDF_LANES).contains(&self.lanes);
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(SEAL_KEY_BYTES + SEAL_CHECK_BYTES));
        params.ok().filter(|_| is_within).ok_or(ContentError::Cost)
    }
}

/// What a passphrase comes to with one salt. Kept while the file is in use, so that it can be written again without asking.
pub(crate) struct Seal {
    cost: Cost,
    salt: [u8; KDF_SALT_BYTES],
    key: Zeroizing<[u8; SEAL_KEY_BYTES]>,
    /// Made together with the key and kept in the file: tells a wrong passphrase from a damaged file, and neither from the key.
    check: [u8; SEAL_CHECK_BYTES],
}

impl Seal {
    /// A new seal by `passphrase`.
    pub(crate) fn new(passphrase: &Secret, cost: Cost) -> Result<Self, ContentError> {
        Self::derive(passphrase, cost, random_bytes(&mut OsRandom))
    }

    fn derive(passphrase: &Secret, cost: Cost, salt: [u8; KDF_SALT_BYTES]) -> Result<Self, ContentError> {
        if passphrase.expose().is_empty() {
            return Err(ContentError::EmptyPassphrase);
        }
        let mut made = Zeroizing::new([0; SEAL_KEY_BYTES + SEAL_CHECK_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut *made)
            .map_err(|_| ContentError::Cost)?;
        let mut key = Zeroizing::new([0; SEAL_KEY_BYTES]);
        let mut check = [0; SEAL_CHECK_BYTES];
        let (first, second) = made.split_at(SEAL_KEY_BYTES);
        key.copy_from_slice(first);
        check.copy_from_slice(second);
        Ok(Self { cost, salt, key, check })
    }

    /// Encrypts `text`, bound to whose key it is.
    pub(crate) fn seal(&self, kind: &str, did: &str, text: &str) -> Result<SealedWire, ContentError> {
        let nonce: [u8; NONCE_LEN] = random_bytes(&mut OsRandom);
        let mut wire = SealedWire {
            version: SealedWire::VERSION,
            kind: kind.to_owned(),
            did: did.to_owned(),
            kdf: SealedWire::KDF.to_owned(),
            memory_kib: self.cost.memory_kib,
            passes: self.cost.passes,
            lanes: self.cost.lanes,
            salt: base64url::encode(&self.salt),
            check: base64url::encode(&self.check),
            cipher: SealedWire::CIPHER.to_owned(),
            nonce: base64url::encode(&nonce),
            sealed: String::new(),
        };
        // room for the tag from the start: a buffer that grows leaves copies behind
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + CHACHA20_POLY1305.tag_len()));
        bytes.extend_from_slice(text.as_bytes());
        let aad = Aad::from(bound(&wire).into_bytes());
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *bytes)
            .map_err(|_| ContentError::Damaged)?;
        wire.sealed = base64url::encode(&bytes);
        Ok(wire)
    }

    /// What was encrypted, if this is the seal of `wire`.
    pub(crate) fn open(&self, wire: &SealedWire) -> Result<Zeroizing<Vec<u8>>, ContentError> {
        let check = base64url::decode(&wire.check).map_err(|_| ContentError::Damaged)?;
        if !bool::from(self.check.ct_eq(&check)) {
            return Err(ContentError::Passphrase);
        }
        let nonce: [u8; NONCE_LEN] = base64url::decode_array(&wire.nonce).map_err(|_| ContentError::Damaged)?;
        let mut bytes = Zeroizing::new(base64url::decode(&wire.sealed).map_err(|_| ContentError::Damaged)?);
        let aad = Aad::from(bound(wire).into_bytes());
        let length = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|_| ContentError::Damaged)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The seal of `wire` by `passphrase`; whether it is the right one shows when it opens.
    pub(crate) fn of(wire: &SealedWire, passphrase: &Secret) -> Result<Self, ContentError> {
        let salt = base64url::decode_array(&wire.salt).map_err(|_| ContentError::Damaged)?;
        Self::derive(passphrase, wire.cost(), salt)
    }

    /// Whether `wire` was made with this seal, by its salt and cost.
    pub(crate) fn is_of(&self, wire: &SealedWire) -> bool {
        wire.cost() == self.cost && wire.salt == base64url::encode(&self.salt)
    }

    fn cipher(&self) -> Result<LessSafeKey, ContentError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*self.key).map_err(|_| ContentError::Damaged)?;
        Ok(LessSafeKey::new(key))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(redacted)")
    }
}

/// What stands in the open part of the file and cannot be changed there: each on a line of its own.
fn bound(wire: &SealedWire) -> String {
    let SealedWire { version, kind, did, kdf, memory_kib, passes, lanes, salt, check, cipher, .. } = wire;
    format!(
        "handfast key file {version}\n{kind}\n{did}\n{kdf} {memory_kib} {passes} {lanes}\n{salt}\n{check}\n{cipher}\n"
    )
}
