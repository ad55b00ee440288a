//! Registration statements: what a key says about itself to a registry (spec/registry.md).

use handfast_delegation::{Environment, ResourceId, Scope};
use handfast_identity::{OsRandom, UnixTime, base64url, random_bytes};
use serde::Serialize;

use crate::error::ClientError;
use crate::key::DpopKey;
use crate::secret::Secret;

/// Media type of statements in a request body.
pub(crate) const STATEMENT_MEDIA_TYPE: &str = "application/jwt";
const AGENT_TYPE: &str = "agent-registration+jwt";
const VERSION_TYPE: &str = "agent-version+jwt";
const OWNER_TYPE: &str = "owner-registration+jwt";
/// Random bytes of a statement's `jti`, as of a proof's (DPOP-05).
const STATEMENT_ID_BYTES: usize = 16;

/// What an agent says about itself when it registers. Name and purpose are its own words: a registry shows them as such.
#[derive(Debug)]
pub struct AgentRegistration {
    /// What it is called.
    pub name: String,
    /// Version of the software.
    pub version: String,
    /// What it is for.
    pub purpose: String,
    /// Where it runs.
    pub environment: Environment,
    /// The scope it asks its owner for.
    pub scope: Scope,
    /// The resources it asks for.
    pub resources: Vec<ResourceId>,
    /// Id of the owner who is to claim it; nobody else's claim makes its tokens usable here.
    pub expected_owner: Option<String>,
    /// The enrolment token that its owner made beforehand: then it is that owner's at once.
    pub enrolment: Option<Secret>,
}

#[derive(Serialize)]
struct AgentClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: UnixTime,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_owner: Option<&'a str>,
    name: &'a str,
    version: &'a str,
    purpose: &'a str,
    environment: Environment,
    scope: &'a Scope,
    resource: &'a [ResourceId],
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolment: Option<&'a str>,
}

impl AgentRegistration {
    /// The signed statement for `issuer`, with a fresh `jti`: good once, around `now`.
    ///
    /// # Errors
    ///
    /// [`ClientError::Sign`] when whoever holds the key does not sign.
    pub async fn statement(&self, key: &DpopKey, issuer: &str, now: UnixTime) -> Result<String, ClientError> {
        let claims = AgentClaims {
            iss: key.did().as_str(),
            aud: issuer,
            iat: now,
            jti: statement_id(),
            expected_owner: self.expected_owner.as_deref(),
            name: &self.name,
            version: &self.version,
            purpose: &self.purpose,
            environment: self.environment,
            scope: &self.scope,
            resource: &self.resources,
            enrolment: self.enrolment.as_ref().map(Secret::expose),
        };
        key.state(AGENT_TYPE, &claims).await
    }
}

/// What an owner says when a key becomes theirs: the one-time code that an admin gave them, and nothing else.
#[derive(Debug)]
pub struct OwnerRegistration {
    /// The one-time code.
    pub enrolment: Secret,
}

#[derive(Serialize)]
struct OwnerClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: UnixTime,
    jti: String,
    enrolment: &'a str,
}

impl OwnerRegistration {
    /// The signed statement for `issuer`, with a fresh `jti`: good once, around `now`.
    ///
    /// # Errors
    ///
    /// [`ClientError::Sign`] when whoever holds the key does not sign.
    pub async fn statement(&self, key: &DpopKey, issuer: &str, now: UnixTime) -> Result<String, ClientError> {
        let claims = OwnerClaims {
            iss: key.did().as_str(),
            aud: issuer,
            iat: now,
            jti: statement_id(),
            enrolment: self.enrolment.expose(),
        };
        key.state(OWNER_TYPE, &claims).await
    }
}

#[derive(Serialize)]
struct VersionClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: UnixTime,
    jti: String,
    version: &'a str,
}

/// What an agent says of its new version to `issuer`: good once, around `now`.
///
/// # Errors
///
/// [`ClientError::Sign`] when whoever holds the key does not sign.
pub(crate) async fn version_statement(
    version: &str,
    key: &DpopKey,
    issuer: &str,
    now: UnixTime,
) -> Result<String, ClientError> {
    let claims = VersionClaims { iss: key.did().as_str(), aud: issuer, iat: now, jti: statement_id(), version };
    key.state(VERSION_TYPE, &claims).await
}

pub(crate) fn statement_id() -> String {
    base64url::encode(&random_bytes::<STATEMENT_ID_BYTES>(&mut OsRandom))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests stop at the first surprise
mod tests {
    use handfast_identity::json::Limits;
    use handfast_identity::jws::UnverifiedJws;
    use serde_json::{Value, json};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_795_262_400);

    fn plain() -> AgentRegistration {
        AgentRegistration {
            name: "billing".into(),
            version: "1.2".into(),
            purpose: "pays".into(),
            environment: Environment::Test,
            scope: Scope::parse("echo:read").unwrap(),
            resources: vec![ResourceId::parse("https://api.example").unwrap()],
            expected_owner: None,
            enrolment: None,
        }
    }

    /// Verifies a statement under the key of its own `iss` and gives its claims.
    fn claims(statement: &str, key: &DpopKey, typ: &str) -> Value {
        let jws = UnverifiedJws::parse(statement, &Limits::plain(8192)).unwrap();
        assert_eq!(jws.typ(), Some(typ));
        assert_eq!(jws.kid(), Some(key.did().key_id().as_str()));
        let _valid = jws.verify(key.did().public_key()).unwrap();
        jws.unverified_claims().unwrap()
    }

    #[tokio::test]
    async fn an_agent_statement_holds_exactly_the_members_of_the_protocol() {
        let key = DpopKey::generate();
        let statement = plain().statement(&key, "https://reg.example", NOW).await.unwrap();
        let mut claims = claims(&statement, &key, "agent-registration+jwt");
        let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(id.as_str().unwrap().len(), 22);
        let expected = json!({
            "iss": key.did().as_str(), "aud": "https://reg.example", "iat": 1_795_262_400, "name": "billing", "version": "1.2",
            "purpose": "pays", "environment": "test", "scope": "echo:read", "resource": ["https://api.example"],
        });
        assert_eq!(claims, expected);
    }

    #[tokio::test]
    async fn optional_members_appear_when_given() {
        let key = DpopKey::generate();
        let enrolment = Some(Secret::new("enrolment_x.y"));
        let registration = AgentRegistration { expected_owner: Some("owner:x".into()), enrolment, ..plain() };
        assert!(!format!("{registration:?}").contains("enrolment_x"));
        let statement = registration.statement(&key, "https://reg.example", NOW).await.unwrap();
        let claims = claims(&statement, &key, "agent-registration+jwt");
        assert_eq!((&claims["expected_owner"], &claims["enrolment"]), (&json!("owner:x"), &json!("enrolment_x.y")));
    }

    #[tokio::test]
    async fn a_version_statement_holds_the_version_and_nothing_else() {
        let key = DpopKey::generate();
        let statement = version_statement("1.3", &key, "https://reg.example", NOW).await.unwrap();
        let claims = claims(&statement, &key, "agent-version+jwt");
        let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["aud", "iat", "iss", "jti", "version"]);
        assert_eq!(claims["version"], json!("1.3"));
    }

    #[tokio::test]
    async fn an_owner_statement_holds_the_code_and_no_name() {
        let key = DpopKey::generate();
        let registration = OwnerRegistration { enrolment: Secret::new("CODE") };
        let statement = registration.statement(&key, "https://reg.example", NOW).await.unwrap();
        let claims = claims(&statement, &key, "owner-registration+jwt");
        let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["aud", "enrolment", "iat", "iss", "jti"]);
        assert!(!format!("{registration:?}").contains("CODE"));
    }

    #[tokio::test]
    async fn every_statement_has_an_id_of_its_own() {
        let key = DpopKey::generate();
        let id = || async {
            let statement = plain().statement(&key, "https://reg.example", NOW).await.unwrap();
            claims(&statement, &key, "agent-registration+jwt")["jti"].clone()
        };
        assert_ne!(id().await, id().await);
    }
}
