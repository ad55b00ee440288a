//! `handfast agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    AgentKey, HistoryArgs, LifeCommand, NewKey, OwnerKey, RecoverArgs, RegistryUrl, RotateArgs, RotationAnswerArgs,
};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Make an agent's key; its DID is the agent's identity
    #[command(after_help = "\
Examples:
  handfast agent init
  handfast agent init --encrypt
  handfast agent init --key build.json --encrypt --passphrase-file /run/credentials/build/passphrase")]
    Init {
        /// Make a P-256 key instead of Ed25519, for peers that only know ES256
        #[arg(long)]
        p256: bool,
        #[command(flatten)]
        new: NewKey,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Register an agent, and show the code its owner claims it with
    #[command(after_help = "\
With an enrolment token, which its owner made beforehand (`handfast enrolment create`), the agent is that owner's at once.

Examples:
  handfast agent register --registry https://registry.example --name billing --purpose 'sends invoices'
  handfast agent register --registry https://registry.example --name runner --purpose builds --enrolment-file /run/secrets/enrolment")]
    Register(RegisterArgs),
    /// Show an agent's record: its own, or any that the owner's key may see
    Show {
        /// DID or handle; without it the agent's own
        agent: Option<String>,
        /// Ask as this owner instead of as the agent
        #[arg(long, value_name = "FILE")]
        owner_key: Option<PathBuf>,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Put a fresh key in the place of the agent's; its handle, tasks and what its owner said stay
    #[command(after_help = "\
The new key is on the disk before the registry hears of it, and the old one until it is known what became of that: after a crash, or
without an answer, run it again. What the old key signed before is good to its end. The new key is kept as the old one was: encrypted
under the same passphrase, or in the keyring. Where an ssh-agent holds it, name another one that it holds (`--ssh-agent FINGERPRINT`, in
builds with that feature).

Examples:
  handfast agent rotate
  handfast agent rotate --key agent.json --wait")]
    Rotate(RotateArgs),
    /// Approve the new key of an agent, where that is asked for (in `prod`), or refuse it
    #[command(after_help = "\
Examples:
  handfast agent approve-rotation billing-bot
  handfast agent approve-rotation billing-bot --confirm 'acorn … wren' --reason 'planned'
  handfast agent approve-rotation billing-bot --refuse --reason 'nobody here did that'")]
    ApproveRotation(RotationAnswerArgs),
    /// Take an agent back whose key somebody else has: every key after the last good one is compromised
    #[command(after_help = "\
Examples:
  handfast agent history billing-bot
  handfast agent recover billing-bot --last-good 3 --new-key new.json --reason 'key stolen'
  handfast agent recover billing-bot --last-good 0 --new-key new.json")]
    Recover(RecoverArgs),
    /// Show the keys an agent had, and check that the last one descends from the first
    #[command(after_help = "\
With `--verify` nothing is asked of anybody but for the history itself, and every key that vouches for the current one has to be
known: the first, and the owner's where there was a recovery.

Examples:
  handfast agent history
  handfast agent history --verify keys.json --first did:key:z6Mk…
  handfast agent history --verify https://registry.example/agents/billing-bot/keys --first did:key:z6Mk… --owner did:key:z6Mk…")]
    History(HistoryArgs),
    #[command(flatten)]
    Life(LifeCommand),
    /// Search agents by handle, owner and status: an owner's own, or with --all those of everybody
    #[command(after_help = "\
Examples:
  handfast agent search --handle billing
  handfast agent search --all --status UNCLAIMED
  handfast agent search --all --owner owner:01… --status CLAIMED")]
    Search(SearchArgs),
    /// List an owner's agents
    List {
        /// Every agent of the registry (admins only)
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        key: OwnerKey,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// How the handle begins
    #[arg(long, value_name = "PREFIX")]
    pub handle: Option<String>,
    /// Whose they are, by owner id
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Where they are in their life
    #[arg(long, value_enum, ignore_case = true)]
    pub status: Option<Status>,
    /// Among every agent of the registry (admins only)
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Status {
    Unclaimed,
    Claimed,
    Revoked,
}

impl From<Status> for handfast_client::AgentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Unclaimed => Self::Unclaimed,
            Status::Claimed => Self::Claimed,
            Status::Revoked => Self::Revoked,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    pub registry: RegistryUrl,
    /// What the agent calls itself
    #[arg(long)]
    pub name: String,
    /// What it is for
    #[arg(long)]
    pub purpose: String,
    /// Its software version
    #[arg(long, default_value = "0")]
    pub agent_version: String,
    /// Where it runs
    #[arg(long, value_enum, default_value_t = Environment::Dev)]
    pub environment: Environment,
    /// The scope it would like to have
    #[arg(long, default_value = "")]
    pub scope: String,
    /// The resources it would like to use
    #[arg(long)]
    pub resource: Vec<String>,
    /// The owner it expects; it will not use a token before this one has claimed it
    #[arg(long, value_name = "OWNER")]
    pub expected_owner: Option<String>,
    /// The enrolment token its owner made for it, in a file; `-` reads it from standard input. Without it HANDFAST_ENROLMENT is
    /// looked at
    #[arg(long, value_name = "FILE")]
    pub enrolment_file: Option<PathBuf>,
    /// Wait until somebody claims or refuses it
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Environment {
    Dev,
    Test,
    Prod,
}

impl From<Environment> for handfast_delegation::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Dev => Self::Dev,
            Environment::Test => Self::Test,
            Environment::Prod => Self::Prod,
        }
    }
}
