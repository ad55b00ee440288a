//! Enrolments: what an owner says beforehand about agents that are yet to register.

use handfast_delegation::Environment;
use handfast_identity::Seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::{Ceiling, CeilingWire};
use super::{Answer, Management};
use crate::error::{AnswerError, ClientError};
use crate::secret::Secret;

const ENROLMENTS: &str = "the enrolments";

/// An enrolment to be made: good for one agent, which is the owner's as soon as it registers with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnrolment {
    /// What that agent may be given.
    pub ceiling: Ceiling,
    /// Where it has to run; anywhere if `None`.
    pub environment: Option<Environment>,
    /// What the owner calls the enrolment.
    pub label: Option<String>,
    /// How long it is good; the registry's default if `None`.
    pub lifetime: Option<Seconds>,
}

#[derive(Serialize)]
struct NewEnrolmentWire<'a> {
    ceiling: CeilingWire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

#[derive(Serialize)]
struct ReasonWire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Management {
    /// Makes an enrolment, and gives its token: this once.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `invalid_ceiling`, `invalid_scope`, `invalid_target`, `invalid_request`.
    pub async fn new_enrolment(&self, enrolment: &NewEnrolment) -> Result<MadeEnrolment, ClientError> {
        let body = NewEnrolmentWire {
            ceiling: enrolment.ceiling.wire(),
            environment: enrolment.environment,
            label: enrolment.label.as_deref(),
            expires_in: enrolment.lifetime.map(Seconds::get),
        };
        Ok(MadeEnrolment::read(&self.create(["enrolments"], &body).await?)?)
    }

    /// A page of enrolments, from behind `after` where the page before named it.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn enrolments(&self, after: Option<&str>) -> Result<EnrolmentPage, ClientError> {
        Ok(EnrolmentPage::read(&self.get(["enrolments"], &[("after", after)]).await?)?)
    }

    /// Calls an enrolment off: nobody registers with it any more.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_enrolment`, `enrolment_used`.
    pub async fn revoke_enrolment(&self, id: &str, reason: Option<&str>) -> Result<Enrolment, ClientError> {
        let answer = self.post(["enrolments", id, "revoke"], &ReasonWire { reason }).await?;
        Ok(Enrolment::from_members(answer.read(ENROLMENTS)?)?)
    }
}

/// An enrolment, as the registry shows it.
#[derive(Clone, Debug)]
pub struct Enrolment {
    id: String,
    status: String,
    members: Map<String, Value>,
}

impl Enrolment {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it stands: `open`, `used`, `revoked` or `expired`.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn from_members(members: Map<String, Value>) -> Result<Self, AnswerError> {
        let text = |member: &'static str| {
            let text = members.get(member).and_then(Value::as_str).map(str::to_owned);
            text.ok_or(AnswerError::Member { endpoint: ENROLMENTS, member })
        };
        Ok(Self { id: text("id")?, status: text("status")?, members })
    }
}

/// An enrolment and its token.
#[derive(Debug)]
pub struct MadeEnrolment {
    /// The enrolment.
    pub enrolment: Enrolment,
    /// What the agent registers with.
    pub token: Secret,
}

#[derive(Deserialize)]
struct TokenMember {
    token: String,
}

impl MadeEnrolment {
    fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let TokenMember { token } = answer.read(ENROLMENTS)?;
        let mut members: Map<String, Value> = answer.read(ENROLMENTS)?;
        members.remove("token"); // no part of what is shown
        Ok(Self { enrolment: Enrolment::from_members(members)?, token: Secret::new(token) })
    }
}

/// One page of enrolments.
#[derive(Clone, Debug)]
pub struct EnrolmentPage {
    /// The enrolments.
    pub enrolments: Vec<Enrolment>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct PageWire {
    enrolments: Vec<Map<String, Value>>,
    #[serde(default)]
    next: Option<String>,
}

impl EnrolmentPage {
    fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let PageWire { enrolments, next } = answer.read(ENROLMENTS)?;
        let enrolments = enrolments.into_iter().map(Enrolment::from_members).collect::<Result<_, _>>()?;
        Ok(Self { enrolments, next })
    }
}
