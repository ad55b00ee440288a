//! What a look at a registry shows, for who wants to know why something does not work.

use std::time::UNIX_EPOCH;

use handfast_identity::UnixTime;
use http::header::DATE;

use super::client::TIMEOUT;
use super::{Answer, Metadata, RegistryClient};
use crate::error::ClientError;

/// What came of asking for a registry's metadata, without credentials.
#[derive(Debug)]
pub struct Probe {
    /// The status of the answer.
    pub status: u16,
    /// The registry's clock, where it told it.
    pub date: Option<UnixTime>,
    /// The clock here, at that moment.
    pub now: UnixTime,
    /// What the answer is worth: the metadata of this very issuer, or what is wrong with it.
    pub metadata: Result<Metadata, ClientError>,
}

impl RegistryClient {
    /// Asks for the metadata once, whatever is known already.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] without an answer; an answer of any kind is a [`Probe`].
    pub async fn probe(&self) -> Result<Probe, ClientError> {
        let response = self.open_http().get(self.metadata_url()).timeout(TIMEOUT).send().await?;
        let (status, now) = (response.status().as_u16(), self.clock().now());
        let date = response.headers().get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        let date = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
        let metadata = match Answer::of(response).await {
            Ok(answer) => answer.ok().map_err(ClientError::from).and_then(|answer| Ok(self.read_metadata(&answer)?)),
            Err(error) => Err(error.into()),
        };
        Ok(Probe { status, date: date.map(|since| UnixTime::from_secs(since.as_secs())), now, metadata })
    }
}
