//! `handfast task`: give an agent something to do, look at it.

use handfast_client::NewTask;
use handfast_identity::{DidKey, Seconds};

use super::{member_lines, resources, scope};
use crate::args::TaskCommand;
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

pub(crate) async fn run(command: TaskCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        TaskCommand::New { agent, intent, scope: wanted, resource, reference, seconds, key } => {
            let management = keyfiles::management(&keyfiles::owner(&key.key)?)?;
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
                tools: None,
                budget: None,
            };
            let task = management.new_task(&task).await?;
            ui.result(task.members(), member_lines)
        }
        TaskCommand::Show { task, key } => {
            let task = keyfiles::management(&keyfiles::owner(&key.key)?)?.task(&task).await?;
            ui.result(task.members(), member_lines)
        }
    }
}
