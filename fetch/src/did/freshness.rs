//! How long a document counts: as its host says, within bounds (DW-11).

use std::time::Duration;

/// The longest that a document counts, whatever its host says (DW-11).
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// The shortest: a host that forbids keeping is not asked anew for each caller.
pub(super) const SHORTEST: Duration = Duration::from_secs(10);
/// Without a word of the host.
pub(super) const USUAL: Duration = Duration::from_secs(60);
/// How long it counts that there was no document.
pub(super) const OF_FAILURES: Duration = Duration::from_secs(30);

/// The time for a `Cache-Control` value (RFC 9111 5.2.2): its `max-age`, none for `no-store` and `no-cache`, within the bounds.
pub(super) fn lifetime(cache_control: Option<&str>) -> Duration {
    let Some(value) = cache_control else { return USUAL };
    let mut age = None;
    for directive in value.split(',').map(|directive| directive.trim().to_ascii_lowercase()) {
        match directive.split_once('=') {
            None if directive == "no-store" || directive == "no-cache" => return SHORTEST,
            Some(("max-age", seconds)) => {
                // said twice or not as a number: the safer reading is "not for long" (RFC 9111 4.2.1)
                let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
                age = Some(age.map_or(seconds, |known: u64| known.min(seconds)));
            }
            _ => {}
        }
    }
    age.map_or(USUAL, |seconds| Duration::from_secs(seconds).clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_how_long_within_bounds() {
        for (value, expected) in [
            (None, 60),
            (Some("public"), 60),
            (Some("max-age=120"), 120),
            (Some("public, Max-Age=\"120\""), 120),
            (Some("max-age=10"), 10),
            (Some("max-age=9"), 10),
            (Some("max-age=0"), 10),
            (Some("max-age=300"), 300),
            (Some("max-age=301"), 300),
            (Some("max-age=99999999999999999999"), 10),
            (Some("max-age=soon"), 10),
            (Some("max-age=200, max-age=100"), 100),
            (Some("max-age=200, no-store"), 10),
            (Some("no-cache"), 10),
        ] {
            assert_eq!(lifetime(value), Duration::from_secs(expected), "{value:?}");
        }
    }
}
