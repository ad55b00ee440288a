//! `handfast key`: how a key is kept.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Say whose key a file holds, and how it is kept; no passphrase is asked for
    #[command(after_help = "Example:  handfast key show agent.json")]
    Show {
        /// The key file
        file: PathBuf,
    },
    /// Encrypt a key file with a passphrase
    #[command(after_help = "\
The passphrase is asked for twice, or comes from --passphrase-file, HANDFAST_PASSPHRASE_FILE or HANDFAST_PASSPHRASE; never from the
command line, which others can see. The file is replaced whole or not at all. Copies made before stay as they are.

Examples:
  handfast key encrypt agent.json
  handfast key encrypt owner.json --passphrase-file ./passphrase")]
    Encrypt(KeyFileArg),
    /// Write an encrypted key file as it is
    #[command(after_help = "Example:  handfast key decrypt agent.json")]
    Decrypt(KeyFileArg),
    /// Give an encrypted key file another passphrase
    #[command(after_help = "\
The old passphrase comes from where every command has it. The new one is asked for twice, or comes from --new-passphrase-file or
HANDFAST_NEW_PASSPHRASE.

Example:  handfast key passwd agent.json")]
    Passwd(PasswdArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeyFileArg {
    /// The key file
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    /// The key file
    pub file: PathBuf,
    /// The file of the new passphrase: its first line
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}
