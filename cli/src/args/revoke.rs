//! What can be stopped.

use clap::{Args, Subcommand};

use super::OwnerKey;

#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// Revoke an agent: every token of it dies at every resource server within seconds, and it never comes back
    #[command(after_help = "Example:  handfast revoke agent billing-bot --reason 'key leaked'")]
    Agent {
        /// The agent's DID or handle
        agent: String,
        #[command(flatten)]
        how: Revocation,
    },
    /// Revoke one task: its tokens and all that was passed on below them die; the agent goes on with its other tasks
    #[command(after_help = "\
Examples:
  handfast revoke task task_01… --reason 'wrong invoices'
  handfast revoke task task_01… --preview")]
    Task {
        /// The task's id
        task: String,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        how: Revocation,
    },
}

/// How to revoke, whatever it is.
#[derive(Debug, Args)]
pub(crate) struct Revocation {
    /// Why; kept in the registry's log
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Revoke what is somebody else's (admins only)
    #[arg(long)]
    pub admin: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}

impl Revocation {
    /// The reason, if one was given.
    pub(crate) fn reason(&self) -> Option<&str> {
        (!self.reason.is_empty()).then_some(self.reason.as_str())
    }
}
