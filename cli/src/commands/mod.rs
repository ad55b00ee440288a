//! One file a command.

pub(crate) mod agent;
pub(crate) mod bench;
pub(crate) mod chain;
pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod curl;
pub(crate) mod custody;
pub(crate) mod delegate;
pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod did;
pub(crate) mod doctor;
pub(crate) mod enrolment;
pub(crate) mod exchange;
pub(crate) mod explain;
pub(crate) mod keys;
mod life;
pub(crate) mod owner;
pub(crate) mod pages;
pub(crate) mod registry;
pub(crate) mod review;
pub(crate) mod revoke;
pub(crate) mod task;
pub(crate) mod token;
mod words;

use handfast_client::AgentRecord;
use handfast_delegation::{ResourceId, Scope};
use serde_json::Value;

use crate::exit::{Exit, Failure};

fn scope(text: &str) -> Result<Scope, Failure> {
    Scope::parse(text).map_err(|error| Failure::new(Exit::Usage, format!("`{}`: {error}", text.escape_debug())))
}

fn resources(texts: &[String]) -> Result<Vec<ResourceId>, Failure> {
    let read = |text: &String| {
        ResourceId::parse(text)
            .map_err(|error| Failure::new(Exit::Usage, format!("`{}`: {error}", text.escape_debug())))
    };
    texts.iter().map(read).collect()
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// A record's lines for people. Texts of others are escaped: a name cannot move the cursor.
fn record_lines(record: &AgentRecord) -> String {
    member_lines(record.members())
}

fn member_lines(members: &serde_json::Map<String, Value>) -> String {
    let line = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{name:<14} {}", text.escape_debug())),
        other => Some(format!("{name:<14} {other}")),
    };
    members.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}
