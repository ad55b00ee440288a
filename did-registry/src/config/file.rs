//! `registry.toml`: its members, their defaults, and the text that `init` writes.

use std::fmt::Write as _;
use std::net::SocketAddr;

use handfast_delegation::{DETAILS_TYPE, Environment};
use handfast_middleware::Mode;
use handfast_registry_model::limits::{DEFAULT_DELEGABLE_LIFETIME, DEFAULT_TOKEN_LIFETIME};
use serde::Deserialize;

use super::{ConfigError, RegistryConfig, Setting};

/// The configuration's name in the registry's directory.
pub const CONFIG_FILE: &str = "registry.toml";
/// The longest configuration read: room for a few thousand resources.
pub(crate) const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// What stands in `registry.toml`. Unknown members are errors: a misspelt setting would otherwise be a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// `production` or `development`.
    #[serde(default = "production")]
    pub mode: String,
    /// The public URL of the registry, without a slash at its end; tokens carry it as `iss`.
    pub issuer: String,
    /// The address to listen on. TLS is a proxy's, in front of it.
    pub listen: SocketAddr,
    /// The `did:key` of the recovery key, whose statement alone puts another feed key in the place of the one that resource servers
    /// pin. Its private half is not here.
    #[serde(default)]
    pub feed_recovery_key: Option<String>,
    /// Scopes that agents have before somebody has claimed them.
    #[serde(default)]
    pub pre_claim_scopes: Vec<String>,
    /// How long things live.
    #[serde(default)]
    pub lifetimes: LifetimesFile,
    /// Who has to agree when an agent replaces its key.
    #[serde(default)]
    pub rotation: RotationFile,
    /// Bounds on what strangers may cause.
    #[serde(default)]
    pub limits: LimitsFile,
    /// The resources tokens are issued for.
    #[serde(default)]
    pub resources: Vec<ResourceFile>,
}

/// `[[resources]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceFile {
    /// Its identifier: the `aud` of tokens for it.
    pub id: String,
    /// The scopes that mean something there.
    pub scopes: Vec<String>,
    /// The types of `authorization_details` it applies; with tools or budgets tokens are for such resources only.
    #[serde(default)]
    pub authorization_details_types: Vec<String>,
}

/// `[lifetimes]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifetimesFile {
    /// Of an access token, in seconds.
    pub token_seconds: u64,
    /// Of a root token that may be passed on, in seconds.
    pub delegable_token_seconds: u64,
}

/// `[rotation]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotationFile {
    /// The environments whose agents need their owner's approval for a new key.
    pub owner_approval: Vec<Environment>,
}

impl Default for RotationFile {
    /// What runs in production changes hands only with somebody's knowledge.
    fn default() -> Self {
        Self { owner_approval: vec![Environment::Prod] }
    }
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// Registrations tried from one source address in a minute.
    pub registrations_per_source: u32,
    /// Registrations accepted in a minute, all sources together.
    pub registrations_in_total: u32,
    /// Polls of the feed that wait at the same time.
    pub waiting_polls: u32,
    /// Connections of one peer address at once. Behind a proxy on another machine all connections are the proxy's.
    pub connections_per_peer: u32,
}

impl Default for LifetimesFile {
    /// Five minutes (AT-21), and fifteen for what others' tokens hang on.
    fn default() -> Self {
        Self { token_seconds: DEFAULT_TOKEN_LIFETIME.get(), delegable_token_seconds: DEFAULT_DELEGABLE_LIFETIME.get() }
    }
}

impl Default for LimitsFile {
    /// One every two seconds from one source, five a second in all: more than a fleet starts, less than a store minds.
    /// Polls may hold a fifth of the connections.
    fn default() -> Self {
        Self {
            registrations_per_source: 30,
            registrations_in_total: 300,
            waiting_polls: 200,
            connections_per_peer: 256,
        }
    }
}

impl ResourceFile {
    /// A resource with these scopes.
    #[must_use]
    pub fn new(id: &str, scopes: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            authorization_details_types: Vec::new(),
        }
    }

    /// The same resource, which applies tools and budgets.
    #[must_use]
    pub fn applying_details(mut self) -> Self {
        self.authorization_details_types = vec![DETAILS_TYPE.to_owned()];
        self
    }
}

fn production() -> String {
    Mode::Production.as_str().to_owned()
}

impl ConfigFile {
    /// A production configuration with the defaults and no resources.
    #[must_use]
    pub fn new(issuer: &str, listen: SocketAddr) -> Self {
        Self {
            mode: production(),
            issuer: issuer.to_owned(),
            listen,
            feed_recovery_key: None,
            pre_claim_scopes: Vec::new(),
            lifetimes: LifetimesFile::default(),
            rotation: RotationFile::default(),
            limits: LimitsFile::default(),
            resources: Vec::new(),
        }
    }

    /// Reads TOML.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Syntax`], also for a member that is unknown, missing or of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string().trim().to_owned()))
    }

    pub(super) fn mode(&self) -> Result<Mode, ConfigError> {
        [Mode::Production, Mode::Development]
            .into_iter()
            .find(|mode| mode.as_str() == self.mode)
            .ok_or_else(|| Setting::Mode.because("expected `production` or `development`"))
    }

    /// The text of a configuration that was checked: what `init` writes, comments included.
    ///
    /// # Errors
    ///
    /// Whatever [`RegistryConfig::new`] refuses. What it lets pass holds no quotes, so plain quoting is enough.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        RegistryConfig::new(self)?;
        let mut text = format!(
            "# Registry configuration. Unknown members are refused; a change counts from the next start.\n\n\
             # \"production\", or \"development\": http, and loopback only\n\
             mode = \"{}\"\n\
             # the public URL, which is the issuer of every token: changing it ends all of them\n\
             issuer = \"{}\"\n\
             # where to listen; TLS is a proxy's in front of it\n\
             listen = \"{}\"\n\
             {}\
             # scopes of agents that nobody has claimed yet\n\
             pre_claim_scopes = {}\n\n\
             [lifetimes]\n\
             token_seconds = {}\n\
             # of root tokens that may be passed on: all hops below one end with it\n\
             delegable_token_seconds = {}\n\n\
             [rotation]\n\
             # environments whose agents replace their key only with their owner's approval\n\
             owner_approval = {}\n\n\
             [limits]\n\
             # a minute; behind a proxy all requests come from one source\n\
             registrations_per_source = {}\n\
             registrations_in_total = {}\n\
             waiting_polls = {}\n\
             # behind a proxy all connections are the proxy's: raise it to 900\n\
             connections_per_peer = {}\n",
            self.mode,
            self.issuer,
            self.listen,
            self.feed_recovery_key.as_deref().map(recovery_line_of).unwrap_or_default(),
            list(&self.pre_claim_scopes),
            self.lifetimes.token_seconds,
            self.lifetimes.delegable_token_seconds,
            list(&self.rotation.owner_approval.iter().map(ToString::to_string).collect::<Vec<_>>()),
            self.limits.registrations_per_source,
            self.limits.registrations_in_total,
            self.limits.waiting_polls,
            self.limits.connections_per_peer,
        );
        for resource in &self.resources {
            // writing to a string does not fail
            let _ = write!(text, "\n[[resources]]\nid = \"{}\"\nscopes = {}\n", resource.id, list(&resource.scopes));
            if !resource.authorization_details_types.is_empty() {
                let types = list(&resource.authorization_details_types);
                let _ = writeln!(text, "authorization_details_types = {types}");
            }
        }
        Ok(text)
    }
}

fn recovery_line_of(key: &str) -> String {
    format!(
        "# replaces a stolen feed key at every server that pins it; its private half belongs elsewhere\nfeed_recovery_key = \"{key}\"\n"
    )
}

fn list(items: &[String]) -> String {
    let quoted: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    fn full() -> ConfigFile {
        let mut file = ConfigFile::new("https://id.example", "[::1]:4500".parse().unwrap());
        file.pre_claim_scopes = vec!["echo:hello".to_owned()];
        file.resources = vec![
            ResourceFile::new("https://api.example", &["echo:hello", "echo:read"]),
            ResourceFile::new("urn:files", &[]).applying_details(),
        ];
        file.lifetimes = LifetimesFile { token_seconds: 600, delegable_token_seconds: 1200 };
        file.rotation = RotationFile { owner_approval: vec![Environment::Test, Environment::Prod] };
        file.limits = LimitsFile {
            registrations_per_source: 1,
            registrations_in_total: 2,
            waiting_polls: 3,
            connections_per_peer: 4,
        };
        file
    }

    #[test]
    fn what_is_written_is_read_again() {
        for file in [full(), ConfigFile::new("https://id.example", "127.0.0.1:1".parse().unwrap())] {
            assert_eq!(ConfigFile::parse(&file.to_toml().unwrap()), Ok(file));
        }
    }

    #[test]
    fn what_cannot_be_served_is_not_written() {
        let mut file = full();
        file.pre_claim_scopes = vec!["x\"\nmode = \"development".to_owned()];
        assert!(file.to_toml().is_err());
    }

    #[test]
    fn members_have_defaults_and_no_others_are_known() {
        let least = "issuer = \"https://id.example\"\nlisten = \"127.0.0.1:4500\"\n";
        let file = ConfigFile::parse(least).unwrap();
        assert_eq!(file, ConfigFile::new("https://id.example", "127.0.0.1:4500".parse().unwrap()));
        assert!(RegistryConfig::new(&file).is_ok());
        for wrong in [
            "issuer = \"https://id.example\"",
            &format!("{least}modus = \"development\""),
            &format!("{least}[rotation]\nowner_approval = [\"production\"]"),
            &format!("{least}[limits]\nwaiting_poll = 1"),
            &format!("{least}[limits]\nwaiting_polls = -1"),
            &format!("{least}pre_claim_scopes = \"a b\""),
            &format!("{least}issuer = \"https://other.example\""),
            "issuer",
        ] {
            assert!(matches!(ConfigFile::parse(wrong), Err(ConfigError::Syntax(_))), "{wrong}");
        }
    }
}
