//! The fetcher itself: one `get`, bounded in every direction.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName};
use reqwest::{Client, Response};

use crate::Mode;
use crate::address::{require_loopback, require_public};
use crate::body::read_capped;
use crate::error::{FetchError, SetupError};
use crate::limits::{FetchLimits, MediaTypes};
use crate::resolver::{AddressRule, GuardedResolver, Names, SystemNames};
use crate::setup::{Trust, hardened};
use crate::target::{FetchUrl, Reach};

/// What was fetched: bytes of the length and media type asked for. Whether they are true is the caller's question.
#[derive(Clone, Debug)]
pub struct Fetched {
    status: u16,
    content_type: String,
    etag: Option<String>,
    cache_control: Option<String>,
    body: Bytes,
}

impl Fetched {
    /// The status; always 200.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The `Content-Type` as sent, parameters included.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The `ETag`, if there was one.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The `Cache-Control` fields as one, if there was any.
    #[must_use]
    pub fn cache_control(&self) -> Option<&str> {
        self.cache_control.as_deref()
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Fetches URLs that somebody else chose; see the crate's page for what it refuses. Cloning shares connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    mode: Mode,
    public: Client,
    loopback: Client,
}

impl Fetcher {
    /// For programs in production: `https` to public addresses.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    pub fn production() -> Result<Self, SetupError> {
        Self::new(Mode::Production)
    }

    /// For development: besides, `http` to loopback.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    pub fn development() -> Result<Self, SetupError> {
        Self::new(Mode::Development)
    }

    /// For a program in `mode`.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    pub fn new(mode: Mode) -> Result<Self, SetupError> {
        let names: Arc<dyn Names> = Arc::new(SystemNames);
        Self::with_names(mode, &names)
    }

    /// As [`Self::new`], with names looked up by the test. The rules about addresses stay.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    #[cfg(feature = "testing")]
    pub fn with_test_names(mode: Mode, names: impl Names) -> Result<Self, SetupError> {
        let names: Arc<dyn Names> = Arc::new(names);
        Self::with_names(mode, &names)
    }

    /// Whether it is for production or development.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    fn with_names(mode: Mode, names: &Arc<dyn Names>) -> Result<Self, SetupError> {
        let client = |trust, rule: AddressRule| {
            hardened(trust)?
                .http1_only()
                .dns_resolver(Arc::new(GuardedResolver::new(Arc::clone(names), rule)))
                .https_only(trust != Trust::Nothing)
                .build()
                .map_err(|error| SetupError::Settings(error.into()))
        };
        Ok(Self {
            mode,
            public: client(Trust::System(mode), require_public)?,
            loopback: client(Trust::Nothing, require_loopback)?,
        })
    }

    /// Fetches `url`: a single `GET` without credentials.
    ///
    /// # Errors
    ///
    /// [`FetchError`]. Everything up to [`FetchError::Address`] means that no connection was made.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use handfast_fetch::{FetchError, FetchLimits, Fetcher};
    /// let fetcher = Fetcher::development()?;
    /// let refused = fetcher.get("https://169.254.169.254/latest/meta-data", FetchLimits::DOCUMENT).await;
    /// assert!(matches!(refused, Err(FetchError::Address(_))));
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
    /// ```
    pub async fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let url = FetchUrl::parse(url, self.mode)?;
        tokio::time::timeout(limits.deadline, self.exchange(url, limits))
            .await
            .map_err(|_| FetchError::Deadline { limit: limits.deadline })?
    }

    async fn exchange(&self, url: FetchUrl, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let client = match url.reach {
            Reach::Public => &self.public,
            Reach::Loopback => &self.loopback,
        };
        let response = client.get(url.url).header(ACCEPT, accept(limits.media_types)).send().await?;
        let status = response.status();
        if status.is_redirection() {
            return Err(FetchError::Redirect(status.as_u16()));
        }
        if status != reqwest::StatusCode::OK {
            return Err(FetchError::Status(status.as_u16()));
        }
        let content_type = text(&response, CONTENT_TYPE).filter(|text| limits.media_types.admits(Some(text)));
        let content_type = content_type.ok_or(FetchError::MediaType)?;
        let etag = text(&response, ETAG);
        let cache_control = all(&response, CACHE_CONTROL);
        let body = read_capped(response, limits.max_bytes).await?;
        Ok(Fetched { status: status.as_u16(), content_type, etag, cache_control, body })
    }
}

fn accept(media_types: MediaTypes) -> String {
    match media_types {
        MediaTypes::Json => "application/json, application/*+json".to_owned(),
        MediaTypes::JsonOr(other) => format!("{other}, application/json, application/*+json"),
        MediaTypes::OneOf(types) => types.join(", "),
    }
}

fn text(response: &Response, name: HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn all(response: &Response, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that cannot set itself up should stop
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::resolver::Lookup;

    /// Every name has these addresses.
    struct Fixed(Vec<SocketAddr>);

    impl Names for Fixed {
        fn lookup(&self, _: &str) -> Lookup {
            let addresses = self.0.clone();
            Box::pin(async move { Ok(addresses) })
        }
    }

    async fn refused_address(url: &str, answers: &[&str]) -> String {
        let addresses = answers.iter().map(|answer| SocketAddr::new(answer.parse().unwrap(), 0)).collect();
        let names: Arc<dyn Names> = Arc::new(Fixed(addresses));
        let fetcher = Fetcher::with_names(Mode::Development, &names).unwrap();
        match fetcher.get(url, FetchLimits::DOCUMENT).await {
            Err(FetchError::Address(refused)) => refused.address().to_string(),
            other => panic!("{url} with {answers:?} gave {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        // TH51
        for answer in ["192.168.1.1", "::", "198.18.0.1", "127.0.0.1", "fd00:ec2::254", "::ffff:10.0.0.1"] {
            assert_eq!(refused_address("https://did.example/.well-known/did.json", &[answer]).await, answer);
        }
    }

    #[tokio::test]
    async fn one_bad_address_among_good_ones_is_enough() {
        assert_eq!(refused_address("https://did.example/", &["8.8.8.8", "10.0.0.1"]).await, "10.0.0.1");
    }

    #[tokio::test]
    async fn localhost_has_to_be_loopback_in_development() {
        assert_eq!(refused_address("http://localhost:1/", &["8.8.8.8"]).await, "8.8.8.8");
    }
}
