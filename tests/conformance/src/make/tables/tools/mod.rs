//! Tools and constraints: what is read, what they admit, which narrow which (spec/delegation.md, tools).
#![allow(clippy::needless_pass_by_value, reason = "constraints are made where they are given")]

mod admits;
mod calls;
mod meets;
mod pairs;
mod read;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::in_order;

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolRules {
    /// JSON texts of two values, and whether they are equal; `null` where one has no place in a constraint.
    pub equal: Vec<(String, String, Option<bool>)>,
    /// Values of `authorization_details`, and whether they are read.
    pub details: Vec<Reading>,
    /// Constraints, and whether they are read.
    pub constraints: Vec<Reading>,
    /// What constraints admit.
    pub admits: Vec<Admission>,
    /// Pairs of constraints.
    pub pairs: Vec<Pair>,
    /// Constraints that narrow two others.
    pub meets: Vec<Meeting>,
    /// Pairs of `tools`.
    pub tools: Vec<Pair>,
    /// Calls of tools.
    pub calls: Vec<Call>,
}

/// Something that is read or refused. How a refusal is called does not reach the wire.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// What it shows.
    pub about: String,
    /// What is read.
    pub value: Value,
    /// Whether it is read.
    pub accepted: bool,
}

/// A constraint and values on both sides of its edge.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// The constraint.
    pub constraint: Value,
    /// Values it admits.
    pub admitted: Vec<Value>,
    /// Values it does not.
    pub refused: Vec<Value>,
}

/// What may stand below what.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// What is above.
    pub parent: Value,
    /// What is below.
    pub child: Value,
    /// Whether it may.
    pub narrows: bool,
    /// Why not, where one might think so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// Two constraints and the one that is offered where both bound something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// One of them.
    pub one: Value,
    /// The other.
    pub other: Value,
    /// What narrows both; `null` where we offer none.
    pub meet: Option<Value>,
}

/// A call of a tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What it shows.
    pub about: String,
    /// The tools that may be called.
    pub tools: Value,
    /// The one that is.
    pub tool: String,
    /// With these arguments.
    pub arguments: Value,
    /// Whether it may.
    pub permitted: bool,
}

pub(super) fn table() -> ToolRules {
    ToolRules {
        equal: read::equal(),
        details: read::details(),
        constraints: read::constraints(),
        admits: admits::rows(),
        pairs: pairs::rows(),
        meets: meets::rows(),
        tools: calls::pairs(),
        calls: calls::rows(),
    }
}

fn exact(value: Value) -> Value {
    in_order(json!({"constraint_type": "exact", "value": value}))
}

fn one_of(values: Value) -> Value {
    in_order(json!({"constraint_type": "one_of", "values": values}))
}

fn not_one_of(excluded: Value) -> Value {
    in_order(json!({"constraint_type": "not_one_of", "excluded": excluded}))
}

/// A range with the members given.
fn range(ends: Value) -> Value {
    let mut whole = json!({"constraint_type": "range"});
    for (name, value) in crate::make::jws::members(ends) {
        whole[name] = value;
    }
    in_order(whole)
}

fn contains(required: Value) -> Value {
    in_order(json!({"constraint_type": "contains", "required": required}))
}

fn subset(allowed: Value) -> Value {
    in_order(json!({"constraint_type": "subset", "allowed": allowed}))
}

fn below(root: &str) -> Value {
    in_order(json!({"constraint_type": "path_containment", "root": root}))
}

fn all(clauses: &[Value]) -> Value {
    in_order(json!({"constraint_type": "all", "constraints": clauses}))
}

fn any(clauses: &[Value]) -> Value {
    in_order(json!({"constraint_type": "any", "constraints": clauses}))
}

fn wildcard() -> Value {
    json!({"constraint_type": "wildcard"})
}

/// `value` inside `levels` arrays.
fn nested(levels: usize, value: Value) -> Value {
    (0..levels).fold(value, |inner, _| json!([inner]))
}
