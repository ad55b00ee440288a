//! The command line: what can be asked, with examples.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use handfast_delegation::Tools;
use handfast_identity::signature_backend;

mod bench;
mod bounds;
mod delegation;
mod keys;
mod life;
mod revoke;

pub(crate) use bench::{BenchCommand, BenchServeArgs, BenchTargetArgs};
pub(crate) use bounds::Bounds;
pub(crate) use delegation::{ChainCommand, DelegateArgs, Delegation, Evidence, ExchangeArgs, VerifyArgs};
pub(crate) use keys::{HistoryArgs, RecoverArgs, RotateArgs, RotationAnswerArgs};
pub(crate) use life::{CeilingArgs, Doing, LifeCommand, OffboardArgs, ReviewArgs};
pub(crate) use revoke::{Revocation, RevokeCommand};

use crate::parse;

/// An identity layer for AI agents: own a key, prove it with every request, be stopped alone.
#[derive(Debug, Parser)]
#[command(
    name = "handfast",
    version = version(),
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (the server's reason is printed), 4 unavailable (try again),
5 a file is missing, unreadable or readable by others, 6 not confirmed.

Start here:  handfast demo"
)]
pub(crate) struct Cli {
    /// Print JSON, one object a line, and never ask
    #[arg(long, global = true)]
    pub json: bool,
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
pub(crate) enum RegistryCommand {
    /// Make a registry's directory, keys and configuration, and print the first admin's one-time code
    #[command(after_help = "\
Examples:
  handfast registry init --dir ./registry --issuer https://registry.example --resource 'https://api.example/=files:read files:write'
  handfast registry init --dir ./registry --issuer http://127.0.0.1:4500 --development")]
    Init(RegistryInitArgs),
    /// Run the registry of a directory until stopped
    Serve {
        /// The registry's directory
        #[arg(long, env = "HANDFAST_REGISTRY_DIR")]
        dir: PathBuf,
    },
    /// Replace a key of the registry, which takes it up at its next start
    #[command(after_help = "\
The key that stands by signs tokens, a new one stands by, and the one before stays published until its tokens are over: nobody's
token ends early. Readers of /jwks.json know the key that stands by already. A stolen key is also to be revoked, with
`handfast revoke issuer-key`.

Example:  handfast registry rotate-key token --dir ./registry")]
    RotateKey {
        /// Which one
        purpose: KeyPurpose,
        /// The registry's directory
        #[arg(long, env = "HANDFAST_REGISTRY_DIR")]
        dir: PathBuf,
    },
    /// Put a registry in service again that was restored from a backup
    #[command(after_help = "\
Resource servers notice that a restored registry has forgotten revocations, and refuse its tokens (503 feed_rolled_back) until its
operator vouches for it by a new epoch. Stop the registry, run this, start it, and at once revoke again whatever is known to be
lost: servers that were running keep what they knew, those started later learn only what the registry tells them.

Example:  handfast registry new-epoch --dir ./registry")]
    NewEpoch {
        /// The registry's directory
        #[arg(long, env = "HANDFAST_REGISTRY_DIR")]
        dir: PathBuf,
    },
}

/// A key of a registry that can be replaced.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeyPurpose {
    /// The key that signs access tokens
    Token,
}

#[derive(Debug, Args)]
pub(crate) struct RegistryInitArgs {
    /// The directory to make; it must not exist, or be empty
    #[arg(long, env = "HANDFAST_REGISTRY_DIR")]
    pub dir: PathBuf,
    /// The registry's public URL: its issuer identifier, without a terminating slash
    #[arg(long)]
    pub issuer: String,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:4500")]
    pub listen: SocketAddr,
    /// A resource it issues tokens for, and the scopes it knows there: `URL=SCOPE SCOPE`
    #[arg(long, value_name = "URL=SCOPES")]
    pub resource: Vec<String>,
    /// The same for a resource that applies tools and budgets; tokens with either are issued for such resources only
    #[arg(long, value_name = "URL=SCOPES")]
    pub tool_resource: Vec<String>,
    /// Scopes that agents have before they are claimed
    #[arg(long, value_name = "SCOPES", default_value = "")]
    pub pre_claim_scopes: String,
    /// Allow http on loopback, and nothing but loopback
    #[arg(long)]
    pub development: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerCommand {
    /// Make an owner's key and register it with a one-time code
    #[command(after_help = "Example:  handfast owner init --registry https://registry.example --enrol CODE")]
    Init {
        #[command(flatten)]
        registry: RegistryUrl,
        /// The one-time code
        #[arg(long)]
        enrol: String,
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

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Make an agent's key; its DID is the agent's identity
    Init {
        /// Make a P-256 key instead of Ed25519, for peers that only know ES256
        #[arg(long)]
        p256: bool,
        #[command(flatten)]
        key: AgentKey,
    },
    /// Register an agent, and show the code its owner claims it with
    #[command(
        after_help = "Example:  handfast agent register --registry https://registry.example --name billing --purpose 'sends invoices'"
    )]
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
without an answer, run it again. What the old key signed before is good to its end.

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
    /// The fingerprint words the agent shows, to claim without being asked
    #[arg(long, value_name = "WORDS")]
    pub confirm: Option<String>,
    /// Refuse the claim instead
    #[arg(long, conflicts_with_all = ["handle", "confirm"])]
    pub refuse: bool,
    #[command(flatten)]
    pub key: OwnerKey,
}

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
    /// Print the document of a did:key
    #[command(after_help = "Example:  handfast did resolve did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw")]
    Resolve {
        /// The DID
        did: String,
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
