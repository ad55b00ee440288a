//! The command line as its users meet it: the binary, real servers, real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests stop at the first surprise

mod bench;
mod bounds;
mod commands;
mod content;
#[cfg(unix)]
mod custody;
mod delegation;
mod demo;
mod enrolling;
mod helping;
mod life;
mod mcp;
mod readme;
mod rehearsing;
mod revoking;
mod rotating;
mod site;
mod vectors;
