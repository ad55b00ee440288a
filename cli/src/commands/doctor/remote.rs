//! The way to the registry: name, connection, TLS, clock, what it says of itself, and whether it knows the key.

use std::net::SocketAddr;
use std::time::Duration;

use handfast_client::reqwest::Url;
use handfast_client::{ClientError, DpopKey, KeyKind, Probe, RegistryClient};
use handfast_identity::UnixTime;
use tokio::net::{TcpStream, lookup_host};

use super::Finding;
use super::local::Key;
use crate::exit::{Exit, Failure};

/// Resolving a name, and connecting, take no longer where anything works.
const PATIENCE: Duration = Duration::from_secs(5);
/// By so many seconds clocks differ without anybody's fault: requests take time, and `Date` has whole seconds.
const CLOCK_TOLERANCE: u64 = 2;
/// From so many seconds on proofs of an hour's honest client are refused (spec/limits.md, `DEFAULT_FUTURE`).
const CLOCK_LIMIT: u64 = 30;

/// What is still to be looked at, in order: what comes later works only if what came before does.
enum Stage {
    Name,
    Connection(Vec<SocketAddr>),
    Asking,
    Clock(Probe),
    Said(Probe),
    Known,
    Done,
}

/// One registry, looked at step by step.
pub(super) struct Registry<'a> {
    issuer: &'a str,
    key: Option<&'a Key>,
    stage: Stage,
    client: Option<RegistryClient>,
}

impl<'a> Registry<'a> {
    pub(super) const fn new(issuer: &'a str, key: Option<&'a Key>) -> Self {
        Self { issuer, key, stage: Stage::Name, client: None }
    }

    /// What the next look shows; nothing once nothing more can be seen.
    pub(super) async fn next(&mut self) -> Option<Finding> {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        match stage {
            Stage::Name => Some(self.name().await),
            Stage::Connection(addresses) => Some(self.connection(&addresses).await),
            Stage::Asking => Some(self.asking().await),
            Stage::Clock(probe) => Some(self.clock(probe)),
            Stage::Said(probe) => Some(self.said(probe)),
            Stage::Known => self.known().await,
            Stage::Done => None,
        }
    }

    async fn name(&mut self) -> Finding {
        const ABOUT: &str = "name (dns)";
        // any key will do: nothing is signed
        match RegistryClient::new(self.issuer, DpopKey::generate()) {
            Ok(client) => self.client = Some(client),
            Err(error) => return Finding::of_failure(ABOUT, &Failure::from(error)),
        }
        let place = Url::parse(self.issuer)
            .ok()
            .and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
        let Some((host, port)) = place else {
            return Finding::bad(ABOUT, Exit::Usage, "the registry's url names no host", "name the right one");
        };
        // an ipv6 address stands in brackets in a url
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        match tokio::time::timeout(PATIENCE, lookup_host((bare.as_str(), port))).await {
            Ok(Ok(found)) => {
                let addresses: Vec<_> = found.collect();
                let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
                self.stage = Stage::Connection(addresses);
                Finding::good(ABOUT, format!("{host} is {}", shown.join(", ")))
            }
            Ok(Err(error)) => {
                let help = "is the name right, and does this machine have a resolver (/etc/resolv.conf)?";
                Finding::bad(ABOUT, Exit::Unavailable, format!("{host} is not found: {error}"), help)
            }
            Err(_) => {
                Finding::bad(ABOUT, Exit::Unavailable, format!("no answer about {host}"), "is the resolver reachable?")
            }
        }
    }

    async fn connection(&mut self, addresses: &[SocketAddr]) -> Finding {
        const ABOUT: &str = "connection";
        let mut last = "it has no address".to_owned();
        for address in addresses {
            match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    self.stage = Stage::Asking;
                    return Finding::good(ABOUT, address.to_string());
                }
                Ok(Err(error)) => last = format!("{address}: {error}"),
                Err(_) => last = format!("{address}: no answer in {} s", PATIENCE.as_secs()),
            }
        }
        Finding::bad(ABOUT, Exit::Unavailable, last, "is the registry running, and does a firewall stand between?")
    }

    async fn asking(&mut self) -> Finding {
        const ABOUT: &str = "tls";
        let Some(client) = &self.client else { return Finding::skipped(ABOUT, "there is no registry to ask") };
        let is_tls = self.issuer.starts_with("https://");
        match client.probe().await {
            Ok(probe) => {
                self.stage = Stage::Clock(probe);
                if is_tls {
                    Finding::good(ABOUT, "the certificate is trusted by this machine")
                } else {
                    Finding::skipped(ABOUT, "plain http, which is for development on this machine alone")
                }
            }
            Err(error) => {
                let help = if is_tls {
                    "is the certificate for this name, not over, and by somebody in this machine's trust store? is the clock right?"
                } else {
                    "something listens there that does not speak http"
                };
                Finding::bad(ABOUT, Exit::Unavailable, causes(&error), help)
            }
        }
    }

    fn clock(&mut self, probe: Probe) -> Finding {
        const ABOUT: &str = "clock";
        let finding = match probe.date {
            None => Finding::skipped(ABOUT, "the registry does not tell its time"),
            Some(date) => {
                let (off, which) = difference(date, probe.now);
                let message = format!("{off} s {which} the registry's");
                let help = "set it by the network: `timedatectl set-ntp true`, or chrony";
                match off {
                    0..=CLOCK_TOLERANCE => Finding::good(ABOUT, "agrees with the registry's"),
                    off if off <= CLOCK_LIMIT => Finding::doubtful(ABOUT, message, help),
                    _ => {
                        Finding::bad(ABOUT, Exit::Failed, format!("{message}: proofs and statements are refused"), help)
                    }
                }
            }
        };
        self.stage = Stage::Said(probe);
        finding
    }

    fn said(&mut self, probe: Probe) -> Finding {
        const ABOUT: &str = "registry";
        match probe.metadata {
            Ok(_) => {
                self.stage = Stage::Known;
                Finding::good(ABOUT, format!("{} is the issuer it says it is", self.issuer))
            }
            Err(error @ ClientError::Answer(_)) => {
                let help =
                    "use the issuer's exact url, as `registry serve` prints it, with or without a slash at its end";
                Finding::bad(ABOUT, Exit::Refused, error.to_string(), help)
            }
            Err(_) if probe.status >= 500 => {
                let message = format!("it answers with status {}", probe.status);
                Finding::bad(ABOUT, Exit::Unavailable, message, "the registry's log says why")
            }
            Err(_) => {
                let message = format!("something answers there with status {}, and it is no registry", probe.status);
                Finding::bad(ABOUT, Exit::Refused, message, "is the url right, and does a proxy stand before it?")
            }
        }
    }

    /// Whether the registry has this agent, and this is still its key.
    async fn known(&self) -> Option<Finding> {
        const ABOUT: &str = "agent";
        let (client, key) = (self.client.as_ref()?, self.key.filter(|key| key.kind == KeyKind::Agent)?);
        Some(match client.key_history(key.did.as_str()).await {
            Ok(history) if *history.current() == key.did => Finding::good(ABOUT, "the registry knows this key"),
            Ok(history) => {
                let message = format!("the agent's key is {} by now", history.current());
                Finding::bad(
                    ABOUT,
                    Exit::Refused,
                    message,
                    "use the file of that key; `handfast agent history` shows how it came",
                )
            }
            Err(error) => {
                let failure = Failure::from(error);
                if failure.reason() == Some("unknown_agent") {
                    let message = "the registry does not know this key";
                    Finding::bad(ABOUT, Exit::Refused, message, "register it: `handfast agent register`")
                } else {
                    Finding::of_failure(ABOUT, &failure)
                }
            }
        })
    }
}

/// By how much our clock differs, and which way.
fn difference(theirs: UnixTime, ours: UnixTime) -> (u64, &'static str) {
    let (ahead, behind) = (ours.since(theirs).get(), theirs.since(ours).get());
    if ahead > 0 { (ahead, "ahead of") } else { (behind, "behind") }
}

/// An error with what caused it: the words of TLS stand at the end.
fn causes(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind() {
        let at = UnixTime::from_secs;
        assert_eq!(difference(at(100), at(100)).0, 0);
        assert_eq!(difference(at(100), at(131)), (31, "ahead of"));
        assert_eq!(difference(at(131), at(100)), (31, "behind"));
    }

    #[test]
    fn a_registry_whose_clock_is_off_is_told_by_how_much() {
        let mut seen = Registry::new("https://r.example", None);
        for (off, expected) in
            [(0, "agrees"), (2, "agrees"), (3, "3 s behind"), (30, "30 s behind"), (31, "are refused")]
        {
            let (date, now) = (UnixTime::from_secs(1000 + off), UnixTime::from_secs(1000));
            let metadata = Err(ClientError::Middleware(String::new()));
            let finding = seen.clock(Probe { status: 200, date: Some(date), now, metadata });
            assert!(finding.message.contains(expected), "{off}: {}", finding.message);
        }
    }
}
