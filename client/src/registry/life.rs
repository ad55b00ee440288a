//! What happens to an agent between claiming and its end (spec/lifecycle.md), owners who leave, and the review of who uses what.

use handfast_delegation::Environment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::agents::AgentRecord;
use super::claims::{Ceiling, CeilingWire};
use super::{Answer, Management};
use crate::error::{AnswerError, ClientError};

const VERSIONS: &str = "the versions";
const OFFBOARDING: &str = "the off-boarding";
const REVIEW: &str = "the review";

#[derive(Serialize)]
struct ReasonWire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct OfferWire<'a> {
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct CeilingChangeWire<'a> {
    ceiling: CeilingWire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct EnvironmentWire<'a> {
    environment: Environment,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct OffboardingRequestWire<'a> {
    agents: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Management {
    /// Suspends an agent, by DID or handle: what it was given is dead, and it gets nothing until it is resumed.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_agent`, `forbidden`, `not_claimed`, `agent_retired`, `agent_revoked`.
    pub async fn suspend_agent(&self, agent: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.live(agent, "suspend", &ReasonWire { reason }).await
    }

    /// Lets a suspended agent go on, with new tokens.
    ///
    /// # Errors
    ///
    /// As [`Self::suspend_agent`]; `forbidden` also where an admin suspended it.
    pub async fn resume_agent(&self, agent: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.live(agent, "resume", &ReasonWire { reason }).await
    }

    /// Puts an agent out of use for ever; its record and handle are kept.
    ///
    /// # Errors
    ///
    /// As [`Self::suspend_agent`].
    pub async fn retire_agent(&self, agent: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.live(agent, "retire", &ReasonWire { reason }).await
    }

    /// Offers an agent to another owner, by id, for a week.
    ///
    /// # Errors
    ///
    /// As [`Self::suspend_agent`]; `invalid_request` for nobody, `owner_closed` for somebody who left.
    pub async fn offer_agent(&self, agent: &str, to: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.live(agent, "transfer", &OfferWire { to, reason }).await
    }

    /// Takes an agent over that was offered to this owner. Its ceiling is empty then: see [`Self::set_ceiling`].
    ///
    /// # Errors
    ///
    /// [`ClientError`]; `unknown_transfer` where nothing is offered to this owner.
    pub async fn accept_agent(&self, agent: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.acted(agent, &["transfer", "accept"], &ReasonWire { reason }).await
    }

    /// Takes an offer back, or declines one made to this owner.
    ///
    /// # Errors
    ///
    /// As [`Self::accept_agent`].
    pub async fn withdraw_offer(&self, agent: &str, reason: Option<&str>) -> Result<AgentRecord, ClientError> {
        self.acted(agent, &["transfer", "withdraw"], &ReasonWire { reason }).await
    }

    /// Sets another ceiling, whole. One that lacks anything the old one had ends the agent's tasks and tokens.
    ///
    /// # Errors
    ///
    /// As [`Self::suspend_agent`]; `invalid_ceiling`, `invalid_scope`, `invalid_target`.
    pub async fn set_ceiling(
        &self,
        agent: &str,
        ceiling: &Ceiling,
        reason: Option<&str>,
    ) -> Result<AgentRecord, ClientError> {
        self.live(agent, "ceiling", &CeilingChangeWire { ceiling: ceiling.wire(), reason }).await
    }

    /// Says where an agent runs from now on. Its tokens name the old place, and so are dead.
    ///
    /// # Errors
    ///
    /// As [`Self::suspend_agent`].
    pub async fn set_environment(
        &self,
        agent: &str,
        environment: Environment,
        reason: Option<&str>,
    ) -> Result<AgentRecord, ClientError> {
        self.live(agent, "environment", &EnvironmentWire { environment, reason }).await
    }

    /// The versions an agent said it was, newest first.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn agent_versions(&self, agent: &str) -> Result<Vec<AgentVersion>, ClientError> {
        let VersionsWire { versions } = self.get(["agents", agent, "versions"], &[]).await?.read(VERSIONS)?;
        Ok(versions)
    }

    /// Begins or goes on to off-board an owner: `to` takes the agents over, or they are retired. Each call does a part; repeat it
    /// until it [is done](Offboarding::is_done), whatever stopped the one before.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; `owner_closed` where it began otherwise.
    pub async fn offboard_owner(
        &self,
        owner: &str,
        to: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Offboarding, ClientError> {
        let agents = if to.is_some() { "transfer" } else { "retire" };
        let body = OffboardingRequestWire { agents, to, reason };
        Ok(Offboarding::read(&self.post(["owners", owner, "offboarding"], &body).await?)?)
    }

    /// A page of the review: what agents may do, and when they last did.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn review(&self, query: &ReviewQuery, after: Option<&str>) -> Result<ReviewPage, ClientError> {
        let days = query.stale_days.map(|days| days.to_string());
        let only = query.only_stale.then_some("stale");
        let query = [("after", after), ("limit", Some("100")), ("stale_days", days.as_deref()), ("only", only)];
        Ok(ReviewPage::read(&self.get(["review"], &query).await?)?)
    }

    async fn live(&self, agent: &str, event: &str, body: &impl Serialize) -> Result<AgentRecord, ClientError> {
        Ok(AgentRecord::read(&self.post(["agents", agent, event], body).await?)?)
    }

    async fn acted(&self, agent: &str, event: &[&str; 2], body: &impl Serialize) -> Result<AgentRecord, ClientError> {
        let [one, two] = event;
        Ok(AgentRecord::read(&self.post(["agents", agent, one, two], body).await?)?)
    }
}

/// A version of an agent, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AgentVersion {
    /// The version.
    pub version: String,
    /// Since when, in seconds since the epoch.
    pub since: u64,
}

#[derive(Deserialize)]
struct VersionsWire {
    versions: Vec<AgentVersion>,
}

/// How far an off-boarding has come.
#[derive(Clone, Debug)]
pub struct Offboarding {
    agents: u64,
    is_done: bool,
    members: Map<String, Value>,
}

impl Offboarding {
    /// Agents transferred or retired so far.
    #[must_use]
    pub const fn agents(&self) -> u64 {
        self.agents
    }

    /// Whether nothing is left to be done.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.is_done
    }

    /// All of it, for showing.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let members: Map<String, Value> = answer.read(OFFBOARDING)?;
        let unusable = |member| AnswerError::Member { endpoint: OFFBOARDING, member };
        let agents = members.get("agents").and_then(Value::as_u64).ok_or(unusable("agents"))?;
        let is_done = match members.get("status").and_then(Value::as_str) {
            Some("done") => true,
            Some("running") => false,
            _ => return Err(unusable("status")),
        };
        Ok(Self { agents, is_done, members })
    }
}

/// What of the review is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewQuery {
    /// After how many days without a token an agent is stale; the registry's default if `None`.
    pub stale_days: Option<u64>,
    /// Whether only stale ones are wanted.
    pub only_stale: bool,
}

/// One page of the review.
#[derive(Clone, Debug)]
pub struct ReviewPage {
    /// The agents: their records, and what they were given lately.
    pub agents: Vec<Reviewed>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
}

/// One agent in a review.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// Its record.
    pub record: AgentRecord,
    /// When it was last given a token, in seconds since the epoch.
    pub last_seen: Option<u64>,
    /// How many days ago it registered.
    pub age_days: u64,
    /// Whether nobody used it for so long.
    pub stale: bool,
    /// Each scope of its ceiling.
    pub scopes: Vec<ScopeUse>,
}

/// A scope, and when a token with it was last given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ScopeUse {
    /// The scope.
    pub scope: String,
    /// In seconds since the epoch; `None` for never, as far as is known.
    #[serde(default)]
    pub last_used: Option<u64>,
}

#[derive(Deserialize)]
struct PageWire {
    agents: Vec<Map<String, Value>>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct ReviewedWire {
    #[serde(default)]
    last_seen: Option<u64>,
    age_days: u64,
    stale: bool,
    scopes: Vec<ScopeUse>,
}

impl ReviewPage {
    fn read(answer: &Answer) -> Result<Self, AnswerError> {
        let PageWire { agents, next } = answer.read(REVIEW)?;
        let agents = agents.into_iter().map(Reviewed::from_members).collect::<Result<_, _>>()?;
        Ok(Self { agents, next })
    }
}

impl Reviewed {
    fn from_members(members: Map<String, Value>) -> Result<Self, AnswerError> {
        let unusable = |_| AnswerError::Member { endpoint: REVIEW, member: "scopes" };
        let wire: ReviewedWire = serde_json::from_value(Value::Object(members.clone())).map_err(unusable)?;
        let ReviewedWire { last_seen, age_days, stale, scopes } = wire;
        Ok(Self { record: AgentRecord::from_members(members, REVIEW)?, last_seen, age_days, stale, scopes })
    }
}
