//! `handfast revoke`: stop something, for good.

use std::path::Path;

use handfast_client::{Management, Reach, Revocable, Role};
use serde_json::{Map, Value};

use super::member_lines;
use crate::args::{Revocation, RevokeCommand};
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{files, keyfiles};

pub(crate) async fn run(command: RevokeCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        RevokeCommand::Agent { agent, preview, how } => revoke_agent(agent, preview, &how, ui).await,
        RevokeCommand::Task { task, preview, how } => {
            let what = Revocable::Task(task);
            Stop { what: &what, kind: "task", management: acting(&how, ui)? }.run(preview, &how, ui).await
        }
        RevokeCommand::Token { token, preview, agent_key, how } => {
            let what = Revocable::token(&files::text(&token)?)
                .map_err(|error| Failure::new(Exit::Usage, format!("`{}`: {error}", token.display())))?;
            let management = acting_as(agent_key.as_deref(), &how, ui)?;
            Stop { what: &what, kind: "token", management }.run(preview, &how, ui).await
        }
        RevokeCommand::Hop { hop, bundle, preview, agent_key, how } => {
            let what = match (hop, bundle) {
                (_, Some(path)) => Revocable::hop(&files::bundle(&path)?),
                (hop, None) => Revocable::Hop { name: hop.unwrap_or_default(), hop: None },
            };
            let management = acting_as(agent_key.as_deref(), &how, ui)?;
            Stop { what: &what, kind: "delegation", management }.run(preview, &how, ui).await
        }
        RevokeCommand::Key { did, preview, how } => {
            let what = Revocable::Key(did);
            Stop { what: &what, kind: "key", management: acting(&how, ui)? }.run(preview, &how, ui).await
        }
        RevokeCommand::Owner { owner, preview, how } => {
            let what = Revocable::Owner(owner);
            Stop { what: &what, kind: "owner", management: acting(&how, ui)? }.run(preview, &how, ui).await
        }
        RevokeCommand::IssuerKey { kid, preview, how } => {
            let what = Revocable::IssuerKey(kid);
            let management = keyfiles::management_as(&keyfiles::owner(&how.key.key)?, Role::Admin, ui)?;
            Stop { what: &what, kind: "token key", management }.run(preview, &how, ui).await
        }
    }
}

async fn revoke_agent(agent: String, preview: bool, how: &Revocation, ui: Ui) -> Result<(), Failure> {
    let what = Revocable::Agent(agent);
    if ui.rehearses() && !preview {
        return revoked(&acting(how, ui)?.revoke_agent(what.id(), how.reason()).await?, ui);
    }
    let reach = acting(how, ui)?.preview_revocation(&what).await?;
    if preview {
        return ui.result(reach.members(), |_| reach_lines(&reach));
    }
    ui.remark(&reach_lines(&reach));
    let file = keyfiles::owner(&how.key.key)?;
    let reader = if how.admin { Role::Reader } else { Role::Owner };
    let record = keyfiles::management_as(&file, reader, ui)?.agent(what.id()).await?;
    let question = format!(
        "{} ({}) will be REVOKED: every token of it dies, and it never comes back.",
        record.handle().escape_debug(),
        record.did()
    );
    ui.confirm(&question, record.handle(), how.yes)?;
    revoked(&acting(how, ui)?.revoke_agent(record.did().as_str(), how.reason()).await?, ui)
}

fn revoked(told: &Map<String, Value>, ui: Ui) -> Result<(), Failure> {
    ui.result(told, |members| format!("Revoked.\n{}", member_lines(members)))
}

fn acting(how: &Revocation, ui: Ui) -> Result<Management, Failure> {
    let role = if how.admin { Role::Admin } else { Role::Owner };
    keyfiles::management_as(&keyfiles::owner(&how.key.key)?, role, ui)
}

/// The agent of the key, or whoever [`acting`] is.
fn acting_as(agent_key: Option<&Path>, how: &Revocation, ui: Ui) -> Result<Management, Failure> {
    match agent_key {
        Some(path) => Ok(keyfiles::agent(path, ui)?.registry().acting_as(Role::Agent)?),
        None => acting(how, ui),
    }
}

/// Something to stop, and as who.
struct Stop<'a> {
    what: &'a Revocable,
    kind: &'static str,
    management: Management,
}

impl Stop<'_> {
    /// Shows the reach, asks, stops.
    async fn run(&self, preview: bool, how: &Revocation, ui: Ui) -> Result<(), Failure> {
        if ui.rehearses() && !preview {
            return revoked(&self.management.revoke(self.what, how.reason()).await?, ui);
        }
        let reach = self.management.preview_revocation(self.what).await?;
        if preview {
            return ui.result(reach.members(), |_| reach_lines(&reach));
        }
        ui.remark(&reach_lines(&reach));
        let id = self.what.id().escape_debug().to_string();
        let question = match self.what {
            Revocable::Owner(_) => format!("Every token for {id} will be REVOKED; new ones are good again."),
            _ => format!("The {} {id} will be REVOKED, and never comes back.", self.kind),
        };
        ui.confirm(&question, &id, how.yes)?;
        revoked(&self.management.revoke(self.what, how.reason()).await?, ui)
    }
}

fn reach_lines(reach: &Reach) -> String {
    let time = |member: &str| reach.members().get(member).and_then(Value::as_u64);
    let latest = time("latest_expiry").map(|at| format!("; the last token would end at {at}")).unwrap_or_default();
    let before = time("revoked_at").map(|at| format!("\nIt was revoked already, at {at}.")).unwrap_or_default();
    let counts = [("agents", reach.agents()), ("tasks", reach.tasks()), ("delegations", reach.delegations())];
    let counts: Vec<_> = counts.into_iter().filter_map(|(name, count)| Some(format!("{name} {}", count?))).collect();
    let counts = if counts.is_empty() { vec!["what nobody counts".to_owned()] } else { counts };
    let more = if reach.members().contains_key("at_least") { " and more" } else { "" };
    format!("Would stop: {}{more}{latest}.{before}", counts.join(", "))
}
