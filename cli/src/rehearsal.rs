//! What `--dry-run` shows: the first request that would be sent, and files that would be written. Neither happens.

use std::path::Path;

use handfast_client::{Planned, PlannedCredentials};
use handfast_identity::base64url;
use serde_json::{Map, Value, json};

use crate::args::{
    AgentCommand, ChainCommand, Command, EnrolmentCommand, LifeCommand, OwnerCommand, RegistryCommand, RevokeCommand,
    TaskCommand,
};

/// Members whose value opens something; whoever typed it has it.
const HIDDEN_MEMBERS: [&str; 2] = ["enrolment", "user_code"];
const HIDDEN: &str = "(hidden)";

/// Whether a command changes anything at a registry, or writes to the disk for itself, so that there is something to rehearse.
/// What only prints and what runs servers is not rehearsed; nor are tokens and bundles, which have to be asked for to be seen.
pub(crate) const fn changes_something(command: &Command) -> bool {
    match command {
        Command::Owner(OwnerCommand::Init { .. } | OwnerCommand::Code { .. } | OwnerCommand::Offboard(_))
        | Command::Claim(_)
        | Command::Curl(_)
        | Command::Enrolment(EnrolmentCommand::Create(_) | EnrolmentCommand::Revoke { .. })
        | Command::Man(_)
        | Command::Key(_)
        | Command::Task(TaskCommand::New { .. })
        | Command::Revoke(
            RevokeCommand::Agent { .. }
            | RevokeCommand::Task { .. }
            | RevokeCommand::Token { .. }
            | RevokeCommand::Hop { .. }
            | RevokeCommand::Key { .. }
            | RevokeCommand::Owner { .. }
            | RevokeCommand::IssuerKey { .. },
        ) => true,
        Command::Agent(command) => match command {
            AgentCommand::Init { .. }
            | AgentCommand::Register(_)
            | AgentCommand::Rotate(_)
            | AgentCommand::ApproveRotation(_)
            | AgentCommand::Recover(_) => true,
            AgentCommand::Show { .. }
            | AgentCommand::Search(_)
            | AgentCommand::List { .. }
            | AgentCommand::History(_) => false,
            AgentCommand::Life(LifeCommand::Version { version, .. }) => version.is_some(),
            AgentCommand::Life(_) => true,
        },
        Command::Registry(command) => !matches!(command, RegistryCommand::Serve { .. }),
        Command::Demo
        | Command::Dev(_)
        | Command::Enrolment(EnrolmentCommand::List { .. })
        | Command::Task(_)
        | Command::Token(_)
        | Command::Delegate(_)
        | Command::Exchange(_)
        | Command::Chain(ChainCommand::Show { .. } | ChainCommand::Verify(_))
        | Command::Did(_)
        | Command::Review(_)
        | Command::Bench(_)
        | Command::Completions(_)
        | Command::Explain(_)
        | Command::Doctor(_)
        | Command::Config(_) => false,
    }
}

/// One thing that would happen.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    members: Map<String, Value>,
    words: String,
}

impl Step {
    pub(crate) const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(crate) fn words(&self) -> &str {
        &self.words
    }
}

/// A file would be written, or made.
pub(crate) fn write(path: &Path, what: &str) -> Step {
    step(
        json!({"dry_run": true, "would": "write", "file": path, "what": what}),
        format!("write {} ({what})", path.display()),
    )
}

/// A file would be deleted.
pub(crate) fn delete(path: &Path) -> Step {
    step(json!({"dry_run": true, "would": "delete", "file": path}), format!("delete {}", path.display()))
}

/// A request would be sent.
pub(crate) fn send(planned: &Planned) -> Step {
    let (with, scope) = match planned.credentials() {
        PlannedCredentials::Nothing => ("nothing", None),
        PlannedCredentials::Proof => ("proof", None),
        PlannedCredentials::Token { scope } => ("token", Some(scope.as_str())),
    };
    let body = planned.expose_body().map(body);
    let then = planned.is_question().then_some("what follows depends on the answer");
    let members = json!({
        "dry_run": true, "would": "send", "method": planned.method(), "url": planned.url(), "credentials": with,
        "scope": scope, "content_type": planned.content_type(), "body": body, "then": then,
    });
    let credentials = match (with, scope) {
        ("token", Some(scope)) => format!("a token of scope `{scope}`, and a proof"),
        ("proof", _) => "a proof".to_owned(),
        _ => "nothing, but what stands in it".to_owned(),
    };
    let media = planned.content_type().map(|media| format!(" ({media})")).unwrap_or_default();
    let shown = body_of(&members).map(|body| format!("\n{body}{media}")).unwrap_or_default();
    let then = then.map(|then| format!("\n{then}")).unwrap_or_default();
    step(members, format!("send {} {}\nwith {credentials}{shown}{then}", planned.method(), planned.url()))
}

fn step(members: Value, words: String) -> Step {
    let Value::Object(members) = members else { return Step { members: Map::new(), words } };
    Step { members, words }
}

fn body_of(members: &Value) -> Option<String> {
    let body = members.get("body").filter(|body| !body.is_null())?;
    match body {
        Value::String(text) => Some(text.escape_debug().to_string()),
        other => serde_json::to_string_pretty(other).ok(),
    }
}

/// The content, read as what it is.
fn body(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    shown(value)
}

/// Without what opens something: codes, and signatures of statements, which are good for a while.
fn shown(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = if HIDDEN_MEMBERS.contains(&name.as_str()) { json!(HIDDEN) } else { shown(value) };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(shown).collect()),
        Value::String(text) => statement(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}

/// What a signed statement says.
fn statement(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || signature.is_empty() {
        return None;
    }
    let read =
        |part: &str| serde_json::from_slice::<Value>(&base64url::decode(part).ok()?).ok().filter(Value::is_object);
    Some(json!({"header": read(header)?, "claims": shown(read(claims)?), "signature": HIDDEN}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_signatures_are_not_shown() {
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        let signed =
            format!("{}.{}.c2ln", part(&json!({"typ": "x+jwt"})), part(&json!({"enrolment": "CODE", "aud": "a"})));
        let read =
            json!({"header": {"typ": "x+jwt"}, "claims": {"enrolment": HIDDEN, "aud": "a"}, "signature": HIDDEN});
        assert_eq!(body(signed.as_bytes()), read);
        let nested = json!({"statement": signed, "user_code": "BCDF", "list": ["a.b.c", {"user_code": 1}]});
        let expected = json!({"statement": read, "user_code": HIDDEN, "list": ["a.b.c", {"user_code": HIDDEN}]});
        assert_eq!(body(nested.to_string().as_bytes()), expected);
        assert_eq!(body(b"plain text"), json!("plain text"));
    }
}
