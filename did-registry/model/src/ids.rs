//! Identifiers: a prefix that says of what, and 128 random bits.

use core::fmt;

use handfast_identity::{RandomSource, is_random_id, random_id};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an identifier of this kind")
    }
}

impl core::error::Error for IdError {}

macro_rules! random_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A fresh one.
            pub fn generate(random: &mut dyn RandomSource) -> Self {
                Self(random_id($prefix, random))
            }

            #[doc = concat!("Reads `", $prefix, "` and 26 characters of lower-case base 32.")]
            ///
            /// # Errors
            ///
            /// [`IdError`] for any other text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_random_id(text, $prefix) { Ok(Self(text.to_owned())) } else { Err(IdError) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

random_ids! {
    /// An agent's record: it stays while keys rotate, and never leaves the registry.
    AgentId = "agent_";
    /// An owner: the `sub` of everything done on the owner's behalf.
    OwnerId = "owner:";
    /// A claim: public, part of its URL.
    ClaimId = "claim_";
    /// A task.
    TaskId = "task_";
    /// An enrolment: for lists and for calling it off. It is the public half of its token.
    EnrolmentId = "enrolment_";
}

/// Prefix of a token's `jti`.
pub(crate) const TOKEN_PREFIX: &str = "tok_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_is_not_read_as_another() {
        let digits = "0123456789abcdefghjkmnpqrs";
        assert!(AgentId::parse(&format!("agent_{digits}")).is_ok());
        for wrong in [format!("owner:{digits}"), format!("agent_{digits}0"), format!("agent_{digits}\n"), digits.into()]
        {
            assert_eq!(AgentId::parse(&wrong), Err(IdError), "{wrong}");
        }
        assert!(OwnerId::parse(&format!("owner:{digits}")).is_ok());
    }
}
