//! `handfast enrolment`.

use clap::{Args, Subcommand};
use handfast_identity::Seconds;

use super::{Doing, Environment, GrantArgs, OwnerKey};
use crate::parse;

#[derive(Debug, Subcommand)]
pub(crate) enum EnrolmentCommand {
    /// Make an enrolment: one agent registers with its token, and is yours at once, under this ceiling
    #[command(after_help = "\
The token is a secret, shown this once. Hand it to the agent's machine in a file, or as HANDFAST_ENROLMENT:
  handfast agent register --enrolment-file token …

Examples:
  handfast enrolment create --scope files:read --resource https://api.example/ --environment prod --label runners
  handfast --json enrolment create --scope files:read --resource https://api.example/ --count 20 | jq -r .token")]
    Create(EnrolmentArgs),
    /// List enrolments, without their tokens
    List {
        /// Every enrolment of the registry (admins only)
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        key: OwnerKey,
    },
    /// Call an enrolment off that nobody used
    #[command(after_help = "Example:  handfast enrolment revoke enrolment_01… --reason 'token lost'")]
    Revoke {
        /// The enrolment's id
        enrolment: String,
        #[command(flatten)]
        how: Doing,
        /// Call somebody else's off (admins only)
        #[arg(long)]
        admin: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EnrolmentArgs {
    /// The most the agent may ever do
    #[arg(long, default_value = "")]
    pub scope: String,
    #[command(flatten)]
    pub grant: GrantArgs,
    /// Where the agent has to run; anywhere without it
    #[arg(long, value_enum)]
    pub environment: Option<Environment>,
    /// What to call it
    #[arg(long)]
    pub label: Option<String>,
    /// How long it is good, up to 30 days
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "24h")]
    pub expires: Seconds,
    /// How many to make, each for one agent
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    #[command(flatten)]
    pub key: OwnerKey,
}
