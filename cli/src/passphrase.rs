//! Passphrases of key files: out of a file, or typed on a terminal without an echo. Never off the command line, which others can read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use handfast_client::{MAX_PASSPHRASE_BYTES, Secret};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};

/// Where this process gets passphrases, as its command line says.
static SOURCE: OnceLock<Source> = OnceLock::new();

#[derive(Debug)]
struct Source {
    file: Option<PathBuf>,
    may_ask: bool,
}

/// What to do where nobody can be asked.
const HELP: &str = "run it in a terminal without `--json`, or name a file that holds it with `--passphrase-file` or \
                    HANDFAST_PASSPHRASE_FILE";

/// Says where passphrases come from: out of `file`, or else from whoever sits there, if they may be asked.
pub(crate) fn come_from(file: Option<PathBuf>, may_ask: bool) {
    // it is said once, before the first command
    let _ = SOURCE.set(Source { file, may_ask });
}

/// The passphrase that opens the key file `path`.
pub(crate) fn of(path: &Path) -> Result<Secret, Failure> {
    match file() {
        Some(file) => read(file),
        None => ask(&format!("Passphrase of {}: ", path.display())),
    }
}

/// The passphrase that was given in a file; nobody is asked for one.
pub(crate) fn given() -> Result<Option<Secret>, Failure> {
    file().map(read).transpose()
}

/// A new passphrase for the key file `path`: out of `file`, or the one that opens others, or typed twice.
pub(crate) fn new_for(path: &Path, named: Option<&Path>) -> Result<Secret, Failure> {
    if let Some(file) = named.or_else(file) {
        return read(file);
    }
    let first = ask(&format!("New passphrase of {}: ", path.display()))?;
    let second = ask("The same again: ")?;
    if first.expose() == second.expose() {
        Ok(first)
    } else {
        Err(Failure::new(Exit::Declined, "these are two different passphrases; nothing was changed"))
    }
}

fn file<'a>() -> Option<&'a Path> {
    SOURCE.get().and_then(|source| source.file.as_deref())
}

/// The one line of a file; the end of the line is not part of it, blanks are.
fn read(path: &Path) -> Result<Secret, Failure> {
    let shown = path.display();
    let failed = |error: std::io::Error| Failure::new(Exit::File, format!("the passphrase file `{shown}`: {error}"));
    // room for all of it from the start: a text that grows leaves copies behind
    let most = MAX_PASSPHRASE_BYTES + LINE_END_BYTES + 1;
    let mut text = Zeroizing::new(String::with_capacity(most));
    let file = File::open(path).map_err(failed)?;
    file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_string(&mut text).map_err(failed)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() || line.len() > MAX_PASSPHRASE_BYTES || line.contains(['\n', '\0']) {
        return Err(Failure::new(
            Exit::File,
            format!("the passphrase file `{shown}` is not one line of 1 to {MAX_PASSPHRASE_BYTES} bytes"),
        ));
    }
    Ok(Secret::new(line))
}

/// `\r\n`.
const LINE_END_BYTES: usize = 2;

fn ask(prompt: &str) -> Result<Secret, Failure> {
    let nobody =
        || Failure::new(Exit::Declined, "this needs a passphrase, and nobody is there to give it").with_help(HELP);
    if !SOURCE.get().is_some_and(|source| source.may_ask) {
        return Err(nobody());
    }
    let typed = typed(prompt).map_err(|_| nobody())?;
    match typed.filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line.as_str())),
        None => Err(Failure::new(Exit::Declined, "no passphrase was given; nothing was changed")),
    }
}

#[cfg(unix)]
fn typed(prompt: &str) -> std::io::Result<Option<Zeroizing<String>>> {
    crate::terminal::unseen_line(prompt)
}

/// Elsewhere they come out of a file.
#[cfg(not(unix))]
fn typed(_: &str) -> std::io::Result<Option<Zeroizing<String>>> {
    Err(std::io::ErrorKind::Unsupported.into())
}
