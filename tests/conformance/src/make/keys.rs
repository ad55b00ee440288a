//! The parties of the vectors and their keys. All of them are known to everybody and refused in production.

use handfast_identity::{DidKey, SigningKey};

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The agent that owns the token. RFC 8032 7.1, TEST 1.
    Agent,
    /// Another agent of the same registry. RFC 8032 7.1, TEST 2.
    OtherAgent,
    /// The registry's feed. RFC 8032 7.1, TEST 3.
    Feed,
    /// The registry's tokens. RFC 8032 7.1, TEST SHA(abc).
    Issuer,
    /// An agent with a P-256 key: scalar 7.
    P256Agent,
    /// An owner. Seed of 32 bytes 1.
    Owner,
    /// A second registry's tokens. Seed of 32 bytes 2.
    SecondIssuer,
    /// A second registry's feed. Seed of 32 bytes 3.
    SecondFeed,
    /// Somebody nobody trusts. Seed of 32 bytes 4.
    Stranger,
    /// The registry's tokens under its key before this one. Seed of 32 bytes 5.
    OldIssuer,
    /// The registry's feed after its key was replaced. Seed of 32 bytes 6.
    NewFeed,
    /// The key that replaces the registry's feed key. Seed of 32 bytes 7.
    Recovery,
    /// The delegate of a chain's hop, from 1 to [`Who::DELEGATES`]. Seed of 32 bytes 32 and its number.
    Delegate(u8),
}

impl Who {
    /// Most delegates: two more than any chain may have hops.
    pub const DELEGATES: u8 = 10;

    /// All parties.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Agent,
            Self::OtherAgent,
            Self::Feed,
            Self::Issuer,
            Self::P256Agent,
            Self::Owner,
            Self::SecondIssuer,
            Self::SecondFeed,
            Self::Stranger,
            Self::OldIssuer,
            Self::NewFeed,
            Self::Recovery,
        ];
        others.into_iter().chain((1..=Self::DELEGATES).map(Self::Delegate))
    }

    /// How it is called in tables.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Delegate(place) => format!("Delegate{place}"),
            other => format!("{other:?}"),
        }
    }

    /// The seed of an Ed25519 key.
    ///
    /// # Panics
    ///
    /// For the agent whose key is P-256.
    #[must_use]
    pub fn seed(self) -> [u8; 32] {
        let rfc8032 = |text: &str| hex(text).try_into().unwrap();
        match self {
            Self::Agent => rfc8032("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            Self::OtherAgent => rfc8032("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            Self::Feed => rfc8032("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            Self::Issuer => rfc8032("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"),
            Self::Owner => [1; 32],
            Self::SecondIssuer => [2; 32],
            Self::SecondFeed => [3; 32],
            Self::Stranger => [4; 32],
            Self::OldIssuer => [5; 32],
            Self::NewFeed => [6; 32],
            Self::Recovery => [7; 32],
            Self::Delegate(place) => [32 + place; 32],
            Self::P256Agent => panic!("a P-256 key has a scalar"),
        }
    }

    /// The key pair.
    #[must_use]
    pub fn key(self) -> SigningKey {
        if self == Self::P256Agent {
            let mut scalar = [0; 32];
            scalar[31] = 7;
            return SigningKey::from_p256_scalar(&scalar).unwrap();
        }
        SigningKey::from_ed25519_seed(&self.seed())
    }

    /// The key's DID.
    #[must_use]
    pub fn did(self) -> DidKey {
        self.key().public().did()
    }

    /// The key's thumbprint, as `jkt` and `kid` have it.
    #[must_use]
    pub fn jkt(self) -> String {
        self.key().public().thumbprint().to_string()
    }
}

/// Bytes of a hexadecimal text.
#[must_use]
pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "whole bytes only");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Hexadecimal text of bytes.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
