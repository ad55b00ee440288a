//! Where each issuer's feed stood, kept across restarts: without it a restart would forget that a feed once was further (P-12).
//!
//! One file an issuer (spec/revocation-feed.md, across restarts); another one where the recovery key has named a new feed key.

use handfast_identity::json::Limits;
use handfast_verifier::revocation::{
    FeedKeyError, FeedMemory, FeedPosition, Head, MAX_EPOCH_BYTES, MAX_FEED_KEY_BYTES,
};
use serde::{Deserialize, Serialize};

use super::state_directory::{StateDirectory, StateError, StateFile};

/// Longest file read: the longest has some 700 bytes.
const MAX_STATE_BYTES: usize = 4096;
const FORMAT: u8 = 1;

/// The file of one issuer.
#[derive(Clone, Debug)]
pub(super) struct PositionFile {
    position: StateFile,
    statement: StateFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    iss: String,
    epoch: String,
    seq: u64,
    head: Head,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    rolled_back: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    key_seq: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PositionFile {
    /// The file of `issuer`.
    pub(super) fn of(state: &StateDirectory, issuer: &str) -> Self {
        let position = state.file("feed", issuer);
        Self { statement: position.beside("jwt"), position }
    }

    /// Where the feed stood, and whether it was rolled back since; `None` if nothing was ever kept of it.
    pub(super) fn load(&self) -> Result<Option<FeedMemory>, StateError> {
        let Some(wire) = self.position.object(&Limits::plain(MAX_STATE_BYTES))? else { return Ok(None) };
        let Wire { v, iss, epoch, seq, head, rolled_back, key_seq } = wire;
        let is_ours = v == FORMAT && iss == self.position.issuer() && (1..=MAX_EPOCH_BYTES).contains(&epoch.len());
        let position = FeedPosition { epoch, seq, head };
        let memory = FeedMemory { position, is_rolled_back: rolled_back, key_seq };
        if is_ours { Ok(Some(memory)) } else { Err(self.position.content()) }
    }

    /// Keeps `memory`, durably.
    pub(super) fn save(&self, memory: &FeedMemory) -> Result<(), StateError> {
        let FeedMemory { position: FeedPosition { epoch, seq, head }, is_rolled_back, key_seq } = memory.clone();
        let iss = self.position.issuer().to_owned();
        self.position.replace_object(&Wire { v: FORMAT, iss, epoch, seq, head, rolled_back: is_rolled_back, key_seq })
    }

    /// What the recovery key last said about the feed key; `None` if nothing was ever kept of it.
    pub(super) fn load_statement(&self) -> Result<Option<String>, StateError> {
        let Some(bytes) = self.statement.bytes(MAX_FEED_KEY_BYTES)? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| self.not_the_recovery_keys(FeedKeyError::Malformed))
    }

    /// Keeps a statement, as durably as [`Self::save`].
    pub(super) fn save_statement(&self, statement: &str) -> Result<(), StateError> {
        self.statement.replace(statement.as_bytes())
    }

    /// The kept statement does not count.
    pub(super) fn not_the_recovery_keys(&self, why: FeedKeyError) -> StateError {
        self.statement.not_the_recovery_keys(why)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const ISSUER: &str = "https://registry.example";

    fn position(seq: u64) -> FeedMemory {
        let position = FeedPosition { epoch: "e1".to_owned(), seq, head: Head::start(ISSUER, "e1") };
        FeedMemory { position, is_rolled_back: seq == 4, key_seq: seq / 2 }
    }

    #[test]
    fn what_is_kept_is_there_again_for_its_issuer_alone() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(&directory.path().join("new")).unwrap();
        assert_eq!(PositionFile::of(&state, ISSUER).load().unwrap(), None);
        for seq in [3, 4] {
            PositionFile::of(&state, ISSUER).save(&position(seq)).unwrap();
            assert_eq!(PositionFile::of(&state, ISSUER).load().unwrap(), Some(position(seq)));
        }
        assert_eq!(PositionFile::of(&state, "https://other.example").load().unwrap(), None);
        drop(state);
        let again = StateDirectory::open(&directory.path().join("new")).unwrap();
        assert_eq!(PositionFile::of(&again, ISSUER).load().unwrap(), Some(position(4)));
    }

    #[test]
    fn damage_is_told_with_the_files_name() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::open(directory.path()).unwrap();
        let file = PositionFile::of(&state, ISSUER);
        file.save(&position(1)).unwrap();
        let good = std::fs::read_to_string(file.position.path()).unwrap();
        let long = format!("{good}{}", " ".repeat(MAX_STATE_BYTES));
        let damaged = [
            String::new(),
            good[..good.len() - 1].to_owned(),
            good.replace(ISSUER, "https://other.example"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace("\"seq\":1", "\"seq\":-1"),
            good.replace("\"e1\"", "\"\""),
            good.replace('{', "{\"x\":1,"),
            long,
        ];
        for text in damaged {
            std::fs::write(file.position.path(), &text).unwrap();
            let error = file.load().unwrap_err();
            assert!(matches!(error, StateError::Content { .. }), "{text}");
            assert!(error.to_string().contains("feed-") && error.to_string().contains(ISSUER), "{error}");
        }
        std::fs::write(file.position.path(), good).unwrap();
        assert_eq!(file.load().unwrap(), Some(position(1)));
    }
}
