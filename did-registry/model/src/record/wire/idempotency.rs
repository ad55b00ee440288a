//! Calls under an idempotency key.

use handfast_identity::{ContentHash, UnixTime, json};
use serde::{Deserialize, Serialize};

use super::{Damage, FORMAT, Hash32};
use crate::EnrolmentId;
use crate::code::OwnerCodeDigest;
use crate::record::{IdempotencyEnd, IdempotencyRecord, Organisation, SecretOf};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct IdempotencyWire {
    v: u64,
    key: Hash32,
    organisation: Organisation,
    request: Hash32,
    expires: UnixTime,
    #[serde(default, deserialize_with = "json::optional", skip_serializing_if = "Option::is_none")]
    secret: Option<SecretWire>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SecretWire {
    OwnerCode(Hash32),
    Enrolment(EnrolmentId),
}

impl From<&IdempotencyRecord> for IdempotencyWire {
    fn from(record: &IdempotencyRecord) -> Self {
        Self {
            v: FORMAT,
            key: Hash32(*record.key.as_bytes()),
            organisation: record.organisation.clone(),
            request: Hash32(*record.request.as_bytes()),
            expires: record.expires,
            secret: record.secret.clone().map(|secret| match secret {
                SecretOf::OwnerCode(digest) => SecretWire::OwnerCode(Hash32(digest.0)),
                SecretOf::Enrolment(id) => SecretWire::Enrolment(id),
            }),
        }
    }
}

impl TryFrom<IdempotencyWire> for IdempotencyRecord {
    type Error = Damage;

    fn try_from(wire: IdempotencyWire) -> Result<Self, Damage> {
        let IdempotencyWire { key, organisation, request, expires, secret, v: _ } = wire;
        let secret = secret.map(|secret| match secret {
            SecretWire::OwnerCode(digest) => SecretOf::OwnerCode(OwnerCodeDigest(digest.0)),
            SecretWire::Enrolment(id) => SecretOf::Enrolment(id),
        });
        let (key, request) = (ContentHash::from_bytes(key.0), ContentHash::from_bytes(request.0));
        Ok(Self { key, organisation, request, expires, secret })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct IdempotencyEndWire {
    v: u64,
    key: Hash32,
    organisation: Organisation,
    expires: UnixTime,
}

impl From<&IdempotencyEnd> for IdempotencyEndWire {
    fn from(record: &IdempotencyEnd) -> Self {
        let IdempotencyEnd { key, organisation, expires } = record.clone();
        Self { v: FORMAT, key: Hash32(*key.as_bytes()), organisation, expires }
    }
}

impl TryFrom<IdempotencyEndWire> for IdempotencyEnd {
    type Error = Damage;

    fn try_from(wire: IdempotencyEndWire) -> Result<Self, Damage> {
        let IdempotencyEndWire { key, organisation, expires, v: _ } = wire;
        Ok(Self { key: ContentHash::from_bytes(key.0), organisation, expires })
    }
}
