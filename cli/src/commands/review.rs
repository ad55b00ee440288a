//! `handfast review`: what agents may do, what of it they use, and which nobody uses.

use std::time::{SystemTime, UNIX_EPOCH};

use handfast_client::{ReviewQuery, Reviewed, Role};
use serde_json::Value;

use crate::args::ReviewArgs;
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

const DAY_SECONDS: u64 = 86_400;
/// The columns of the CSV: one row for each scope of each agent.
const COLUMNS: [&str; 12] = [
    "did",
    "handle",
    "status",
    "state",
    "owner",
    "environment",
    "version",
    "age_days",
    "last_seen",
    "stale",
    "scope",
    "scope_last_used",
];

pub(crate) async fn run(args: ReviewArgs, ui: Ui) -> Result<(), Failure> {
    let role = if args.all { Role::Reader } else { Role::Owner };
    let management = keyfiles::management_as(&keyfiles::owner(&args.key.key)?, role, ui)?;
    let query = ReviewQuery { stale_days: args.stale, only_stale: args.stale.is_some() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (mut after, mut count): (Option<String>, usize) = (None, 0);
    if args.csv {
        ui.line(&COLUMNS.join(","))?;
    }
    loop {
        let page = management.review(&query, after.as_deref()).await?;
        for agent in &page.agents {
            if args.csv {
                for row in rows(agent) {
                    ui.line(&row)?;
                }
            } else {
                if count == 0 && !ui.is_json() {
                    ui.line(&line(["HANDLE", "STATE", "AGE", "LAST", "OWNER"], "SCOPES AND THEIR LAST USE"))?;
                }
                ui.result(agent.record.members(), |_| lines(agent, now))?;
            }
            count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if count == 0 {
        ui.remark("No agents.");
    }
    Ok(())
}

/// UNCLAIMED, REVOKED, `retired`, `suspended`, or `in use`.
fn state(agent: &Reviewed) -> &str {
    let has = |member: &str| agent.record.members().get(member).is_some();
    match text(agent, "status") {
        "CLAIMED" if has("retired_at") => "retired",
        "CLAIMED" if has("suspended_at") => "suspended",
        "CLAIMED" => "in use",
        other => other,
    }
}

fn text<'a>(agent: &'a Reviewed, member: &str) -> &'a str {
    agent.record.members().get(member).and_then(Value::as_str).unwrap_or_default()
}

fn owner(agent: &Reviewed) -> &str {
    let owner = agent.record.members().get("owner");
    owner.and_then(|owner| owner.get("id")).and_then(Value::as_str).unwrap_or_default()
}

fn line(columns: [&str; 5], rest: &str) -> String {
    let [handle, state, age, last, owner] = columns;
    format!("{handle:<28} {state:<10} {age:>6} {last:>7} {owner:<32} {rest}").trim_end().to_owned()
}

/// For people. Texts of others are escaped: a name cannot move the cursor.
fn lines(agent: &Reviewed, now: u64) -> String {
    let ago = |at: Option<u64>| match at {
        None => "never".to_owned(),
        Some(at) => format!("{}d", now.saturating_sub(at) / DAY_SECONDS),
    };
    let scopes: Vec<_> =
        agent.scopes.iter().map(|used| format!("{} {}", used.scope.escape_debug(), ago(used.last_used))).collect();
    let stale = if agent.stale { "STALE  " } else { "" };
    let handle = agent.record.handle().escape_debug().to_string();
    let (age, last) = (format!("{}d", agent.age_days), ago(agent.last_seen));
    let owner = owner(agent).escape_debug().to_string();
    line([&handle, state(agent), &age, &last, &owner], &format!("{stale}{}", scopes.join(", ")))
}

/// The rows of one agent: one for each scope, and one where there is none.
fn rows(agent: &Reviewed) -> Vec<String> {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let start: Vec<String> = [
        agent.record.did().as_str(),
        agent.record.handle(),
        text(agent, "status"),
        state(agent),
        owner(agent),
        text(agent, "environment"),
        text(agent, "version"),
    ]
    .map(field)
    .into_iter()
    .chain([agent.age_days.to_string(), number(agent.last_seen), agent.stale.to_string()])
    .collect();
    let row = |scope: &str, used| [&start[..], &[field(scope), number(used)]].concat().join(",");
    if agent.scopes.is_empty() {
        return vec![row("", None)];
    }
    agent.scopes.iter().map(|used| row(&used.scope, used.last_used)).collect()
}

/// One field (RFC 4180). A spreadsheet takes what begins like a formula for one: such a text is marked as text.
fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_neither_two_nor_a_formula() {
        for (text, expected) in [
            ("1.2", "1.2"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("@sum", "'@sum"),
            ("-1", "'-1"),
            ("", ""),
        ] {
            assert_eq!(field(text), expected);
        }
    }
}
