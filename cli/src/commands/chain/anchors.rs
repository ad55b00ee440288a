//! What `handfast chain verify` trusts: one issuer, its keys, and what it has revoked. All of it was named by the caller.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use handfast_fetch::{FetchLimits, Fetcher};
use handfast_identity::{DidKey, UnixTime};
use handfast_verifier::revocation::{FeedState, MAX_FEED_BYTES, UnverifiedFeedMessage};
use handfast_verifier::trust::{
    DEFAULT_MAX_LIFETIME, IssuerFacts, KeySet, Profile, SpeaksFor, Status, StatusSource, TrustedIssuer,
};

use crate::args::VerifyArgs;
use crate::exit::{Exit, Failure};
use crate::files;

/// The one issuer, trusted with everything. Nothing in the chain adds to what was named (P-04).
pub(super) async fn facts(args: &VerifyArgs, now: UnixTime) -> Result<IssuerFacts, Failure> {
    let keys = Arc::new(keys(&args.jwks).await?);
    let (trust, status) = match (&args.revocations, &args.feed_key) {
        (Some(path), Some(key)) => {
            let trust = TrustedIssuer::single(&args.issuer, key.clone());
            (trust, revocations(path, &args.issuer, key, now)?)
        }
        _ => (without_status(&args.issuer), Status::NotFollowed),
    };
    Ok(IssuerFacts { trust: Arc::new(trust), keys, status })
}

/// Trust in an issuer whose revocations are not asked for.
fn without_status(issuer: &str) -> TrustedIssuer {
    TrustedIssuer {
        issuer: issuer.to_owned(),
        profile: Profile::Handfast,
        status: StatusSource::None,
        resources: SpeaksFor::Everything,
        scopes: SpeaksFor::Everything,
        subjects: SpeaksFor::Everything,
        agent_status: Vec::new(),
        max_lifetime: DEFAULT_MAX_LIFETIME,
        scope_map: BTreeMap::new(),
        key_hosts: Vec::new(),
    }
}

/// What the snapshot in a file says is revoked, if the pinned key signed it. How old it may be, the check decides.
fn revocations(path: &Path, issuer: &str, feed_key: &DidKey, now: UnixTime) -> Result<Status, Failure> {
    let text = files::text_up_to(path, u64::try_from(MAX_FEED_BYTES).unwrap_or(u64::MAX))?;
    let failed = |error: String| {
        Failure::new(Exit::File, format!("`{}`: {error}", path.display()))
            .with_help("a registry gives a snapshot of its feed at /revocations/snapshot")
    };
    let message = UnverifiedFeedMessage::parse(&text).and_then(|message| message.verify(feed_key));
    let message = message.map_err(|error| failed(error.to_string()))?;
    let state = FeedState::start(issuer, message, now).map_err(|error| failed(error.to_string()))?;
    Ok(Status::Known { set: Arc::clone(state.set()), as_of: state.as_of() })
}

/// The key set of a file or URL.
async fn keys(place: &str) -> Result<KeySet, Failure> {
    let bytes = if place.starts_with("https://") || place.starts_with("http://") {
        let failed = |error: String| {
            Failure::new(Exit::Unavailable, format!("`{}`: {error}", place.escape_debug()))
                .with_help("save the key set to a file and name that, if it is not public")
        };
        let fetcher = Fetcher::development().map_err(|error| failed(error.to_string()))?;
        let fetched = fetcher.get(place, FetchLimits::DOCUMENT).await.map_err(|error| failed(error.to_string()))?;
        fetched.body().to_vec()
    } else {
        files::text(Path::new(place))?.into_bytes()
    };
    KeySet::parse(&bytes).map_err(|error| {
        Failure::new(Exit::File, format!("`{}`: {error}", place.escape_debug()))
            .with_help("a registry publishes its key set at /jwks.json")
    })
}
