//! The resource server of a vector: what it is, what it trusts, what it knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tool;

/// Everything about the server that can change an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The resource identifier, which tokens name as audience.
    pub resource: String,
    /// The public base URL.
    pub public_base: String,
    /// How old and how far ahead a proof may be, in seconds.
    pub window: Window,
    /// What is done with nonces.
    pub nonces: NonceSetting,
    /// What the replay store can hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplaySetting>,
    /// What the budget store can hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<BudgetSetting>,
    /// What is asked of delegation evidence, where it is not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainSetting>,
    /// What the server stopped by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<Stopped>,
    /// The server's environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The route that is asked for.
    pub route: Route,
    /// The trusted issuers.
    pub issuers: Vec<IssuerSetting>,
}

/// The proof window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Seconds into the past.
    pub past: u64,
    /// Seconds into the future.
    pub future: u64,
}

/// The nonce policy (spec/dpop-profile.md, nonces).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "policy", rename_all = "snake_case")]
pub enum NonceSetting {
    /// None are handed out.
    Off,
    /// Checked when sent; the clock counts.
    Adds(Keys),
    /// Demanded; the clock counts.
    Required(Keys),
    /// A good one makes up for the clock.
    ReplacesClock(Keys),
}

/// Where nonces come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The secret, base64url of 32 bytes.
    pub secret: String,
    /// Seconds of a step.
    pub period: u64,
    /// When the server started, if the rule for the time after a start is to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
}

/// The replay store, where it is not simply empty and large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "state", rename_all = "snake_case")]
pub enum ReplaySetting {
    /// It cannot be asked.
    Unavailable,
    /// It is small.
    Bounded {
        /// Entries in all.
        total: usize,
        /// Entries of one key.
        per_key: usize,
    },
}

/// The budget store, where it is not simply empty and large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "state", rename_all = "snake_case")]
pub enum BudgetSetting {
    /// It cannot be asked.
    Unavailable,
    /// It is small.
    Bounded {
        /// Counts in all.
        total: usize,
        /// Counts of one owner's tasks.
        per_owner: usize,
    },
}

/// What is asked of delegation evidence (spec/delegation.md, the check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSetting {
    /// Whether an exchanged token needs it.
    pub evidence: Evidence,
    /// Most bytes of it.
    pub max_bytes: usize,
    /// Most hops.
    pub max_hops: usize,
}

/// Something a server stopped by itself (spec/delegation.md, drift), of the first issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// The task: halted whole, unless a hop is named.
    pub task: String,
    /// The name of the hop that is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
}

/// Whether an exchanged token needs evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It does.
    Required,
    /// The issuer's word is taken for it.
    Optional,
}

/// What the route asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Whom it is for.
    pub callers: Callers,
    /// Alternative scopes, each needed whole.
    pub scopes: Vec<String>,
    /// What its requests call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// Whether proofs have to cover the content.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub bind_content: bool,
}

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callers {
    /// Agents.
    Agents,
    /// Owners.
    Owners,
    /// Both.
    AgentsAndOwners,
}

/// One trusted issuer and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSetting {
    /// What it is trusted with.
    pub trust: TrustRecord,
    /// Its JWK set.
    pub keys: Jwks,
    /// Its revocations.
    pub status: StatusSetting,
}

/// A JWK set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    /// The keys, member by member.
    pub keys: Vec<BTreeMap<String, String>>,
}

/// A trust record (spec/access-tokens.md, trusted issuers). An absent list leaves that dimension open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRecord {
    /// Its identifier.
    pub issuer: String,
    /// `handfast` or `rfc9068`.
    pub profile: String,
    /// `feed`, `status_list` or `none`.
    pub status: String,
    /// The key its feed is signed with, for `feed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed_key: Option<String>,
    /// The key its status lists are signed with, for `status_list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_key: Option<String>,
    /// Where its lists may live beside its own origin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_origins: Vec<String>,
    /// Resources it may speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Scopes it may give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// Prefixes of subjects it may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// Other issuers whose word on agents and keys counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_status: Vec<String>,
    /// Longest token lifetime in seconds.
    pub max_lifetime: u64,
}

/// What is known of an issuer's revocations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "state", rename_all = "snake_case")]
pub enum StatusSetting {
    /// It is not followed.
    NotFollowed,
    /// Nothing arrived yet.
    Unknown,
    /// Its feed went back.
    RolledBack,
    /// Its status lists, in the order in which they were fetched.
    Listed {
        /// The lists.
        lists: Vec<List>,
    },
    /// All of it, as of a time.
    Known {
        /// The signed time of the last message.
        as_of: u64,
        /// What is revoked.
        revoked: Vec<Revocation>,
    },
}

/// A status list as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Where.
    pub uri: String,
    /// When, by the server's clock.
    pub fetched_at: u64,
    /// The signed list.
    pub text: String,
}

/// One revoked thing, by its own id; the feed carries hashed names instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The kind, as in the feed.
    pub kind: String,
    /// The id.
    pub id: String,
    /// The cut, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<u64>,
}
