//! `handfast registry`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use handfast_identity::DidKey;

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
        /// Why, for the registry's log
        #[arg(long)]
        reason: Option<String>,
    },
    /// Replace a stolen or lost feed key by the word of the recovery key
    #[command(after_help = "\
Resource servers that pin the recovery key take the new feed key up by themselves, and nothing that the former one signed counts
with them any more. The others have to be told the new one. Stop the registry, run this, start it, and put the recovery key away
again. Servers that were running keep what a thief has revoked until they are restarted.

Examples:
  handfast registry replace-feed-key --dir ./registry --recovery-key /media/usb/registry-feed-recovery.jwk
  handfast registry replace-feed-key --dir ./restored --recovery-key FILE --former did:key:z6Mk…")]
    ReplaceFeedKey(ReplaceFeedKeyArgs),
    /// Make a recovery key for a registry that has none, and print the line for its registry.toml
    #[command(after_help = "Example:  handfast registry recovery-key /media/usb/registry-feed-recovery.jwk")]
    RecoveryKey {
        /// The file for its private half; it must not exist
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceFeedKeyArgs {
    /// The registry's directory
    #[arg(long, env = "HANDFAST_REGISTRY_DIR")]
    pub dir: PathBuf,
    /// The file of the recovery key
    #[arg(long, value_name = "FILE")]
    pub recovery_key: PathBuf,
    /// A feed key that was replaced before, and that a restored directory no longer knows of
    #[arg(long, value_name = "DID")]
    pub former: Vec<DidKey>,
    /// Why, for the registry's log
    #[arg(long)]
    pub reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
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
    /// Where the private half of the feed's recovery key goes, which must not exist [default: the directory's name with
    /// `-feed-recovery.jwk` added, beside it]
    #[arg(long, value_name = "FILE")]
    pub recovery_key: Option<PathBuf>,
    /// Scopes that agents have before they are claimed
    #[arg(long, value_name = "SCOPES", default_value = "")]
    pub pre_claim_scopes: String,
    /// Allow http on loopback, and nothing but loopback
    #[arg(long)]
    pub development: bool,
}
