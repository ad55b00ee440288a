//! The command line of delegation: passing on, exchanging, looking at chains.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use handfast_delegation::Tools;
use handfast_identity::{DidKey, Seconds};

use super::{AgentKey, Bounds, Environment};
use crate::parse;

#[derive(Debug, Args)]
pub(crate) struct DelegateArgs {
    /// The DID of the agent or instance it is for: only its key can use it
    #[arg(long, value_name = "DID")]
    pub to: String,
    /// What it may do
    #[arg(long)]
    pub scope: String,
    /// Where; without it the one resource of what is passed on
    #[arg(long)]
    pub resource: Vec<String>,
    #[command(flatten)]
    pub bounds: Bounds,
    /// How long, at most an hour: `90s`, `10m`, `1h`; never longer than what is passed on
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub ttl: Option<Seconds>,
    /// How deep a chain may get below it, counted from the root; without it it cannot be passed on
    #[arg(long, value_name = "N")]
    pub max_depth: Option<u8>,
    /// It is for an instance key, which needs no record at the registry and cannot pass it on
    #[arg(long)]
    pub instance: bool,
    /// Pass on what this bundle gives, instead of the agent's own; `-` reads it from standard input
    #[arg(long, value_name = "BUNDLE", conflicts_with = "task")]
    pub from: Option<PathBuf>,
    /// The task whose authority is passed on
    #[arg(long)]
    pub task: Option<String>,
    /// Write the bundle to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Debug, Args)]
pub(crate) struct ExchangeArgs {
    /// The bundle's file; `-` reads it from standard input
    pub bundle: PathBuf,
    /// Only this scope of it
    #[arg(long)]
    pub scope: Option<String>,
    /// Only these resources of it
    #[arg(long)]
    pub resource: Vec<String>,
    /// Only these tools of it, as `authorization_details`
    #[arg(long, value_name = "JSON", value_parser = parse::tools)]
    pub authorization_details: Option<Tools>,
    /// Write token and evidence to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Show what a bundle or `Delegation` field says; nothing of it is verified
    #[command(
        after_help = "Examples:\n  handfast chain show bundle\n  handfast delegate … | handfast chain show - --json"
    )]
    Show {
        /// Its file; `-` reads it from standard input
        bundle: PathBuf,
    },
    /// Verify a bundle, or what a resource server would be presented, without asking anybody but for the issuer's keys
    #[command(after_help = "\
Without --token the bundle alone is verified: root token and hops, their signatures, links, narrowing and times. With --token and
--resource it is what stands in the Delegation field, and token and field get the very check of a resource server, with the same
reasons. With --revocations, a snapshot of the issuer's feed, that covers revocation too. Not checked: the proof, the route.

Exit codes: 0 good, 3 refused (with the reason), 2 wrong usage, 4 no answer from the key set's URL or a snapshot that is too old
(status_unknown), 5 a file is missing, no key set, or no snapshot by the feed's key.

Examples:
  handfast chain verify bundle --issuer https://registry.example --jwks https://registry.example/jwks.json
  handfast chain verify field --token token --resource https://api.example --issuer https://registry.example --jwks jwks.json --json
  curl -o snapshot https://registry.example/revocations/snapshot
  handfast chain verify bundle --issuer https://registry.example --jwks jwks.json --revocations snapshot --feed-key did:key:…
  handfast chain verify field --token token --resource https://api.example --issuer https://registry.example --jwks jwks.json \\
    --revocations snapshot --feed-key did:key:…")]
    Verify(Box<VerifyArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The bundle, or with --token the Delegation field; `-` reads it from standard input
    #[arg(required_unless_present = "token")]
    pub bundle: Option<PathBuf>,
    /// The file of the access token that is presented; `-` reads it from standard input
    #[arg(long, value_name = "FILE", requires = "resource")]
    pub token: Option<PathBuf>,
    /// The resource it is presented at
    #[arg(long, value_name = "URI", requires = "token")]
    pub resource: Option<String>,
    /// Where that resource runs; without it every environment is taken
    #[arg(long, value_enum, requires = "token")]
    pub environment: Option<Environment>,
    /// Whether an exchanged token needs its evidence there
    #[arg(long, value_enum, default_value_t = Evidence::Required, requires = "token")]
    pub evidence: Evidence,
    /// The trusted issuer, to the letter
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// Its token keys: a file, or the URL of its key set
    #[arg(long, value_name = "FILE|URL")]
    pub jwks: String,
    /// A snapshot of its revocation feed, signed at most 30 seconds before the time to verify at
    #[arg(long, value_name = "FILE", requires = "feed_key")]
    pub revocations: Option<PathBuf>,
    /// The key its revocation feed is signed with
    #[arg(long, value_name = "DID", requires = "revocations", value_parser = parse::did)]
    pub feed_key: Option<DidKey>,
    /// The time to verify at, in seconds since 1970; now without it
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<u64>,
    /// The most hops followed
    #[arg(long, value_name = "N", default_value_t = handfast_delegation::DEFAULT_HOPS)]
    pub max_depth: usize,
    /// The most bytes of evidence read
    #[arg(long, value_name = "N", default_value_t = handfast_delegation::DEFAULT_CHAIN_BYTES)]
    pub max_bytes: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Evidence {
    Required,
    Optional,
}

/// How an agent may pass its authority on.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Delegation {
    None,
    Exchange,
    Offline,
}

impl From<Delegation> for handfast_client::DelegationMode {
    fn from(delegation: Delegation) -> Self {
        match delegation {
            Delegation::None => Self::None,
            Delegation::Exchange => Self::Exchange,
            Delegation::Offline => Self::Offline,
        }
    }
}
