//! The `handfast` command line.
//!
//! Commands hold no protocol of their own: agents and owners go through `handfast-client`, the registry through
//! `handfast-registry`, protected routes through `handfast-middleware`.

mod args;
mod commands;
mod custody;
mod exit;
mod files;
mod keyfiles;
mod local;
mod parse;
mod passphrase;
#[cfg(unix)]
mod terminal;
mod ui;

use std::process::ExitCode;

use args::{BenchCommand, Cli, Command};
use clap::Parser;
use exit::{Exit, Failure};
use tokio::runtime::Builder;
use ui::Ui;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(cli.json);
    passphrase::come_from(cli.passphrase_file.clone(), !cli.json);
    match run(cli, ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.failure(&failure);
            failure.code()
        }
    }
}

fn run(cli: Cli, ui: Ui) -> Result<(), Failure> {
    let mut builder = match &cli.command {
        // what is measured is what one thread does
        Command::Bench(BenchCommand::Target(_)) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime =
        builder.enable_all().build().map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    runtime.block_on(dispatch(cli.command, ui))
}

async fn dispatch(command: Command, ui: Ui) -> Result<(), Failure> {
    match command {
        Command::Demo => commands::demo::run(ui).await,
        Command::Dev(args) => commands::dev::run(&args, ui).await,
        Command::Registry(command) => commands::registry::run(command, ui).await,
        Command::Owner(command) => commands::owner::run(command, ui).await,
        Command::Agent(command) => commands::agent::run(command, ui).await,
        Command::Enrolment(command) => commands::enrolment::run(command, ui).await,
        Command::Claim(args) => commands::claim::run(args, ui).await,
        Command::Task(command) => commands::task::run(command, ui).await,
        Command::Token(args) => commands::token::run(args, ui).await,
        Command::Curl(args) => commands::curl::run(args, ui).await,
        Command::Delegate(args) => commands::delegate::run(args, ui).await,
        Command::Exchange(args) => commands::exchange::run(args, ui).await,
        Command::Key(command) => commands::custody::run(command, ui).await,
        Command::Chain(command) => commands::chain::run(command, ui).await,
        Command::Did(command) => commands::did::run(&command, ui).await,
        Command::Review(args) => commands::review::run(args, ui).await,
        Command::Revoke(command) => commands::revoke::run(command, ui).await,
        Command::Bench(command) => commands::bench::run(command, ui).await,
    }
}
