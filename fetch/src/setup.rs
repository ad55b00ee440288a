//! The TLS and HTTP settings of everything that connects out, in one place.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{ClientBuilder, redirect, retry};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::Verifier;

use crate::Mode;
use crate::error::SetupError;

/// Time for name, connection and handshake together; a peer that needs longer is down (DW-09 gives 5 s to the whole).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which certificates are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those of the machine's own store.
    System(Mode),
    /// None: for clients that never speak TLS.
    Nothing,
}

/// A client for hosts that the *user* chose (a registry, a resource server), with none of the defaults that endanger
/// credentials: no redirects, no retries below the caller, no proxy from the environment, no `Referer`, TLS by the machine's
/// trust store, `https` only in production.
///
/// It goes to any address. URLs that somebody else chose belong to a [`Fetcher`](crate::Fetcher).
///
/// # Errors
///
/// [`SetupError`]; in development a machine without trusted certificates is no error, it can still speak to loopback.
pub fn connecting_client(mode: Mode) -> Result<ClientBuilder, SetupError> {
    hardened(Trust::System(mode)).map(|builder| builder.https_only(mode == Mode::Production))
}

pub(crate) fn hardened(trust: Trust) -> Result<ClientBuilder, SetupError> {
    Ok(ClientBuilder::new()
        .tls_backend_preconfigured(tls_config(trust)?)
        .redirect(redirect::Policy::none())
        // DPOP-01: a repeated request needs a proof of its own, so nothing below the signer repeats one
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT))
}

fn tls_config(trust: Trust) -> Result<ClientConfig, SetupError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Settings(error.into()))?;
    let mut config = match (trust, system_verifier(trust, &provider)) {
        // `dangerous` is the library's word for a verifier other than its built-in one; this is the platform's own
        (_, Some(verifier)) => builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth(),
        (Trust::System(Mode::Production), None) => return Err(SetupError::NoTrustedCertificates),
        (Trust::System(Mode::Development) | Trust::Nothing, None) => {
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The machine's trust store, read once; `None` when it is empty, and then the next caller looks again.
fn system_verifier(trust: Trust, provider: &Arc<CryptoProvider>) -> Option<Arc<Verifier>> {
    static VERIFIER: OnceLock<Arc<Verifier>> = OnceLock::new();
    if trust == Trust::Nothing {
        return None;
    }
    if let Some(verifier) = VERIFIER.get() {
        return Some(Arc::clone(verifier));
    }
    let verifier = Arc::new(Verifier::new(Arc::clone(provider)).ok()?);
    Some(Arc::clone(VERIFIER.get_or_init(|| verifier)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_trust_can_be_built_anywhere() {
        assert!(hardened(Trust::Nothing).is_ok_and(|builder| builder.build().is_ok()));
        assert!(connecting_client(Mode::Development).is_ok_and(|builder| builder.build().is_ok()));
    }
}
