//! What is known of each server: its newest nonce, its clock, the algorithm name it takes, whether it wants content covered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use handfast_dpop::{Nonce, Target};
use handfast_identity::{Algorithm, Seconds, UnixTime};
use http::HeaderMap;
use http::header::DATE;

/// The field that brings a nonce (RFC 9449 8.1).
const NONCE_FIELD: &str = "dpop-nonce";
/// A smaller difference is latency and rounding, and no reason to doubt the own clock (DPOP-17).
const CLOCK_TOLERANCE: Seconds = Seconds::new(5);

/// What is known of one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) wants_content: bool,
    offset: Offset,
}

/// By how much a server's clock is ahead of ours, or behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Offset {
    #[default]
    None,
    Ahead(Seconds),
    Behind(Seconds),
}

impl Server {
    /// Our `now` as that server's clock tells it.
    pub(crate) const fn time(&self, now: UnixTime) -> UnixTime {
        match self.offset {
            Offset::None => now,
            Offset::Ahead(by) => now.saturating_add(by),
            Offset::Behind(by) => now.saturating_sub(by),
        }
    }
}

/// Servers by origin: a nonce of one is never shown to another (DPOP-10, TH78). Only origins that credentials may go to get
/// an entry, so there are few.
#[derive(Debug, Default)]
pub(crate) struct Servers(Mutex<HashMap<String, Server>>);

impl Servers {
    pub(crate) fn known(&self, target: &Target) -> Server {
        self.with(target, |server| server.clone())
    }

    /// Notes the nonce of an answer, whatever its status (DPOP-09, DPOP-11). Two of them would be a choice: none is taken.
    pub(crate) fn note_nonce(&self, target: &Target, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(NONCE_FIELD).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some(nonce) = value.to_str().ok().and_then(|text| Nonce::parse(text).ok()) else { return false };
        self.with(target, |server| server.nonce = Some(nonce));
        true
    }

    /// Notes the algorithm name the server wants; says whether that is news.
    pub(crate) fn note_algorithm(&self, target: &Target, algorithm: Algorithm, default: Algorithm) -> bool {
        self.with(target, |server| server.algorithm.replace(algorithm).unwrap_or(default) != algorithm)
    }

    /// Notes that proofs for this origin have to cover the content, on some of its routes at least. Nothing takes that back: a
    /// digest that is not asked for is ignored.
    pub(crate) fn note_content(&self, target: &Target) {
        self.with(target, |server| server.wants_content = true);
    }

    /// Compares clocks, after a complaint about a proof (DPOP-17); says whether the answer differs from what was believed.
    pub(crate) fn note_clock(&self, target: &Target, headers: &HeaderMap, now: UnixTime) -> bool {
        let Some(theirs) = date(headers) else { return false };
        let (ahead, behind) = (theirs.since(now), now.since(theirs));
        let offset = match (ahead > CLOCK_TOLERANCE, behind > CLOCK_TOLERANCE) {
            (true, _) => Offset::Ahead(ahead),
            (_, true) => Offset::Behind(behind),
            (false, false) => Offset::None,
        };
        self.with(target, |server| {
            let believed = server.time(now);
            server.offset = offset;
            let found = server.time(now);
            found.since(believed).max(believed.since(found)) > CLOCK_TOLERANCE
        })
    }

    fn with<T>(&self, target: &Target, look: impl FnOnce(&mut Server) -> T) -> T {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(servers.entry(target.origin().to_owned()).or_default())
    }
}

fn date(headers: &HeaderMap) -> Option<UnixTime> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(UnixTime::from_secs(date.duration_since(UNIX_EPOCH).ok()?.as_secs()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot make its header should stop
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    const DATED: u64 = 784_111_777;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let fields =
            fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn nonces_are_kept_by_origin_and_the_newest_counts() {
        // TH78, DPOP-09, DPOP-10
        let servers = Servers::default();
        let nonce = |url: &str| servers.known(&target(url)).nonce.map(|nonce| nonce.as_str().to_owned());
        assert!(servers.note_nonce(&target("https://a.example/x"), &headers(&[("dpop-nonce", "one")])));
        assert!(servers.note_nonce(&target("https://a.example/y"), &headers(&[("dpop-nonce", "two")])));
        assert_eq!(nonce("https://A.example:443/z").as_deref(), Some("two"));
        for other in ["https://b.example/", "https://a.example:8443/", "http://a.example/"] {
            assert_eq!(nonce(other), None, "{other}");
        }
    }

    #[test]
    fn an_unusable_nonce_field_changes_nothing() {
        let servers = Servers::default();
        let here = target("https://a.example/");
        assert!(servers.note_nonce(&here, &headers(&[("dpop-nonce", "kept")])));
        for fields in
            [&[("dpop-nonce", "a b")][..], &[("dpop-nonce", "")], &[("dpop-nonce", "x"), ("dpop-nonce", "y")], &[]]
        {
            assert!(!servers.note_nonce(&here, &headers(fields)), "{fields:?}");
        }
        assert_eq!(servers.known(&here).nonce.unwrap().as_str(), "kept");
    }

    #[test]
    fn a_clock_is_corrected_once_it_is_off_by_more_than_the_tolerance() {
        // DPOP-17
        let here = target("https://a.example/");
        let dated = headers(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        for (now, news) in
            [(DATED, false), (DATED - 5, false), (DATED + 5, false), (DATED - 6, true), (DATED + 6, true), (0, true)]
        {
            let servers = Servers::default();
            let now = UnixTime::from_secs(now);
            assert_eq!(servers.note_clock(&here, &dated, now), news, "{now}");
            let believed = servers.known(&here).time(now);
            assert_eq!(believed, if news { UnixTime::from_secs(DATED) } else { now });
            assert!(!servers.note_clock(&here, &dated, now), "the same again is no news");
        }
        let servers = Servers::default();
        assert!(!servers.note_clock(&here, &headers(&[("date", "soon")]), UnixTime::EPOCH));
        assert!(!servers.note_clock(&here, &headers(&[]), UnixTime::EPOCH));
    }
}
