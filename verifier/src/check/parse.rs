//! Step 1: one field of each kind, within size, of the right form. Decides nothing else.

use core::str;

use handfast_delegation::{ChainError, ChainText, MAX_CHAIN_BYTES, MAX_TOKEN_BYTES};
use handfast_dpop::{Likely, ProofError, ProofRoom, Target, UnverifiedProof};
use handfast_identity::UnixTime;
use handfast_identity::jws::JwsError;

use super::token::TokenText;
use crate::fields::Lines;
use crate::{ChainPolicy, FieldLines, NoVerdicts, Rejection, Verdicts};

/// Longest `Authorization` value looked at: the scheme and a token of its own limit (spec/limits.md).
pub const MAX_AUTHORIZATION_BYTES: usize = MAX_TOKEN_BYTES + 64;

/// The parts of a request that the check reads, as they came in. Field lines are counted before anything folds them.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, case-sensitive.
    pub method: &'a str,
    /// The public URI of the request: the configured base and the raw path (DPOP-41).
    pub target: &'a Target,
    /// The value of every `Authorization` field line.
    pub authorization: FieldLines<'a>,
    /// The value of every `DPoP` field line.
    pub proofs: FieldLines<'a>,
    /// The value of every `Delegation` field line.
    pub delegation: FieldLines<'a>,
    /// Whether the query or a form body has a member `access_token`.
    pub has_misplaced_token: bool,
}

/// A request whose credentials were read and not believed.
#[derive(Debug)]
pub struct UnverifiedRequest<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a Target,
    pub(super) token: TokenText<'a>,
    pub(super) proof: UnverifiedProof<'a>,
    pub(super) chain: Option<ChainText<'a>>,
}

impl<'a> UnverifiedRequest<'a> {
    /// Reads the credentials' form, and of a chain no more than `policy` allows. Nothing remembered is looked up for it.
    ///
    /// # Errors
    ///
    /// The first [`Rejection`] of step 1 (spec/reasons.md), or of the proof's form in step 2.
    pub fn parse(parts: &RequestParts<'a>, policy: &ChainPolicy) -> Result<Self, Rejection> {
        // nothing is remembered here that could have ended
        Self::read(parts, policy, &NoVerdicts, UnixTime::EPOCH, |_, _| None)
    }

    /// The same, where tokens and headers of proofs may be remembered in `verdicts`; `now` says which of them have ended. The claims of
    /// the proof lie in `room`.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], for the same requests.
    pub fn parse_known(
        parts: &RequestParts<'a>,
        policy: &ChainPolicy,
        verdicts: &dyn Verdicts,
        now: UnixTime,
        room: &'a mut ProofRoom,
    ) -> Result<Self, Rejection> {
        Self::read(parts, policy, verdicts, now, |proof, token| {
            let likely = Likely::of(parts.target, token.known_hash());
            UnverifiedProof::glance(proof, &|text| verdicts.find_header(text), &likely, room)
        })
    }

    #[inline]
    fn read(
        parts: &RequestParts<'a>,
        policy: &ChainPolicy,
        verdicts: &dyn Verdicts,
        now: UnixTime,
        glance: impl FnOnce(&'a [u8], &TokenText<'a>) -> Option<UnverifiedProof<'a>>,
    ) -> Result<Self, Rejection> {
        let token = presented_token(parts, verdicts, now)?;
        let proof_text = match parts.proofs.lines() {
            Lines::None => return Err(Rejection::ProofMissing),
            Lines::One(one) => one,
            Lines::Several => return Err(Rejection::ProofRepeated),
        };
        let (method, target) = (parts.method, parts.target);
        if let Some(proof) = glance(proof_text, &token) {
            return Ok(Self { method, target, token, proof, chain: presented_chain(parts, policy.max_bytes)? });
        }
        // DPOP-21: two proofs folded into one line; there is no comma in what is read at a glance
        if !is_each(proof_text, |byte| byte != b',') {
            return Err(Rejection::ProofRepeated);
        }
        let chain = presented_chain(parts, policy.max_bytes)?;
        let proof_text = str::from_utf8(proof_text).map_err(|_| ProofError::Malformed(JwsError::Form))?;
        Ok(Self { method, target, token, proof: UnverifiedProof::parse(proof_text)?, chain })
    }
}

/// The one access token, under the one scheme (DPOP-100, DPOP-104).
fn presented_token<'a>(
    parts: &RequestParts<'a>,
    verdicts: &dyn Verdicts,
    now: UnixTime,
) -> Result<TokenText<'a>, Rejection> {
    let value = match parts.authorization.lines() {
        // DPOP-105: what stands elsewhere is not read, so alone it is no credential
        Lines::None => return Err(Rejection::CredentialsMissing),
        Lines::One(one) => one,
        Lines::Several => return Err(Rejection::CredentialsRepeated),
    };
    if let Some(known) = known_token(value, verdicts, now).filter(|_| !parts.has_misplaced_token) {
        return Ok(known);
    }
    let value = str::from_utf8(value).map_err(|_| Rejection::CredentialsMalformed)?;
    if value.len() > MAX_AUTHORIZATION_BYTES {
        return Err(Rejection::TokenMalformed);
    }
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_start_matches(' ');
    let is_dpop = scheme.eq_ignore_ascii_case("dpop");
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if !is_dpop && !is_bearer {
        return Err(Rejection::SchemeUnsupported);
    }
    if token.is_empty() || !is_each(token.as_bytes(), is_token68_byte) {
        return Err(Rejection::CredentialsMalformed);
    }
    if parts.has_misplaced_token {
        return Err(Rejection::TokenMisplaced);
    }
    if is_bearer { Err(Rejection::BearerDowngrade) } else { Ok(TokenText::New(token)) }
}

/// The token, if it is remembered. What was found good once is a JWS, of the characters that a token may have: they are not looked at
/// again.
fn known_token<'a>(value: &[u8], verdicts: &dyn Verdicts, now: UnixTime) -> Option<TokenText<'a>> {
    let (scheme, rest) = value.split_first_chunk::<4>()?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let is_usual = scheme.eq_ignore_ascii_case(b"dpop") && blanks > 0 && value.len() <= MAX_AUTHORIZATION_BYTES;
    if is_usual { TokenText::known(rest.get(blanks..)?, verdicts, now) } else { None }
}

/// The members of the one `Delegation` field; its bytes are counted before anything is read (DEL-42, DEL-46).
fn presented_chain<'a>(parts: &RequestParts<'a>, max_bytes: usize) -> Result<Option<ChainText<'a>>, Rejection> {
    if parts.delegation.bytes() > max_bytes.min(MAX_CHAIN_BYTES) {
        return Err(ChainError::TooLong.into());
    }
    match parts.delegation.lines() {
        Lines::None => Ok(None),
        Lines::One(one) => {
            let text = str::from_utf8(one).map_err(|_| ChainError::Malformed)?;
            Ok(Some(ChainText::parse(text, max_bytes)?))
        }
        Lines::Several => Err(ChainError::Malformed.into()),
    }
}

/// Whether all of `bytes` are such. Does not stop at the first that is not, so that many are looked at in one instruction: fields are
/// bounded, and this was half of what a refusal cost.
fn is_each(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |so_far, byte| so_far & is_such(*byte))
}

/// token68 of RFC 9110 11.2. Without a branch.
#[allow(clippy::manual_range_contains, reason = "comparisons side by side are what the compiler makes vectors of")]
fn is_token68_byte(byte: u8) -> bool {
    let letter = byte | 0x20;
    let is_letter = (letter >= b'a') & (letter <= b'z');
    // - . / 0 to 9 stand in one row
    let is_in_row = (byte >= b'-') & (byte <= b'9');
    is_letter | is_in_row | (byte == b'_') | (byte == b'~') | (byte == b'+') | (byte == b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_of_tokens_is_that_of_the_rfc() {
        for byte in 0..=0xff_u8 {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            assert_eq!(is_token68_byte(byte), expected, "{byte:#x}");
            for place in [0, 15, 16, 40] {
                let mut text = [b'a'; 41];
                text.iter_mut().skip(place).take(1).for_each(|at| *at = byte);
                assert_eq!(is_each(&text, is_token68_byte), expected, "{byte:#x} at {place}");
            }
        }
        assert!(is_each(b"", is_token68_byte));
    }
}
