//! Production or development: the one switch that relaxes transport rules.

use core::fmt;

/// How strict a program is about transport.
///
/// Development allows `http://` on loopback and relaxes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// TLS everywhere.
    Production,
    /// TLS, or plain `http` on loopback.
    Development,
}

impl Mode {
    /// The setting's text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
