//! `WWW-Authenticate`, challenge by challenge (RFC 9110 11.6.1): an `error` belongs to its own scheme (DPOP-110).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// Longest field looked at; a server has no use for more.
const MAX_FIELD_BYTES: usize = 8192;
/// The value of `content_digest` that this client can follow (spec/delegation.md, body binding).
const DIGEST_ALGORITHM: &str = "sha-256";

/// One challenge: a scheme and its parameters. A `token68` is skipped, no scheme of interest has one.
#[derive(Debug, PartialEq, Eq)]
struct Challenge<'a> {
    scheme: &'a str,
    params: Vec<(&'a str, String)>,
}

/// What a DPoP challenge says about the proof or token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DpopChallenge {
    pub(crate) error: Option<String>,
    pub(crate) algs: Option<String>,
    /// Whether the proof has to cover the content.
    pub(crate) wants_content: bool,
}

impl DpopChallenge {
    /// The first DPoP challenge of an answer. Unknown parameters are ignored, as is one that is given twice.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let fields = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut challenges = fields.filter(|field| field.len() <= MAX_FIELD_BYTES).flat_map(parse);
        let challenge = challenges.find(|challenge| challenge.scheme.eq_ignore_ascii_case("dpop"))?;
        let wants_content = challenge.param("content_digest").is_some_and(|name| name == DIGEST_ALGORITHM);
        Some(Self { error: challenge.param("error"), algs: challenge.param("algs"), wants_content })
    }
}

impl Challenge<'_> {
    fn param(&self, name: &str) -> Option<String> {
        let mut values = self.params.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        if values.next().is_some() { None } else { Some(value.clone()) }
    }
}

/// Reads a field up to the first thing that is no challenge.
fn parse(field: &str) -> Vec<Challenge<'_>> {
    let mut challenges: Vec<Challenge<'_>> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, behind) = token(rest);
        if name.is_empty() {
            return challenges;
        }
        // a name is a parameter's if `=` and a value follow, else it begins a new challenge
        match (challenges.last_mut(), value(behind)) {
            (Some(challenge), Some((value, after))) => {
                challenge.params.push((name, value));
                rest = after;
            }
            (None, Some(_)) => return challenges,
            (_, None) => {
                challenges.push(Challenge { scheme: name, params: Vec::new() });
                rest = skip_token68(behind);
            }
        }
    }
}

/// The value behind a parameter's name.
fn value(behind: &str) -> Option<(String, &str)> {
    let text = behind.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_string(quoted);
    }
    let (value, after) = token(text);
    // nothing behind the `=`: it was the padding of a token68
    if value.is_empty() { None } else { Some((value.to_owned(), after)) }
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(place + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Skips a `token68` behind a scheme; parameters and the next challenge are left.
fn skip_token68(behind: &str) -> &str {
    let text = behind.trim_start_matches([' ', '\t']);
    let (name, rest) = token(text);
    if !name.is_empty() && value(rest).is_some() {
        return text;
    }
    let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let after = text.trim_start_matches(is_token68).trim_start_matches([' ', '\t']);
    if after.is_empty() || after.starts_with(',') { after } else { text }
}

/// RFC 9110 5.6.2.
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at_checked(text.find(|c| !is_token(c)).unwrap_or(text.len())).unwrap_or((text, ""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot make its header should stop
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(fields: &[&str], expected: Option<(Option<&str>, Option<&str>)>) {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(field).unwrap());
        }
        let found = DpopChallenge::of(&headers);
        let found = found.as_ref().map(|challenge| (challenge.error.as_deref(), challenge.algs.as_deref()));
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn an_error_belongs_to_its_own_scheme() {
        // DPOP-110
        let nonce = Some((Some("use_dpop_nonce"), None));
        check(&[r#"DPoP error="use_dpop_nonce""#], nonce);
        check(&[r#"dpop error=use_dpop_nonce"#], nonce);
        check(&[r#"Bearer error="invalid_token", DPoP error="use_dpop_nonce""#], nonce);
        check(&[r#"Bearer realm="a, DPoP error=\"x\"", DPoP error="use_dpop_nonce""#], nonce);
        check(&[r#"Bearer error="invalid_token""#, r#"DPoP error="use_dpop_nonce""#], nonce);
        check(&[r#"Negotiate, Basic dGVzdA==, Custom a/b+c , DPoP error="use_dpop_nonce""#], nonce);
        check(&[r#"DPoP error="use_dpop_nonce", Bearer error="invalid_token""#], nonce);
        check(&[r#"Bearer error="use_dpop_nonce", DPoP algs="EdDSA ES256""#], Some((None, Some("EdDSA ES256"))));
        check(&[r#"DPoP, Bearer error="use_dpop_nonce""#], Some((None, None)));
        check(&[r#"Bearer error="use_dpop_nonce""#], None);
        check(&[], None);
    }

    #[test]
    fn content_is_wanted_in_one_way() {
        let wants = |field: &str| {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_str(field).unwrap())]);
            DpopChallenge::of(&headers).is_some_and(|challenge| challenge.wants_content)
        };
        assert!(wants(r#"DPoP algs="EdDSA", content_digest="sha-256""#));
        assert!(wants(r#"Bearer, DPoP error="invalid_dpop_proof", content_digest=sha-256"#));
        for other in [
            r#"DPoP algs="EdDSA""#,
            r#"DPoP content_digest="sha-512""#,
            r#"DPoP content_digest="sha-256 sha-512""#,
            r#"DPoP content_digest="SHA-256""#,
            r#"DPoP content_digest="sha-256", content_digest="sha-256""#,
            r#"Bearer content_digest="sha-256", DPoP algs="EdDSA""#,
            r#"DPoP algs="EdDSA", Bearer content_digest="sha-256""#,
        ] {
            assert!(!wants(other), "{other}");
        }
    }

    #[test]
    fn blanks_quotes_and_unknown_parameters_are_read_past() {
        let found = Some((Some("invalid_dpop_proof"), Some("Ed25519")));
        check(&["DPoP  error = \"invalid_dpop_proof\" ,\talgs=\"Ed25519\""], found);
        check(&[r#"DPoP realm="x\"y", new-param=1, ERROR="invalid_dpop_proof",, algs="Ed25519""#], found);
        check(&[r#"DPoP error="a\"b\\c""#], Some((Some(r#"a"b\c"#), None)));
    }

    #[test]
    fn what_is_ambiguous_or_broken_says_nothing() {
        check(&[r#"DPoP error="use_dpop_nonce", error="invalid_token""#], Some((None, None)));
        check(&[r#"DPoP error="use_dpop_nonce"#], Some((None, None)));
        check(&[r#"DPoP error="use_dpop_nonce\"#], Some((None, None)));
        check(&["DPoP error="], Some((None, None)));
        check(&[r#"error="use_dpop_nonce""#], None);
        check(&["\"DPoP\" error=x"], None);
        check(&[",,, ,"], None);
        let long = format!("DPoP error=\"use_dpop_nonce\", x=\"{}\"", "y".repeat(MAX_FIELD_BYTES));
        check(&[&long], None);
    }
}
