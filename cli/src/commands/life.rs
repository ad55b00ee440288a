//! `handfast agent suspend`, `resume`, `retire`, `transfer` and so on: what happens between claiming and the end.

use std::path::Path;
use std::time::Duration;

use handfast_client::{AgentRecord, Management, Role};
use serde_json::json;

use super::claim;
use super::record_lines;
use crate::args::{CeilingArgs, Doing, LifeCommand, OffboardArgs};
use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::ui::Ui;

/// How long to wait before an off-boarding is asked to go on, where the last call found nothing to do.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(command: LifeCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        LifeCommand::Suspend { agent, how, admin } => {
            let record = acting(&how, admin, ui)?.suspend_agent(&agent, how.reason()).await?;
            told(&record, "Suspended. It gets nothing until it is resumed.", ui)
        }
        LifeCommand::Resume { agent, how, admin } => {
            let record = acting(&how, admin, ui)?.resume_agent(&agent, how.reason()).await?;
            told(&record, "It goes on, with new tokens.", ui)
        }
        LifeCommand::Retire { agent, yes, how, admin } => retire(&agent, yes, &how, admin, ui).await,
        LifeCommand::Transfer { agent, to, how, withdraw: _ } => transfer(&agent, to.as_deref(), &how, ui).await,
        LifeCommand::Accept { agent, how } => {
            let record = acting(&how, false, ui)?.accept_agent(&agent, how.reason()).await?;
            told(&record, "It is yours. Its ceiling is empty: set one with `handfast agent ceiling`.", ui)
        }
        LifeCommand::Ceiling(args) => ceiling(args, ui).await,
        LifeCommand::Environment { agent, environment, how } => {
            let record = acting(&how, false, ui)?.set_environment(&agent, environment.into(), how.reason()).await?;
            told(&record, "Its tokens name the new environment from now on.", ui)
        }
        LifeCommand::Version { version: Some(version), key, .. } => {
            let agent = keyfiles::agent(&key.key, ui)?;
            let stated = agent.registry().state_version(&version).await?;
            ui.result(&json!({"version": stated.version, "since": stated.since}), |_| {
                format!("Stated.\nversion {} since {}", stated.version.escape_debug(), stated.since)
            })
        }
        LifeCommand::Version { version: None, agent, owner_key, key, .. } => {
            versions(agent, owner_key.as_deref(), &key.key, ui).await
        }
    }
}

fn acting(how: &Doing, admin: bool, ui: Ui) -> Result<Management, Failure> {
    let role = if admin { Role::Admin } else { Role::Owner };
    keyfiles::management_as(&keyfiles::owner(&how.key.key)?, role, ui)
}

fn told(record: &AgentRecord, words: &str, ui: Ui) -> Result<(), Failure> {
    ui.result(record.members(), |_| format!("{words}\n{}", record_lines(record)))
}

async fn retire(agent: &str, yes: bool, how: &Doing, admin: bool, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        let record = acting(how, admin, ui)?.retire_agent(agent, how.reason()).await?;
        return told(&record, "Retired.", ui);
    }
    let reader = if admin { Role::Reader } else { Role::Owner };
    let record = keyfiles::management_as(&keyfiles::owner(&how.key.key)?, reader, ui)?.agent(agent).await?;
    let question = format!(
        "{} ({}) will be retired: every token of it dies, and it is never used again.",
        record.handle().escape_debug(),
        record.did()
    );
    ui.confirm(&question, record.handle(), yes)?;
    let record = acting(how, admin, ui)?.retire_agent(record.did().as_str(), how.reason()).await?;
    told(&record, "Retired.", ui)
}

async fn transfer(agent: &str, to: Option<&str>, how: &Doing, ui: Ui) -> Result<(), Failure> {
    let management = acting(how, false, ui)?;
    let Some(to) = to else {
        let record = management.withdraw_offer(agent, how.reason()).await?;
        return told(&record, "The offer is no more.", ui);
    };
    let record = management.offer_agent(agent, to, how.reason()).await?;
    let words =
        format!("Offered for a week. The other owner runs  handfast agent accept {}", record.handle().escape_debug());
    told(&record, &words, ui)
}

async fn ceiling(args: CeilingArgs, ui: Ui) -> Result<(), Failure> {
    let ceiling = claim::ceiling(&args.scope, args.grant)?;
    let management = acting(&args.how, false, ui)?;
    if ui.rehearses() {
        let record = management.set_ceiling(&args.agent, &ceiling, args.how.reason()).await?;
        return told(&record, "Set.", ui);
    }
    let record = management.agent(&args.agent).await?;
    let present = record.members().get("ceiling").map(ToString::to_string).unwrap_or_default();
    let question = format!(
        "The ceiling of {} will be replaced. It is now {}\nIf the new one lacks anything of it, its tasks and tokens end.",
        record.handle().escape_debug(),
        present.escape_debug()
    );
    ui.confirm(&question, record.handle(), args.yes)?;
    let record = management.set_ceiling(record.did().as_str(), &ceiling, args.how.reason()).await?;
    told(&record, "Set.", ui)
}

async fn versions(agent: Option<String>, owner_key: Option<&Path>, key: &Path, ui: Ui) -> Result<(), Failure> {
    let (management, wanted) = match (owner_key, agent) {
        (Some(path), Some(agent)) => (keyfiles::management(&keyfiles::owner(path)?, ui)?, agent),
        (Some(_), None) => return Err(Failure::new(Exit::Usage, "which agent? name it with `--agent`")),
        (None, _) => {
            let own = keyfiles::agent(key, ui)?;
            (own.registry().acting_as(Role::Agent)?, own.did().to_string())
        }
    };
    for known in management.agent_versions(&wanted).await? {
        ui.result(&json!({"version": known.version, "since": known.since}), |_| {
            format!("{:<32} since {}", known.version.escape_debug().to_string(), known.since)
        })?;
    }
    Ok(())
}

/// Repeats the call until nothing is left, whatever a run before left undone.
pub(crate) async fn offboard(args: OffboardArgs, ui: Ui) -> Result<(), Failure> {
    let owner = args.owner.escape_debug().to_string();
    let fate = match &args.to {
        Some(to) => format!("go to {}", to.escape_debug()),
        None => "are retired".to_owned(),
    };
    let question =
        format!("{owner} will be off-boarded: nothing is issued for them ever again, and all their agents {fate}.");
    ui.confirm(&question, &args.owner, args.yes || ui.rehearses())?;
    let management = acting(&args.how, true, ui)?;
    let mut before = None;
    loop {
        let progress = management.offboard_owner(&args.owner, args.to.as_deref(), args.how.reason()).await?;
        if progress.is_done() {
            return ui.result(progress.members(), |_| format!("Done. Agents dealt with: {}", progress.agents()));
        }
        ui.remark(&format!("Agents dealt with: {} …", progress.agents()));
        if before == Some(progress.agents()) {
            tokio::time::sleep(PAUSE).await;
        }
        before = Some(progress.agents());
    }
}
