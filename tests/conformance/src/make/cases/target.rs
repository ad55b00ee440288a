//! The target: compared with the configured public base and the raw path, in normal form.

use serde_json::{Value, json};

use crate::make::Case;
use crate::make::case::{invalid_proof, right, wrong};
use crate::make::draft::Draft;

const BASE: &str = "https://api.example/v1";

pub(super) fn cases() -> Vec<Case> {
    [form(), other(), proxies(), equal()].into_iter().flatten().collect()
}

fn mismatch(name: &'static str, rules: &'static str, about: &'static str, draft: Draft) -> Case {
    wrong(name, invalid_proof("target_mismatch"), rules, about, draft)
}

fn htu(htu: &str) -> Draft {
    Draft::good().proof_claims(json!({"htu": htu}))
}

/// A server whose public base has a path, asked for `/x` below it.
fn behind_proxy(htu: &str) -> Draft {
    Draft::good().target(BASE, "/x", htu)
}

fn form() -> Vec<Case> {
    let of_type = |name, about, value: Value| {
        wrong(
            name,
            invalid_proof("proof_claims"),
            "DPOP-25 P-07",
            about,
            Draft::good().proof_claims(json!({"htu": value})),
        )
    };
    vec![
        wrong("proof-htu-missing", invalid_proof("proof_claims"), "DPOP-25 DPOP-04", "no `htu`", {
            Draft::good().without_proof_claim("htu")
        }),
        of_type("proof-htu-null", "`htu` is null", Value::Null),
        of_type("proof-htu-object", "`htu` is an object", json!({})),
        mismatch("proof-htu-empty", "DPOP-31", "`htu` is empty", htu("")),
        mismatch("proof-htu-relative", "DPOP-31", "`htu` is the path alone", htu("/files/42")),
        mismatch("proof-htu-port-65536", "TH21", "the port is 65536", htu("https://api.example:65536/files/42")),
        mismatch("proof-htu-host-empty", "TH21", "the host is empty", htu("https:///files/42")),
        mismatch("proof-htu-blank", "TH21", "a blank in the path", htu("https://api.example/files/ 42")),
        mismatch("proof-htu-blank-first", "TH21", "a blank before the scheme", htu(" https://api.example/files/42")),
        mismatch("proof-htu-line-feed", "TH21", "a line feed behind the path", htu("https://api.example/files/42\n")),
        mismatch("proof-htu-user", "DPOP-06", "a user name before the host", htu("https://a@api.example/files/42")),
        mismatch("proof-htu-backslash", "DPOP-31", "a backslash for a slash", htu("https://api.example\\files/42")),
        mismatch("proof-htu-percent", "DPOP-40", "a percent sign without digits", htu("https://api.example/files/42%")),
        mismatch("proof-htu-not-ascii", "DPOP-40", "a letter that should be encoded", {
            Draft::good()
                .target("https://api.example", "/caf%C3%A9", "https://api.example/caf\\u00e9")
                .proof_claims_text(|claims| claims.replacen("\\\\u00e9", "\\u00e9", 1))
        })
        .twin("proof-htu-hex-case"),
        mismatch("proof-htu-ftp", "DPOP-31", "another scheme", htu("ftp://api.example/files/42")),
    ]
}

fn other() -> Vec<Case> {
    vec![
        mismatch("proof-htu-other-path", "DPOP-31", "another path", htu("https://api.example/files/43")),
        mismatch("proof-htu-other-host", "DPOP-31 P-03", "another host", htu("https://evil.example/files/42")),
        mismatch("proof-htu-other-port", "DPOP-31", "another port", htu("https://api.example:8443/files/42")),
        mismatch("proof-htu-http", "DPOP-31", "plain http", htu("http://api.example/files/42")),
        mismatch("proof-htu-trailing-slash", "DPOP-42", "a slash at the end", htu("https://api.example/files/42/")),
        mismatch("proof-htu-double-slash", "DPOP-42", "a double slash", htu("https://api.example/files//42")),
        mismatch("proof-htu-path-case", "DPOP-31", "the path in capitals", htu("https://api.example/FILES/42")),
        mismatch("proof-htu-host-dot", "DPOP-31", "a dot behind the host", htu("https://api.example./files/42")),
        mismatch("proof-htu-encoded-slash", "DPOP-42", "an encoded slash", htu("https://api.example/files%2F42")),
        mismatch("proof-htu-encoded-reserved", "DPOP-42", "an encoded apostrophe for a plain one", {
            Draft::good().target("https://api.example", "/a'b", "https://api.example/a%27b")
        }),
        mismatch("proof-htu-prefix", "DPOP-31", "the path up to its last segment", htu("https://api.example/files")),
    ]
}

fn proxies() -> Vec<Case> {
    let forwarded = [
        ("X-Forwarded-Host", "api.example, evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "host=evil.example"),
    ];
    let with_headers = |mut draft: Draft| {
        draft.headers.extend(forwarded.map(|(name, value)| (name.to_owned(), value.to_owned())));
        draft.field("Host", &["10.0.0.5:8080"])
    };
    vec![
        right("behind-proxy", "TH17 DPOP-41", "the server is known under a base with a path", {
            behind_proxy("https://api.example/v1/x")
        }),
        mismatch("proof-htu-inner", "TH17 DPOP-41 P-03", "the proof is for the address inside the proxy", {
            behind_proxy("http://10.0.0.5:8080/x")
        })
        .twin("behind-proxy"),
        mismatch("proof-htu-without-base", "TH22 DPOP-41", "the proof is for the path a nested router sees", {
            behind_proxy("https://api.example/x")
        })
        .twin("behind-proxy"),
        mismatch("proof-htu-forwarded-host", "TH18 P-03", "the proof is for the host that forwarding headers name", {
            with_headers(behind_proxy("https://evil.example/v1/x"))
        })
        .twin("forwarding-headers"),
        right("forwarding-headers", "TH18 P-03", "forwarding headers and `Host` say something else and have no say", {
            with_headers(behind_proxy("https://api.example/v1/x"))
        }),
        right("base-with-slash", "DPOP-41", "the base ends with a slash", {
            Draft::good().target("https://api.example/v1/", "/x", "https://api.example/v1/x")
        }),
    ]
}

fn equal() -> Vec<Case> {
    let equal = |name, rules, about, path: &str, htu: &str| {
        right(name, rules, about, Draft::good().target("https://api.example", path, htu))
    };
    vec![
        equal(
            "proof-htu-default-port",
            "TH19 DPOP-40",
            "the default port",
            "/files/42",
            "https://api.example:443/files/42",
        ),
        equal(
            "proof-htu-capitals",
            "DPOP-40",
            "scheme and host in capitals",
            "/files/42",
            "HTTPS://API.Example/files/42",
        ),
        equal(
            "proof-htu-unreserved",
            "TH20 DPOP-40",
            "an encoded tilde",
            "/v1/~user",
            "https://api.example/v1/%7Euser",
        ),
        equal(
            "path-unreserved",
            "TH20 DPOP-40",
            "the request's tilde is encoded",
            "/v1/%7euser",
            "https://api.example/v1/~user",
        ),
        equal(
            "proof-htu-hex-case",
            "DPOP-40",
            "hexadecimal digits in another case",
            "/caf%c3%a9",
            "https://api.example/caf%C3%A9",
        ),
        equal(
            "proof-htu-encoded-slash-on-both",
            "DPOP-42",
            "an encoded slash on both sides",
            "/a%2fb",
            "https://api.example/a%2Fb",
        ),
        equal("proof-htu-dots", "DPOP-40", "dot segments", "/files/42", "https://api.example/x/../files/./42"),
        equal(
            "proof-htu-query",
            "DPOP-31",
            "query and fragment in `htu`",
            "/files/42",
            "https://api.example/files/42?a=1#b",
        ),
        equal(
            "query-not-compared",
            "DPOP-31 DPOP-131",
            "a query in the request only",
            "/files/42?a=1",
            "https://api.example/files/42",
        ),
        equal("path-empty", "DPOP-40", "no path in `htu` for the path `/`", "/", "https://api.example"),
        equal("path-with-host-like-start", "P-03", "a path that starts with two slashes", "//evil.example/x", {
            "https://api.example//evil.example/x"
        }),
    ]
}
