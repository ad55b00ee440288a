//! How records are stored: JSON of format 4, unknown members refused.
//!
//! A change of any struct here is a new format: raise [`FORMAT`], keep the old one readable, and test both. Format 2 adds
//! members that may be left out (tools, budget and depth of an authority, a ceiling's leave for instances), and so does format 3
//! (when a task was revoked). New in format 4, all of it optional:
//!
//! - how an owner holds an agent, and the era of a task;
//! - keys that follow each other: the number of an agent's key, and whether it is compromised;
//! - revocations without an end.
//!
//! Format 4 no longer has the list of former DIDs of an agent, in which there never was one. The structs read all formats.

pub(super) mod agent;
pub(super) mod claim;
pub(super) mod enrolment;
pub(super) mod hop;
pub(super) mod idempotency;
pub(super) mod index;
pub(super) mod issuer_keys;
pub(super) mod key;
pub(super) mod offboarding;
pub(super) mod owner;
mod parts;
pub(super) mod revocation;
pub(super) mod stops;
pub(super) mod task;
mod tenure;
pub(super) mod usage;
pub(super) mod versions;

use handfast_identity::json::{self, Limits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use parts::{AuthorityWire, CeilingWire};
use parts::{DidText, HandleText, Hash32, RateWire, is_false, objects};

use super::{EncodeError, RecordError, RecordKind};
use crate::limits::{MAX_RECORD_BYTES, MAX_RECORD_DEPTH};

/// The format of every record written.
pub(crate) const FORMAT: u64 = 4;
/// The oldest format that is still read.
const OLDEST_FORMAT: u64 = 1;

/// The format number, read before and apart from everything else.
#[derive(Deserialize)]
struct FormatWire {
    v: u64,
}

/// Writes a wire struct, which carries `v` itself.
pub(super) fn write(wire: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
    let bytes = json::to_jcs(wire).map_err(|_| EncodeError)?;
    if bytes.len() <= MAX_RECORD_BYTES { Ok(bytes) } else { Err(EncodeError) }
}

/// Reads a wire struct and makes the record of it.
pub(super) fn read<W, R>(kind: RecordKind, bytes: &[u8]) -> Result<R, RecordError>
where
    W: DeserializeOwned,
    R: TryFrom<W, Error = Damage>,
{
    let corrupt = |what: String| RecordError::Corrupt { kind, what };
    let limits = Limits { max_depth: MAX_RECORD_DEPTH, ..Limits::token(MAX_RECORD_BYTES) };
    let FormatWire { v } = json::read_object(bytes, &limits).map_err(|error| corrupt(error.to_string()))?;
    if !(OLDEST_FORMAT..=FORMAT).contains(&v) {
        return Err(RecordError::UnknownFormat { kind, found: v });
    }
    let wire: W = json::read_object(bytes, &limits).map_err(|error| corrupt(error.to_string()))?;
    R::try_from(wire).map_err(|Damage(what)| corrupt(what.to_owned()))
}

/// What is wrong with a stored record that has the right shape.
pub(crate) struct Damage(&'static str);
