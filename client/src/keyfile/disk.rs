//! The file itself: for one user's eyes, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use handfast_identity::{OsRandom, random_id};
use zeroize::Zeroizing;

use super::{KeyFileError, MAX_KEY_FILE_BYTES};

/// For its user's eyes only.
#[cfg(unix)]
const MODE: u32 = 0o600;
/// What group and others must not have.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Reads the file, once it is known to be a plain one that nobody else can read or write.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path).map_err(|cause| io_error(path, cause))?;
    let metadata = file.metadata().map_err(|cause| io_error(path, cause))?;
    if !metadata.is_file() || metadata.len() > MAX_KEY_FILE_BYTES as u64 {
        return Err(KeyFileError::NotAKeyFile { path: path.to_owned() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & OTHERS != 0 {
            return Err(KeyFileError::Exposed { path: path.to_owned() });
        }
    }
    // all the room it can need from the start: a buffer that grows leaves copies behind
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE_BYTES + 1));
    let limit = MAX_KEY_FILE_BYTES as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|cause| io_error(path, cause))?;
    if bytes.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyFileError::NotAKeyFile { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Writes a file where there is none; `text` is asked for once the name is taken.
pub(super) fn create(
    path: &Path,
    text: impl FnOnce() -> Result<Zeroizing<String>, KeyFileError>,
) -> Result<(), KeyFileError> {
    // the name is taken first, so that of two at once one fails; what stands under it is only ever nothing or the whole
    match open_new(path) {
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyFileError::Exists { path: path.to_owned() });
        }
        Err(cause) => return Err(io_error(path, cause)),
    }
    text().and_then(|text| replace(path, &text)).inspect_err(|_| {
        let _ = fs::remove_file(path); // the empty file that only held the name
    })
}

/// Writes a file beside `path`, to the disk, and moves it there.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let beside = temporary(path);
    write_through(path, &beside, text).map_err(|cause| {
        let _ = fs::remove_file(&beside); // may not be there; the first error is the one to report
        io_error(path, cause)
    })
}

fn write_through(path: &Path, beside: &Path, text: &str) -> io::Result<()> {
    let mut file = open_new(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    sync_directory(path)
}

/// `O_CREAT | O_EXCL`, so never through somebody's link, and with the final mode from the first moment.
fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, MODE);
    options.open(path)
}

/// The new name is on the disk when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory(path))?.sync_all() } else { Ok(()) }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(random_id(".", &mut OsRandom));
    directory(path).join(name)
}

fn io_error(path: &Path, cause: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_owned(), cause }
}
