//! Ids of proofs, which are short but for those of other clients.

/// Bytes of an id that is kept without asking the heap: ours have 22, a UUID 36.
const SHORT_BYTES: usize = 46;

/// The `jti` of a proof, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofId(Repr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    Short { bytes: [u8; SHORT_BYTES], length: u8 },
    Long(Box<str>),
}

impl ProofId {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT_BYTES];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(text.as_bytes());
                Self(Repr::Short { bytes, length })
            }
            _ => Self(Repr::Long(text.into())),
        }
    }

    /// The text, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // INVARIANT: the bytes of a text
            Repr::Short { bytes, length } => {
                bytes.get(..usize::from(*length)).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Repr::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_whole() {
        for length in [0, 1, SHORT_BYTES - 1, SHORT_BYTES, SHORT_BYTES + 1, 256] {
            let text = "j".repeat(length);
            assert_eq!(ProofId::new(&text).as_str(), text);
        }
        assert_eq!(ProofId::new("\u{e9}\u{1f980}").as_str(), "\u{e9}\u{1f980}");
    }
}
