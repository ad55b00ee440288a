//! `handfast enrolment`: agents that are somebody's as soon as they register.

use handfast_client::{Enrolment, MadeEnrolment, NewEnrolment, Role};
use serde_json::Value;

use super::{claim, member_lines};
use crate::args::{Doing, EnrolmentArgs, EnrolmentCommand, OwnerKey};
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

pub(crate) async fn run(command: EnrolmentCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        EnrolmentCommand::Create(args) => create(args, ui).await,
        EnrolmentCommand::List { all, key } => list(all, &key, ui).await,
        EnrolmentCommand::Revoke { enrolment, how, admin } => revoke(&enrolment, &how, admin, ui).await,
    }
}

async fn create(args: EnrolmentArgs, ui: Ui) -> Result<(), Failure> {
    let management = keyfiles::management(&keyfiles::owner(&args.key.key)?, ui)?;
    let wanted = NewEnrolment {
        ceiling: claim::ceiling(&args.scope, args.grant)?,
        environment: args.environment.map(Into::into),
        label: args.label,
        lifetime: Some(args.expires),
    };
    for _ in 0..args.count {
        // each is told as soon as it is made: what is made is not lost by what goes wrong afterwards
        told(&management.new_enrolment(&wanted).await?, ui)?;
    }
    ui.remark("Each token is good for one agent, and shown this once.");
    Ok(())
}

fn told(made: &MadeEnrolment, ui: Ui) -> Result<(), Failure> {
    let mut members = made.enrolment.members().clone();
    members.insert("token".to_owned(), made.token.expose().into());
    ui.result(&members, |_| made.token.expose().to_owned())
}

async fn list(all: bool, key: &OwnerKey, ui: Ui) -> Result<(), Failure> {
    let role = if all { Role::Reader } else { Role::Owner };
    let management = keyfiles::management_as(&keyfiles::owner(&key.key)?, role, ui)?;
    let mut after: Option<String> = None;
    let mut is_empty = true;
    loop {
        let page = management.enrolments(after.as_deref()).await?;
        for enrolment in &page.enrolments {
            is_empty = false;
            ui.result(enrolment.members(), |_| line(enrolment))?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if is_empty {
        ui.remark("No enrolments.");
    }
    Ok(())
}

fn line(enrolment: &Enrolment) -> String {
    let text = |member: &str| enrolment.members().get(member).and_then(Value::as_str).unwrap_or("-").escape_debug();
    format!(
        "{:<8} {} {:<20} {}",
        enrolment.status().escape_debug(),
        enrolment.id().escape_debug(),
        text("label"),
        text("agent")
    )
}

async fn revoke(id: &str, how: &Doing, admin: bool, ui: Ui) -> Result<(), Failure> {
    let role = if admin { Role::Admin } else { Role::Owner };
    let management = keyfiles::management_as(&keyfiles::owner(&how.key.key)?, role, ui)?;
    let enrolment = management.revoke_enrolment(id, how.reason()).await?;
    ui.result(enrolment.members(), |members| format!("Called off.\n{}", member_lines(members)))
}
