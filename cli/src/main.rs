//! The `handfast` command line.
//!
//! Commands hold no protocol of their own: agents and owners go through `handfast-client`, the registry through
//! `handfast-registry`, protected routes through `handfast-middleware`.

mod args;
mod commands;
mod config;
mod custody;
mod exit;
mod files;
mod keyfiles;
mod local;
mod parse;
mod passphrase;
mod rehearsal;
#[cfg(unix)]
mod terminal;
mod ui;

use std::process::ExitCode;

use args::{BenchCommand, Cli, Command, ConfigCommand};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use config::{Config, Places};
use exit::{Exit, Failure};
use tokio::runtime::Builder;
use ui::Ui;

fn main() -> ExitCode {
    let config = Config::load(&Places::of_environment());
    let command = config.as_ref().map_or_else(|_| Cli::command(), |config| config.applied_to(Cli::command()));
    let matches = match command.try_get_matches() {
        Ok(matches) => matches,
        // what is missing may stand in a file that cannot be read
        Err(error) if error.use_stderr() => match config {
            Err(failure) => return ended(Err(failure), Ui::new(asks_for_json())),
            Ok(_) => error.exit(),
        },
        Err(error) => error.exit(),
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let ui = Ui::new(cli.json).rehearsing(cli.dry_run);
    passphrase::come_from(cli.passphrase_file.clone(), !cli.json);
    ended(run(cli, &matches, config, ui), ui)
}

/// The one place where a rehearsal ends well.
fn ended(result: Result<(), Failure>, ui: Ui) -> ExitCode {
    let failure = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    let failure = match failure.planned() {
        Some(planned) => match ui.rehearsed(&[rehearsal::send(planned)]) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failure) => failure,
        },
        None => failure,
    };
    ui.failure(&failure);
    failure.code()
}

/// Before the command line could be read.
fn asks_for_json() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

fn run(cli: Cli, matches: &ArgMatches, config: Result<Config, Failure>, ui: Ui) -> Result<(), Failure> {
    if cli.dry_run && !rehearsal::changes_something(&cli.command) {
        return Err(Failure::new(Exit::Usage, "this command changes nothing that could be rehearsed")
            .with_help("leave `--dry-run` out"));
    }
    let config = match (&cli.command, config) {
        // these help with a file that cannot be read
        (Command::Doctor(_) | Command::Explain(_) | Command::Completions(_) | Command::Man(_), config) => {
            config.unwrap_or_default()
        }
        (_, config) => config?,
    };
    if let Command::Config(ConfigCommand::Show(_)) = &cli.command {
        return commands::config::show(&config::origins(innermost(matches), &config), &config, ui);
    }
    let mut builder = match &cli.command {
        // what is measured is what one thread does
        Command::Bench(BenchCommand::Target(_)) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime =
        builder.enable_all().build().map_err(|error| Failure::new(Exit::Failed, format!("cannot start: {error}")))?;
    runtime.block_on(dispatch(cli.command, ui))
}

/// What was matched of the command itself, inside of those that only lead there.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
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
        Command::Explain(args) => commands::explain::run(&args, ui),
        Command::Doctor(args) => commands::doctor::run(&args, ui).await,
        Command::Completions(args) => commands::pages::completions(args.shell, ui),
        Command::Man(args) => commands::pages::man(&args.directory, ui),
        // shown where the settings are known
        Command::Config(ConfigCommand::Show(_)) => Ok(()),
    }
}
