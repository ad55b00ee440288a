//! Texts that commands read and write besides key files: bundles, tokens, key sets.

use std::io::{Read, Write};
use std::path::Path;

use handfast_client::{Bundle, ClientError, RegistryClient};
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};
use crate::keyfiles;
use crate::ui::Ui;

/// Longest text read from anywhere: evidence has half of that at most, a key set as much.
const MAX_TEXT_BYTES: u64 = 64 * 1024;

/// The text of a file, or of standard input for `-`; blanks and line ends around it do not count.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    text_up_to(path, MAX_TEXT_BYTES)
}

/// As [`text`], with another limit.
pub(crate) fn text_up_to(path: &Path, max_bytes: u64) -> Result<String, Failure> {
    raw_up_to(path, max_bytes).map(|text| text.trim().to_owned())
}

/// The text as it stands there.
pub(crate) fn raw_up_to(path: &Path, max_bytes: u64) -> Result<String, Failure> {
    let shown = path.display();
    let failed = |error: std::io::Error| Failure::new(Exit::File, format!("`{shown}`: {error}"));
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut text = String::new();
    // one byte more than is read tells that there is more
    let count = source.take(max_bytes.saturating_add(1)).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(count).is_ok_and(|count| count <= max_bytes) {
        return Ok(text);
    }
    Err(Failure::new(Exit::File, format!("`{shown}` is longer than {max_bytes} bytes")))
}

/// The bundle of a file, its hops verified against each other.
pub(crate) fn bundle(path: &Path) -> Result<Bundle, Failure> {
    Ok(Bundle::parse(&text(path)?).map_err(ClientError::from)?)
}

/// The registry that a bundle is used at, with the key of `path`: the key's own, or for a key that is registered nowhere the one
/// that the bundle names.
pub(crate) fn registry_of(bundle: &Bundle, path: &Path, ui: Ui) -> Result<RegistryClient, Failure> {
    let file = keyfiles::load(path)?;
    let issuer = file.issuer.as_deref().unwrap_or_else(|| bundle.issuer());
    keyfiles::client(issuer, &file, ui)
}

/// Fails for a file that others than its user can read or write.
#[cfg(unix)]
pub(crate) fn require_private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error: std::io::Error| Failure::new(Exit::File, format!("`{}`: {error}", path.display()));
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::File, format!("`{}` can be read or written by others", path.display()))
        .with_help(format!("chmod 600 {}", path.display())))
}

/// Where files have no such modes, who may read one is not asked.
#[cfg(not(unix))]
pub(crate) fn require_private(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Writes `text` for its user only, in the place of what was there, all or nothing.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(Exit::File, format!("`{}`: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    writeln!(file, "{text}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map(|_| ()).map_err(|error| failed(error.error))
}
