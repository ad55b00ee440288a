//! What the operator decided, checked as a whole before anything starts (P-24).
//!
//! A [`ConfigFile`] is what stands in `registry.toml`; a [`RegistryConfig`] is one that may be served. Mistakes that would
//! weaken the registry are errors that name the setting, in production always, and in development where they could not be
//! meant.

mod error;
mod file;

use std::net::SocketAddr;

use handfast_delegation::{DETAILS_TYPE, ResourceId, Scope};
use handfast_dpop::{ProofWindow, PublicBase};
use handfast_identity::{DidKey, Seconds};
use handfast_middleware::{Mode, publicly_known};
use handfast_registry_model::{KnownResource, RegistryPolicy};

pub use error::{ConfigError, Setting};
pub(crate) use file::MAX_CONFIG_BYTES;
pub use file::{CONFIG_FILE, ConfigFile, LifetimesFile, LimitsFile, ResourceFile, RotationFile};

/// The configuration of one registry.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    issuer: String,
    base: PublicBase,
    registry: ResourceId,
    listen: SocketAddr,
    mode: Mode,
    policy: RegistryPolicy,
    window: ProofWindow,
    limits: Limits,
    feed_recovery_key: Option<DidKey>,
}

/// Bounds on what strangers may cause (P-18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Registrations tried from one source address in a minute.
    pub registrations_per_source: u32,
    /// Registrations accepted in a minute, all sources together.
    pub registrations_in_total: u32,
    /// Polls of the feed that wait at the same time; further ones are answered at once.
    pub waiting_polls: u32,
    /// Connections of one peer address at once.
    pub connections_per_peer: u32,
}

impl RegistryConfig {
    /// Checks a configuration.
    ///
    /// # Errors
    ///
    /// The first [`ConfigError`], naming its setting.
    pub fn new(file: &ConfigFile) -> Result<Self, ConfigError> {
        let mode = file.mode()?;
        let base = issuer_base(&file.issuer, mode)?;
        let registry = ResourceId::parse(&file.issuer).map_err(|error| Setting::Issuer.because(error))?;
        if mode == Mode::Development && !file.listen.ip().is_loopback() {
            return Err(Setting::Listen.because("development listens on loopback only"));
        }
        Ok(Self {
            policy: policy(file, &registry, mode)?,
            issuer: file.issuer.clone(),
            base,
            registry,
            listen: file.listen,
            mode,
            window: ProofWindow::default(),
            limits: limits(&file.limits)?,
            feed_recovery_key: recovery_key(file.feed_recovery_key.as_deref(), mode)?,
        })
    }

    /// The issuer identifier, which is the public base URL as well.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The address outside every proxy: the only source of the URI that proofs are compared with (P-03).
    #[must_use]
    pub const fn base(&self) -> &PublicBase {
        &self.base
    }

    /// The registry as a resource: the audience of tokens for its own routes.
    #[must_use]
    pub const fn registry(&self) -> &ResourceId {
        &self.registry
    }

    /// Where to listen.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Production or development.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What the model decides by.
    #[must_use]
    pub const fn policy(&self) -> &RegistryPolicy {
        &self.policy
    }

    /// How fresh proofs and statements have to be.
    #[must_use]
    pub const fn window(&self) -> ProofWindow {
        self.window
    }

    /// Bounds on strangers.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The key that can replace the one of the feed.
    #[must_use]
    pub const fn feed_recovery_key(&self) -> Option<&DidKey> {
        self.feed_recovery_key.as_ref()
    }

    /// The public URL of `path`, which starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

/// MD-01, P-24: the issuer is an origin in its normal form, `https` in production and loopback in development.
///
/// A path would move the metadata to another place than the rest (RFC 8414 3.1), so none is allowed.
fn issuer_base(issuer: &str, mode: Mode) -> Result<PublicBase, ConfigError> {
    let is_plain = issuer.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let base = match mode {
        Mode::Production if is_plain => return Err(Setting::Issuer.because("production needs an `https` url")),
        Mode::Development if is_plain => PublicBase::danger_loopback_http(issuer),
        Mode::Production | Mode::Development => PublicBase::parse(issuer),
    };
    let base = base.map_err(|error| Setting::Issuer.because(error))?;
    if base.prefix().is_empty() && base.origin() == issuer {
        Ok(base)
    } else {
        Err(Setting::Issuer.because(format!("expected scheme and host only, as in `{}`", base.origin())))
    }
}

fn policy(file: &ConfigFile, registry: &ResourceId, mode: Mode) -> Result<RegistryPolicy, ConfigError> {
    let known = |resource: &ResourceFile| {
        let id = ResourceId::parse(&resource.id).map_err(|error| Setting::Resources.because(error))?;
        let is_plain = resource.id.starts_with("http://");
        if is_plain && mode == Mode::Production {
            return Err(Setting::Resources.because(format!("`{id}` is a plain `http` url")));
        }
        let types = &resource.authorization_details_types;
        if let Some(unknown) = types.iter().find(|known| *known != DETAILS_TYPE) {
            return Err(
                Setting::Resources.because(format!("`{unknown}` is no type of `authorization_details` known here"))
            );
        }
        let scopes = scope(&resource.scopes, Setting::Resources)?;
        Ok(KnownResource { id, scopes, applies_details: !types.is_empty() })
    };
    let resources = file.resources.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    let pre_claim = scope(&file.pre_claim_scopes, Setting::PreClaimScopes)?;
    let window = ProofWindow::default();
    let model_mode = match mode {
        Mode::Production => handfast_registry_model::Mode::Production,
        Mode::Development => handfast_registry_model::Mode::Development,
    };
    RegistryPolicy::new(&file.issuer, registry.clone(), resources, &pre_claim)
        .and_then(|policy| policy.with_token_lifetime(Seconds::new(file.lifetimes.token_seconds), model_mode))
        .and_then(|policy| policy.with_delegable_lifetime(Seconds::new(file.lifetimes.delegable_token_seconds)))
        .map(|policy| policy.with_statement_window(window.past(), window.future()))
        .map(|policy| policy.with_approved_rotations(file.rotation.owner_approval.clone()))
        .map_err(ConfigError::Policy)
}

/// A recovery key that protects: in production none whose secret half is published (TH68).
fn recovery_key(text: Option<&str>, mode: Mode) -> Result<Option<DidKey>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    let key = DidKey::parse(text).map_err(|error| Setting::FeedRecoveryKey.because(error))?;
    match publicly_known(key.public_key()).filter(|_| mode == Mode::Production) {
        Some(origin) => Err(Setting::FeedRecoveryKey.because(format!("its secret half is published: {origin}"))),
        None => Ok(Some(key)),
    }
}

/// A list of scope tokens, each one token.
fn scope(tokens: &[String], setting: Setting) -> Result<Scope, ConfigError> {
    if let Some(several) = tokens.iter().find(|token| token.is_empty() || token.contains(' ')) {
        return Err(setting.because(format!("`{several}` is not one scope")));
    }
    Scope::parse(&tokens.join(" ")).map_err(|error| setting.because(error))
}

fn limits(file: &LimitsFile) -> Result<Limits, ConfigError> {
    let bounded = |value: u32, most: u32, setting: Setting| {
        if (1..=most).contains(&value) {
            Ok(value)
        } else {
            Err(setting.because(format!("expected 1 to {most}, found `{value}`")))
        }
    };
    Ok(Limits {
        registrations_per_source: bounded(file.registrations_per_source, MAX_LIMIT, Setting::RegistrationsPerSource)?,
        registrations_in_total: bounded(file.registrations_in_total, MAX_LIMIT, Setting::RegistrationsInTotal)?,
        waiting_polls: bounded(file.waiting_polls, MAX_WAITING_POLLS, Setting::WaitingPolls)?,
        connections_per_peer: bounded(file.connections_per_peer, MAX_CONNECTIONS, Setting::ConnectionsPerPeer)?,
    })
}

/// The highest a rate of the [`Limits`] can be set: what their tables hold is still bounded memory (P-18).
const MAX_LIMIT: u32 = 100_000;
/// The most polls that can be let wait: a quarter of the server's connections, so that the rest stays for everybody else (P-18).
const MAX_WAITING_POLLS: u32 = 225;
/// The most connections one peer can be given: all that the server takes (P-18).
const MAX_CONNECTIONS: u32 = 900;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up should stop the test")]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut ConfigFile), expected: Option<Setting>) {
        let mut file = ConfigFile::new("https://id.example", "127.0.0.1:4500".parse().unwrap());
        change(&mut file);
        let found = RegistryConfig::new(&file).err().map(|error| error.setting());
        assert_eq!(found, expected.map(Some), "{file:?}");
    }

    fn development(file: &mut ConfigFile) {
        file.mode = "development".to_owned();
        file.issuer = "http://127.0.0.1:4500".to_owned();
    }

    fn with_issuer(issuer: &str, mode: &str, expected: Option<Setting>) {
        check(
            |file| {
                file.issuer = issuer.to_owned();
                file.mode = mode.to_owned();
            },
            expected,
        );
    }

    #[test]
    fn th68_production_refuses_what_weakens_it() {
        check(|_| {}, None);
        with_issuer("http://id.example", "production", Some(Setting::Issuer));
        with_issuer("http://127.0.0.1:4500", "production", Some(Setting::Issuer));
        with_issuer("HTTP://id.example", "production", Some(Setting::Issuer));
        check(|file| file.resources.push(ResourceFile::new("http://api.example", &["a"])), Some(Setting::Resources));
        check(|file| file.resources.push(ResourceFile::new("https://api.example", &["a"])), None);
        // a proxy in front may listen for the world
        check(|file| file.listen = "0.0.0.0:4500".parse().unwrap(), None);
    }

    #[test]
    fn development_is_for_loopback() {
        check(development, None);
        with_issuer("http://id.example", "development", Some(Setting::Issuer));
        check(
            |file| {
                development(file);
                file.listen = "0.0.0.0:4500".parse().unwrap();
            },
            Some(Setting::Listen),
        );
        check(
            |file| {
                development(file);
                file.resources.push(ResourceFile::new("http://127.0.0.1:4600", &["a"]));
            },
            None,
        );
    }

    #[test]
    fn an_issuer_has_one_spelling() {
        for issuer in [
            "",
            "id.example",
            "https://id.example/",
            "https://id.example/tenant",
            "https://ID.example",
            "https://id.example:443",
            "https://id.example?x",
            "https://id.example#x",
            "https://u@id.example",
            "ftp://id.example",
        ] {
            with_issuer(issuer, "production", Some(Setting::Issuer));
        }
        with_issuer("https://id.example:8443", "production", None);
        with_issuer("https://id.example", "prod", Some(Setting::Mode));
    }

    #[test]
    fn lists_and_bounds_are_checked_by_setting() {
        let resource = |scopes: &[&str]| ResourceFile::new("https://api.example", scopes);
        check(|file| file.resources.push(resource(&["a b"])), Some(Setting::Resources));
        check(|file| file.resources.push(resource(&[""])), Some(Setting::Resources));
        check(|file| file.resources.push(resource(&["a", "a"])), Some(Setting::Resources));
        check(|file| file.resources.push(ResourceFile::new("api", &["a"])), Some(Setting::Resources));
        check(|file| file.resources.push(resource(&["a"]).applying_details()), None);
        let unknown = |file: &mut ConfigFile| {
            let authorization_details_types = vec![DETAILS_TYPE.to_owned(), "payment_initiation".to_owned()];
            file.resources.push(ResourceFile { authorization_details_types, ..resource(&["a"]) });
        };
        check(unknown, Some(Setting::Resources));
        check(|file| file.pre_claim_scopes.push("a\"b".to_owned()), Some(Setting::PreClaimScopes));
        check(|file| file.limits.waiting_polls = 0, Some(Setting::WaitingPolls));
        check(|file| file.limits.waiting_polls = MAX_WAITING_POLLS, None);
        check(|file| file.limits.connections_per_peer = 0, Some(Setting::ConnectionsPerPeer));
        check(|file| file.limits.connections_per_peer = MAX_CONNECTIONS, None);
        check(|file| file.limits.connections_per_peer = MAX_CONNECTIONS + 1, Some(Setting::ConnectionsPerPeer));
        check(|file| file.limits.waiting_polls = MAX_WAITING_POLLS + 1, Some(Setting::WaitingPolls));
        check(|file| file.limits.registrations_per_source = MAX_LIMIT + 1, Some(Setting::RegistrationsPerSource));
        check(|file| file.limits.registrations_in_total = MAX_LIMIT, None);
    }

    #[test]
    fn a_recovery_key_is_a_did_key_of_ones_own() {
        let set = |key: &str, expected| check(|file| file.feed_recovery_key = Some(key.to_owned()), expected);
        set("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", None);
        set("did:web:id.example", Some(Setting::FeedRecoveryKey));
        set("", Some(Setting::FeedRecoveryKey));
        // TH68
        let published = handfast_identity::SigningKey::from_ed25519_seed(&[7; 32]).public().did();
        set(published.as_str(), Some(Setting::FeedRecoveryKey));
        check(
            |file| {
                development(file);
                file.feed_recovery_key = Some(published.to_string());
            },
            None,
        );
    }

    #[test]
    fn waiting_polls_leave_connections_for_others() {
        let connections = handfast_middleware::server::ServerLimits::default().connections;
        assert!(usize::try_from(MAX_WAITING_POLLS).unwrap() <= connections / 4);
        assert!(LimitsFile::default().waiting_polls <= MAX_WAITING_POLLS);
        assert_eq!(usize::try_from(MAX_CONNECTIONS), Ok(connections));
    }

    #[test]
    fn the_models_own_rules_count_too() {
        let policy_error = |change: fn(&mut ConfigFile)| {
            let mut file = ConfigFile::new("https://id.example", "127.0.0.1:4500".parse().unwrap());
            change(&mut file);
            matches!(RegistryConfig::new(&file), Err(ConfigError::Policy(_)))
        };
        assert!(policy_error(|file| file.lifetimes.token_seconds = 901));
        assert!(!policy_error(|file| file.lifetimes.token_seconds = 900));
        assert!(policy_error(|file| file.lifetimes.delegable_token_seconds = 3601));
        assert!(!policy_error(|file| file.lifetimes.delegable_token_seconds = 3600));
        assert!(policy_error(|file| file.pre_claim_scopes = vec!["nobody:knows".to_owned()]));
        assert!(policy_error(|file| file.resources.push(ResourceFile::new("https://api.example", &["owner:self"]))));
    }
}
