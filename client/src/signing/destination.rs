//! Where credentials may go (P-25): by scheme, then by origin.

use handfast_dpop::Target;
use handfast_fetch::Mode;
use reqwest::Url;

use crate::error::{ArgumentError, SignError};

/// Reads the target of a request; `http` is for loopback in development.
pub(crate) fn target_of(url: &Url, mode: Mode) -> Result<Target, SignError> {
    let target = Target::parse(url.as_str())?;
    // the library calls loopback protected whatever the scheme; production asks for tls there too
    let allowed = match mode {
        Mode::Production => url.scheme() == "https",
        Mode::Development => target.is_protected(),
    };
    if allowed { Ok(target) } else { Err(SignError::PlainHttp { origin: target.origin().to_owned() }) }
}

/// The origins that one client's credentials are for.
#[derive(Clone, Debug)]
pub(crate) struct Destinations {
    mode: Mode,
    origins: Vec<String>,
}

impl Destinations {
    /// The origins of those `urls` that are `http` URLs; other resource identifiers name no host.
    pub(crate) fn of<'a>(mode: Mode, urls: impl IntoIterator<Item = &'a str>) -> Self {
        let mut origins: Vec<String> = Vec::new();
        for target in urls.into_iter().filter_map(|url| Target::parse(url).ok()) {
            if !origins.iter().any(|known| known == target.origin()) {
                origins.push(target.origin().to_owned());
            }
        }
        Self { mode, origins }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The target of a request that credentials may go with.
    pub(crate) fn admit(&self, url: &Url) -> Result<Target, SignError> {
        let target = target_of(url, self.mode)?;
        if self.origins.iter().any(|known| known == target.origin()) {
            return Ok(target);
        }
        Err(SignError::ForeignOrigin { origin: target.origin().to_owned() })
    }
}

/// A registry's issuer identifier, kept as exact text (MD-03, MD-08), and the URLs made from it.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    text: String,
    url: Url,
    mode: Mode,
}

impl Issuer {
    /// Reads an issuer. Its scheme says the mode: a registry on plain `http` is a development one, on loopback.
    pub(crate) fn parse(text: &str) -> Result<Self, ArgumentError> {
        let refused = || ArgumentError::Issuer(text.to_owned());
        let url = Url::parse(text).map_err(|_| refused())?;
        let mode = if url.scheme() == "http" { Mode::Development } else { Mode::Production };
        // MD-01
        if text.contains(['?', '#']) || target_of(&url, mode).is_err() || Target::parse(text).is_err() {
            return Err(refused());
        }
        Ok(Self { text: text.to_owned(), url, mode })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The URL of a path below the issuer; each segment is encoded, so none can leave its place.
    pub(crate) fn endpoint<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Where its metadata is: the well-known part goes between host and path (MD-02).
    pub(crate) fn metadata_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("/.well-known/oauth-authorization-server{}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Whether `url` is at the issuer's own origin.
    pub(crate) fn is_at_own_origin(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own table should stop
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Found {
        Admitted,
        PlainHttp,
        Foreign,
        Unreadable,
    }

    fn check(mode: Mode, url: &str, expected: &Found) {
        let allowed = ["https://api.example/v1", "http://127.0.0.1:4600", "http://plain.example", "urn:example:x"];
        let found = match Destinations::of(mode, allowed).admit(&Url::parse(url).unwrap()) {
            Ok(_) => Found::Admitted,
            Err(SignError::PlainHttp { .. }) => Found::PlainHttp,
            Err(SignError::ForeignOrigin { .. }) => Found::Foreign,
            Err(_) => Found::Unreadable,
        };
        assert_eq!(&found, expected, "{url} in {mode}");
    }

    #[test]
    fn credentials_go_to_the_allowed_origins_over_tls() {
        // P-25, DPOP-16
        for mode in [Mode::Production, Mode::Development] {
            check(mode, "https://api.example/other?x=1#f", &Found::Admitted);
            check(mode, "HTTPS://API.example:443/", &Found::Admitted);
            check(mode, "https://api.example:8443/", &Found::Foreign);
            check(mode, "https://api.example.evil.example/", &Found::Foreign);
            check(mode, "https://evil.example/?https://api.example", &Found::Foreign);
            check(mode, "https://127.0.0.1:4600/", &Found::Foreign);
            check(mode, "http://api.example/", &Found::PlainHttp);
            check(mode, "http://plain.example/", &Found::PlainHttp);
            check(mode, "https://u:p@api.example/", &Found::Unreadable);
            check(mode, "ftp://api.example/", &Found::Unreadable);
        }
        check(Mode::Development, "http://127.0.0.1:4600/echo", &Found::Admitted);
        check(Mode::Development, "http://127.0.0.1:4601/echo", &Found::Foreign);
        check(Mode::Production, "http://127.0.0.1:4600/echo", &Found::PlainHttp);
    }

    #[test]
    fn an_issuer_is_tls_or_loopback_and_nothing_behind_the_path() {
        for (text, mode) in [
            ("https://reg.example", Some(Mode::Production)),
            ("https://reg.example/tenant/", Some(Mode::Production)),
            ("http://127.0.0.1:4500", Some(Mode::Development)),
            ("http://reg.example", None),
            ("https://reg.example?x", None),
            ("https://reg.example/#f", None),
            ("https://u@reg.example", None),
            ("ftp://reg.example", None),
            ("reg.example", None),
        ] {
            assert_eq!(Issuer::parse(text).ok().map(|issuer| issuer.mode()), mode, "{text}");
        }
    }

    #[test]
    fn urls_are_made_of_the_issuer() {
        // MD-02
        for (text, metadata, agents) in [
            (
                "https://r.example",
                "https://r.example/.well-known/oauth-authorization-server",
                "https://r.example/agents/a%2F..%3Fb",
            ),
            (
                "https://r.example/",
                "https://r.example/.well-known/oauth-authorization-server",
                "https://r.example/agents/a%2F..%3Fb",
            ),
            (
                "https://r.example/t/1/",
                "https://r.example/.well-known/oauth-authorization-server/t/1",
                "https://r.example/t/1/agents/a%2F..%3Fb",
            ),
        ] {
            let issuer = Issuer::parse(text).unwrap();
            assert_eq!(issuer.metadata_url().as_str(), metadata);
            assert_eq!(issuer.endpoint(["agents", "a/..?b"]).as_str(), agents);
        }
    }
}
