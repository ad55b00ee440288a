//! One answer, and whether it is about the token that was asked about.

use core::fmt;

use handfast_delegation::AccessToken;
use handfast_identity::UnixTime;
use handfast_identity::json::{self, JsonError, Limits};
use serde::Deserialize;

/// Longest answer read (spec/limits.md): a token's claims as JSON, and room for what a foreign issuer adds.
pub const MAX_INTROSPECTION_BYTES: usize = 64 * 1024;
/// Elements of one list in an answer (spec/limits.md): foreign issuers tell all the groups of a user.
const MAX_ANSWER_MEMBERS: usize = 512;

/// What an issuer says of one of its tokens. Only whether it is active, and until when: what it allows stands in the signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntrospectionAnswer {
    is_active: bool,
    expires_at: Option<UnixTime>,
}

/// Why an answer is none. Whether the token was revoked is then not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// No JSON object with a boolean `active`, or a known member of another type.
    Form(JsonError),
    /// It speaks of another token: this member is not the token's.
    OtherToken(&'static str),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(error) => error.fmt(f),
            Self::OtherToken(member) => write!(f, "its `{member}` is not the token's"),
        }
    }
}

impl core::error::Error for AnswerError {}

/// INT-05: members that are there have to fit; all but `active` may be missing.
#[derive(Deserialize)]
struct AnswerWire {
    active: bool,
    #[serde(default)]
    iss: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    exp: Option<UnixTime>,
    #[serde(default)]
    cnf: Option<ConfirmationWire>,
}

#[derive(Deserialize)]
struct ConfirmationWire {
    #[serde(default)]
    jkt: Option<String>,
}

impl IntrospectionAnswer {
    /// Reads the answer to a question about `token`. One that names another issuer, subject, client, token or key is about
    /// another token, and says nothing about this one.
    ///
    /// # Errors
    ///
    /// [`AnswerError`].
    pub fn parse(bytes: &[u8], token: &AccessToken) -> Result<Self, AnswerError> {
        let limits = Limits { max_members: MAX_ANSWER_MEMBERS, ..Limits::token(MAX_INTROSPECTION_BYTES) };
        let wire: AnswerWire = json::read_object(bytes, &limits).map_err(AnswerError::Form)?;
        if !wire.active {
            return Ok(Self { is_active: false, expires_at: None });
        }
        let key = token.confirmation.map(|key| key.to_string());
        let told_key = wire.cnf.and_then(|cnf| cnf.jkt);
        for (member, told, own) in [
            ("iss", &wire.iss, Some(&*token.issuer)),
            ("sub", &wire.sub, Some(&*token.subject)),
            ("client_id", &wire.client_id, Some(&*token.client_id)),
            ("jti", &wire.jti, Some(&*token.token_id)),
            ("cnf", &told_key, key.as_deref()),
        ] {
            if told.is_some() && told.as_deref() != own {
                return Err(AnswerError::OtherToken(member));
            }
        }
        // INT-06: never beyond either end
        let own = token.authority.expires_at;
        Ok(Self { is_active: true, expires_at: Some(wire.exp.map_or(own, |told| told.min(own))) })
    }

    pub(super) const fn is_active(self) -> bool {
        self.is_active
    }

    /// When it stops to count, whatever is kept; none for a token that is over anyway.
    pub(super) const fn expires_at(self) -> Option<UnixTime> {
        self.expires_at
    }
}
