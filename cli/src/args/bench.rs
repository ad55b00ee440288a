//! `handfast bench`: what this machine carries.

use clap::{Args, Subcommand};

/// Most requests of one round: their proofs are made beforehand and held in memory.
const MAX_REQUESTS: i64 = 1_000_000;
/// Most rounds; every proof of all of them may still be live at the end.
const MAX_ROUNDS: i64 = 100;
/// Most connections.
const MAX_CONNECTIONS: i64 = 512;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Measure what the check costs a server, and what one core carries
    #[command(after_help = "\
Starts a server on one thread, sends it requests over kept-alive connections from here, and counts the processor time that its
thread takes: for a plain answer, for the same behind one bare signature check, and for the same behind the whole check of a known
token with a fresh proof. Everything stays on this machine. The figures are worth something on an otherwise idle one with two
cores or more.

Examples:
  handfast bench serve
  handfast bench serve --requests 50000 --connections 64 --json")]
    Serve(BenchServeArgs),
    /// The server that is measured
    #[command(hide = true)]
    Target(BenchTargetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BenchServeArgs {
    /// Requests a round, for each kind of answer
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=MAX_REQUESTS))]
    pub requests: u32,
    /// Rounds; the medians are reported
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=MAX_ROUNDS))]
    pub rounds: u32,
    /// Connections kept open, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=MAX_CONNECTIONS))]
    pub connections: u32,
}

#[derive(Debug, Args)]
pub(crate) struct BenchTargetArgs {
    /// Proofs it will be sent in all, which it has to remember
    #[arg(long)]
    pub proofs: usize,
}
