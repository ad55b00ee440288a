//! `handfast task`: give an agent something to do, look at it.

use std::collections::{HashMap, HashSet};

use handfast_client::{Management, NewTask, Role, TaskDelegation};
use handfast_delegation::{Budget, Tools};
use handfast_identity::{DidKey, Seconds};
use serde::Deserialize;
use serde_json::Value;

use super::{member_lines, resources, scope, words};
use crate::args::TaskCommand;
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

/// A task holds 4096 hops at most; a registry that lists more is not followed.
const MAX_SHOWN_DELEGATIONS: usize = 4096;

pub(crate) async fn run(command: TaskCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        TaskCommand::New {
            agent,
            intent,
            scope: wanted,
            resource,
            reference,
            seconds,
            bounds,
            authorization_details,
            key,
        } => {
            let management = keyfiles::management(&keyfiles::owner(&key.key)?, ui)?;
            let agent = match DidKey::parse(&agent) {
                Ok(did) => did,
                // a handle: the registry says whose it is today
                Err(_) => management.agent(&agent).await?.did().clone(),
            };
            let task = NewTask {
                agent,
                intent,
                scope: scope(&wanted)?,
                resources: resources(&resource)?,
                reference,
                seconds: seconds.map(Seconds::new),
                tools: bounds.tools()?.or(authorization_details),
                budget: bounds.budget()?,
            };
            let task = management.new_task(&task).await?;
            ui.result(task.members(), member_lines)
        }
        TaskCommand::Show { task, key } => {
            let task = keyfiles::management(&keyfiles::owner(&key.key)?, ui)?.task(&task).await?;
            ui.result(task.members(), member_lines)
        }
        TaskCommand::Tree { task, agent_key, admin, key } => {
            let management = match agent_key {
                Some(path) => keyfiles::agent(&path, ui)?.registry().acting_as(Role::Agent)?,
                None => keyfiles::management_as(
                    &keyfiles::owner(&key.key)?,
                    if admin { Role::Reader } else { Role::Owner },
                    ui,
                )?,
            };
            tree(&management, &task, ui).await
        }
    }
}

/// Every page of the tree; with `--json` one delegation a line, as they come.
async fn tree(management: &Management, task: &str, ui: Ui) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = management.task_tree(task, after.as_deref(), None).await?;
        if ui.is_json() {
            for delegation in &page.delegations {
                ui.json_line(delegation.members())?;
            }
        }
        // an empty page is the last, whatever it says: nothing would ever end otherwise
        let is_last = page.next.is_none() || page.delegations.is_empty();
        all.extend(page.delegations);
        after = page.next;
        if is_last || all.len() >= MAX_SHOWN_DELEGATIONS {
            break;
        }
    }
    if ui.is_json() {
        return Ok(());
    }
    if all.is_empty() {
        ui.remark("Nothing of this task was passed on, as far as the registry knows.");
        return Ok(());
    }
    branches(&all).iter().try_for_each(|line| ui.line(line))
}

/// The delegations as lines, each below its parent; one whose parent is not there stands at the root.
fn branches(all: &[TaskDelegation]) -> Vec<String> {
    let mut lines = Vec::new();
    let known: HashSet<&str> = all.iter().map(TaskDelegation::hop).collect();
    let mut open: Vec<(usize, &TaskDelegation)> = Vec::new();
    let mut children: HashMap<&str, Vec<&TaskDelegation>> = HashMap::new();
    for one in all.iter().rev() {
        match one.parent().filter(|name| known.contains(name)) {
            Some(parent) => children.entry(parent).or_default().push(one),
            None => open.push((0, one)),
        }
    }
    // each of them is shown once, also where a registry names parents in a circle
    let mut shown: HashSet<&str> = HashSet::new();
    while let Some((depth, one)) = open.pop() {
        if !shown.insert(one.hop()) {
            continue;
        }
        lines.push(format!("{}{}", "  ".repeat(depth), line(one)));
        open.extend(children.get(one.hop()).into_iter().flatten().map(|child| (depth + 1, *child)));
    }
    lines
}

fn line(one: &TaskDelegation) -> String {
    let text = |member: &str| match one.members().get(member) {
        Some(Value::String(text)) => text.escape_debug().to_string(),
        Some(Value::Null) | None => "?".to_owned(),
        Some(other) => other.to_string(),
    };
    let kind = if one.members().get("instance") == Some(&Value::Bool(true)) { " (an instance)" } else { "" };
    let bounds = bounds(one).unwrap_or_else(|| ", with bounds that cannot be read".to_owned());
    format!(
        "{}{kind}  {} at {}{bounds} until {}",
        text("delegate"),
        text("scope"),
        text("resource"),
        text("expires_at")
    )
}

/// With which tools and how often, where that is bounded.
fn bounds(one: &TaskDelegation) -> Option<String> {
    let said = |member: &str| one.members().get(member).filter(|value| !value.is_null());
    let tools = said("authorization_details").map(Tools::from_details).transpose().ok()?;
    let budget = said("budget").map(Budget::deserialize).transpose().ok()?;
    let tools = tools.map(|tools| format!(" with {}", words::tools(&tools))).unwrap_or_default();
    let budget = budget.map(|budget| format!(", {}", words::budget(&budget))).unwrap_or_default();
    Some(format!("{tools}{budget}"))
}
