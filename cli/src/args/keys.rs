//! What can be done about an agent's key.

use std::path::PathBuf;

use clap::Args;

use super::{AgentKey, OwnerKey};

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// Where the owner has to approve, wait until that is done
    #[arg(long)]
    pub wait: bool,
    #[cfg(all(unix, feature = "ssh-agent"))]
    #[command(flatten)]
    pub ssh: super::SshKeyChoice,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Debug, Args)]
pub(crate) struct RotationAnswerArgs {
    /// The agent's DID or handle
    pub agent: String,
    /// The key that waits; without it, whichever does
    #[arg(long, value_name = "DID")]
    pub did: Option<String>,
    /// The words the agent shows of its new key, to approve without being asked
    #[arg(long, value_name = "WORDS")]
    pub confirm: Option<String>,
    /// Refuse it: the agent keeps the key it has
    #[arg(long, conflicts_with = "confirm")]
    pub refuse: bool,
    /// Why; kept in the registry's log
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub key: OwnerKey,
}

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The agent's DID or handle
    pub agent: String,
    /// The number of the last key that was good, as `agent history` shows it; 0 if none was
    #[arg(long, value_name = "N")]
    pub last_good: u16,
    /// The file of the key it is to have; made if there is none. It goes to where the agent runs
    #[arg(long, value_name = "FILE")]
    pub new_key: PathBuf,
    /// Why; kept in the registry's log
    #[arg(long, default_value = "")]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// DID or handle; without it the agent of the key file
    #[arg(conflicts_with = "verify")]
    pub agent: Option<String>,
    /// Check this history instead of asking the key file's registry: a file, `-` for standard input, or the URL of
    /// an agent's `…/keys`
    #[arg(long, value_name = "SOURCE")]
    pub verify: Option<String>,
    /// The key it has to begin with
    #[arg(long, value_name = "DID")]
    pub first: Option<String>,
    /// A key that is known to be the owner's; may be given several times
    #[arg(long, value_name = "DID")]
    pub owner: Vec<String>,
    #[command(flatten)]
    pub key: AgentKey,
}
