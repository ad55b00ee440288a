//! The command line: what can be asked, with examples.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand};
use handfast_delegation::Tools;
use handfast_identity::signature_backend;

mod agent;
mod bench;
mod bounds;
mod claim;
mod custody;
mod delegation;
mod enrolment;
mod help;
mod keys;
mod life;
mod registry;
mod revoke;
mod task;

pub(crate) use agent::{AgentCommand, Environment, RegisterArgs, SearchArgs};
pub(crate) use bench::{BenchCommand, BenchServeArgs, BenchTargetArgs};
pub(crate) use bounds::Bounds;
pub(crate) use claim::{ClaimArgs, GrantArgs};
#[cfg(all(unix, feature = "ssh-agent"))]
pub(crate) use custody::SshKeyChoice;
pub(crate) use custody::{AnyKey, KeyCommand, NewKey};
pub(crate) use delegation::{ChainCommand, DelegateArgs, Delegation, Evidence, ExchangeArgs, VerifyArgs};
pub(crate) use enrolment::{EnrolmentArgs, EnrolmentCommand};
pub(crate) use help::{CompletionsArgs, ConfigCommand, DoctorArgs, ExplainArgs, ManArgs};
pub(crate) use keys::{HistoryArgs, RecoverArgs, RotateArgs, RotationAnswerArgs};
pub(crate) use life::{CeilingArgs, Doing, LifeCommand, OffboardArgs, ReviewArgs};
pub(crate) use registry::{KeyPurpose, RegistryCommand, RegistryInitArgs, ReplaceFeedKeyArgs};
pub(crate) use revoke::{Revocation, RevokeCommand};
pub(crate) use task::TaskCommand;

use crate::parse;

/// An identity layer for AI agents: own a key, prove it with every request, be stopped alone.
#[derive(Debug, Parser)]
#[command(
    name = "handfast",
    version = version(),
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (the server's reason is printed), 4 unavailable (try again),
5 a file is missing, unreadable or readable by others, or a key is not there or not opened, 6 not confirmed.

Start here:  handfast demo"
)]
pub(crate) struct Cli {
    /// Print JSON, one object a line, and never ask
    #[arg(long, global = true)]
    pub json: bool,
    /// Send nothing and write nothing: show the first request that would be sent and the files that would be written. For
    /// commands that change something
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// The file whose one line is the passphrase of encrypted key files; asked for on the terminal without it
    #[arg(long, global = true, env = "HANDFAST_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// With the arithmetic of the signature checks: a build without its flag is much slower, and nothing else tells.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (signatures: {})", env!("CARGO_PKG_VERSION"), signature_backend()));
    &VERSION
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole story against real servers on this machine: accept the agent, refuse every impostor
    #[command(after_help = "Examples:\n  handfast demo\n  handfast demo --json | jq -r 'select(.outcome != .expect)'")]
    Demo,
    /// Run a registry and a protected API with ready-made credentials, for trying clients against
    #[command(after_help = "Examples:\n  handfast dev\n  handfast dev --json --registry-port 4500 --api-port 4600")]
    Dev(DevArgs),
    /// Set up and run a registry
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Owners and admins: people's keys
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// Agents: keys, registration, records
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Enrolments: agents that are yours as soon as they register, for fleets
    #[command(subcommand)]
    Enrolment(EnrolmentCommand),
    /// Claim an agent with the code it shows, and set what it may do
    #[command(after_help = "\
Examples:
  handfast claim claim_01… --code BCDF-GHJK --scope 'files:read' --resource https://api.example/
  handfast claim claim_01… --code BCDF-GHJK --handle billing-bot --scope … --resource … --confirm 'acorn … wren'
  handfast claim claim_01… --code BCDF-GHJK --scope files:read --resource https://api.example/ --tool read_file --rate 10/60s
  handfast claim claim_01… --code BCDF-GHJK --scope files:read --resource https://api.example/ --del-max-depth 2 --instances
  handfast claim claim_01… --code BCDF-GHJK --refuse

Tools and budgets bound every token of the agent, and all that is passed on below it. A budget is for each task, and once for all
tasks that are the agent's own idea; every resource counts for itself. Tokens with tools or budgets are issued only for resources
that apply them, which the registry knows by its configuration (`registry init --tool-resource`).")]
    Claim(ClaimArgs),
    /// Tasks: give an agent something to do, look at it
    #[command(subcommand)]
    Task(TaskCommand),
    /// Get an access token for an agent and print it
    #[command(after_help = "\
The token is bound to the agent's key and useless without it, but it is a secret all the same.

Example:  handfast token --scope files:read --resource https://api.example/")]
    Token(TokenArgs),
    /// Send one signed request, like curl
    #[command(after_help = "\
Examples:
  handfast curl https://api.example/files --scope files:read
  handfast curl -X POST -d '{\"name\":\"a\"}' -H 'content-type: application/json' https://api.example/files --scope files:write
  handfast curl --chain bundle https://api.example/files
  handfast curl --chain bundle --offline https://api.example/files")]
    Curl(CurlArgs),
    /// Pass a part of an agent's authority on to another key, and print the bundle for it
    #[command(after_help = "\
Whatever is wider than what is passed on is refused here, before anything is signed. The bundle is useless without the key it
names; hand it to that agent, and to nobody else.

Examples:
  handfast delegate --to did:key:z6Mk… --scope files:read --resource https://api.example/ --ttl 10m > bundle
  handfast delegate --to did:key:z6Mk… --scope files:read --resource https://api.example/ --max-uses 50 \\
      --rate 10/60s --tool '{\"read_file\":{\"path\":{\"constraint_type\":\"path_containment\",\"root\":\"/reports\"}}}'
  handfast delegate --from bundle --to did:key:z6Mk… --scope files:read --instance -o bundle-of-the-instance")]
    Delegate(DelegateArgs),
    /// Exchange a bundle for a token of the delegate's own, and print it with its evidence
    #[command(after_help = "\
Prints one JSON object: `access_token` for Authorization, `delegation` for the Delegation field, `dch` for the proof's claim.

Examples:
  handfast exchange bundle
  handfast exchange bundle --scope files:read -o token.json")]
    Exchange(ExchangeArgs),
    /// Look at chains of delegation, and verify them
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Key files: encrypt them, or keep their keys elsewhere
    #[command(subcommand)]
    Key(KeyCommand),
    /// Decentralized identifiers
    #[command(subcommand)]
    Did(DidCommand),
    /// Review agents: what they may do, when they last did, whose they are, how old
    #[command(after_help = "\
A last use is when the registry last gave a token with the scope; what a server then let the agent do, it does not see.

Examples:
  handfast review
  handfast review --stale 30
  handfast review --all --csv > agents.csv")]
    Review(ReviewArgs),
    /// Stop something, for good
    #[command(subcommand)]
    Revoke(RevokeCommand),
    /// What this machine carries
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Say what a reason means, and what to do
    #[command(after_help = "\
Examples:
  handfast explain tool_refused
  handfast explain --all --json | jq -r 'select(.status == 503).reason'")]
    Explain(ExplainArgs),
    /// Look for what is wrong: settings, key files, clock, name, connection, TLS, registry
    #[command(after_help = "\
Changes nothing, and sends nothing that anybody could not send. The exit code is that of the first check that failed.

Examples:
  handfast doctor
  handfast doctor --registry https://registry.example --key agent.json
  handfast doctor --state ./registry --json | jq 'select(.status == \"failed\")'")]
    Doctor(DoctorArgs),
    /// Settings: what is set, and by what
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell
    #[command(after_help = "\
Examples:
  handfast completions bash > ~/.local/share/bash-completion/completions/handfast
  handfast completions zsh > \"${fpath[1]}/_handfast\"
  handfast completions fish > ~/.config/fish/completions/handfast.fish")]
    Completions(CompletionsArgs),
    /// Write manual pages, one for each command
    #[command(after_help = "Example:  handfast man ~/.local/share/man/man1 && man handfast-agent-rotate")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Port of the registry on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub registry_port: u16,
    /// Port of the protected API on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub api_port: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerCommand {
    /// Make an owner's key and register it with a one-time code
    #[command(after_help = "\
Examples:
  handfast owner init --registry https://registry.example --enrol CODE
  handfast owner init --registry https://registry.example --enrol CODE --encrypt")]
    Init {
        #[command(flatten)]
        registry: RegistryUrl,
        /// The one-time code
        #[arg(long)]
        enrol: String,
        #[command(flatten)]
        new: NewKey,
        #[command(flatten)]
        key: OwnerKey,
    },
    /// Make a one-time code for another owner (admins only)
    Code {
        /// The new owner is to be an admin
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        key: OwnerKey,
    },
    /// Off-board an owner (admins only): nothing is issued for them any more, and their agents go to somebody or out of use
    #[command(after_help = "\
What a run left undone, because it was stopped or the registry was, the same command finishes.

Examples:
  handfast owner offboard owner:01… --to owner:02… --reason 'left the company'
  handfast owner offboard owner:01… --retire --yes")]
    Offboard(OffboardArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What the token is to allow
    #[arg(long, default_value = "")]
    pub scope: String,
    /// Where
    #[arg(long)]
    pub resource: Vec<String>,
    /// Inside this task
    #[arg(long, conflicts_with = "intent")]
    pub task: Option<String>,
    /// For a new task of the agent's own, with this intent
    #[arg(long)]
    pub intent: Option<String>,
    /// How far it may be passed on; as its owner allows without it
    #[arg(long, value_name = "N")]
    pub del_max_depth: Option<u8>,
    /// For these tools only, as `authorization_details`
    #[arg(long, value_name = "JSON", value_parser = parse::tools)]
    pub authorization_details: Option<Tools>,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Debug, Args)]
pub(crate) struct CurlArgs {
    /// The URL
    pub url: String,
    /// The method; GET, or POST with data
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub request: Option<String>,
    /// A field to send, `Name: value`
    #[arg(short = 'H', long, value_name = "FIELD")]
    pub header: Vec<String>,
    /// The body to send; `@FILE` reads it from a file
    #[arg(short, long)]
    pub data: Option<String>,
    /// Print status and fields of the answer, too
    #[arg(short, long)]
    pub include: bool,
    /// The scope to ask for; with --chain all of it without it
    #[arg(long, default_value = "")]
    pub scope: String,
    /// The resource the token is for; without it the URL's origin, with --chain all of them
    #[arg(long)]
    pub resource: Option<String>,
    /// Inside this task
    #[arg(long)]
    pub task: Option<String>,
    /// Use what this bundle gives, exchanged at the registry; `-` reads it from standard input
    #[arg(long, value_name = "BUNDLE", conflicts_with = "task")]
    pub chain: Option<PathBuf>,
    /// Present the bundle as it is, without the registry
    #[arg(long, requires = "chain", conflicts_with_all = ["scope", "resource"])]
    pub offline: bool,
    #[command(flatten)]
    pub key: AgentKey,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DidCommand {
    /// Print the document of a DID, or of the agent that a handle names
    #[command(after_help = "\
did:key and did:jwk say themselves what they are; for did:web and handles the host is asked, and nobody else.
A handle is taken only if its registry says of the DID, too, that it goes by that handle.

Examples:
  handfast did resolve did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw
  handfast did resolve did:web:registry.example
  handfast did resolve amber-falcon-00042@registry.example")]
    Resolve {
        /// The DID, or HANDLE@HOST
        #[arg(value_name = "DID")]
        did: String,
        /// Ask hosts of this machine, without TLS, and no others
        #[arg(long)]
        development: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RegistryUrl {
    /// The registry's URL
    #[arg(long, env = "HANDFAST_REGISTRY", value_name = "URL")]
    pub registry: String,
}

#[derive(Debug, Args)]
pub(crate) struct AgentKey {
    /// The agent's key file
    #[arg(long, env = "HANDFAST_AGENT_KEY", value_name = "FILE", default_value = "agent.json")]
    pub key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct OwnerKey {
    /// The owner's key file
    #[arg(long = "key", env = "HANDFAST_OWNER_KEY", value_name = "FILE", default_value = "owner.json")]
    pub key: PathBuf,
}
