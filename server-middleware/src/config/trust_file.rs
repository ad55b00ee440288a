//! Trust records as a file: one `[[issuers]]` for each, in TOML (spec/access-tokens.md, trusted issuers).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use handfast_delegation::{ResourceId, Scope};
use handfast_identity::{DidKey, Seconds};
use handfast_verifier::trust::{
    DEFAULT_MAX_LIFETIME, IntrospectionCaller, MAX_LIFETIME_WITHOUT_STATUS, Profile, SpeaksFor, StatusSource,
    TrustedIssuer,
};
use serde::Deserialize;
use thiserror::Error;

/// Longest file read (spec/limits.md): some thousand records.
const MAX_TRUST_FILE_BYTES: u64 = 1024 * 1024;

/// Why a file holds no trust records. Each names the record and the member to change.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustFileError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is longer than any real one.
    #[error("longer than {MAX_TRUST_FILE_BYTES} bytes")]
    TooLong,
    /// It is no TOML, or has members that are unknown, missing or of another type.
    #[error("{0}")]
    Syntax(String),
    /// A member of one record.
    #[error("`{member}` of `{issuer}`: {why}")]
    Member {
        /// The record.
        issuer: String,
        /// Its member.
        member: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// What stands in the file. Unknown members are errors: a misspelt limit would otherwise be none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustFile {
    issuers: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    issuer: String,
    #[serde(default)]
    profile: ProfileName,
    status: StatusName,
    feed_key: Option<String>,
    feed_recovery_key: Option<String>,
    status_key: Option<String>,
    status_origins: Option<Vec<String>>,
    introspection_endpoint: Option<String>,
    introspection_client: Option<String>,
    introspection_secret_file: Option<PathBuf>,
    introspection_key_file: Option<PathBuf>,
    resources: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    subjects: Option<Vec<String>>,
    #[serde(default)]
    agent_status: Vec<String>,
    max_lifetime: Option<u64>,
    #[serde(default)]
    scope_map: BTreeMap<String, String>,
    #[serde(default)]
    key_hosts: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProfileName {
    #[default]
    Handfast,
    Rfc9068,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusName {
    Feed,
    StatusList,
    Introspection,
    None,
}

/// Reads the records of a file.
pub(super) fn load(path: &Path) -> Result<Vec<TrustedIssuer>, TrustFileError> {
    if fs::metadata(path)?.len() > MAX_TRUST_FILE_BYTES {
        return Err(TrustFileError::TooLong);
    }
    parse(&fs::read_to_string(path)?)
}

fn parse(text: &str) -> Result<Vec<TrustedIssuer>, TrustFileError> {
    let file: TrustFile =
        toml::from_str(text).map_err(|error| TrustFileError::Syntax(error.to_string().trim().to_owned()))?;
    file.issuers.into_iter().map(Record::read).collect()
}

impl Record {
    fn read(self) -> Result<TrustedIssuer, TrustFileError> {
        let issuer = self.issuer.clone();
        let wrong = |member, why: String| TrustFileError::Member { issuer: issuer.clone(), member, why };
        let status = self.status().map_err(|(member, why)| wrong(member, why))?;
        let usual = if status == StatusSource::None { MAX_LIFETIME_WITHOUT_STATUS } else { DEFAULT_MAX_LIFETIME };
        let resources = self.resources.map(|resources| {
            let each = resources.iter().map(|text| ResourceId::parse(text));
            each.collect::<Result<_, _>>().map_err(|error| wrong("resources", error.to_string()))
        });
        let scopes = self
            .scopes
            .map(|scopes| Scope::parse(&scopes.join(" ")).map_err(|error| wrong("scopes", error.to_string())));
        if self.subjects.iter().flatten().any(String::is_empty) {
            return Err(wrong("subjects", "an empty prefix is every subject's: leave the member out".to_owned()));
        }
        Ok(TrustedIssuer {
            issuer: self.issuer,
            profile: match self.profile {
                ProfileName::Handfast => Profile::Handfast,
                ProfileName::Rfc9068 => Profile::Rfc9068,
            },
            status,
            resources: speaks_for(resources.transpose()?),
            scopes: speaks_for(scopes.transpose()?),
            subjects: speaks_for(self.subjects),
            agent_status: self.agent_status,
            max_lifetime: self.max_lifetime.map_or(usual, Seconds::new),
            scope_map: self.scope_map,
            key_hosts: self.key_hosts,
        })
    }
}

impl Record {
    /// Where revocations are learnt of. A member of another source is an error: it would have no effect.
    fn status(&self) -> Result<StatusSource, (&'static str, String)> {
        let key = |member, text: &Option<String>| {
            text.as_deref().map(DidKey::parse).transpose().map_err(|error| (member, error.to_string()))
        };
        let (feed, status_key) = (key("feed_key", &self.feed_key)?, key("status_key", &self.status_key)?);
        let recovery_key = key("feed_recovery_key", &self.feed_recovery_key)?;
        let is_feed = matches!(self.status, StatusName::Feed);
        let is_list = matches!(self.status, StatusName::StatusList);
        let is_asked = matches!(self.status, StatusName::Introspection);
        for (member, is_there, belongs, wanted) in [
            ("feed_key", feed.is_some(), is_feed, "feed"),
            ("feed_recovery_key", recovery_key.is_some(), is_feed, "feed"),
            ("status_key", status_key.is_some(), is_list, "status_list"),
            ("status_origins", self.status_origins.is_some(), is_list, "status_list"),
            ("introspection_endpoint", self.introspection_endpoint.is_some(), is_asked, "introspection"),
            ("introspection_client", self.introspection_client.is_some(), is_asked, "introspection"),
            ("introspection_secret_file", self.introspection_secret_file.is_some(), is_asked, "introspection"),
            ("introspection_key_file", self.introspection_key_file.is_some(), is_asked, "introspection"),
        ] {
            if is_there && !belongs {
                return Err((member, format!("`status` is not `{wanted}`")));
            }
        }
        match (self.status, feed) {
            (StatusName::Feed, Some(key)) => Ok(StatusSource::Feed { key, recovery_key }),
            (StatusName::Feed, None) => Err(("feed_key", "a feed is followed by its pinned key".to_owned())),
            (StatusName::StatusList, _) => Ok(StatusSource::StatusList {
                key: status_key,
                origins: self.status_origins.clone().unwrap_or_default(),
            }),
            (StatusName::Introspection, _) => Ok(StatusSource::Introspection {
                caller: self.introspection_caller()?,
                endpoint: self.introspection_endpoint.clone(),
            }),
            (StatusName::None, _) => Ok(StatusSource::None),
        }
    }

    /// As whom the issuer is asked: as one of the three, and as nobody less than that.
    fn introspection_caller(&self) -> Result<IntrospectionCaller, (&'static str, String)> {
        let (client, secret) = (&self.introspection_client, &self.introspection_secret_file);
        match (client, secret, &self.introspection_key_file) {
            (Some(id), Some(secret_file), None) => {
                Ok(IntrospectionCaller::Client { id: id.clone(), secret_file: secret_file.clone() })
            }
            (Some(id), None, Some(key_file)) => {
                Ok(IntrospectionCaller::SigningClient { id: id.clone(), key_file: key_file.clone() })
            }
            (None, None, Some(key_file)) => Ok(IntrospectionCaller::Agent { key_file: key_file.clone() }),
            (Some(_), None, None) => Err((
                "introspection_secret_file",
                "a client shows its secret, which is in a file, or signs by the key in `introspection_key_file`"
                    .to_owned(),
            )),
            (None, Some(_), None) => Err(("introspection_client", "whose secret it is has to be said".to_owned())),
            (None, None, None) => Err((
                "introspection_key_file",
                "it has to be said who asks: this, or `introspection_client` and its secret or key".to_owned(),
            )),
            (_, Some(_), Some(_)) => {
                Err(("introspection_key_file", "who asks has a secret or a key, not both".to_owned()))
            }
        }
    }
}

fn speaks_for<T>(limit: Option<T>) -> SpeaksFor<T> {
    limit.map_or(SpeaksFor::Everything, SpeaksFor::Only)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    const FEED: &str = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_record_says_what_the_type_says() {
        let text = format!(
            r#"[[issuers]]
            issuer = "https://a.example"
            status = "feed"
            feed_key = "{FEED}"
            resources = ["https://api.example"]
            scopes = ["files:read", "files:list"]
            subjects = ["owner:"]
            agent_status = ["https://b.example"]
            max_lifetime = 900
            [[issuers]]
            issuer = "https://b.example"
            profile = "rfc9068"
            status = "none"
            key_hosts = ["keys.example"]
            [issuers.scope_map]
            "read" = "files:read""#
        );
        let a = TrustedIssuer {
            resources: SpeaksFor::Only(vec![ResourceId::parse("https://api.example").unwrap()]),
            scopes: SpeaksFor::Only(Scope::parse("files:read files:list").unwrap()),
            subjects: SpeaksFor::Only(vec!["owner:".to_owned()]),
            agent_status: vec!["https://b.example".to_owned()],
            max_lifetime: Seconds::new(900),
            ..TrustedIssuer::single("https://a.example", DidKey::parse(FEED).unwrap())
        };
        let b = TrustedIssuer {
            scope_map: [("read".to_owned(), "files:read".to_owned())].into(),
            key_hosts: vec!["keys.example".to_owned()],
            ..TrustedIssuer::rfc9068("https://b.example")
        };
        assert_eq!(parse(&text).unwrap(), [a, b]);
    }

    #[test]
    fn lists_have_a_key_and_places_of_their_own() {
        let status = |rest: &str| {
            parse(&format!("[[issuers]]\nissuer = \"https://a.example\"\n{rest}")).unwrap().remove(0).status
        };
        let key = DidKey::parse(FEED).unwrap();
        let origins = vec!["https://lists.example".to_owned()];
        assert_eq!(status("status = \"status_list\""), StatusSource::StatusList { key: None, origins: Vec::new() });
        assert_eq!(
            status(&format!(
                "status = \"status_list\"\nstatus_key = \"{FEED}\"\nstatus_origins = [\"https://lists.example\"]"
            )),
            StatusSource::StatusList { key: Some(key), origins }
        );
    }

    #[test]
    fn who_asks_about_tokens_is_an_agent_or_a_client() {
        let read = |rest: &str| {
            parse(&format!("[[issuers]]\nissuer = \"https://a.example\"\nstatus = \"introspection\"\n{rest}"))
        };
        let status = |rest: &str| read(rest).unwrap().remove(0).status;
        let (key, client, secret, endpoint) = (
            "introspection_key_file = \"/keys/api\"\n",
            "introspection_client = \"api\"\n",
            "introspection_secret_file = \"/run/secrets/api\"\n",
            "introspection_endpoint = \"https://b.example/introspect\"\n",
        );
        let agent = IntrospectionCaller::Agent { key_file: "/keys/api".into() };
        assert_eq!(status(key), StatusSource::Introspection { caller: agent, endpoint: None });
        let caller = IntrospectionCaller::Client { id: "api".to_owned(), secret_file: "/run/secrets/api".into() };
        let at = Some("https://b.example/introspect".to_owned());
        assert_eq!(status(&[client, secret, endpoint].concat()), StatusSource::Introspection { caller, endpoint: at });
        let caller = IntrospectionCaller::SigningClient { id: "api".to_owned(), key_file: "/keys/api".into() };
        assert_eq!(status(&[client, key].concat()), StatusSource::Introspection { caller, endpoint: None });
        for (rest, member) in [
            (String::new(), "introspection_key_file"),
            (endpoint.to_owned(), "introspection_key_file"),
            (client.to_owned(), "introspection_secret_file"),
            (secret.to_owned(), "introspection_client"),
            ([key, secret].concat(), "introspection_key_file"),
            ([key, client, secret].concat(), "introspection_key_file"),
            (format!("{key}feed_key = \"{FEED}\""), "feed_key"),
            (format!("{key}status_key = \"{FEED}\""), "status_key"),
        ] {
            let told = read(&rest).unwrap_err().to_string();
            assert!(told.starts_with(&format!("`{member}` of `https://a.example`: ")), "{told}");
        }
        for member in [key, client, secret, endpoint] {
            let text = format!("[[issuers]]\nissuer = \"https://a.example\"\nstatus = \"none\"\n{member}");
            assert!(error(&text).contains("`status` is not `introspection`"), "{member}");
        }
    }

    #[test]
    fn what_is_missing_misspelt_or_unfit_is_told_by_name() {
        let with = |rest: &str| error(&format!("[[issuers]]\nissuer = \"https://a.example\"\n{rest}"));
        let member = |name: &str| format!("`{name}` of `https://a.example`: ");
        assert!(with("status = \"feed\"").starts_with(&member("feed_key")));
        assert!(with("status = \"feed\"\nfeed_key = \"did:key:z6Mk\"").starts_with(&member("feed_key")));
        assert!(with(&format!("status = \"none\"\nfeed_key = \"{FEED}\"")).starts_with(&member("feed_key")));
        assert!(
            with(&format!("status = \"none\"\nfeed_recovery_key = \"{FEED}\""))
                .starts_with(&member("feed_recovery_key"))
        );
        assert!(with("status = \"status_list\"\nstatus_key = \"x\"").starts_with(&member("status_key")));
        assert!(with("status = \"none\"\nstatus_origins = []").starts_with(&member("status_origins")));
        assert!(
            with(&format!("status = \"feed\"\nfeed_key = \"{FEED}\"\nstatus_key = \"{FEED}\""))
                .starts_with(&member("status_key"))
        );
        assert!(with("status = \"none\"\nfeed_recovery_key = \"x\"").starts_with(&member("feed_recovery_key")));
        assert!(with("status = \"none\"\nresources = [\"api\"]").starts_with(&member("resources")));
        assert!(with("status = \"none\"\nscopes = [\"a\", \"a\"]").starts_with(&member("scopes")));
        assert!(with("status = \"none\"\nsubjects = [\"\"]").starts_with(&member("subjects")));
        for rest in ["", "status = \"none\"\nscope = [\"a\"]", "status = \"none\"\nprofile = \"x\""] {
            assert!(with(rest).contains("TOML parse error"), "{rest}");
        }
        assert!(error("issuers = 1").contains("TOML parse error"));
    }
}
