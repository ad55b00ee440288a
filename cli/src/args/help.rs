//! Commands about the command line itself, and about the machine it runs on.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory to write them to; made if there is none
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["reason", "all"]))]
pub(crate) struct ExplainArgs {
    /// The reason, as an answer or this program named it
    pub reason: Option<String>,
    /// Every reason there is
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The registry's URL; without it, that of the key files
    #[arg(long, env = "HANDFAST_REGISTRY", value_name = "URL")]
    pub registry: Option<String>,
    /// The agent's key file
    #[arg(long, env = "HANDFAST_AGENT_KEY", value_name = "FILE", default_value = "agent.json")]
    pub key: PathBuf,
    /// The owner's key file
    #[arg(long, env = "HANDFAST_OWNER_KEY", value_name = "FILE", default_value = "owner.json")]
    pub owner_key: PathBuf,
    /// A state directory: a registry's, or a resource server's; may be given several times
    #[arg(long, value_name = "DIR")]
    pub state: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with its value, and where that comes from
    #[command(after_help = "\
The first of these that has a setting decides: a flag, the environment, the user's file, a file of the machine, the default.

  flag               environment                file
  --registry         HANDFAST_REGISTRY          registry = \"https://registry.example\"
  --key (agents)     HANDFAST_AGENT_KEY         agent_key = \"agent.json\"
  --key (owners)     HANDFAST_OWNER_KEY         owner_key = \"owner.json\"
  --dir              HANDFAST_REGISTRY_DIR      registry_dir = \"registry\"
  --passphrase-file  HANDFAST_PASSPHRASE_FILE   passphrase_file = \"passphrase\"

The user's file is `handfast/config.toml` in $XDG_CONFIG_HOME (~/.config without it), those of the machine have the same name in
each of $XDG_CONFIG_DIRS (/etc/xdg without it). HANDFAST_CONFIG names another file in the place of all. A path in a file is seen
from where that file is, and may begin with `~/`.

Examples:
  handfast config show
  handfast --json config show --registry https://registry.example")]
    Show(ConfigShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// As for other commands
    #[arg(long, env = "HANDFAST_REGISTRY", value_name = "URL")]
    pub registry: Option<String>,
    /// As `--key` of commands for agents
    #[arg(long, env = "HANDFAST_AGENT_KEY", value_name = "FILE", default_value = "agent.json")]
    pub agent_key: PathBuf,
    /// As `--key` of commands for owners
    #[arg(long, env = "HANDFAST_OWNER_KEY", value_name = "FILE", default_value = "owner.json")]
    pub owner_key: PathBuf,
    /// As for `registry`
    #[arg(long, env = "HANDFAST_REGISTRY_DIR", value_name = "DIR")]
    pub registry_dir: Option<PathBuf>,
}
