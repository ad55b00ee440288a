//! What can be stopped.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OwnerKey;

#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// Revoke an agent: every token of it dies at every resource server within seconds, and it never comes back
    #[command(after_help = "\
Examples:
  handfast revoke agent billing-bot --reason 'key leaked'
  handfast revoke agent billing-bot --preview")]
    Agent {
        /// The agent's DID or handle
        agent: String,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
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
    /// Revoke one access token, and what was passed on below it; others of its task go on
    #[command(after_help = "\
The registry keeps no tokens, so it is shown the token: a file with the text that `handfast token` prints, or `-` for standard input.

Examples:
  handfast revoke token token.txt --reason 'was in a log'
  handfast revoke token - --agent-key agent.json --yes < token.txt")]
    Token {
        /// The file of the token
        token: PathBuf,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
        /// Revoke as this agent, whose token it is, instead of as the owner
        #[arg(long, value_name = "FILE", conflicts_with = "admin")]
        agent_key: Option<PathBuf>,
        #[command(flatten)]
        how: Revocation,
    },
    /// Revoke one delegation with all below it; the delegator and its other delegates go on
    #[command(after_help = "\
`handfast task tree` names the delegations that were exchanged. One that was not is shown by its bundle, whose last delegation is meant.

Examples:
  handfast revoke hop 9mQ… --reason 'went astray'
  handfast revoke hop --bundle bundle --agent-key agent.json")]
    #[command(group = clap::ArgGroup::new("which").required(true).args(["hop", "bundle"]))]
    Hop {
        /// The delegation's name
        hop: Option<String>,
        /// The bundle whose last delegation it is; `-` for standard input
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
        /// Revoke as this agent, who passed it on, instead of as the owner
        #[arg(long, value_name = "FILE", conflicts_with = "admin")]
        agent_key: Option<PathBuf>,
        #[command(flatten)]
        how: Revocation,
    },
    /// Declare one key of an agent compromised: everything by it dies; the agent goes on with another
    #[command(after_help = "\
Of the agent's current key: it can do nothing more until its owner gives it another (`handfast agent recover`).

Examples:
  handfast revoke key did:key:z6Mk… --reason 'in a backup that leaked'
  handfast revoke key did:key:z6Mk… --preview")]
    Key {
        /// The key's DID
        did: String,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        how: Revocation,
    },
    /// Revoke everything that is being done on an owner's behalf, the owner's own sessions too; new tokens are good again
    #[command(after_help = "\
Every token for the owner dies. Owner, agents and tasks go on with new tokens a few seconds later; to end an agent, revoke it.

Examples:
  handfast revoke owner owner:01… --reason 'laptop stolen'
  handfast revoke owner owner:01… --admin --preview")]
    Owner {
        /// The owner's id
        owner: String,
        /// Show how far it would reach, and stop there
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        how: Revocation,
    },
    /// Revoke one of the registry's own token keys: every token signed with it dies at once (admins only)
    #[command(after_help = "\
The key that stands by signs from then on. Make another with `handfast registry rotate-key token`. The keys are in the registry's
/jwks.json, each under its `kid`.

Example:  handfast revoke issuer-key 9mQ… --reason 'host broken into'")]
    IssuerKey {
        /// The key's `kid`
        kid: String,
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
