//! The registry's own secrets: one key per purpose, each in a file of its own.
//!
//! | file | signs or hashes | lost means |
//! |---|---|---|
//! | `token.jwk` | access tokens | no token verifies any more: new ones are needed |
//! | `token-next.jwk` | access tokens, as soon as the other is revoked or replaced; published ahead | another is made |
//! | `token-former.json` | nothing: public halves of keys that signed before, published until their tokens are over | those tokens end early |
//! | `feed.jwk` | the revocation feed; resource servers pin it | the recovery key names another, or they have to be told |
//! | `feed-next.jwk` | nothing yet: the key that a replacement of the feed key made, until it is done | another is made |
//! | `code.secret` | nothing; claim codes are hashed under it | open claim codes are void |
//!
//! A stolen token key mints tokens, a stolen feed key hides revocations, and neither does the other's work: the `typ` of what
//! they sign differs, and verifiers look each up in another place.

mod files;
mod recovery;
mod rotate;
mod token;

use core::fmt;

use handfast_identity::{DidKey, PublicKey, RandomSource, SigningKey, random_bytes};
use handfast_middleware::{Mode, publicly_known};
use handfast_registry_model::CodeKey;
use handfast_verifier::trust::KeySet;
use zeroize::Zeroizing;

use crate::config::{ConfigError, Setting};

pub(crate) use files::sync_directory;
pub use files::{KEYS_DIRECTORY, KeyFileError};
pub use recovery::RecoveryKey;
pub(crate) use recovery::{feed_key, next_feed_key, settle_feed_key};
pub use rotate::{RotatedTokenKey, rotate_token_key};
pub(crate) use token::{TokenKey, TokenKeys};

/// The keys of one registry.
pub struct RegistryKeys {
    token: TokenKeys,
    feed: SigningKey,
    code: Zeroizing<[u8; 32]>,
}

impl RegistryKeys {
    /// Fresh keys.
    pub fn generate(random: &mut dyn RandomSource) -> Self {
        Self::of(
            TokenKeys {
                current: TokenKey::new(SigningKey::generate_ed25519(random)),
                standby: Some(TokenKey::new(SigningKey::generate_ed25519(random))),
                former: Vec::new(),
            },
            SigningKey::generate_ed25519(random),
            Zeroizing::new(random_bytes(random)),
        )
    }

    const fn of(token: TokenKeys, feed: SigningKey, code: Zeroizing<[u8; 32]>) -> Self {
        Self { token, feed, code }
    }

    /// Refuses keys that do not protect: in production those whose secret half is published (TH68), always one key for two
    /// purposes.
    pub(crate) fn require_sound(&self, mode: Mode, recovery: Option<&DidKey>) -> Result<(), ConfigError> {
        let token = self.token.public();
        let is_used =
            |recovery: &DidKey| token.contains(recovery.public_key()) || self.feed.public() == recovery.public_key();
        if recovery.is_some_and(is_used) {
            return Err(
                Setting::FeedRecoveryKey.because("a key that is used here: it has to be another, kept elsewhere")
            );
        }
        if token.contains(self.feed.public()) {
            return Err(Setting::FeedKey.because("the same key as one for tokens: each purpose needs its own"));
        }
        let token = token.iter().map(|key| (Setting::TokenKey, key));
        let keys = token.chain([(Setting::FeedKey, self.feed.public())]);
        for (setting, key) in keys.filter(|_| mode == Mode::Production) {
            if let Some(origin) = publicly_known(key) {
                return Err(setting.because(format!("its secret half is published: {origin}")));
            }
        }
        Ok(())
    }

    /// The keys that sign access tokens, the first that may first.
    pub(crate) fn token(&self) -> impl Iterator<Item = &TokenKey> {
        self.token.signing()
    }

    /// Whether a token key is published under this `kid`.
    pub(crate) fn has_token_key(&self, id: &str) -> bool {
        self.token_public().iter().any(|key| key.thumbprint().to_string() == id)
    }

    /// The public halves of all token keys, those that signed before among them.
    pub(crate) fn token_public(&self) -> Vec<PublicKey> {
        self.token.public()
    }

    /// The published key set, as a verifier in this process holds it.
    pub(crate) fn key_set(&self) -> KeySet {
        KeySet::of_keys(&self.token_public())
    }

    /// The key that signs the feed.
    pub(crate) const fn feed(&self) -> &SigningKey {
        &self.feed
    }

    /// The feed key as resource servers pin it.
    #[must_use]
    pub fn feed_did(&self) -> DidKey {
        self.feed.public().did()
    }

    /// What claim codes are hashed under.
    pub(crate) fn code_key(&self) -> CodeKey {
        CodeKey::from_bytes(&self.code)
    }
}

impl fmt::Debug for RegistryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryKeys(redacted, token {}, feed {})", self.token.current.id, self.feed.public().thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(key: SigningKey) -> TokenKeys {
        TokenKeys { current: TokenKey::new(key), standby: None, former: Vec::new() }
    }

    fn check(token: [u8; 32], feed: [u8; 32], mode: Mode, expected: Option<Setting>) {
        let key = |seed| SigningKey::from_ed25519_seed(&seed);
        let keys = RegistryKeys::of(alone(key(token)), key(feed), Zeroizing::new([1; 32]));
        let found = keys.require_sound(mode, None).err().and_then(|error| error.setting());
        assert_eq!(found, expected, "{mode:?}");
    }

    #[test]
    fn th68_published_keys_do_not_start_in_production() {
        let ours = core::array::from_fn(|place| u8::try_from(place).unwrap_or_default());
        let also_ours = core::array::from_fn(|place| u8::try_from(place + 1).unwrap_or_default());
        check(ours, also_ours, Mode::Production, None);
        check([7; 32], ours, Mode::Production, Some(Setting::TokenKey));
        check(ours, [7; 32], Mode::Production, Some(Setting::FeedKey));
        check([7; 32], [8; 32], Mode::Development, None);
    }

    #[test]
    fn one_key_for_two_purposes_never_starts() {
        check([7; 32], [7; 32], Mode::Development, Some(Setting::FeedKey));
    }

    #[test]
    fn a_recovery_key_is_none_of_those_used_here() {
        let key = |seed: u8| SigningKey::from_ed25519_seed(&[seed; 32]);
        let keys = RegistryKeys::of(alone(key(7)), key(8), Zeroizing::new([1; 32]));
        for (recovery, expected) in
            [(7, Some(Setting::FeedRecoveryKey)), (8, Some(Setting::FeedRecoveryKey)), (9, None)]
        {
            let recovery = key(recovery).public().did();
            let found = keys.require_sound(Mode::Development, Some(&recovery)).err().and_then(|error| error.setting());
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn th73_debug_shows_public_halves_only() {
        let keys = RegistryKeys::of(
            alone(SigningKey::from_ed25519_seed(&[7; 32])),
            SigningKey::from_ed25519_seed(&[8; 32]),
            Zeroizing::new([9; 32]),
        );
        let text = format!("{keys:?}");
        assert!(text.starts_with("RegistryKeys(redacted, token ") && text.contains(&keys.token.current.id), "{text}");
        assert!(!text.contains("BwcH") && !text.contains("CQkJ"), "{text}");
    }
}
