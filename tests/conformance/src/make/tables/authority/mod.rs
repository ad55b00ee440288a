//! Authorities: which narrow which, what two have in common, and what a budget may be (spec/delegation.md, authority).

mod budgets;
mod meets;
mod narrows;

use handfast_delegation::{Authority, Budget, ResourceId, Scope, Tools};
use handfast_identity::UnixTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::in_order;
use crate::make::NOW;
use crate::make::draft::{OTHER_RESOURCE, RESOURCE};
use crate::make::jws::members;

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorities {
    /// Whether a child narrows its parent.
    pub narrows: Vec<Narrowing>,
    /// What two authorities have in common.
    pub meets: Vec<Meeting>,
    /// The JSON text of a budget, and whether it is one.
    pub budgets: Vec<(String, bool)>,
}

/// A pair and the one right verdict.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// What the child is to its parent.
    pub about: String,
    /// What is passed on.
    pub parent: WireAuthority,
    /// What of it.
    pub child: WireAuthority,
    /// `narrows`, or the reason of the first dimension that is wider.
    pub verdict: String,
}

/// Two authorities and the one that is offered where both bound something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// What it shows.
    pub about: String,
    /// One of them.
    pub one: WireAuthority,
    /// The other.
    pub other: WireAuthority,
    /// What narrows both; `null` where there is no form for it.
    pub meet: Option<WireAuthority>,
}

/// An authority by the members of a hop.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireAuthority {
    /// Scope tokens.
    pub scope: String,
    /// Resource identifiers.
    pub resource: Vec<String>,
    /// Tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Value>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Value>,
    /// Until when.
    pub exp: u64,
    /// How far it may be passed on.
    pub del_max_depth: u8,
}

impl WireAuthority {
    /// What it says.
    ///
    /// # Panics
    ///
    /// When a member is not of its form.
    #[must_use]
    pub fn authority(&self) -> Authority {
        Authority {
            scope: Scope::parse(&self.scope).unwrap(),
            resources: self.resource.iter().map(|text| ResourceId::parse(text).unwrap()).collect(),
            tools: self.authorization_details.as_ref().map(|value| Tools::from_details(value).unwrap()),
            budget: self.budget.as_ref().map(|value| Budget::deserialize(value).unwrap()),
            expires_at: UnixTime::from_secs(self.exp),
            max_depth: self.del_max_depth,
        }
    }
}

pub(super) fn table() -> Authorities {
    Authorities { narrows: narrows::rows(), meets: meets::rows(), budgets: budgets::rows() }
}

/// The authority that all others are made from, with something in every dimension.
fn good() -> Value {
    json!({
        "scope": "files:read files:write", "resource": [RESOURCE, OTHER_RESOURCE],
        "authorization_details": details(&json!({"read_file": {"path": below("/reports")}, "search": {}})),
        "budget": {"max_uses": 100, "rate": {"uses": 10, "seconds": 60}},
        "exp": NOW + 600, "del_max_depth": 3
    })
}

/// The good one with other members; `null` leaves one out.
fn changed(changes: Value) -> WireAuthority {
    let mut whole = good();
    for (name, value) in members(changes) {
        whole[name] = value;
    }
    serde_json::from_value(in_order(whole)).unwrap()
}

/// `authorization_details` of these tools.
fn details(tools: &Value) -> Value {
    json!([{"type": "attenuating_agent_token", "tools": tools}])
}

/// A path at or below `root`.
fn below(root: &str) -> Value {
    json!({"constraint_type": "path_containment", "root": root})
}
