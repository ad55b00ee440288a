//! The part of the agent protocol that is spoken here (RFC 9987): list the keys, sign with one. Strict, and bounded before anything is
//! allocated.

use crate::holder::HolderError;

/// Longest answer read: OpenSSH's own bound.
pub(super) const MAX_ANSWER_BYTES: u32 = 256 * 1024;
/// Most keys of one agent; OpenSSH's own bound.
const MAX_KEYS: u32 = 2048;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The only type of key and signature that is used.
pub(super) const ED25519: &[u8] = b"ssh-ed25519";
/// A certificate for one: it says that the key logs in somewhere.
const ED25519_CERTIFICATE: &[u8] = b"ssh-ed25519-cert-v01@openssh.com";

/// A key as the agent lists it.
pub(super) struct Listed<'a> {
    pub(super) blob: &'a [u8],
    pub(super) comment: &'a [u8],
}

/// `SSH_AGENTC_REQUEST_IDENTITIES`, with its length.
pub(super) fn list_request() -> Vec<u8> {
    message(&[REQUEST_IDENTITIES])
}

/// `SSH_AGENTC_SIGN_REQUEST` without flags, with its length.
pub(super) fn sign_request(blob: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(13 + blob.len() + data.len());
    body.push(SIGN_REQUEST);
    put(&mut body, blob);
    put(&mut body, data);
    body.extend_from_slice(&0_u32.to_be_bytes());
    message(&body)
}

/// The keys of an answer to [`list_request`].
pub(super) fn listed(answer: &[u8]) -> Result<Vec<Listed<'_>>, HolderError> {
    let mut rest = Reader(answer);
    if rest.byte()? != IDENTITIES_ANSWER {
        return Err(HolderError::Answer("its list of keys is no list"));
    }
    let count = rest.number()?;
    if count > MAX_KEYS {
        return Err(HolderError::Answer("it lists more keys than an agent holds"));
    }
    // nothing is reserved for a count that may be a lie
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(Listed { blob: rest.string()?, comment: rest.string()? });
    }
    rest.end()?;
    Ok(keys)
}

/// The signature of an answer to [`sign_request`]; `None` for a refusal.
pub(super) fn signature(answer: &[u8]) -> Result<Option<[u8; 64]>, HolderError> {
    let mut rest = Reader(answer);
    match rest.byte()? {
        SIGN_RESPONSE => {}
        FAILURE => return Ok(None),
        _ => return Err(HolderError::Answer("its signature is no signature")),
    }
    let mut inner = Reader(rest.string()?);
    rest.end()?;
    if inner.string()? != ED25519 {
        return Err(HolderError::Answer("its signature is of another type of key"));
    }
    let signature = inner.string()?.try_into().map_err(|_| HolderError::Answer("its signature has another length"))?;
    inner.end()?;
    Ok(Some(signature))
}

/// The 32 bytes of an Ed25519 key; `None` for every other type of key.
pub(super) fn ed25519(blob: &[u8]) -> Option<&[u8]> {
    let mut rest = Reader(blob);
    let is_plain = rest.string().ok()? == ED25519;
    let key = rest.string().ok()?;
    rest.end().ok()?;
    is_plain.then_some(key)
}

/// The 32 bytes of the Ed25519 key that a certificate is for; `None` for what is no such certificate.
pub(super) fn certified(blob: &[u8]) -> Option<&[u8]> {
    let mut rest = Reader(blob);
    let is_certificate = rest.string().ok()? == ED25519_CERTIFICATE;
    let _nonce = rest.string().ok()?;
    let key = rest.string().ok()?;
    is_certificate.then_some(key)
}

/// The blob of an Ed25519 key.
pub(super) fn blob(key: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(51);
    put(&mut blob, ED25519);
    put(&mut blob, key);
    blob
}

fn put(body: &mut Vec<u8>, bytes: &[u8]) {
    // what is written here has some kilobytes at most
    body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(bytes);
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(4 + body.len());
    put(&mut message, body);
    message
}

/// What is left of an answer.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], HolderError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(HolderError::Answer("it ends before its end"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, HolderError> {
        self.take(1).map(|bytes| bytes.first().copied().unwrap_or_default())
    }

    fn number(&mut self) -> Result<u32, HolderError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn string(&mut self) -> Result<&'a [u8], HolderError> {
        let count = self.number()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn end(&self) -> Result<(), HolderError> {
        if self.0.is_empty() { Ok(()) } else { Err(HolderError::Answer("it goes on behind its end")) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests stop at the first surprise
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        put(&mut body, bytes);
        body
    }

    fn signed(kind: &[u8], signature: &[u8]) -> Vec<u8> {
        [&[SIGN_RESPONSE][..], &string(&[string(kind), string(signature)].concat())].concat()
    }

    #[test]
    fn a_signature_is_read_in_one_form() {
        let good = signed(ED25519, &[7; 64]);
        assert_eq!(signature(&good), Ok(Some([7; 64])));
        assert_eq!(signature(&[FAILURE]), Ok(None));
        for (answer, why) in [
            (Vec::new(), "it ends before its end"),
            (good[..good.len() - 1].to_vec(), "it ends before its end"),
            ([&good[..], &[0]].concat(), "it goes on behind its end"),
            (vec![6], "its signature is no signature"),
            (signed(b"ssh-rsa", &[7; 64]), "its signature is of another type of key"),
            (signed(ED25519, &[7; 63]), "its signature has another length"),
            (signed(ED25519, &[7; 65]), "its signature has another length"),
            ([&[SIGN_RESPONSE][..], &[0xff; 4]].concat(), "it ends before its end"),
        ] {
            assert_eq!(signature(&answer), Err(HolderError::Answer(why)), "{answer:?}");
        }
    }

    #[test]
    fn a_list_is_read_to_its_end_and_no_further() {
        let of = |count: u32, keys: &[u8]| [&[IDENTITIES_ANSWER][..], &count.to_be_bytes(), keys].concat();
        let one = [string(&blob(&[1; 32])), string(b"handfast")].concat();
        let keys = of(1, &one);
        let found = listed(&keys).unwrap();
        assert_eq!((found.len(), ed25519(found[0].blob), found[0].comment), (1, Some(&[1; 32][..]), &b"handfast"[..]));
        assert!(listed(&of(0, &[])).unwrap().is_empty());
        for (answer, why) in [
            (of(2, &one), "it ends before its end"),
            (of(0, &one), "it goes on behind its end"),
            (of(u32::MAX, &one), "it lists more keys than an agent holds"),
            (of(1, &[0xff; 8]), "it ends before its end"),
            (vec![FAILURE], "its list of keys is no list"),
            (Vec::new(), "it ends before its end"),
        ] {
            assert_eq!(listed(&answer).map(|_| ()), Err(HolderError::Answer(why)), "{answer:?}");
        }
    }

    #[test]
    fn only_plain_ed25519_keys_are_keys() {
        let key = [2; 32];
        assert_eq!(ed25519(&blob(&key)), Some(&key[..]));
        let certificate = [string(ED25519_CERTIFICATE), string(&[9; 32]), string(&key), vec![0; 40]].concat();
        assert_eq!(certified(&certificate), Some(&key[..]));
        assert_eq!(certified(&blob(&key)), None);
        for other in [
            certificate,
            [string(b"sk-ssh-ed25519@openssh.com"), string(&key), string(b"ssh:")].concat(),
            [string(b"ssh-rsa"), string(&key)].concat(),
            [blob(&key), vec![0]].concat(),
            Vec::new(),
        ] {
            assert_eq!(ed25519(&other), None, "{other:?}");
        }
    }

    #[test]
    fn requests_are_the_bytes_of_the_protocol() {
        assert_eq!(list_request(), [0, 0, 0, 1, 11]);
        assert_eq!(sign_request(b"k", b"data"), b"\0\0\0\x12\x0d\0\0\0\x01k\0\0\0\x04data\0\0\0\0");
    }
}
