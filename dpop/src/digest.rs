//! Content digests: how a proof covers the bytes of a request (spec/delegation.md, body binding).

use core::fmt;

use handfast_identity::{ContentHash, base64url};

/// SHA-256 of a request's content in the one spelling we write and accept: `sha-256=:…:` (RFC 9530).
///
/// The text stands in the field `Content-Digest` and in the proof's claim `htd`. A field with another algorithm beside it, or
/// with blanks, is another text and so another digest.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// The digest of `content`: the bytes as sent, content codings included. A request without content has that of nothing.
    ///
    /// ```
    /// use handfast_dpop::ContentDigest;
    /// // RFC 9530 appendix D
    /// let digest = ContentDigest::of(b"{\"hello\": \"world\"}\n");
    /// assert_eq!(digest.as_str(), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    /// assert_ne!(digest, ContentDigest::of(b"{\"hello\": \"world\"}"));
    /// ```
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let url = base64url::encode(ContentHash::of(content).as_bytes());
        // 32 bytes are 43 characters and one of padding; the two alphabets differ in two characters
        let standard = url.replace('-', "+").replace('_', "/");
        Self(format!("sha-256=:{standard}=:"))
    }

    /// The text of field and claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: &str) {
        assert_eq!(ContentDigest::of(content).as_str(), expected);
    }

    #[test]
    fn digests_are_written_in_the_standard_alphabet_with_padding() {
        check(b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
        check(br#"{"hello": "world"}"#, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"); // RFC 9530 B.1
    }
}
