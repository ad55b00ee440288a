//! Answers kept for repeated requests: written in the batch of what was created, forgotten when they are past their time.
//!
//! | table | key | holds |
//! |---|---|---|
//! | `idempotency` | hash of caller, route and key | what was asked, until when, and what secret the answer had |
//! | `idempotency_ends` | time and that hash | nothing more: for finding the oldest |
//! | `answers` | that hash and a part's number | the answer, without its secret, in parts that a value holds |

use handfast_identity::{ContentHash, UnixTime};
use handfast_registry_model::{
    Change, Expect, IdempotencyEnd, IdempotencyRecord, Loaded, Record, Refusal, Slot, Stored, Write,
};

use crate::state::{Commit, State, table, unreadable};
use crate::store::{Batch, BatchError, MAX_VALUE_BYTES, Table};

const ANSWERS: Table = Table::new(85, "answers");
/// The most parts of an answer: four times the longest record.
const MAX_ANSWER_PARTS: usize = 4;
/// Answers forgotten in one batch, which is far from full with them.
const FORGOTTEN_ANSWERS: usize = 64;

impl State {
    /// What is known under an idempotency key, with the leaf of what was created.
    pub(crate) async fn answered(
        &self,
        key: &ContentHash,
    ) -> Result<Option<(Loaded<IdempotencyRecord>, Option<u64>)>, Refusal> {
        self.load_with_leaf(&Slot::idempotency(key)).await
    }

    /// The answer that is kept under an idempotency key.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`], also where there is none: record and answer are written together.
    pub(crate) async fn answer(&self, key: &ContentHash) -> Result<Vec<u8>, Refusal> {
        let mut answer = Vec::new();
        for number in 0..MAX_ANSWER_PARTS {
            let Some(part) = self.kept(ANSWERS, &part_key(key, number)).await? else { break };
            answer.extend_from_slice(&part);
        }
        if answer.is_empty() { Err(unreadable(&"a kept answer is missing")) } else { Ok(answer) }
    }

    /// Commits a change together with the answer to it. `before` is what was known under the key, and is past its time.
    ///
    /// # Errors
    ///
    /// As [`State::commit`]; [`Refusal::StoreUnavailable`] for an answer that is longer than is kept.
    pub(crate) async fn commit_answered(
        &self,
        mut change: Change,
        record: IdempotencyRecord,
        before: Option<&Loaded<IdempotencyRecord>>,
        answer: &[u8],
    ) -> Result<Commit, Refusal> {
        let parts: Vec<_> = answer.chunks(MAX_VALUE_BYTES).collect();
        if parts.is_empty() || parts.len() > MAX_ANSWER_PARTS {
            return Err(unreadable(&"an answer is longer than is kept"));
        }
        let (key, end) = (record.key(), record.end());
        let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
        change.writes.push(Write::Put { expect, record: Box::new(Record::from(record)) });
        change.writes.push(Write::Put { expect: Expect::Absent, record: Box::new(Record::from(end)) });
        let passed = before.map(|before| before.record.end().slot());
        let beside = |batch: &mut Batch| {
            if let Some(passed) = passed {
                batch.delete(table(passed.kind()), passed.key().as_bytes())?;
            }
            for number in 0..MAX_ANSWER_PARTS {
                let place = part_key(&key, number);
                match parts.get(number) {
                    Some(part) => batch.put(ANSWERS, &place, part)?,
                    None => batch.delete(ANSWERS, &place)?,
                };
            }
            Ok(())
        };
        self.commit_with(&change, beside).await
    }

    /// Forgets answers that are past their time at `now`, the oldest first, and says how many went.
    ///
    /// # Errors
    ///
    /// [`Refusal::StoreUnavailable`] or [`Refusal::Overloaded`]; what went before stays forgotten.
    pub(crate) async fn forget_answers(&self, now: UnixTime) -> Result<usize, Refusal> {
        let mut forgotten = 0;
        loop {
            let page = self.page::<IdempotencyEnd>("", None, FORGOTTEN_ANSWERS).await?;
            let over: Vec<_> = page.records.iter().filter(|end| now >= end.expires()).collect();
            if over.is_empty() {
                return Ok(forgotten);
            }
            let mut batch = Batch::new();
            for end in &over {
                let found = self.answered(&end.key()).await?.map(|(found, _)| found);
                // one that was answered anew under the same key is another
                let found = found.filter(|found| found.record.end() == **end);
                forget(&mut batch, end, found.as_ref()).map_err(|error| unreadable(&error))?;
            }
            // somebody wrote in between: the next minute will do
            if self.write(batch).await? == Commit::Conflict {
                return Ok(forgotten);
            }
            forgotten += over.len();
        }
    }
}

fn forget(
    batch: &mut Batch,
    end: &IdempotencyEnd,
    found: Option<&Loaded<IdempotencyRecord>>,
) -> Result<(), BatchError> {
    let slot = end.slot();
    batch.delete(table(slot.kind()), slot.key().as_bytes())?;
    let Some(found) = found else { return Ok(()) };
    let slot = found.record.slot();
    let (table, key) = (table(slot.kind()), slot.key().as_bytes());
    batch.expect_version(table, key, found.version)?.delete(table, key)?;
    for number in 0..MAX_ANSWER_PARTS {
        batch.delete(ANSWERS, &part_key(&end.key(), number))?;
    }
    Ok(())
}

fn part_key(key: &ContentHash, number: usize) -> Vec<u8> {
    format!("{key}/{number}").into_bytes()
}
