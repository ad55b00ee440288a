//! `handfast agent rotate`, `approve-rotation`, `recover` and `history`: keys that follow each other.

use std::path::Path;
use std::time::Duration;

use handfast_client::{Agent, ClientError, DpopKey, KeyFile, KeyKind, RegistryClient, Rotated, next_key_path};
use handfast_identity::history::{Ground, MAX_HISTORY_BYTES, UnverifiedHistory, VerifiedHistory};
use handfast_identity::{DidKey, fingerprint};
use serde_json::{Value, json};

use super::{member_lines, usage};
use crate::args::{HistoryArgs, RecoverArgs, RotateArgs, RotationAnswerArgs};
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{files, keyfiles, rehearsal};

/// Between two looks whether the owner has approved.
const APPROVAL_POLL: Duration = Duration::from_secs(5);

pub(crate) async fn rotate(args: RotateArgs, ui: Ui) -> Result<(), Failure> {
    let path = &args.key.key;
    let agent = keyfiles::agent(path, ui)?;
    if ui.rehearses() {
        return rehearse_rotation(&agent, path, ui).await;
    }
    let expires_at = match begin(&agent, &args).await? {
        Rotated::Done => return rotated(&agent, path, ui),
        Rotated::Waiting { expires_at } => expires_at,
    };
    let new = agent.key_file().load_again(next_key_path(path))?.key;
    let (did, words) = (new.did().to_string(), fingerprint(new.did()));
    let told = json!({"status": "waiting", "did": did, "fingerprint": words, "expires_at": expires_at});
    if !args.wait {
        return ui.result(&told, |_| {
            format!(
                "Its owner has to approve the new key:  handfast agent approve-rotation {}\n\
                 Fingerprint of the new key  {words}\n\
                 Afterwards, run this again.",
                agent.key_file().handle.as_deref().unwrap_or(agent.did().as_str())
            )
        });
    }
    ui.remark(&format!("Waiting for the owner. Fingerprint of the new key: {words}"));
    while !agent.registry().adopt(&new).await? {
        tokio::time::sleep(APPROVAL_POLL).await;
    }
    agent.rotate(path).await?;
    rotated(&agent, path, ui)
}

/// The files that would be written, around the first request that would be sent.
async fn rehearse_rotation(agent: &Agent, path: &Path, ui: Ui) -> Result<(), Failure> {
    let fresh = DpopKey::generate_like(&agent.key_file().key);
    let Err(ClientError::Rehearsed(planned)) = agent.registry().rotate(&fresh).await else {
        return Err(Failure::new(Exit::Failed, "nothing was to be sent, and this is not known of the rotation"));
    };
    ui.rehearsed(&[
        rehearsal::write(&next_key_path(path), "the new key, unless one waits there"),
        rehearsal::send(&planned),
        rehearsal::write(path, "the new key, once the registry has taken it"),
    ])
}

async fn begin(agent: &Agent, args: &RotateArgs) -> Result<Rotated, Failure> {
    #[cfg(all(unix, feature = "ssh-agent"))]
    if let Some((key, custody)) = crate::custody::held(&args.ssh).await? {
        return Ok(agent.rotate_to(&args.key.key, key, custody).await?);
    }
    Ok(agent.rotate(&args.key.key).await?)
}

fn rotated(agent: &Agent, path: &Path, ui: Ui) -> Result<(), Failure> {
    let (did, words) = (agent.did(), fingerprint(&agent.did()));
    ui.result(&json!({"status": "rotated", "did": did.as_str(), "fingerprint": words, "key_file": path}), |_| {
        format!("The key is now {did}\nFingerprint {words}\nKey file {}", path.display())
    })
}

pub(crate) async fn answer(args: RotationAnswerArgs, ui: Ui) -> Result<(), Failure> {
    let management = keyfiles::management(&keyfiles::owner(&args.key.key)?, ui)?;
    if let (true, Some(new)) = (ui.rehearses(), args.did.as_deref()) {
        let (new, reason) = (did(new)?, (!args.reason.is_empty()).then_some(args.reason.as_str()));
        let ended = if args.refuse {
            management.refuse_rotation(&args.agent, &new, reason).await
        } else {
            management.approve_rotation(&args.agent, &new, reason).await
        };
        return Ok(ended?);
    }
    let record = management.agent(&args.agent).await?;
    let waits = |member: &str| record.members().get("rotation").and_then(|r| r.get(member)).and_then(Value::as_str);
    let wanted = args.did.as_deref().or_else(|| waits("did")).ok_or_else(|| {
        Failure::new(Exit::Refused, "no new key of this agent waits for an answer").with_reason("unknown_rotation")
    })?;
    let new = did(wanted)?;
    let reason = (!args.reason.is_empty()).then_some(args.reason.as_str());
    if args.refuse {
        management.refuse_rotation(record.did().as_str(), &new, reason).await?;
        return ui.result(&json!({"status": "refused", "did": record.did().as_str()}), |_| {
            format!("Refused. The key stays {}", record.did())
        });
    }
    // computed here, of the very key that is approved
    let words = fingerprint(&new);
    let question = format!(
        "{} will have the key {new} in the place of {}.\nCompare these words with those that the agent shows: {words}\n",
        record.handle().escape_debug(),
        record.did(),
    );
    match args.confirm.as_deref() {
        Some(given) if given.trim() != words => {
            return Err(Failure::new(Exit::Declined, "these are not the words of the key that waits"));
        }
        given => ui.confirm(&question, record.handle(), given.is_some())?,
    }
    management.approve_rotation(record.did().as_str(), &new, reason).await?;
    ui.result(&json!({"status": "rotated", "did": new.as_str()}), |_| format!("Approved. The key is now {new}"))
}

pub(crate) async fn recover(args: RecoverArgs, ui: Ui) -> Result<(), Failure> {
    let owner = keyfiles::owner(&args.key.key)?;
    let management = keyfiles::management(&owner, ui)?;
    if ui.rehearses() {
        let fresh = DpopKey::generate();
        let recovered = management.recover_agent(&args.agent, &fresh, args.last_good, None).await;
        let Err(ClientError::Rehearsed(planned)) = recovered else {
            return Err(Failure::new(Exit::Failed, "nothing was to be sent, and this is not known of the recovery"));
        };
        let key = rehearsal::write(&args.new_key, "a new key, unless one is there");
        return ui.rehearsed(&[key, rehearsal::send(&planned)]);
    }
    let record = management.agent(&args.agent).await?;
    let question = format!(
        "Every key of {} after number {} will be COMPROMISED for ever, and everything by it dead at once.",
        record.handle().escape_debug(),
        args.last_good
    );
    ui.confirm(&question, record.handle(), args.yes)?;
    // on the disk before anybody hears of it
    let mut file = fresh_key(&args.new_key)?;
    let reason = (!args.reason.is_empty()).then_some(args.reason.as_str());
    let recovered = management.recover_agent(record.did().as_str(), &file.key, args.last_good, reason).await?;
    file.issuer = owner.issuer.clone();
    file.handle = Some(recovered.handle().to_owned());
    file.update(&args.new_key)?;
    ui.result(recovered.members(), |members| {
        format!("Recovered. Its key file is {}\n{}", args.new_key.display(), member_lines(members))
    })
}

/// The agent's key of this file, which is made if there is none.
fn fresh_key(path: &Path) -> Result<KeyFile, Failure> {
    let is_missing = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    if std::fs::symlink_metadata(path).is_err_and(is_missing) {
        let file = KeyFile::new(KeyKind::Agent, DpopKey::generate());
        file.create(path)?;
        return Ok(file);
    }
    let file = keyfiles::load(path)?;
    if file.kind == KeyKind::Agent {
        return Ok(file);
    }
    Err(Failure::new(Exit::File, format!("`{}` is an owner's key file", path.display())))
}

pub(crate) async fn history(args: HistoryArgs, ui: Ui) -> Result<(), Failure> {
    let history = match args.verify.as_deref() {
        Some(source) if source.starts_with("https://") || source.starts_with("http://") => fetched(source).await?,
        Some(source) => {
            let text = files::text_up_to(Path::new(source), MAX_HISTORY_BYTES as u64)?;
            let history = UnverifiedHistory::parse(text.as_bytes()).and_then(UnverifiedHistory::verify);
            history.map_err(|error| Failure::new(Exit::Refused, format!("the history does not hold: {error}")))?
        }
        None => {
            let own = keyfiles::agent(&args.key.key, ui)?;
            let wanted = args.agent.clone().unwrap_or_else(|| own.did().to_string());
            own.registry().key_history(&wanted).await?
        }
    };
    require_known(&history, &args)?;
    let shown = json!({
        "issuer": history.issuer(), "first": history.first().as_str(), "current": history.current().as_str(),
        "keys": history.links().iter().zip(1_u16..).map(|(link, number)| {
            let (kind, by) = words_of(&link.ground);
            json!({"number": number, "did": link.did.as_str(), "kind": kind, "by": by, "void": link.is_void})
        }).collect::<Vec<_>>(),
    });
    ui.result(&shown, |_| lines(&history))
}

/// Fails unless the history begins and rests where the user says it has to.
fn require_known(history: &VerifiedHistory, args: &HistoryArgs) -> Result<(), Failure> {
    if let Some(first) = args.first.as_deref().map(did).transpose()?
        && first != *history.first()
    {
        let message = format!("expected a history that begins with {first}, found one of {}", history.first());
        return Err(Failure::new(Exit::Refused, message));
    }
    let owners = args.owner.iter().map(|text| did(text)).collect::<Result<Vec<_>, _>>()?;
    match history.vouching_owners().find(|owner| !owners.contains(owner)) {
        // who shows an agent's own history knows its owner from elsewhere
        Some(owner) if args.verify.is_some() => {
            Err(Failure::new(Exit::Refused, format!("the current key rests on the word of {owner}"))
                .with_help(format!("if that is known to be the owner's key, say so: --owner {owner}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn words_of(ground: &Ground) -> (&'static str, Option<String>) {
    match ground {
        Ground::Registered => ("registered", None),
        Ground::Rotated => ("rotated", None),
        Ground::Recovered { by, .. } => ("recovered", Some(by.to_string())),
    }
}

fn lines(history: &VerifiedHistory) -> String {
    let line = |(link, number): (&handfast_identity::history::KeyLink, u16)| {
        let (kind, by) = words_of(&link.ground);
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let void = if link.is_void { ", never good" } else { "" };
        format!("{number:>3}  {}  {kind}{by}{void}", link.did)
    };
    let keys: Vec<_> = history.links().iter().zip(1..).map(line).collect();
    format!(
        "{}\nEvery link is signed: the last key descends from the first, at {}. This does not say that the list is complete,\n\
         or that the agent is not revoked.",
        keys.join("\n"),
        history.issuer().escape_debug()
    )
}

/// The history at the URL of an agent's keys, of the registry at its origin.
async fn fetched(url: &str) -> Result<VerifiedHistory, Failure> {
    let parts = url.strip_suffix("/keys").and_then(|start| start.rsplit_once("/agents/"));
    let (issuer, name) = parts.filter(|(_, name)| !name.contains('/')).ok_or_else(|| {
        usage(format!("`{}` is no agent's keys, which are at ISSUER/agents/NAME/keys", url.escape_debug()))
    })?;
    let registry = RegistryClient::new(issuer, DpopKey::generate())?;
    Ok(registry.key_history(name).await?)
}

fn did(text: &str) -> Result<DidKey, Failure> {
    DidKey::parse(text).map_err(|error| usage(format!("`{}`: {error}", text.escape_debug())))
}
