//! An answer of the registry: read within bounds, success and refusal told apart.

use bytes::Bytes;
use handfast_fetch::read_capped;
use handfast_identity::json::{self, Limits};
use http::HeaderMap;
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{AnswerError, RegistryError};
use crate::signing::DpopChallenge;

/// A page of agents is the longest answer there is.
const LIMITS: Limits = Limits { max_bytes: 1024 * 1024, max_depth: Limits::MAX_DEPTH_TOKEN, max_members: 1024 };
/// Longest reason or error code shown; ours have 30 characters at most.
const MAX_CODE_CHARS: usize = 64;
/// Longest explanation shown.
const MAX_DETAIL_CHARS: usize = 300;
/// The reason of a refusal that names none.
const NO_REASON: &str = "unknown";

/// Status, fields and body of an answer.
pub(crate) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// A problem (RFC 9457) or an OAuth error (RFC 6749 5.2): the members of both, each of any type.
#[derive(Deserialize, Default)]
#[serde(default)]
struct RefusalWire {
    error: Value,
    error_description: Value,
    reason: Value,
    title: Value,
    detail: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Result<Self, AnswerError> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: read_capped(response, LIMITS.max_bytes).await? })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.body
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The answer, if it is a success.
    pub(crate) fn ok(self) -> Result<Self, RegistryError> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.refusal()) }
    }

    /// The body as a `T`; members it does not know are skipped.
    pub(crate) fn read<T: DeserializeOwned>(&self, endpoint: &'static str) -> Result<T, AnswerError> {
        json::read(&self.body, &LIMITS).map_err(|cause| AnswerError::Shape { endpoint, cause })
    }

    /// The `error` of an OAuth endpoint's refusal.
    pub(crate) fn oauth_error(&self) -> Option<String> {
        if matches!(self.status, 400 | 401) { code(&self.refusal_wire().error) } else { None }
    }

    fn refusal_wire(&self) -> RefusalWire {
        // a proxy's page in between is no refusal of the registry's, but a refusal all the same
        json::read(&self.body, &LIMITS).unwrap_or_default()
    }

    fn refusal(&self) -> RegistryError {
        let wire = self.refusal_wire();
        let error = code(&wire.error).or_else(|| code(&DpopChallenge::of(&self.headers)?.error?.into()));
        let reason = code(&wire.reason).or_else(|| error.clone()).unwrap_or_else(|| NO_REASON.to_owned());
        let detail = [&wire.detail, &wire.error_description, &wire.title].into_iter().find_map(words);
        RegistryError { status: self.status, error, reason, detail }
    }
}

/// A code of the usual alphabet; anything else is not repeated to the user.
fn code(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    (is_plain && !text.is_empty() && text.len() <= MAX_CODE_CHARS).then(|| text.to_owned())
}

/// Words for a terminal: bounded, and without characters that could move its cursor.
fn words(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(text.chars().take(MAX_DETAIL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot make its header should stop
mod tests {
    use super::*;

    fn refusal(status: u16, challenge: Option<&str>, body: &str) -> RegistryError {
        let mut headers = HeaderMap::new();
        if let Some(challenge) = challenge {
            headers.insert("www-authenticate", challenge.parse().unwrap());
        }
        Answer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }.ok().err().unwrap()
    }

    fn check(found: &RegistryError, error: Option<&str>, reason: &str, detail: Option<&str>) {
        assert_eq!((found.error(), found.reason(), found.detail()), (error, reason, detail), "{found}");
    }

    #[test]
    fn problems_and_oauth_errors_become_one_error() {
        let problem =
            r#"{"type":"about:blank","title":"Taken","status":409,"reason":"handle_taken","detail":"choose another"}"#;
        check(&refusal(409, None, problem), None, "handle_taken", Some("choose another"));
        let oauth = r#"{"error":"invalid_grant","error_description":"the agent is revoked","reason":"agent_revoked"}"#;
        check(&refusal(400, None, oauth), Some("invalid_grant"), "agent_revoked", Some("the agent is revoked"));
        check(&refusal(400, None, r#"{"error":"invalid_scope"}"#), Some("invalid_scope"), "invalid_scope", None);
        check(
            &refusal(401, Some(r#"DPoP error="invalid_token""#), r#"{"reason":"token_expired"}"#),
            Some("invalid_token"),
            "token_expired",
            None,
        );
    }

    #[test]
    fn whatever_else_refuses_is_a_refusal_without_a_reason() {
        for body in [
            "",
            "<html>502</html>",
            "[]",
            "{}",
            r#"{"reason":7,"error":{}}"#,
            r#"{"reason":"a b"}"#,
            r#"{"reason":""}"#,
        ] {
            let found = refusal(502, None, body);
            check(&found, None, "unknown", None);
            assert_eq!(found.status(), 502);
        }
    }

    #[test]
    fn texts_are_bounded_and_cannot_move_the_cursor() {
        let long = "x".repeat(MAX_DETAIL_CHARS + 1);
        let found = refusal(400, None, &format!(r#"{{"reason":"r","detail":"\u001b[2J{long}"}}"#));
        let detail = found.detail().unwrap().to_owned();
        assert!(detail.starts_with(" [2Jx") && detail.chars().count() == MAX_DETAIL_CHARS);
        let code = "r".repeat(MAX_CODE_CHARS + 1);
        check(&refusal(400, None, &format!(r#"{{"reason":"{code}"}}"#)), None, "unknown", None);
    }
}
