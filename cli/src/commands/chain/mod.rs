//! `handfast chain`: what a chain says, and whether it holds.

mod anchors;
mod show;
mod verify;

use serde_json::{Value, json};

use crate::args::ChainCommand;
use crate::exit::Failure;
use crate::ui::Ui;

pub(crate) async fn run(command: ChainCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        ChainCommand::Show { bundle } => show::run(&bundle, ui),
        ChainCommand::Verify(args) => verify::run(&args, ui).await,
    }
}

/// An authority as claims write it.
fn authority(authority: &handfast_delegation::Authority) -> Value {
    json!({
        "scope": authority.scope, "resource": authority.resources,
        "authorization_details": authority.tools.as_ref().map(handfast_delegation::Tools::to_details),
        "budget": authority.budget, "del_max_depth": authority.max_depth, "exp": authority.expires_at,
    })
}
