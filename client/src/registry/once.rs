//! Calls that create something: each has an idempotency key of its own, under which it is repeated where nobody knows what became of it.

use std::time::Duration;

use handfast_identity::{OsRandom, base64url, random_bytes};
use http::HeaderName;

use super::Answer;
use crate::error::ClientError;

/// The field that holds the key.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Random bytes of a key: as of a proof's `jti`.
const KEY_BYTES: usize = 16;
/// How long to wait before each repetition: a restart of the registry fits in between.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Makes a call that creates something, under a fresh key. Without an answer, or with one that leaves open whether it was done, it
/// is made again under the same key: the registry does it once (spec/registry.md, idempotency).
///
/// # Errors
///
/// The last [`ClientError`].
pub(super) async fn once(call: impl AsyncFn(&str) -> Result<Answer, ClientError>) -> Result<Answer, ClientError> {
    let key = base64url::encode(&random_bytes::<KEY_BYTES>(&mut OsRandom));
    for pause in PAUSES {
        match call(&key).await {
            Err(error) if error.is_open() => tokio::time::sleep(pause).await,
            settled => return settled,
        }
    }
    call(&key).await
}
