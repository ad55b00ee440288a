//! `handfast claim`, and what a ceiling is made of.

use clap::Args;
use handfast_delegation::Tools;

use super::{Bounds, Delegation, OwnerKey};
use crate::parse;

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    /// The claim's id, the last part of the address the agent shows
    pub claim: String,
    /// The code the agent shows
    #[arg(long)]
    pub code: String,
    /// The handle it is to have; without it it keeps the generated one
    #[arg(long)]
    pub handle: Option<String>,
    /// The most it may ever do
    #[arg(long, default_value = "")]
    pub scope: String,
    #[command(flatten)]
    pub grant: GrantArgs,
    /// The fingerprint words the agent shows, to claim without being asked
    #[arg(long, value_name = "WORDS")]
    pub confirm: Option<String>,
    /// Refuse the claim instead
    #[arg(long, conflicts_with_all = ["handle", "confirm"])]
    pub refuse: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}

/// What a ceiling holds beside its scope.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// Where it may do it
    #[arg(long)]
    pub resource: Vec<String>,
    /// The longest a task of it may last, in seconds
    #[arg(long, default_value_t = 3600)]
    pub max_task_seconds: u64,
    /// How it may pass its authority on: not, by exchange at the registry (the default), or also without the registry
    #[arg(long, value_enum)]
    pub delegation: Option<Delegation>,
    /// How far it may be passed on; 0, the default, is not at all
    #[arg(long, value_name = "N")]
    pub del_max_depth: Option<u8>,
    /// Somebody else's agent it may be passed on to, besides your own; may be given several times
    #[arg(long, value_name = "DID")]
    pub delegate: Vec<String>,
    /// Let it be passed on to instances too: keys the registry does not know, of the agent's own choice
    #[arg(long)]
    pub instances: bool,
    #[command(flatten)]
    pub bounds: Bounds,
    /// The only tools it may use, as `authorization_details`
    #[arg(long, value_name = "JSON", value_parser = parse::tools, conflicts_with = "tool")]
    pub authorization_details: Option<Tools>,
}
