//! How new each status list of an issuer was, kept across restarts: without it a restart would believe an older one (TH64).
//!
//! One file an issuer, written like those of feeds (spec/status-lists.md, across restarts).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Weak;

use handfast_identity::UnixTime;
use handfast_identity::json::{self, Limits};
use handfast_verifier::status_list::MAX_REMEMBERED_LISTS;
use serde::{Deserialize, Serialize};

use super::memory::{StateDirectory, StateError, read, replace};

/// Longest file read (spec/limits.md): as many of the longest addresses as are remembered, each byte escaped, and their times.
const MAX_LISTS_STATE_BYTES: usize = MAX_REMEMBERED_LISTS * 4352;
const FORMAT: u8 = 1;

/// The file of one issuer's lists.
#[derive(Clone, Debug)]
pub(super) struct ListFile {
    path: PathBuf,
    issuer: String,
    /// Whoever has the directory no more writes nothing there.
    lock: Weak<File>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    iss: String,
    lists: BTreeMap<String, UnixTime>,
}

impl ListFile {
    /// The file of `issuer`.
    pub(super) fn of(state: &StateDirectory, issuer: &str) -> Self {
        Self { path: state.path_of("lists", issuer), issuer: issuer.to_owned(), lock: state.lease() }
    }

    /// When the newest list of each address was signed; nothing if nothing was ever kept.
    pub(super) fn load(&self) -> Result<BTreeMap<String, UnixTime>, StateError> {
        let Some(bytes) = read(&self.path, MAX_LISTS_STATE_BYTES)? else { return Ok(BTreeMap::new()) };
        let limits = Limits { max_members: MAX_REMEMBERED_LISTS, ..Limits::plain(MAX_LISTS_STATE_BYTES) };
        match json::read_object(&bytes, &limits) {
            Ok(Wire { v: FORMAT, iss, lists }) if iss == self.issuer => Ok(lists),
            _ => Err(StateError::Content { path: self.path.clone(), issuer: self.issuer.clone() }),
        }
    }

    /// Keeps `lists`, durably. Blocks for as long as the disk takes.
    pub(super) fn save(&self, lists: &BTreeMap<String, UnixTime>) -> Result<(), StateError> {
        // held while it is written
        let Some(_directory) = self.lock.upgrade() else { return Err(StateError::Locked(self.path.clone())) };
        let wire = Wire { v: FORMAT, iss: self.issuer.clone(), lists: lists.clone() };
        let io = |source| StateError::Io { path: self.path.clone(), source };
        let bytes = json::to_jcs(&wire).map_err(|error| io(io::Error::other(error.to_string())))?;
        replace(&self.path, &bytes).map_err(io)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use handfast_delegation::MAX_STATUS_URI_BYTES;

    use super::*;

    const ISSUER: &str = "https://registry.example";

    #[test]
    fn what_is_kept_is_there_again_for_its_issuer_alone() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(directory.path()).unwrap();
        let file = ListFile::of(&state, ISSUER);
        assert_eq!(file.load().unwrap(), BTreeMap::new());
        // as many and as long as there may be
        let uri = |number: usize| format!("{number:03}{}", "\"".repeat(MAX_STATUS_URI_BYTES - 3));
        let full: BTreeMap<_, _> =
            (0..MAX_REMEMBERED_LISTS).map(|n| (uri(n), UnixTime::from_secs(u64::MAX >> 11))).collect();
        for lists in [BTreeMap::from([(uri(1), UnixTime::from_secs(7))]), full] {
            file.save(&lists).unwrap();
            assert_eq!(ListFile::of(&state, ISSUER).load().unwrap(), lists);
        }
        assert_eq!(ListFile::of(&state, "https://other.example").load().unwrap(), BTreeMap::new());
        drop(state);
        assert!(matches!(file.save(&BTreeMap::new()), Err(StateError::Locked(_))), "its time is over");
    }

    #[test]
    fn damage_is_told_with_the_files_name() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(directory.path()).unwrap();
        let file = ListFile::of(&state, ISSUER);
        file.save(&BTreeMap::from([("u".to_owned(), UnixTime::from_secs(7))])).unwrap();
        let good = std::fs::read_to_string(&file.path).unwrap();
        for text in [
            String::new(),
            good.replace(ISSUER, "https://other.example"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace(":7", ":-7"),
            good.replace("{\"iss", "{\"x\":1,\"iss"),
        ] {
            assert_ne!(text, good);
            std::fs::write(&file.path, &text).unwrap();
            let error = file.load().unwrap_err();
            assert!(matches!(error, StateError::Content { .. }), "{text}");
            assert!(error.to_string().contains("lists-") && error.to_string().contains(ISSUER), "{error}");
        }
    }
}
