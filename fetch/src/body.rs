//! Reading an answer without letting the server decide how much.

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use thiserror::Error;

use crate::error::TransportError;

/// Why a body was not read to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Longer than allowed; reading stopped there.
    #[error("longer than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The connection broke.
    #[error("the answer broke off: {0}")]
    Transport(#[from] TransportError),
}

/// Reads the body of `response`, at most `limit` bytes of it (P-22, MD-07).
///
/// A `Content-Length` over the limit is refused unread; without one, or with a false one, reading stops at the limit.
///
/// # Errors
///
/// [`BodyError`]; what was read until then is dropped.
pub async fn read_capped(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { limit };
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |length| length > limit) {
        return Err(too_large);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(TransportError::from)? {
        if chunk.len() > limit - body.len() {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
