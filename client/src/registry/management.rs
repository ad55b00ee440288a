//! The calls that need a token: each says as who.

use std::sync::Arc;

use handfast_delegation::{ResourceId, Scope};
use reqwest_middleware::ClientWithMiddleware;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::agents::{AgentPage, AgentQuery, AgentRecord, AgentStatus};
use super::claims::{Approval, ApprovalAnswer};
use super::client::call;
use super::once::{IDEMPOTENCY_KEY, once};
use super::revocations::{Reach, Revocable, RevocationWire};
use super::tasks::{NewTask, Task};
use super::tree::TaskTree;
use super::{Answer, RegistryClient};
use crate::error::{ArgumentError, ClientError};
use crate::rehearsal::PlannedCredentials;
use crate::secret::Secret;
use crate::signing::{Credentials, Destinations, Signer};
use crate::token::{TaskChoice, TokenManager, TokenRequest};

const OWNER_CODES: &str = "the owner codes";
const REVOCATIONS: &str = "the revocations";

/// As who a management call is made: it decides the one scope of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An agent, about itself.
    Agent,
    /// An owner, about what is theirs.
    Owner,
    /// Somebody who may see the whole registry.
    Reader,
    /// Somebody who may change it.
    Admin,
}

impl Role {
    const fn scope(self) -> &'static str {
        match self {
            Self::Agent => "agent:self",
            Self::Owner => "owner:self",
            Self::Reader => "registry:read",
            Self::Admin => "registry:admin",
        }
    }
}

/// The management API in one role. The registry decides what the role may do; a call that is not the role's is refused there.
#[derive(Clone)]
pub struct Management {
    registry: RegistryClient,
    role: Role,
    http: ClientWithMiddleware,
}

#[derive(Serialize)]
struct RefusalWire<'a> {
    user_code: &'a str,
}

#[derive(Serialize)]
struct NewCodeWire {
    role: &'static str,
}

#[derive(Deserialize)]
struct CodeWire {
    code: String,
}

impl Management {
    pub(super) fn new(registry: &RegistryClient, role: Role) -> Result<Self, ArgumentError> {
        let manager = Arc::new(TokenManager::new(registry, token_request(registry.issuer(), role)?));
        let destinations = Destinations::of(registry.mode(), [registry.issuer()]);
        let signer = Signer::new(registry.api_prover(), destinations, Credentials::Token(manager));
        let planned = PlannedCredentials::Token { scope: role.scope().to_owned() };
        let http = registry.outermost(planned).with(signer).build();
        Ok(Self { registry: registry.clone(), role, http })
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The record of an agent, by DID or handle.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn agent(&self, did_or_handle: &str) -> Result<AgentRecord, ClientError> {
        Ok(AgentRecord::read(&self.get(["agents", did_or_handle], &[]).await?)?)
    }

    /// A page of agents, from behind `after` where the page before named it.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn agents(&self, after: Option<&str>, limit: Option<u16>) -> Result<AgentPage, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("after", after), ("limit", limit.as_deref())];
        Ok(AgentPage::read(&self.get(["agents"], &query).await?)?)
    }

    /// A page of those agents that are wanted, from behind `after` where the page before named it.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; `forbidden` for another owner's, unless the role sees the whole registry.
    pub async fn search_agents(&self, wanted: &AgentQuery, after: Option<&str>) -> Result<AgentPage, ClientError> {
        let query = [
            ("after", after),
            ("handle", wanted.handle.as_deref()),
            ("owner", wanted.owner.as_deref()),
            ("status", wanted.status.map(AgentStatus::as_str)),
        ];
        Ok(AgentPage::read(&self.get(["agents"], &query).await?)?)
    }

    /// Approves a claim: first without `confirm`, then with the fingerprint words that the first answer held.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; refusals are `unknown_claim`, `wrong_code`, `already_claimed`, `agent_revoked`, `handle_taken`,
    /// `handle_confusable`, `invalid_handle`, `code_used`, `code_expired`, `code_void`, `slow_down`.
    pub async fn approve_claim(
        &self,
        claim: &str,
        approval: &Approval,
        confirm: Option<&str>,
    ) -> Result<ApprovalAnswer, ClientError> {
        ApprovalAnswer::read(&self.post(["claims", claim, "approve"], &approval.wire(confirm)).await?)
    }

    /// Refuses a claim; with its code, as only who was shown the agent may.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn refuse_claim(&self, claim: &str, user_code: &Secret) -> Result<(), ClientError> {
        self.post(["claims", claim, "refuse"], &RefusalWire { user_code: user_code.expose() }).await.map(|_| ())
    }

    /// A one-time code with which somebody becomes an owner.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn new_owner_code(&self) -> Result<Secret, ClientError> {
        self.new_code("owner").await
    }

    /// A one-time code with which somebody becomes an admin.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn new_admin_code(&self) -> Result<Secret, ClientError> {
        self.new_code("admin").await
    }

    /// Gives an agent a task.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn new_task(&self, task: &NewTask) -> Result<Task, ClientError> {
        Ok(Task::read(&self.create(["tasks"], &task.wire()).await?)?)
    }

    /// A task.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn task(&self, id: &str) -> Result<Task, ClientError> {
        Ok(Task::read(&self.get(["tasks", id], &[]).await?)?)
    }

    /// A page of a task's tree, from behind `after` where the page before named it: for the task's owner, its agent, and admins.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn task_tree(&self, id: &str, after: Option<&str>, limit: Option<u16>) -> Result<TaskTree, ClientError> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("after", after), ("limit", limit.as_deref())];
        Ok(TaskTree::read(&self.get(["tasks", id, "tree"], &query).await?)?)
    }

    /// Ends an agent, by DID or handle, for ever. Gives its record as it is now, for showing.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; whatever it is, nothing says that the agent is revoked.
    pub async fn revoke_agent(
        &self,
        did_or_handle: &str,
        reason: Option<&str>,
    ) -> Result<Map<String, Value>, ClientError> {
        self.stop(&RevocationWire::agent(did_or_handle, reason)).await
    }

    /// Stops something other than an agent, for good. Gives what the registry says of it, for showing; the same again gives the
    /// same.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; whatever it is, nothing says that it is revoked.
    pub async fn revoke(&self, what: &Revocable, reason: Option<&str>) -> Result<Map<String, Value>, ClientError> {
        self.stop(&RevocationWire::of(what, reason)).await
    }

    /// How far revoking it would reach. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`ClientError`], for whoever may not revoke it too.
    pub async fn preview_revocation(&self, what: &Revocable) -> Result<Reach, ClientError> {
        Ok(Reach::read(&self.post(["revocations", "preview"], &RevocationWire::of(what, None)).await?)?)
    }

    async fn stop(&self, body: &RevocationWire<'_>) -> Result<Map<String, Value>, ClientError> {
        Ok(self.post(["revocations"], body).await?.read(REVOCATIONS)?)
    }

    async fn new_code(&self, role: &'static str) -> Result<Secret, ClientError> {
        let CodeWire { code } = self.create(["owners", "codes"], &NewCodeWire { role }).await?.read(OWNER_CODES)?;
        Ok(Secret::new(code))
    }

    pub(super) async fn get<const N: usize>(
        &self,
        segments: [&str; N],
        query: &[(&str, Option<&str>)],
    ) -> Result<Answer, ClientError> {
        let mut url = self.registry.endpoint(segments);
        for (name, value) in query.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            url.query_pairs_mut().append_pair(name, value);
        }
        call(self.http.get(url)).await
    }

    pub(super) const fn registry(&self) -> &RegistryClient {
        &self.registry
    }

    pub(super) async fn post<const N: usize>(
        &self,
        segments: [&str; N],
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let url = self.registry.endpoint(segments);
        call(self.http.post(url).json(body)).await
    }

    /// The same for what creates something: without an answer it is sent again, and done once.
    pub(super) async fn create<const N: usize>(
        &self,
        segments: [&str; N],
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let url = self.registry.endpoint(segments);
        once(async |key| call(self.http.post(url.clone()).header(IDEMPOTENCY_KEY, key).json(body)).await).await
    }
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Management").field("role", &self.role).field("registry", &self.registry).finish()
    }
}

/// A token for the role, at the registry itself, whose resource identifier is its issuer.
fn token_request(issuer: &str, role: Role) -> Result<TokenRequest, ArgumentError> {
    let resources = vec![ResourceId::parse(issuer)?];
    let scope = Scope::parse(role.scope())?;
    Ok(TokenRequest { scope, resources, task: TaskChoice::Own, max_depth: None, tools: None })
}
