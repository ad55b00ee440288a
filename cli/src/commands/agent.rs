//! `handfast agent`: keys, registration, records.

use std::path::Path;
use std::time::Duration;

use handfast_client::{
    AgentQuery, AgentRecord, AgentRegistration, Claim, ClaimStatus, Custody, KeyFile, KeyKind, RegistryClient, Role,
    Secret,
};
use handfast_identity::fingerprint;
use serde_json::json;

use super::{keys, life, record_lines, resources, scope};
use crate::args::{AgentCommand, AgentKey, NewKey, OwnerKey, RegisterArgs, SearchArgs};
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{custody, files, keyfiles, rehearsal};

/// Where an enrolment token stands in the environment.
const ENROLMENT: &str = "HANDFAST_ENROLMENT";

pub(crate) async fn run(command: AgentCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        AgentCommand::Init { p256, new, key } => init(p256, &new, &key, ui).await,
        AgentCommand::Register(args) => register(args, ui).await,
        AgentCommand::Show { agent, owner_key, key } => show(agent, owner_key, &key, ui).await,
        AgentCommand::Rotate(args) => keys::rotate(args, ui).await,
        AgentCommand::ApproveRotation(args) => keys::answer(args, ui).await,
        AgentCommand::Recover(args) => keys::recover(args, ui).await,
        AgentCommand::History(args) => keys::history(args, ui).await,
        AgentCommand::Search(args) => search(args, ui).await,
        AgentCommand::List { all, key } => searched(&AgentQuery::default(), all, &key, ui).await,
        AgentCommand::Life(command) => life::run(command, ui).await,
    }
}

async fn init(p256: bool, new: &NewKey, key: &AgentKey, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        keyfiles::require_absent(&key.key)?;
        return ui.rehearsed(&[rehearsal::write(&key.key, "a new key")]);
    }
    let file = custody::new_key(KeyKind::Agent, p256, new, &key.key).await?;
    file.create(&key.key)?;
    let (did, words) = (file.key.did(), fingerprint(file.key.did()));
    ui.result(&json!({"did": did.as_str(), "fingerprint": words, "key_file": key.key}), |_| {
        let whose = match file.custody {
            Custody::Plain => "whoever has it is the agent",
            Custody::Sealed(_) => "whoever has it and the passphrase is the agent",
            Custody::SshAgent(_) | Custody::Keyring(_) => "the key is not in it",
        };
        format!("{did}\nFingerprint {words}\nKey file {} ({whose})", key.key.display())
    })
}

async fn register(args: RegisterArgs, ui: Ui) -> Result<(), Failure> {
    let mut file = keyfiles::load(&args.key.key)?;
    let enrolment = enrolment(args.enrolment_file.as_deref())?;
    let registration = AgentRegistration {
        name: args.name,
        version: args.agent_version,
        purpose: args.purpose,
        environment: args.environment.into(),
        scope: scope(&args.scope)?,
        resources: resources(&args.resource)?,
        expected_owner: args.expected_owner.clone(),
        enrolment,
    };
    let registry = keyfiles::client(&args.registry.registry, &file, ui)?;
    let registered = registry.register_agent(&registration).await?;
    file.issuer = Some(registry.issuer().to_owned());
    file.handle = Some(registered.record.handle().to_owned());
    file.expected_owner = args.expected_owner;
    file.claim = registered.claim.as_ref().map(|claim| claim.id.clone());
    file.owner = registered.record.owner();
    file.update(&args.key.key)?;
    let words = fingerprint(file.key.did());
    let claim = registered.claim.as_ref().map(|claim| {
        json!({"id": claim.id, "user_code": claim.user_code.expose(), "verification_uri": claim.verification_uri,
               "expires_in": claim.expires_in})
    });
    let told = json!({"agent": registered.record.members(), "claim": claim, "fingerprint": words});
    ui.result(&told, |_| {
        let owner = registered.record.owner().map(|owner| format!("It is {}'s.", owner.id)).unwrap_or_default();
        let how = registered.claim.as_ref().map_or(owner, |claim| claim_lines(claim, &words));
        format!("Registered as {}\n{how}", ui.strong(registered.record.handle()))
    })?;
    match registered.claim {
        Some(claim) if args.wait => wait(&registry, &claim, file, &args.key, ui).await,
        _ => Ok(()),
    }
}

/// The enrolment token of a file, or of the environment; never of an argument, which others can see.
fn enrolment(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    match file {
        Some(file) => Ok(Some(Secret::new(files::text(file)?))),
        None => Ok(std::env::var(ENROLMENT).ok().filter(|token| !token.is_empty()).map(Secret::new)),
    }
}

fn claim_lines(claim: &Claim, words: &str) -> String {
    format!(
        "To claim it, its owner runs  handfast claim {} --code {} --scope … --resource …\n\
         and compares the words       {words}\n\
         The code is good for {} minutes.",
        claim.id,
        claim.user_code.expose(),
        claim.expires_in / 60
    )
}

async fn wait(
    registry: &RegistryClient,
    claim: &Claim,
    mut file: KeyFile,
    key: &AgentKey,
    ui: Ui,
) -> Result<(), Failure> {
    ui.remark("Waiting for the owner …");
    loop {
        tokio::time::sleep(Duration::from_secs(claim.interval.max(1))).await;
        match registry.claim_status(&claim.id).await? {
            ClaimStatus::Pending => {}
            ClaimStatus::Refused => return Err(Failure::new(Exit::Refused, "the claim was refused")),
            ClaimStatus::Expired => {
                return Err(
                    Failure::new(Exit::Refused, "nobody claimed the agent in time").with_help("register it again")
                );
            }
            ClaimStatus::Claimed { owner, handle } => {
                if file.expected_owner.as_ref().is_some_and(|expected| *expected != owner.id) {
                    return Err(Failure::new(
                        Exit::Refused,
                        format!("{} claimed it, who is not the expected owner", owner.id),
                    )
                    .with_help("do not use this agent; make a new key"));
                }
                file.owner = Some(owner.clone());
                file.handle = handle.or(file.handle);
                file.update(&key.key)?;
                let told = json!({"status": "CLAIMED", "owner": owner.id, "handle": file.handle});
                return ui.result(&told, |_| format!("Claimed by {}", owner.id));
            }
        }
    }
}

async fn show(
    agent: Option<String>,
    owner_key: Option<std::path::PathBuf>,
    key: &AgentKey,
    ui: Ui,
) -> Result<(), Failure> {
    let record = if let Some(path) = owner_key {
        let wanted = agent.ok_or_else(|| Failure::new(Exit::Usage, "which agent? name its DID or handle"))?;
        keyfiles::management(&keyfiles::owner(&path)?, ui)?.agent(&wanted).await?
    } else {
        let own = keyfiles::agent(&key.key, ui)?;
        let wanted = agent.unwrap_or_else(|| own.did().to_string());
        own.registry().acting_as(Role::Agent)?.agent(&wanted).await?
    };
    ui.result(record.members(), |_| record_lines(&record))
}

async fn search(args: SearchArgs, ui: Ui) -> Result<(), Failure> {
    let wanted = AgentQuery { handle: args.handle, owner: args.owner, status: args.status.map(Into::into) };
    searched(&wanted, args.all, &args.key, ui).await
}

async fn searched(wanted: &AgentQuery, all: bool, key: &OwnerKey, ui: Ui) -> Result<(), Failure> {
    let role = if all { Role::Reader } else { Role::Owner };
    let management = keyfiles::management_as(&keyfiles::owner(&key.key)?, role, ui)?;
    let mut after: Option<String> = None;
    let mut count = 0_usize;
    loop {
        let page = management.search_agents(wanted, after.as_deref()).await?;
        for record in &page.agents {
            count += 1;
            ui.result(record.members(), |_| line(record))?;
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

fn line(record: &AgentRecord) -> String {
    format!("{:<10} {:<32} {}", record.status().as_str(), record.handle().escape_debug(), record.did())
}
