//! `handfast completions` and `handfast man`: what the command line says about itself, for shells and for `man`.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::args::Cli;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

const NAME: &str = "handfast";

/// Prints the script of a shell.
pub(crate) fn completions(shell: Shell, ui: Ui) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    ui.result(&json!({"shell": shell.to_string(), "script": script}), |_| script.clone())
}

/// Writes a page for each command.
pub(crate) fn man(directory: &Path, ui: Ui) -> Result<(), Failure> {
    let pages = pages();
    if ui.rehearses() {
        let files: Vec<_> = pages.iter().map(|(name, _)| directory.join(name)).collect();
        return ui.rehearsed(&files.iter().map(|file| crate::rehearsal::write(file, "a page")).collect::<Vec<_>>());
    }
    let failed =
        |path: &Path, error: std::io::Error| Failure::new(Exit::File, format!("`{}`: {error}", path.display()));
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let mut written: Vec<PathBuf> = Vec::new();
    for (name, page) in pages {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|error| failed(&path, error))?;
        written.push(path);
    }
    ui.result(&json!({"directory": directory, "pages": written}), |_| {
        format!(
            "{} pages in {}; read one with  man {}",
            written.len(),
            directory.display(),
            directory.join("handfast.1").display()
        )
    })
}

/// The pages by file name, `handfast.1` first.
fn pages() -> Vec<(String, Vec<u8>)> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let mut open = vec![command];
    while let Some(command) = open.pop() {
        open.extend(command.get_subcommands().filter(|inner| !inner.is_hide_set()).cloned());
        let page = clap_mangen::Man::new(command);
        let mut text = Vec::new();
        // a vector takes everything
        if page.render(&mut text).is_ok() {
            pages.push((page.get_filename(), text));
        }
    }
    pages
}
