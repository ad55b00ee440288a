//! `did:web`: a place on the web, written as a DID. How registries and other parties name themselves.

use core::fmt;

use super::did_method;

/// Characters of a host's name in all (RFC 1035 2.3.4).
const MAX_HOST_CHARS: usize = 253;
/// Characters of one of its labels.
const MAX_LABEL_CHARS: usize = 63;

const PREFIX: &str = "did:web:";

/// A `did:web`, and the place of its document. Equality is that of the text: an escape in another case is another DID (DID-05).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DidWeb {
    text: String,
    /// `host` or `host:port`.
    authority: String,
    /// Behind the authority: `/a/b`, or nothing.
    path: String,
}

/// Why a text is not an acceptable `did:web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DidWebError {
    /// No DID, or none of this method.
    Syntax,
    /// The host is no domain name: an address, an empty or malformed label, or escaped characters (DW-01, DW-02, DW-10).
    Host,
    /// The port is not `%3A` and a number from 1 to 65535.
    Port,
    /// A segment of the path is empty, `.` or `..`, escaped or not (DW-10).
    Path,
}

impl fmt::Display for DidWebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a `did:web:` and a domain name",
            Self::Host => "the host of the did is no domain name",
            Self::Port => "the port of the did is not `%3A` and a number",
            Self::Path => "a segment of the did's path is empty, `.` or `..`",
        })
    }
}

impl core::error::Error for DidWebError {}

impl DidWeb {
    /// Reads a DID: the whole text, no trimming, no folding.
    ///
    /// Success says where the document has to be, and not that there is one. A path proves control of a file, not of the domain
    /// (DW-12).
    ///
    /// # Errors
    ///
    /// [`DidWebError`], by rule broken.
    ///
    /// ```
    /// use handfast_identity::{DidWeb, DidWebError};
    /// let did = DidWeb::parse("did:web:example.com%3A3000:user:alice").unwrap();
    /// assert_eq!(did.url(), "https://example.com:3000/user/alice/did.json");
    /// assert_eq!(DidWeb::parse("did:web:127.0.0.1"), Err(DidWebError::Host));
    /// ```
    pub fn parse(text: &str) -> Result<Self, DidWebError> {
        if did_method(text) != Some("web") {
            return Err(DidWebError::Syntax);
        }
        let mut segments = text.strip_prefix(PREFIX).unwrap_or_default().split(':');
        let authority = authority(segments.next().unwrap_or_default())?;
        let mut path = String::new();
        for segment in segments {
            if is_empty_or_dots(segment) {
                return Err(DidWebError::Path);
            }
            // whatever else is escaped stays so (DW-03): only the port's colon is decoded
            path.extend(["/", segment]);
        }
        Ok(Self { text: text.to_owned(), authority, path })
    }

    /// The DID of a web origin (`https://host` or `https://host:port`); none for a host that is an address (DW-02).
    #[must_use]
    pub fn of_origin(origin: &str) -> Option<Self> {
        let (_, authority) = origin.split_once("://")?;
        Self::parse(&format!("{PREFIX}{}", authority.replace(':', "%3A"))).ok()
    }

    /// The whole DID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host's name, as written.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.split_once(':').map_or(&self.authority, |(host, _)| host)
    }

    /// The host's name, and the port if one is written.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it names a whole host, and not a path there.
    #[must_use]
    pub const fn is_origin(&self) -> bool {
        self.path.is_empty()
    }

    /// Where its document is (DW-03).
    #[must_use]
    pub fn url(&self) -> String {
        let path = if self.path.is_empty() { "/.well-known" } else { &self.path };
        format!("https://{}{path}/did.json", self.authority)
    }
}

/// The host and port of the first segment, with the port's colon decoded.
fn authority(segment: &str) -> Result<String, DidWebError> {
    let (host, port) = match segment.split_once('%') {
        None => (segment, None),
        Some((host, rest)) => (host, Some(rest)),
    };
    if !is_domain_name(host) {
        return Err(DidWebError::Host);
    }
    let Some(escape) = port else { return Ok(host.to_owned()) };
    // anything else escaped would be a part of the host: `%2F`, `%40`, `%5C`
    let port = escape.strip_prefix("3A").or_else(|| escape.strip_prefix("3a")).ok_or(DidWebError::Host)?;
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    match port.parse::<u16>() {
        Ok(_) if is_number => Ok(format!("{host}:{port}")),
        _ => Err(DidWebError::Port),
    }
}

/// Letters, digits and hyphens between dots. A last label that is a number makes an address of the whole, for whoever reads it as a
/// URL (WHATWG URL, ends in a number).
fn is_domain_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL_CHARS
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    host.len() <= MAX_HOST_CHARS && host.split('.').all(is_label) && !is_number
}

/// URL readers take `%2e` for a dot.
fn is_empty_or_dots(segment: &str) -> bool {
    let plain = segment.replace("%2E", ".").replace("%2e", ".");
    plain.is_empty() || plain == "." || plain == ".."
}

impl fmt::Display for DidWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_did() {
        for (origin, did) in [
            ("https://id.example", Some("did:web:id.example")),
            ("https://id.example:8443", Some("did:web:id.example%3A8443")),
            ("http://localhost:4500", Some("did:web:localhost%3A4500")),
            ("http://127.0.0.1:4500", None),
            ("http://[::1]:4500", None),
            ("id.example", None),
        ] {
            assert_eq!(DidWeb::of_origin(origin).as_ref().map(DidWeb::as_str), did, "{origin}");
        }
    }

    #[test]
    fn host_and_path_are_told_apart() {
        let did = DidWeb::parse("did:web:Example.com%3A3000:user:a").ok();
        let parts = did.as_ref().map(|did| (did.host(), did.authority(), did.is_origin()));
        assert_eq!(parts, Some(("Example.com", "Example.com:3000", false)));
        assert!(DidWeb::parse("did:web:example.com").is_ok_and(|did| did.is_origin() && did.host() == "example.com"));
    }
}
