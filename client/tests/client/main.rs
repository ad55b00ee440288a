//! The client against servers on loopback that note every request and answer as told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests stop at the first surprise

mod content;
mod delegation;
mod guarded_key_file;
mod key_file;
#[cfg(feature = "os-keyring")]
mod os_keyring;
mod registry;
mod signing;
#[cfg(all(unix, feature = "ssh-agent"))]
mod ssh_agent;
mod support;
mod tokens;
