//! Reading a URL that somebody else wrote, before it is allowed to cost anything.

use std::net::IpAddr;

use reqwest::Url;

use crate::Mode;
use crate::address::{require_loopback, require_public};
use crate::error::FetchError;
use crate::resolver::require;

/// Longest URL asked for; the length most servers take in a request line.
const MAX_URL_BYTES: usize = 2048;

/// Which of the two clients a URL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// `https` to public addresses.
    Public,
    /// `http` to loopback addresses.
    Loopback,
}

/// A URL that may be asked for. A host that is an address was checked; a name is checked when it is resolved.
#[derive(Debug)]
pub(crate) struct FetchUrl {
    pub(crate) url: Url,
    pub(crate) reach: Reach,
}

impl FetchUrl {
    pub(crate) fn parse(text: &str, mode: Mode) -> Result<Self, FetchError> {
        has_one_reading(text)?;
        let url = Url::parse(text).map_err(|_| FetchError::Url)?;
        let host = url.host_str().ok_or(FetchError::Url)?;
        let literal = literal(host);
        let reach = match (url.scheme(), mode) {
            ("https", _) => Reach::Public,
            ("http", Mode::Development) if is_loopback_host(host, literal) => Reach::Loopback,
            _ => return Err(FetchError::Scheme),
        };
        if let (Reach::Public, Some(address)) = (reach, literal) {
            require(address, require_public)?;
        }
        Ok(Self { url, reach })
    }
}

/// Refuses what the URL parser would quietly repair: it drops tabs and line feeds, turns `\` into `/`, and takes `https:///x`
/// for the host `x`.
fn has_one_reading(text: &str) -> Result<(), FetchError> {
    let plain = text.len() <= MAX_URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let (_, rest) = text.split_once("://").ok_or(FetchError::Url)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if plain && !authority.is_empty() && !authority.contains('@') { Ok(()) } else { Err(FetchError::Url) }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

fn is_loopback_host(host: &str, literal: Option<IpAddr>) -> bool {
    // RFC 6761 6.3: `localhost` and names below it are loopback; the resolver checks that they are
    literal.map_or(host == "localhost" || host.ends_with(".localhost"), |address| require_loopback(address).is_ok())
}

#[cfg(test)]
#[allow(clippy::panic)] // the arm that must not be reached
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Found {
        Passes(Reach),
        Url,
        Scheme,
        Address,
    }

    fn check(text: &str, mode: Mode, expected: &Found) {
        let found = match FetchUrl::parse(text, mode) {
            Ok(url) => Found::Passes(url.reach),
            Err(FetchError::Url) => Found::Url,
            Err(FetchError::Scheme) => Found::Scheme,
            Err(FetchError::Address(_)) => Found::Address,
            Err(error) => panic!("{text}: {error}"),
        };
        assert_eq!(&found, expected, "{text} in {mode}");
    }

    #[test]
    fn https_is_for_public_hosts_in_both_modes() {
        for mode in [Mode::Production, Mode::Development] {
            for text in
                ["https://a.example/x", "HTTPS://A.example", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/"]
            {
                check(text, mode, &Found::Passes(Reach::Public));
            }
            // P-22: literals in every spelling the parser knows
            for text in [
                "https://127.0.0.1/",
                "https://2130706433/",
                "https://0x7f.1/",
                "https://127.1/",
                "https://127.0.0.1./",
                "https://[::1]/",
                "https://[::ffff:7f00:1]/",
                "https://169.254.169.254/latest",
                "https://192.168.1.1/",
                "https://[fd00:ec2::254]/",
                "https://0/",
            ] {
                check(text, mode, &Found::Address);
            }
        }
    }

    #[test]
    fn plain_http_is_for_loopback_in_development() {
        for text in ["http://127.0.0.1:4500/", "http://localhost:1/x", "http://did.localhost/", "http://[::1]:80/"] {
            check(text, Mode::Development, &Found::Passes(Reach::Loopback));
            check(text, Mode::Production, &Found::Scheme);
        }
        for text in [
            "http://a.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
        ] {
            check(text, Mode::Development, &Found::Scheme);
            check(text, Mode::Production, &Found::Scheme);
        }
    }

    #[test]
    fn a_url_with_two_readings_is_refused() {
        let long = format!("https://a.example/{}", "x".repeat(MAX_URL_BYTES));
        for text in [
            "",
            "a.example",
            "/x",
            "https:///a.example",
            "https://",
            "https:a.example",
            "https://a.example\\@b.example/",
            "https://u@a.example/",
            "https://u:p@a.example/",
            "https://@a.example/",
            "https://a.exa\tmple/",
            "https://a.example/x y",
            " https://a.example/",
            "https://a.example/\n",
            "https://\u{ff11}0.0.0.1/",
            "https://a.example:65536/",
            &long,
        ] {
            check(text, Mode::Development, &Found::Url);
        }
        // the twin: what the check looks for is harmless behind the authority
        check("https://a.example/@u?x=a@b#c", Mode::Production, &Found::Passes(Reach::Public));
    }
}
