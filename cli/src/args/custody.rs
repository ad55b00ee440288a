//! Where the secret of a key is: in its file, encrypted or not, or with somebody who keeps keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Encrypt a key file under a passphrase
    #[command(after_help = "\
The passphrase is typed on the terminal, or is the one line of a file that `--passphrase-file` or HANDFAST_PASSPHRASE_FILE names. What the
file was before may still be in backups and free blocks of the disk: if that matters, rotate the key.

Examples:
  handfast key encrypt
  handfast key encrypt --key owner.json
  handfast key encrypt --key agent.json --passphrase-file /run/credentials/agent/passphrase")]
    Encrypt {
        #[command(flatten)]
        key: AnyKey,
    },
    /// Write a key into its file in the clear: out of an encrypted file, or the keyring
    #[command(after_help = "Example:  handfast key decrypt --key agent.json")]
    Decrypt {
        #[command(flatten)]
        key: AnyKey,
    },
    /// Give an encrypted key file another passphrase
    #[command(after_help = "\
Examples:
  handfast key passphrase
  handfast key passphrase --key agent.json --passphrase-file old --new-passphrase-file new")]
    Passphrase {
        /// The file whose one line is the new passphrase
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        key: AnyKey,
    },
    /// Move a key from its file into the operating system's keyring; the file names the entry
    #[cfg(feature = "os-keyring")]
    #[command(after_help = "\
The entry is that of service `handfast` with the key's DID as account. `handfast key decrypt` and `encrypt` bring it back into the file.

Example:  handfast key keyring --key owner.json")]
    Keyring {
        #[command(flatten)]
        key: AnyKey,
    },
    /// Delete a key: its file, and what the keyring has of it. Nobody can act with it any more, its owner neither
    #[command(after_help = "\
The registry does not hear of this: revoke or retire the agent as well, if it is to end. A key that an ssh-agent holds stays there.

Example:  handfast key delete --key old.json")]
    Delete {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        key: AnyKey,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AnyKey {
    /// The key file, an agent's or an owner's
    #[arg(long, env = "HANDFAST_AGENT_KEY", value_name = "FILE", default_value = "agent.json")]
    pub key: PathBuf,
}

/// Where the secret of a new key goes: into its file in the clear, unless one of these is given.
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// Encrypt the key file under a passphrase, typed or out of `--passphrase-file`
    #[arg(long, group = "custody")]
    pub encrypt: bool,
    #[cfg(all(unix, feature = "ssh-agent"))]
    #[command(flatten)]
    pub ssh: SshKeyChoice,
    /// Keep the key in the operating system's keyring
    #[cfg(feature = "os-keyring")]
    #[arg(long, group = "custody")]
    pub keyring: bool,
}

/// Which key of an ssh-agent.
#[cfg(all(unix, feature = "ssh-agent"))]
#[derive(Debug, Args)]
pub(crate) struct SshKeyChoice {
    /// Use a key that the running ssh-agent holds: the one whose comment begins with `handfast`, or the one with this fingerprint
    /// (`SHA256:…`, as `ssh-add -l` shows it). Only keys that are used for nothing else
    #[arg(long, group = "custody", value_name = "FINGERPRINT", num_args = 0..=1)]
    pub ssh_agent: Option<Option<String>>,
    /// The agent's socket; without it that of SSH_AUTH_SOCK, whenever the key is used
    #[arg(long, value_name = "PATH", requires = "ssh_agent")]
    pub ssh_socket: Option<PathBuf>,
}
