//! `handfast task`.

use std::path::PathBuf;

use clap::Subcommand;
use handfast_delegation::Tools;

use super::{Bounds, OwnerKey};
use crate::parse;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Give an agent a task; only that agent can get tokens for it
    #[command(after_help = "\
Examples:
  handfast task new --agent did:key:z6Mk… --intent 'invoice July' --scope files:read --resource https://api.example/
  handfast task new --agent filer-7 --intent 'read the reports' --scope files:read --max-uses 100 \\
      --tool '{\"read_file\":{\"path\":{\"constraint_type\":\"path_containment\",\"root\":\"/reports\"}}}'")]
    New {
        /// The agent's DID or handle
        #[arg(long)]
        agent: String,
        /// What it is to do
        #[arg(long)]
        intent: String,
        /// What it may do for that
        #[arg(long)]
        scope: String,
        /// Where
        #[arg(long)]
        resource: Vec<String>,
        /// A reference to something outside, such as a ticket
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
        /// How long it may take, in seconds
        #[arg(long)]
        seconds: Option<u64>,
        #[command(flatten)]
        bounds: Bounds,
        /// The only tools it may use for that, as `authorization_details`
        #[arg(long, value_name = "JSON", value_parser = parse::tools, conflicts_with = "tool")]
        authorization_details: Option<Tools>,
        #[command(flatten)]
        key: OwnerKey,
    },
    /// Show a task
    Show {
        /// The task's id
        task: String,
        #[command(flatten)]
        key: OwnerKey,
    },
    /// Show to whom a task's authority was passed on, as far as it was exchanged at the registry
    #[command(
        after_help = "Examples:\n  handfast task tree task_01…\n  handfast task tree task_01… --agent-key agent.json --json"
    )]
    Tree {
        /// The task's id
        task: String,
        /// Ask as this agent, whose task it is, instead of as the owner
        #[arg(long, value_name = "FILE")]
        agent_key: Option<PathBuf>,
        /// Ask about anybody's task (admins only)
        #[arg(long, conflicts_with = "agent_key")]
        admin: bool,
        #[command(flatten)]
        key: OwnerKey,
    },
}
