//! `handfast claim`: an owner takes an agent on, after comparing its fingerprint.

use handfast_client::{Approval, ApprovalAnswer, Ceiling, Confirmation, Secret};
use handfast_identity::{DidKey, Seconds};
use serde_json::json;

use super::{record_lines, resources, scope, usage};
use crate::args::{ClaimArgs, GrantArgs};
use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::ui::Ui;

pub(crate) async fn run(args: ClaimArgs, ui: Ui) -> Result<(), Failure> {
    let management = keyfiles::management(&keyfiles::owner(&args.key.key)?, ui)?;
    if args.refuse {
        management.refuse_claim(&args.claim, &Secret::new(args.code)).await?;
        return ui.result(&json!({"status": "refused"}), |_| "Refused.".to_owned());
    }
    let approval =
        Approval { user_code: Secret::new(args.code), handle: args.handle, ceiling: ceiling(&args.scope, args.grant)? };
    let shown = match management.approve_claim(&args.claim, &approval, None).await? {
        ApprovalAnswer::Claimed(record) => return ui.result(record.members(), |_| record_lines(&record)),
        ApprovalAnswer::Confirm(shown) => shown,
    };
    let words = agreed(&shown, args.confirm.as_deref(), ui)?;
    match management.approve_claim(&args.claim, &approval, Some(&words)).await? {
        ApprovalAnswer::Claimed(record) => {
            ui.result(record.members(), |_| format!("Claimed.\n{}", record_lines(&record)))
        }
        ApprovalAnswer::Confirm(_) => Err(Failure::new(Exit::Failed, "the registry asked for the words twice")),
    }
}

/// The ceiling as it was asked for.
pub(super) fn ceiling(scope_text: &str, grant: GrantArgs) -> Result<Ceiling, Failure> {
    Ok(Ceiling {
        scope: scope(scope_text)?,
        resources: resources(&grant.resource)?,
        max_task: Some(Seconds::new(grant.max_task_seconds)),
        delegation: grant.delegation.map(Into::into),
        max_depth: grant.del_max_depth,
        tools: grant.bounds.tools()?.or(grant.authorization_details),
        budget: grant.bounds.budget()?,
        delegates: delegates(&grant.delegate)?,
        instances: grant.instances,
    })
}

fn delegates(texts: &[String]) -> Result<Vec<DidKey>, Failure> {
    let read =
        |text: &String| DidKey::parse(text).map_err(|error| usage(format!("`{}`: {error}", text.escape_debug())));
    texts.iter().map(read).collect()
}

/// The fingerprint words, after the owner has said that they are those the agent shows.
fn agreed(shown: &Confirmation, given: Option<&str>, ui: Ui) -> Result<String, Failure> {
    if let Some(given) = given {
        let same = given.split_whitespace().eq(shown.fingerprint.split_whitespace());
        return if same {
            Ok(shown.fingerprint.clone())
        } else {
            Err(Failure::new(Exit::Declined, format!("these words are not the agent's: `{}`", shown.fingerprint))
                .with_help("do not claim it: somebody may have swapped the code"))
        };
    }
    let text = |text: &Option<String>| text.as_deref().unwrap_or("(none)").escape_debug().to_string();
    ui.remark(&format!(
        "{}\nIt says of itself (unverified): name {}, purpose {}\nFingerprint: {}",
        shown.did,
        text(&shown.name),
        text(&shown.purpose),
        ui.strong(&shown.fingerprint)
    ));
    ui.confirm("Does the agent show the same words?", "yes", false)?;
    Ok(shown.fingerprint.clone())
}
