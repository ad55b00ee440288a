//! `handfast did resolve`: what a DID says, or whom a handle names. Keys say so themselves; a `did:web` and a handle have a host asked.

use handfast_fetch::{DidResolver, FetchError, FetchLimits, Fetcher, Mode, ResolveError};
use handfast_identity::json::{self, Limits};
use handfast_identity::{AnyDidError, Did, DidDocument, DidError, DidKey, DidWeb, Handle, MAX_DOCUMENT_BYTES};
use serde_json::Value;

use crate::args::DidCommand;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

pub(crate) async fn run(command: &DidCommand, ui: Ui) -> Result<(), Failure> {
    let DidCommand::Resolve { did, development } = command;
    let mode = if *development { Mode::Development } else { Mode::Production };
    let document = match did.split_once('@') {
        Some((handle, host)) if !did.starts_with("did:") => named(handle, host, mode).await?,
        _ => resolved(did, mode).await?,
    };
    ui.result(&document, |document| serde_json::to_string_pretty(document).unwrap_or_default())
}

async fn resolved(text: &str, mode: Mode) -> Result<Value, Failure> {
    let did = Did::parse(text).map_err(|error| refusal(text, &error))?;
    let document = match &did {
        Did::Key(did) => shown(&DidDocument::of_key(did)),
        Did::Jwk(did) => shown(&DidDocument::of_jwk(did)),
        Did::Web(did) => {
            let found = DidResolver::new(fetcher(mode)?).web(did).await;
            found.map(|document| document.json().clone()).map_err(|error| not_found(did.as_str(), &error))?
        }
    };
    Ok(document)
}

/// Whom a handle names: its registry's document about it, if that about the DID found there says the same.
async fn named(handle: &str, host: &str, mode: Mode) -> Result<Value, Failure> {
    let usage = |what: &str| Failure::new(Exit::Usage, format!("expected `HANDLE@HOST`: {what}"));
    let handle = Handle::parse(handle).map_err(|error| usage(&error.to_string()))?;
    let origin = match mode {
        // whatever is not this machine the fetcher refuses
        Mode::Development => format!("http://{host}"),
        Mode::Production => format!("https://{host}"),
    };
    let is_name = DidWeb::of_origin(&origin).is_some_and(|place| place.is_origin() && place.authority() == host);
    if !is_name && mode == Mode::Production {
        return Err(usage("the host is no domain name"));
    }
    let fetcher = fetcher(mode)?;
    let at_handle = record(&fetcher, &format!("{origin}/agents/{handle}/did.json")).await?;
    let did = at_handle.get("id").and_then(Value::as_str).and_then(|did| DidKey::parse(did).ok());
    let did = did.ok_or_else(|| contradiction("it names no agent"))?;
    let expected = shown(&DidDocument::of_key(&did).also_known_as(format!("acct:{handle}@{host}")));
    if at_handle != expected {
        return Err(contradiction("the document there is not about this handle"));
    }
    let at_did = record(&fetcher, &format!("{origin}/agents/{did}/did.json")).await?;
    if at_did != expected {
        return Err(contradiction("the DID that it names goes by another handle"));
    }
    Ok(expected)
}

async fn record(fetcher: &Fetcher, url: &str) -> Result<Value, Failure> {
    let fetched = fetcher.get(url, FetchLimits::DOCUMENT).await.map_err(|error| unfetched(url, &error))?;
    json::read(fetched.body(), &Limits::plain(MAX_DOCUMENT_BYTES)).map_err(|error| contradiction(&error.to_string()))
}

fn shown(document: &DidDocument) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}

fn fetcher(mode: Mode) -> Result<Fetcher, Failure> {
    Fetcher::new(mode).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

fn contradiction(what: &str) -> Failure {
    Failure::new(Exit::Refused, format!("the registry does not stand by this handle: {what}"))
        .with_reason("invalid_handle")
}

fn not_found(did: &str, error: &ResolveError) -> Failure {
    match error {
        ResolveError::NotFound(cause) => unfetched(did, cause),
        ResolveError::HostPaused | ResolveError::Document(_) | ResolveError::Busy => {
            Failure::new(Exit::Refused, format!("`{did}`: {error}"))
        }
    }
    .with_reason(error.code().to_ascii_lowercase())
}

fn unfetched(what: &str, error: &FetchError) -> Failure {
    let exit = match error {
        FetchError::Transport(_) | FetchError::Deadline { .. } => Exit::Unavailable,
        _ => Exit::Refused,
    };
    let failure = Failure::new(exit, format!("`{what}`: {error}"));
    match error {
        FetchError::Address(_) => failure.with_help("hosts of this machine are asked with `--development` only"),
        _ => failure,
    }
}

fn refusal(text: &str, error: &AnyDidError) -> Failure {
    let (reason, help) = match error {
        AnyDidError::Method => ("invalid_did", "did:key, did:jwk and did:web are resolved here"),
        AnyDidError::Key(error) => (
            error.reason(),
            match error {
                DidError::Key(_) => "the key inside is refused; whoever made this DID should make a new key",
                DidError::Method | DidError::Syntax | DidError::Codec => {
                    "copy the DID whole, from `did:key:z` to its last character"
                }
            },
        ),
        AnyDidError::Jwk(_) => ("invalid_did", "copy the DID whole; it holds one public Ed25519 or P-256 key"),
        AnyDidError::Web(_) => ("invalid_did", "a did:web is `did:web:` and a host's name, then a path with `:` in it"),
        AnyDidError::Syntax => ("invalid_did", "a DID begins with `did:`; a handle is `HANDLE@HOST`"),
    };
    // whatever was typed is shown as text, without control characters
    let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
    Failure::new(Exit::Refused, format!("`{shown}`: {error}")).with_reason(reason).with_help(help)
}
