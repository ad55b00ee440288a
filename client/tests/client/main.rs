//! The client against servers on loopback that note every request and answer as told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests stop at the first surprise

mod content;
mod delegation;
mod key_file;
mod registry;
mod signing;
mod support;
mod tokens;
