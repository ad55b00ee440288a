//! The token keys: the one that signs, the one that stands by, and those that signed before.

use handfast_identity::{PublicKey, SigningKey, UnixTime};

/// A token key that signed once: published until nothing that it signed can be alive, and kept without its secret half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormerKey {
    pub(crate) key: PublicKey,
    pub(crate) until: UnixTime,
}

/// A key that signs, under the `kid` it is published by: its thumbprint (JWKS-02).
pub(crate) struct TokenKey {
    pub(crate) id: String,
    pub(crate) key: SigningKey,
}

/// All token keys of a registry.
pub(crate) struct TokenKeys {
    /// The one that signs.
    pub(crate) current: TokenKey,
    /// The one that signs as soon as the other may not: published ahead (JWKS-05).
    pub(crate) standby: Option<TokenKey>,
    pub(crate) former: Vec<FormerKey>,
}

impl TokenKey {
    pub(crate) fn new(key: SigningKey) -> Self {
        Self { id: key.public().thumbprint().to_string(), key }
    }
}

impl TokenKeys {
    /// Those that can sign, the first one first.
    pub(crate) fn signing(&self) -> impl Iterator<Item = &TokenKey> {
        [Some(&self.current), self.standby.as_ref()].into_iter().flatten()
    }

    /// The public halves of all, each once.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> = Vec::new();
        let signing = self.signing().map(|signing| signing.key.public());
        for key in signing.chain(self.former.iter().map(|former| &former.key)) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
}
