//! Passphrases: from a file, the environment, or whoever sits at the terminal. Never from the command line, which others can see.

use std::io::IsTerminal as _;
use std::path::Path;

use handfast_client::{KeyFileFace, Secret};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// The passphrase itself, where no file is named.
const VARIABLE: &str = "HANDFAST_PASSPHRASE";
/// The new one of `key passwd`.
const NEW_VARIABLE: &str = "HANDFAST_NEW_PASSPHRASE";
/// Longest passphrase file.
const MAX_PASSPHRASE_BYTES: u64 = 4096;

/// The passphrase of the key file at `path`.
pub(crate) fn of(path: &Path, face: &KeyFileFace, ui: Ui) -> Result<Secret, Failure> {
    if let Some(known) = known(ui)? {
        return Ok(known);
    }
    asked(&format!("Passphrase of {} ({}): ", path.display(), face.did), ui)
}

/// A passphrase for a file that has none yet.
pub(crate) fn first(path: &Path, ui: Ui) -> Result<Secret, Failure> {
    match known(ui)? {
        Some(known) => Ok(known),
        None => chosen(path, ui),
    }
}

/// A passphrase in the place of another.
pub(crate) fn next(path: &Path, file: Option<&Path>, ui: Ui) -> Result<Secret, Failure> {
    match (file, variable(NEW_VARIABLE)?) {
        (Some(file), _) => in_file(file),
        (None, Some(text)) => Ok(text),
        (None, None) => chosen(path, ui),
    }
}

/// What was given without asking.
pub(crate) fn known(ui: Ui) -> Result<Option<Secret>, Failure> {
    match ui.passphrase_file() {
        Some(file) => in_file(file).map(Some),
        None => variable(VARIABLE),
    }
}

fn variable(name: &str) -> Result<Option<Secret>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(Exit::Usage, format!("{name} is no utf-8"))),
    }
}

/// The first line of a file that is its user's alone.
fn in_file(path: &Path) -> Result<Secret, Failure> {
    files::require_private(path)?;
    let text = Zeroizing::new(files::raw_up_to(path, MAX_PASSPHRASE_BYTES)?);
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::new(Exit::File, format!("the first line of `{}` is empty", path.display()))
            .with_help("it has to hold the passphrase"));
    }
    Ok(Secret::new(line))
}

/// Asked for twice: a slip would lock the key away.
fn chosen(path: &Path, ui: Ui) -> Result<Secret, Failure> {
    let first = asked(&format!("New passphrase of {}: ", path.display()), ui)?;
    let again = asked("The same again: ", ui)?;
    if first.expose() == again.expose() {
        Ok(first)
    } else {
        Err(Failure::new(Exit::Declined, "these were two passphrases; nothing was changed"))
    }
}

fn asked(question: &str, ui: Ui) -> Result<Secret, Failure> {
    if ui.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Declined, "a passphrase is needed, and nobody is there to give it")
            .with_help("name its file with `--passphrase-file`, or run this in a terminal"));
    }
    let text = rpassword::prompt_password(question)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot read the passphrase: {error}")))?;
    Ok(Secret::new(text))
}
