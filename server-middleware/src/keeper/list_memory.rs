//! How new each status list of an issuer was, kept across restarts: without it a restart would believe an older one (TH64).
//!
//! One file an issuer, (spec/status-lists.md, across restarts).

use std::collections::BTreeMap;

use handfast_identity::UnixTime;
use handfast_identity::json::Limits;
use handfast_verifier::status_list::MAX_REMEMBERED_LISTS;
use serde::{Deserialize, Serialize};

use super::state_directory::{StateDirectory, StateError, StateFile};

/// Longest file read (spec/limits.md): as many of the longest addresses as are remembered, each byte escaped, and their times.
const MAX_LISTS_STATE_BYTES: usize = MAX_REMEMBERED_LISTS * 4352;
const FORMAT: u8 = 1;

/// The file of one issuer's lists.
#[derive(Clone, Debug)]
pub(super) struct ListFile(StateFile);

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
        Self(state.file("lists", issuer))
    }

    /// When the newest list of each address was signed; nothing if nothing was ever kept.
    pub(super) fn load(&self) -> Result<BTreeMap<String, UnixTime>, StateError> {
        let limits = Limits { max_members: MAX_REMEMBERED_LISTS, ..Limits::plain(MAX_LISTS_STATE_BYTES) };
        match self.0.object(&limits)? {
            None => Ok(BTreeMap::new()),
            Some(Wire { v: FORMAT, iss, lists }) if iss == self.0.issuer() => Ok(lists),
            Some(_) => Err(self.0.content()),
        }
    }

    /// Keeps `lists`, durably.
    pub(super) fn save(&self, lists: &BTreeMap<String, UnixTime>) -> Result<(), StateError> {
        self.0.replace_object(&Wire { v: FORMAT, iss: self.0.issuer().to_owned(), lists: lists.clone() })
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
        let good = std::fs::read_to_string(file.0.path()).unwrap();
        for text in [
            String::new(),
            good.replace(ISSUER, "https://other.example"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace(":7", ":-7"),
            good.replace("{\"iss", "{\"x\":1,\"iss"),
        ] {
            assert_ne!(text, good);
            std::fs::write(file.0.path(), &text).unwrap();
            let error = file.load().unwrap_err();
            assert!(matches!(error, StateError::Content { .. }), "{text}");
            assert!(error.to_string().contains("lists-") && error.to_string().contains(ISSUER), "{error}");
        }
    }
}
