//! The signature algorithms this project knows, by their JOSE names.

use core::fmt;

/// A JOSE signature algorithm. The list is closed: `none`, MACs and RSA cannot be expressed (DPOP-127, BCP-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 under its older, polymorphic name (RFC 8037 3.1). What we emit by default.
    EdDsa,
    /// Ed25519 under its fully specified name (RFC 9864 2.2).
    Ed25519,
    /// ECDSA on P-256 with SHA-256, raw `R ‖ S` (RFC 7518 3.4).
    Es256,
}

/// The curve of a key: what an [`Algorithm`] has to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// Edwards25519.
    Ed25519,
    /// NIST P-256.
    P256,
}

impl Algorithm {
    /// Every algorithm, in the order in which metadata and challenges list them (DPOP-93).
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Ed25519, Self::Es256];

    /// Reads a JOSE `alg` value; names are case-sensitive, unknown ones give `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The JOSE name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
        }
    }

    /// The only curve whose keys this algorithm takes (DPOP-121, BCP-02).
    #[must_use]
    pub const fn curve(self) -> Curve {
        match self {
            Self::EdDsa | Self::Ed25519 => Curve::Ed25519,
            Self::Es256 => Curve::P256,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
