//! `POST /enrolments`.

use handfast_delegation::Environment;
use handfast_identity::{Seconds, json};
use serde::Deserialize;

use super::body;
use crate::ceiling::CeilingRequestWire;
use crate::limits::{DEFAULT_ENROLMENT_LIFETIME, MAX_ENROLMENT_LIFETIME, MAX_NAME_BYTES, MIN_ENROLMENT_LIFETIME};
use crate::{Ceiling, Refusal, ShownText};

/// `POST /enrolments`: an owner says beforehand what an agent will be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// The ceiling of the agent that registers with it.
    pub ceiling: Ceiling,
    /// Where that agent has to run; anywhere if nobody says.
    pub environment: Option<Environment>,
    /// What its owner calls it.
    pub label: Option<ShownText<MAX_NAME_BYTES>>,
    /// How long it is good.
    pub lifetime: Seconds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolmentWire {
    #[serde(deserialize_with = "json::object")]
    ceiling: CeilingRequestWire,
    #[serde(default, deserialize_with = "json::optional")]
    environment: Option<Environment>,
    #[serde(default, deserialize_with = "json::optional")]
    label: Option<ShownText<MAX_NAME_BYTES>>,
    #[serde(default, deserialize_with = "json::optional")]
    expires_in: Option<u64>,
}

impl EnrolmentRequest {
    /// Reads the body: `ceiling`, and optionally `environment`, `label`, `expires_in` in seconds.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`]; for the ceiling [`Refusal::InvalidCeiling`], [`Refusal::InvalidScope`] or
    /// [`Refusal::InvalidAuthorizationDetails`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let EnrolmentWire { ceiling, environment, label, expires_in } = body(bytes)?;
        let lifetime = expires_in.map_or(DEFAULT_ENROLMENT_LIFETIME, Seconds::new);
        if !(MIN_ENROLMENT_LIFETIME..=MAX_ENROLMENT_LIFETIME).contains(&lifetime) {
            return Err(Refusal::InvalidRequest);
        }
        Ok(Self { ceiling: ceiling.try_into()?, environment, label, lifetime })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrolment_is_read_strictly() {
        let check = |members: &str, expected: Result<u64, Refusal>| {
            let text = format!(r#"{{"ceiling":{{"scope":"echo:read","resource":["urn:echo"]}}{members}}}"#);
            let read = EnrolmentRequest::parse(text.as_bytes()).map(|request| request.lifetime.get());
            assert_eq!(read, expected, "{text}");
        };
        check("", Ok(86_400));
        check(r#","environment":"prod","label":"runners","expires_in":60"#, Ok(60));
        check(r#","expires_in":2592000"#, Ok(2_592_000));
        for wrong in [
            r#","expires_in":59"#,
            r#","expires_in":2592001"#,
            r#","expires_in":null"#,
            r#","expires_in":"60""#,
            r#","environment":"moon""#,
            r#","label":"a\u202eb""#,
            r#","uses":2"#,
        ] {
            check(wrong, Err(Refusal::InvalidRequest));
        }
        assert_eq!(EnrolmentRequest::parse(b"{}"), Err(Refusal::InvalidRequest));
        let ceiling = br#"{"ceiling":{"scope":"a","resource":[],"del_max_depth":9}}"#;
        assert_eq!(EnrolmentRequest::parse(ceiling), Err(Refusal::InvalidCeiling));
    }
}
