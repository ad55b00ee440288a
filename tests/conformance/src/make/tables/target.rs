//! Targets: their normal form, and how a server sees its own (spec/dpop-profile.md, target).

use serde::{Deserialize, Serialize};

/// The table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// An absolute URI and its normal form; `null` is refused.
    pub normal: Vec<(String, Option<String>)>,
    /// Two URIs and whether they are one target.
    pub equal: Vec<(String, String, bool)>,
    /// A public base, path and query of a request line, and the target; `null` is refused.
    pub joined: Vec<(String, String, Option<String>)>,
}

const NORMAL: &[(&str, Option<&str>)] = &[
    ("https://api.example/v1", Some("https://api.example/v1")),
    ("HTTPS://Api.EXAMPLE/V1", Some("https://api.example/V1")),
    ("https://api.example", Some("https://api.example/")),
    ("https://api.example/", Some("https://api.example/")),
    ("https://api.example?x", Some("https://api.example/")),
    ("https://api.example#x", Some("https://api.example/")),
    ("https://api.example:443/v1", Some("https://api.example/v1")),
    ("https://api.example:/v1", Some("https://api.example/v1")),
    ("https://api.example:0443/v1", Some("https://api.example/v1")),
    ("https://api.example:80/v1", Some("https://api.example:80/v1")),
    ("http://api.example:80/v1", Some("http://api.example/v1")),
    ("https://api.example:65535/v1", Some("https://api.example:65535/v1")),
    ("https://api.example:65536/v1", None),
    ("https://api.example:-1/v1", None),
    ("https://api.example:44 3/v1", None),
    ("https://api.example:443:443/v1", None),
    ("https://:443/v1", None),
    ("https:///v1", None),
    ("https://", None),
    ("https:/api.example/v1", None),
    ("//api.example/v1", None),
    ("/v1", None),
    ("", None),
    ("ftp://api.example/v1", None),
    ("wss://api.example/v1", None),
    ("https://a@api.example/v1", None),
    ("https://a:b@api.example/v1", None),
    ("https://@api.example/v1", None),
    ("https://[2001:DB8::1]/v1", Some("https://[2001:db8::1]/v1")),
    ("https://[2001:db8::1]:443/v1", Some("https://[2001:db8::1]/v1")),
    ("https://[2001:db8::1]:8443/v1", Some("https://[2001:db8::1]:8443/v1")),
    ("https://[2001:db8::1/v1", None),
    ("https://2001:db8::1/v1", None),
    ("https://api.example./v1", Some("https://api.example./v1")),
    ("https://api.example/~u", Some("https://api.example/~u")),
    ("https://api.example/%7Eu", Some("https://api.example/~u")),
    ("https://api.example/%7eu", Some("https://api.example/~u")),
    ("https://api.example/%41%2d%5F%2e", Some("https://api.example/A-_.")),
    ("https://api.example/a%2fb", Some("https://api.example/a%2Fb")),
    ("https://api.example/a%2Fb", Some("https://api.example/a%2Fb")),
    ("https://api.example/a%20b", Some("https://api.example/a%20b")),
    ("https://api.example/caf%c3%a9", Some("https://api.example/caf%C3%A9")),
    ("https://api.example/caf\u{e9}", None),
    ("https://api.example/a b", None),
    ("https://api.example/a\tb", None),
    ("https://api.example/a\n", None),
    (" https://api.example/a", None),
    ("https://api.example/a\\b", None),
    ("https://api.example\\a", None),
    ("https://api.example/a%", None),
    ("https://api.example/a%4", None),
    ("https://api.example/a%zz", None),
    ("https://api.example/a|b", None),
    ("https://api.example/a'b", Some("https://api.example/a'b")),
    ("https://api.example/a%27b", Some("https://api.example/a%27b")),
    ("https://api.example/a+b;c=d,e@f:g!$&()*", Some("https://api.example/a+b;c=d,e@f:g!$&()*")),
    ("https://api.example/a/", Some("https://api.example/a/")),
    ("https://api.example/a//b", Some("https://api.example/a//b")),
    ("https://api.example//a", Some("https://api.example//a")),
    ("https://api.example/a/./b/../c", Some("https://api.example/a/c")),
    ("https://api.example/a/..", Some("https://api.example/")),
    ("https://api.example/a/b/.", Some("https://api.example/a/b/")),
    ("https://api.example/../../a", Some("https://api.example/a")),
    ("https://api.example/%2e%2E/a", Some("https://api.example/a")),
    ("https://api.example/a/...", Some("https://api.example/a/...")),
    ("https://api.example/a?b=/../c#d", Some("https://api.example/a")),
];

const EQUAL: &[(&str, &str, bool)] = &[
    ("https://api.example/v1", "HTTPS://API.example:443/v1", true),
    ("https://api.example", "https://api.example/", true),
    ("https://api.example/%7Eu", "https://api.example/~u", true),
    ("https://api.example/a%2fb", "https://api.example/a%2Fb", true),
    ("https://api.example/a?x=1", "https://api.example/a#y", true),
    ("https://api.example/b/../a", "https://api.example/a", true),
    ("https://api.example/a%2Fb", "https://api.example/a/b", false),
    ("https://api.example/a", "https://api.example/a/", false),
    ("https://api.example/a", "https://api.example/A", false),
    ("https://api.example/a//b", "https://api.example/a/b", false),
    ("https://api.example/a", "http://api.example/a", false),
    ("https://api.example/a", "https://api.example:8443/a", false),
    ("https://api.example/a", "https://api.example./a", false),
    ("https://api.example/a'b", "https://api.example/a%27b", false),
    ("https://api.example/a+b", "https://api.example/a%20b", false),
];

const JOINED: &[(&str, &str, Option<&str>)] = &[
    ("https://api.example", "/v1", Some("https://api.example/v1")),
    ("https://api.example/", "/v1?x=1", Some("https://api.example/v1")),
    ("https://api.example/v1", "/", Some("https://api.example/v1/")),
    ("https://api.example/v1/", "/x", Some("https://api.example/v1/x")),
    ("https://API.example:443/v1", "/%7Eu", Some("https://api.example/v1/~u")),
    ("https://api.example", "//evil.example/x", Some("https://api.example//evil.example/x")),
    ("https://api.example", "/?u=http://evil.example/", Some("https://api.example/")),
    ("https://api.example/v1", "/a/../b", Some("https://api.example/v1/b")),
    ("https://api.example/v1", "/../admin", None),
    ("https://api.example/v1", "/%2e%2e/v10", None),
    ("https://api.example/v1", "/..", None),
    ("https://api.example", "", None),
    ("https://api.example", "*", None),
    ("https://api.example", "@evil.example/", None),
    ("https://api.example", "http://evil.example/x", None),
    ("https://api.example", "/a\\b", None),
    ("https://api.example", "/a%", None),
];

pub(super) fn table() -> Targets {
    let owned = |text: &Option<&str>| text.map(str::to_owned);
    Targets {
        normal: NORMAL.iter().map(|(input, normal)| ((*input).to_owned(), owned(normal))).collect(),
        equal: EQUAL.iter().map(|(a, b, equal)| ((*a).to_owned(), (*b).to_owned(), *equal)).collect(),
        joined: JOINED
            .iter()
            .map(|(base, path, target)| ((*base).to_owned(), (*path).to_owned(), owned(target)))
            .collect(),
    }
}
