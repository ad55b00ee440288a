//! What can happen to an agent between claiming and its end, and to an owner who leaves.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AgentKey, Environment, GrantArgs, OwnerKey};
#[derive(Debug, Subcommand)]
pub(crate) enum LifeCommand {
    /// Suspend an agent: what it was given is dead within seconds, and it gets nothing until it is resumed
    #[command(after_help = "Example:  handfast agent suspend filer-7 --reason 'mails everybody'")]
    Suspend {
        /// The agent's DID or handle
        agent: String,
        #[command(flatten)]
        how: Doing,
        /// Suspend somebody else's agent (admins only); then only an admin can resume it
        #[arg(long)]
        admin: bool,
    },
    /// Let a suspended agent go on, with new tokens; the old ones stay dead
    #[command(after_help = "Example:  handfast agent resume filer-7")]
    Resume {
        /// The agent's DID or handle
        agent: String,
        #[command(flatten)]
        how: Doing,
        /// Resume somebody else's agent (admins only)
        #[arg(long)]
        admin: bool,
    },
    /// Put an agent out of use, for ever; its record and handle are kept, and nobody else gets the handle
    #[command(after_help = "Example:  handfast agent retire filer-7 --reason 'replaced by filer-8'")]
    Retire {
        /// The agent's DID or handle
        agent: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        how: Doing,
        /// Retire somebody else's agent (admins only)
        #[arg(long)]
        admin: bool,
    },
    /// Offer an agent to another owner, who accepts it within a week; until then it is yours
    #[command(after_help = "\
The other owner runs  handfast agent accept AGENT. Then its tasks and tokens are over and its ceiling is empty.

Examples:
  handfast agent transfer filer-7 --to owner:01… --reason 'new team'
  handfast agent transfer filer-7 --withdraw")]
    #[command(group = clap::ArgGroup::new("what").required(true).args(["to", "withdraw"]))]
    Transfer {
        /// The agent's DID or handle
        agent: String,
        /// The other owner's id
        #[arg(long, value_name = "OWNER")]
        to: Option<String>,
        /// Take the offer back, or decline one that was made to you
        #[arg(long)]
        withdraw: bool,
        #[command(flatten)]
        how: Doing,
    },
    /// Take over an agent that was offered to you; then set its ceiling, which is empty
    #[command(after_help = "Example:  handfast agent accept filer-7")]
    Accept {
        /// The agent's DID or handle
        agent: String,
        #[command(flatten)]
        how: Doing,
    },
    /// Set another ceiling, whole; one that lacks anything of the old one ends the agent's tasks and tokens
    #[command(after_help = "\
Example:  handfast agent ceiling filer-7 --scope 'files:read files:write' --resource https://api.example/")]
    Ceiling(CeilingArgs),
    /// Say where an agent runs from now on; its tokens name the old place and so are dead
    #[command(after_help = "Example:  handfast agent environment filer-7 prod")]
    Environment {
        /// The agent's DID or handle
        agent: String,
        /// Where
        #[arg(value_enum)]
        environment: Environment,
        #[command(flatten)]
        how: Doing,
    },
    /// State the agent's new version, by its key; or list the versions it stated
    #[command(after_help = "\
Examples:
  handfast agent version 1.3
  handfast agent version --list
  handfast agent version --list --agent filer-7 --owner-key owner.json")]
    #[command(group = clap::ArgGroup::new("what").required(true).args(["version", "list"]))]
    Version {
        /// The version
        version: Option<String>,
        /// List the versions instead
        #[arg(long)]
        list: bool,
        /// Another agent's, by DID or handle
        #[arg(long, value_name = "AGENT", requires = "owner_key")]
        agent: Option<String>,
        /// Ask as this owner instead of as the agent
        #[arg(long, value_name = "FILE", requires = "list")]
        owner_key: Option<PathBuf>,
        #[command(flatten)]
        key: AgentKey,
    },
}

/// How to do it, whatever it is.
#[derive(Debug, Args)]
pub(crate) struct Doing {
    /// Why; kept in the registry's log
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub key: OwnerKey,
}

impl Doing {
    /// The reason, if one was given.
    pub(crate) fn reason(&self) -> Option<&str> {
        (!self.reason.is_empty()).then_some(self.reason.as_str())
    }
}

#[derive(Debug, Args)]
pub(crate) struct CeilingArgs {
    /// The agent's DID or handle
    pub agent: String,
    /// The most it may ever do
    #[arg(long)]
    pub scope: String,
    #[command(flatten)]
    pub grant: GrantArgs,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub how: Doing,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("agents").required(true).args(["to", "retire"]))]
pub(crate) struct OffboardArgs {
    /// The owner's id
    pub owner: String,
    /// Who takes the agents over, by id
    #[arg(long, value_name = "OWNER")]
    pub to: Option<String>,
    /// Retire the agents
    #[arg(long)]
    pub retire: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub how: Doing,
}

#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Only agents that nobody used for so many days
    #[arg(long, value_name = "DAYS")]
    pub stale: Option<u64>,
    /// Print CSV, one row for each scope of each agent
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Every agent of the registry (admins only)
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}
