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
const FORM: &str = "application/x-www-form-urlencoded";

/// Whether a command changes anything at a registry, gives something away, or writes to the disk for itself, so that there is
/// something to rehearse. A token may begin a task. What only prints and what runs servers is not rehearsed.
pub(crate) const fn changes_something(command: &Command) -> bool {
    match command {
        Command::Owner(OwnerCommand::Init { .. } | OwnerCommand::Code { .. } | OwnerCommand::Offboard(_))
        | Command::Claim(_)
        | Command::Curl(_)
        | Command::Enrolment(EnrolmentCommand::Create(_) | EnrolmentCommand::Revoke { .. })
        | Command::Man(_)
        | Command::Key(_)
        | Command::Task(TaskCommand::New { .. })
        | Command::Token(_)
        | Command::Delegate(_)
        | Command::Exchange(_)
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

/// A hop would be signed.
pub(crate) fn sign(delegate: &str, scope: &str, resources: &[&str], expires_at: Option<u64>) -> Step {
    let members = json!({
        "dry_run": true, "would": "sign", "what": "a hop", "delegate": delegate, "scope": scope, "resource": resources,
        "expires_at": expires_at,
    });
    let until = expires_at.map(|end| format!(", until {end}")).unwrap_or_default();
    step(members, format!("sign a hop of `{scope}` for {delegate}{until}"))
}

/// A request would be sent.
pub(crate) fn send(planned: &Planned) -> Step {
    let (with, scope) = match planned.credentials() {
        PlannedCredentials::Nothing => ("nothing", None),
        PlannedCredentials::Proof => ("proof", None),
        PlannedCredentials::Token { scope } => ("token", Some(scope.as_str())),
    };
    let is_form = planned.content_type().is_some_and(|media| media.starts_with(FORM));
    let body = planned.expose_body().map(|bytes| if is_form { form(bytes) } else { body(bytes) });
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

/// The members of a form; one that stands several times is a list.
fn form(bytes: &[u8]) -> Value {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        // details are JSON in a form
        let value = serde_json::from_str(&value).ok().filter(Value::is_array).unwrap_or_else(|| json!(value));
        match members.get_mut(&*name) {
            None => drop(members.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    shown(Value::Object(members))
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

    #[test]
    fn a_form_is_shown_as_its_members_and_without_what_opens_something() {
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        let token = format!("{}.{}.c2ln", part(&json!({"typ": "at+jwt"})), part(&json!({"sub": "owner:1"})));
        let text = format!(
            "grant_type=x%3Ay&scope=a+b&resource=https%3A%2F%2Fa&resource=c&resource=d&subject_token={token}&empty=&bare&\
             authorization_details=%5B%7B%22type%22%3A1%7D%5D"
        );
        assert_eq!(
            form(text.as_bytes()),
            json!({
                "grant_type": "x:y", "scope": "a b", "resource": ["https://a", "c", "d"], "empty": "", "bare": "",
                "subject_token": {"header": {"typ": "at+jwt"}, "claims": {"sub": "owner:1"}, "signature": HIDDEN},
                "authorization_details": [{"type": 1}],
            })
        );
    }
}
