//! JSON bodies of the calls that change something, read strictly: unknown members are refused (TH67).

use handfast_delegation::{Budget, MAX_INTENT_BYTES, MAX_REFERENCE_BYTES, ResourceId, Scope, Tools};
use handfast_identity::json::{self, Limits};
use handfast_identity::{DidKey, Handle, Seconds};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ceiling::CeilingRequestWire;
use crate::limits::{MAX_BODY_BYTES, MAX_CONFIRM_BYTES, MAX_NAME_BYTES, MAX_WHY_BYTES};
use crate::{Ceiling, PresentedCode, Refusal, Role, ShownText};

/// Longest text that says which agent is meant: a DID or a handle.
const MAX_AGENT_NAME_BYTES: usize = 128;

fn body<W: DeserializeOwned>(bytes: &[u8]) -> Result<W, Refusal> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Refusal::BodyTooLarge);
    }
    // tools nest as deep as in tokens
    json::read_object(bytes, &Limits::token(MAX_BODY_BYTES)).map_err(|_| Refusal::InvalidRequest)
}

/// `POST /claims/{id}/approve`: an owner takes an agent, in two steps.
#[derive(Debug)]
pub struct ApproveRequest {
    /// The code, as typed.
    pub code: PresentedCode,
    /// The handle the agent is to have; its generated one if there is none.
    pub handle: Option<Handle>,
    /// The most it may be given.
    pub ceiling: Ceiling,
    /// The fingerprint words, in the second step.
    pub confirm: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproveWire {
    user_code: String,
    #[serde(default)]
    handle: Option<String>,
    #[serde(deserialize_with = "json::object")]
    ceiling: CeilingRequestWire,
    #[serde(default)]
    confirm: Option<String>,
}

impl ApproveRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`]; [`Refusal::InvalidHandle`] (TH55); for the ceiling [`Refusal::InvalidCeiling`],
    /// [`Refusal::InvalidScope`] or [`Refusal::InvalidAuthorizationDetails`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let wire: ApproveWire = body(bytes)?;
        if wire.confirm.as_ref().is_some_and(|words| words.len() > MAX_CONFIRM_BYTES) {
            return Err(Refusal::InvalidRequest);
        }
        let handle = wire.handle.map(|text| Handle::parse(&text)).transpose().map_err(|_| Refusal::InvalidHandle)?;
        Ok(Self {
            code: PresentedCode::new(&wire.user_code),
            handle,
            ceiling: wire.ceiling.try_into()?,
            confirm: wire.confirm,
        })
    }
}

/// `POST /claims/{id}/refuse`: an owner with the code wants nothing to do with the agent.
#[derive(Debug)]
pub struct RefuseRequest {
    /// The code, as typed.
    pub code: PresentedCode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefuseWire {
    user_code: String,
}

impl RefuseRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let RefuseWire { user_code } = body(bytes)?;
        Ok(Self { code: PresentedCode::new(&user_code) })
    }
}

/// `POST /owners/codes`: an admin makes an enrolment code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerCodeRequest {
    /// What the new owner will be.
    pub role: Role,
    /// The name the new owner gets.
    pub name: Option<ShownText<MAX_NAME_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerCodeRequestWire {
    role: String,
    #[serde(default)]
    name: Option<ShownText<MAX_NAME_BYTES>>,
}

impl OwnerCodeRequest {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let OwnerCodeRequestWire { role, name } = body(bytes)?;
        Ok(Self { role: Role::parse(&role).ok_or(Refusal::InvalidRequest)?, name })
    }
}

/// `POST /tasks`: an owner asks one of their agents to do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRequest {
    /// The agent, by DID or handle, to be looked up.
    pub agent: String,
    /// What for. Not empty: this is what tells an asked-for task from any other.
    pub intent: ShownText<MAX_INTENT_BYTES>,
    /// What the task may do.
    pub scope: Scope,
    /// Where; if nobody says, at those resources of the ceiling that know the scope.
    pub resources: Option<Vec<ResourceId>>,
    /// With which tools; those of the ceiling if nobody says.
    pub tools: Option<Tools>,
    /// How often; as often as the ceiling lets it if nobody says.
    pub budget: Option<Budget>,
    /// A reference to something outside.
    pub reference: Option<ShownText<MAX_REFERENCE_BYTES>>,
    /// How long; as long as usual if nobody says.
    pub lifetime: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskRequestWire {
    agent: String,
    intent: ShownText<MAX_INTENT_BYTES>,
    scope: Scope,
    #[serde(default)]
    resource: Option<Vec<ResourceId>>,
    #[serde(default, deserialize_with = "json::optional")]
    authorization_details: Option<Value>,
    #[serde(default, deserialize_with = "json::optional_object")]
    budget: Option<Budget>,
    #[serde(default, rename = "ref")]
    reference: Option<ShownText<MAX_REFERENCE_BYTES>>,
    #[serde(default)]
    task_seconds: Option<u64>,
}

impl TaskRequest {
    /// Reads the body: `agent`, `intent`, `scope`, and optionally `resource`, `authorization_details`, `budget`, `ref`,
    /// `task_seconds`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`] or [`Refusal::InvalidAuthorizationDetails`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let wire: TaskRequestWire = body(bytes)?;
        if wire.intent.is_empty() || wire.scope.is_empty() || wire.agent.len() > MAX_AGENT_NAME_BYTES {
            return Err(Refusal::InvalidRequest);
        }
        let tools = wire.authorization_details.as_ref().map(Tools::from_details).transpose();
        Ok(Self {
            agent: wire.agent,
            intent: wire.intent,
            scope: wire.scope,
            resources: wire.resource,
            tools: tools.map_err(|_| Refusal::InvalidAuthorizationDetails)?,
            budget: wire.budget,
            reference: wire.reference,
            lifetime: wire.task_seconds.map(Seconds::new),
        })
    }
}

mod enrolment;
mod life;

pub use enrolment::EnrolmentRequest;
pub use life::{CeilingRequest, EnvironmentRequest, OffboardingRequest, OfferRequest, ReasonRequest};
/// `POST /agents/{…}/rotate/approve` and `/refuse`: an owner answers to a rotation that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationAnswer {
    /// The key that it is about.
    pub did: DidKey,
    /// Why.
    pub why: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationAnswerWire {
    did: String,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl RotationAnswer {
    /// Reads the body: `did`, and optionally `reason`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let RotationAnswerWire { did, reason } = body(bytes)?;
        Ok(Self { did: DidKey::parse(&did).map_err(|_| Refusal::InvalidRequest)?, why: reason })
    }
}

/// `POST /agents/{…}/recover`: an owner takes an agent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// The signed statement.
    pub statement: String,
    /// Why.
    pub why: Option<ShownText<MAX_WHY_BYTES>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryWire {
    statement: String,
    #[serde(default)]
    reason: Option<ShownText<MAX_WHY_BYTES>>,
}

impl RecoveryRequest {
    /// Reads the body: `statement`, and optionally `reason`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidRequest`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let RecoveryWire { statement, reason } = body(bytes)?;
        Ok(Self { statement, why: reason })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed set-up step is a failed test

    use super::*;

    #[allow(clippy::needless_pass_by_value)] // the expected value reads better without a reference
    fn approve(members: &str, expected: Result<(), Refusal>) {
        let text = format!(r#"{{"user_code":"BCDFGHJK",{members}}}"#);
        assert_eq!(ApproveRequest::parse(text.as_bytes()).map(|_| ()), expected, "{text}");
    }

    #[test]
    fn an_approval_is_read_strictly() {
        let ceiling = r#""ceiling":{"scope":"echo:read","resource":["urn:echo"]}"#;
        approve(ceiling, Ok(()));
        approve(&format!(r#"{ceiling},"handle":"billing-bot","confirm":"a b c d e f""#), Ok(()));
        approve(&format!(r#"{ceiling},"handel":"billing-bot""#), Err(Refusal::InvalidRequest));
        approve(&format!(r#"{ceiling},{ceiling}"#), Err(Refusal::InvalidRequest));
        approve(
            &format!(r#"{ceiling},"confirm":"{}""#, "x".repeat(MAX_CONFIRM_BYTES + 1)),
            Err(Refusal::InvalidRequest),
        );
        approve(r#""handle":"billing-bot""#, Err(Refusal::InvalidRequest));
        // TH55
        for handle in ["agent_\u{43e}ne", "agent one", "agent\u{200b}one", "admin"] {
            approve(&format!(r#"{ceiling},"handle":"{handle}""#), Err(Refusal::InvalidHandle));
        }
        let with = |members: &str| format!(r#""ceiling":{{"scope":"echo:read agent:self","resource":[]{members}}}"#);
        approve(&with(""), Err(Refusal::InvalidScope { excess: Scope::parse("agent:self").unwrap() }));
        let harmless = |members: &str| format!(r#""ceiling":{{"scope":"echo:read","resource":[]{members}}}"#);
        approve(&harmless(r#","del_max_depth":8"#), Ok(()));
        approve(&harmless(r#","del_max_depth":9"#), Err(Refusal::InvalidCeiling));
        approve(&harmless(r#","authorization_details":[]"#), Err(Refusal::InvalidAuthorizationDetails));
    }

    #[test]
    fn the_other_bodies_are_read_strictly() {
        let refused = |bytes: &str| {
            let all = [
                RefuseRequest::parse(bytes.as_bytes()).map(|_| ()),
                OwnerCodeRequest::parse(bytes.as_bytes()).map(|_| ()),
                TaskRequest::parse(bytes.as_bytes()).map(|_| ()),
                RotationAnswer::parse(bytes.as_bytes()).map(|_| ()),
                RecoveryRequest::parse(bytes.as_bytes()).map(|_| ()),
            ];
            assert!(all.iter().all(|result| *result == Err(Refusal::InvalidRequest)), "{bytes}: {all:?}");
        };
        for bytes in ["", "{}", "[]", "null", "{\"x\":1}", "{\"role\":\"root\"}", "{\"user_code\":1}"] {
            refused(bytes);
        }
        assert!(RefuseRequest::parse(br#"{"user_code":"x"}"#).is_ok());
        assert!(OwnerCodeRequest::parse(br#"{"role":"admin","name":"Ada"}"#).is_ok());
        let did = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
        assert!(RotationAnswer::parse(format!(r#"{{"did":"{did}","reason":"planned"}}"#).as_bytes()).is_ok());
        refused(&format!(r#"{{"did":"{did} "}}"#));
        assert!(RecoveryRequest::parse(br#"{"statement":"a.b.c","reason":"stolen"}"#).is_ok());
        let task = r#"{"agent":"billing-bot","intent":"pay","scope":"pay:all","resource":["urn:pay"],"ref":"T-1","task_seconds":60}"#;
        let parsed = TaskRequest::parse(task.as_bytes()).unwrap();
        assert_eq!(parsed.lifetime, Some(Seconds::new(60)));
        refused(&task.replace("pay:all", ""));
        refused(&task.replace("\"pay\"", "\"\""));
        refused(&task.replace("urn:pay", "pay"));
        refused(&task.replace("intent", "trigger"));
        let with = |members: &str| TaskRequest::parse(task.replacen('{', &format!("{{{members},"), 1).as_bytes());
        let details = r#""authorization_details":[{"type":"attenuating_agent_token","tools":{"pay":{}}}]"#;
        assert!(with(details).is_ok_and(|task| task.tools.is_some()));
        assert!(with(r#""budget":{"max_uses":1}"#).is_ok_and(|task| task.budget.is_some()));
        assert_eq!(with(&details.replace("attenuating", "other")), Err(Refusal::InvalidAuthorizationDetails));
        assert_eq!(with(r#""budget":{}"#), Err(Refusal::InvalidRequest));
    }

    #[test]
    fn p07_an_object_has_no_second_spelling_as_a_list() {
        let ceiling = r#"{"scope":"echo:read","resource":["urn:echo"]}"#;
        approve(&format!(r#""ceiling":{ceiling}"#), Ok(()));
        // the members of each object in the order of its struct, which a derived reader would take
        approve(r#""ceiling":["echo:read",["urn:echo"]]"#, Err(Refusal::InvalidRequest));
        approve(r#""ceiling":["echo:read",["urn:echo"],null,60,"none",0,[]]"#, Err(Refusal::InvalidRequest));
        let whole = format!(r#"["BCDFGHJK",null,{ceiling},null]"#);
        assert_eq!(ApproveRequest::parse(whole.as_bytes()).err(), Some(Refusal::InvalidRequest));
        assert_eq!(RefuseRequest::parse(br#"["x"]"#).err(), Some(Refusal::InvalidRequest));
        assert_eq!(OwnerCodeRequest::parse(br#"["admin","Ada"]"#), Err(Refusal::InvalidRequest));
        let task = br#"["billing-bot","pay","pay:all",["urn:pay"],"T-1",60]"#;
        assert_eq!(TaskRequest::parse(task), Err(Refusal::InvalidRequest));
    }

    #[test]
    fn a_body_over_the_limit_is_refused_by_size() {
        // TH72
        let body = |length: usize| r#"{"user_code":"x"}"#.to_owned() + &" ".repeat(length - 17);
        assert!(RefuseRequest::parse(body(MAX_BODY_BYTES).as_bytes()).is_ok());
        let over = RefuseRequest::parse(body(MAX_BODY_BYTES + 1).as_bytes());
        assert_eq!(over.map(|_| ()), Err(Refusal::BodyTooLarge));
    }
}
