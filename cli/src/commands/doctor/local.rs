//! What is on the disk: settings, key files, state directories.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use handfast_client::{KeyFile, KeyFileError, KeyKind, next_key_path};
use handfast_identity::DidKey;

use super::Finding;
use crate::config::{Config, Places};
use crate::exit::{Exit, Failure};
use crate::passphrase;

const CONFIG: &str = "settings";
const STATE: &str = "state directory";

/// What a key file is good for here.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) kind: KeyKind,
    pub(super) did: DidKey,
    pub(super) issuer: Option<String>,
}

/// The files with settings.
pub(super) fn config(places: &Places) -> Vec<Finding> {
    let config = match Config::load(places) {
        Ok(config) => config,
        Err(failure) => return vec![Finding::of_failure(CONFIG, &failure)],
    };
    let files: Vec<_> = config.files().iter().filter(|file| file.is_there).collect();
    if files.is_empty() {
        return vec![Finding::good(CONFIG, "no file with settings; flags and environment decide")];
    }
    let of = |path: &PathBuf| {
        others_write(path).map_or_else(
            || Finding::good(CONFIG, path.display().to_string()),
            |who| {
                let message = format!("{} can be written by {who}, who choose the registry with it", path.display());
                Finding::doubtful(CONFIG, message, format!("chmod go-w {}", path.display()))
            },
        )
    };
    files.into_iter().map(|file| of(&file.path)).collect()
}

/// A key file and the directory it is in. Nobody is asked for a passphrase.
pub(super) fn key(about: &'static str, path: &Path, kind: KeyKind) -> (Vec<Finding>, Option<Key>) {
    if !path.exists() && path.symlink_metadata().is_err() {
        return (vec![Finding::skipped(about, format!("{} is not there", path.display()))], None);
    }
    let file = match opened(path) {
        Ok(found) => found,
        Err(failure) => return (vec![Finding::of_failure(about, &failure)], None),
    };
    let mut findings = Vec::new();
    match &file {
        None => {
            let message = format!("{} is encrypted, and was not opened", path.display());
            findings.push(Finding::skipped(about, message));
        }
        Some(file) if file.kind != kind => {
            let message = format!("{} is the key file of an {}", path.display(), file.kind);
            findings.push(Finding::bad(about, Exit::File, message, "name the right one"));
        }
        Some(file) => findings.push(Finding::good(about, format!("{} is {}", path.display(), file.key.did()))),
    }
    if next_key_path(path).exists() {
        let message = format!("a rotation is not finished: {} waits", next_key_path(path).display());
        findings.push(Finding::doubtful(about, message, "run `handfast agent rotate` again"));
    }
    findings.extend(directory(about, path));
    let key = file.map(|file| Key { kind: file.kind, did: file.key.did().clone(), issuer: file.issuer });
    (findings, key)
}

/// The file, unless it takes a passphrase that was not given.
fn opened(path: &Path) -> Result<Option<KeyFile>, Failure> {
    match KeyFile::load(path) {
        Err(KeyFileError::Encrypted { .. }) => {
            Ok(passphrase::given()?.map(|given| KeyFile::load_with(path, &given)).transpose()?)
        }
        other => Ok(Some(other?)),
    }
}

/// Where a key file is, new ones are written beside it before they take its place.
fn directory(about: &'static str, path: &Path) -> Option<Finding> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if let Some(who) = others_write(folder) {
        let message = format!("{} can be written by {who}, who can put another key there", folder.display());
        return Some(Finding::doubtful(about, message, format!("chmod go-w {}", folder.display())));
    }
    writable(folder).err().map(|error| {
        let message = format!("nothing can be written beside {}: {error}", path.display());
        Finding::bad(about, Exit::File, message, "a rotation needs that; make the directory yours")
    })
}

/// A directory in which a registry or a resource server keeps what it has to remember.
pub(super) fn state(path: &Path) -> Vec<Finding> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("{} is not there", path.display());
            return vec![Finding::bad(STATE, Exit::File, message, "is it mounted, and the path right?")];
        }
        Err(error) => {
            let message = format!("{}: {error}", path.display());
            return vec![Finding::bad(STATE, Exit::File, message, "run this as the user of the server")];
        }
    };
    if !metadata.is_dir() {
        return vec![Finding::bad(STATE, Exit::File, format!("{} is no directory", path.display()), "name another")];
    }
    if let Err(error) = writable(path) {
        let message = format!("{} cannot be written: {error}", path.display());
        return vec![Finding::bad(
            STATE,
            Exit::File,
            message,
            "run this as the user of the server, and make it theirs",
        )];
    }
    let mut findings = vec![match others_write(path) {
        Some(who) => {
            let message = format!("{} can be written by {who}, who can make the server forget", path.display());
            Finding::doubtful(STATE, message, format!("chmod go-w {}", path.display()))
        }
        None => Finding::good(STATE, path.display().to_string()),
    }];
    findings.extend(registry_keys(path));
    findings
}

/// The key files of a registry's directory, if it is one.
fn registry_keys(path: &Path) -> Vec<Finding> {
    let folder = path.join(handfast_registry::KEYS_DIRECTORY);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file());
    let refused: Vec<_> = files.filter_map(|path| crate::files::require_private(&path).err()).collect();
    if refused.is_empty() {
        return vec![Finding::good(STATE, format!("the keys in {} are their user's alone", folder.display()))];
    }
    refused.iter().map(|failure| Finding::of_failure(STATE, failure)).collect()
}

fn writable(folder: &Path) -> std::io::Result<()> {
    tempfile::NamedTempFile::new_in(folder).map(drop)
}

/// Who else may write, as words; nobody where files have no such modes. A directory with the sticky bit is safe for its files.
#[cfg(unix)]
fn others_write(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = path.metadata().ok()?;
    let mode = metadata.permissions().mode();
    if metadata.is_dir() && mode & 0o1000 != 0 {
        return None;
    }
    match (mode & 0o020 != 0, mode & 0o002 != 0) {
        (_, true) => Some("everybody"),
        (true, false) => Some("its group"),
        (false, false) => None,
    }
}

#[cfg(not(unix))]
fn others_write(_: &Path) -> Option<&'static str> {
    None
}
