//! `handfast revoke`: stop something, for good.

use handfast_client::Role;

use super::member_lines;
use crate::args::RevokeCommand;
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

pub(crate) async fn run(command: RevokeCommand, ui: Ui) -> Result<(), Failure> {
    let RevokeCommand::Agent { agent, reason, yes, admin, key } = command;
    let file = keyfiles::owner(&key.key)?;
    let (reader, actor) = if admin { (Role::Reader, Role::Admin) } else { (Role::Owner, Role::Owner) };
    let record = keyfiles::management_as(&file, reader)?.agent(&agent).await?;
    let question = format!(
        "{} ({}) will be REVOKED: every token of it dies, and it never comes back.",
        record.handle().escape_debug(),
        record.did()
    );
    ui.confirm(&question, record.handle(), yes)?;
    let reason = (!reason.is_empty()).then_some(reason.as_str());
    let told = keyfiles::management_as(&file, actor)?.revoke_agent(record.did().as_str(), reason).await?;
    ui.result(&told, |members| format!("Revoked.\n{}", member_lines(members)))
}
