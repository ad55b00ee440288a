//! A registry's directory: made once, opened at each start.
//!
//! ```text
//! registry.toml       the configuration
//! keys/               token.jwk, feed.jwk, code.secret, each 0600
//! store/              the embedded store
//! ```

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handfast_identity::{DidKey, OsRandom, random_id};
use handfast_middleware::SystemClock;
use handfast_registry_model::{OwnerCode, Refusal, Role};
use handfast_verifier::revocation::MAX_REPLACED_KEYS;
use thiserror::Error;

use crate::config::{CONFIG_FILE, ConfigError, ConfigFile, MAX_CONFIG_BYTES, RegistryConfig};
use crate::feed::{FeedChain, NamedFeedKey};
use crate::keys::{KeyFileError, RegistryKeys, settle_feed_key, sync_directory};
use crate::random::SharedRandom;
use crate::service::{Parts, Registry, SharedClock, StartError};
use crate::store::{EmbeddedStore, FeedLink, SledOptions, StoreError, open_sled};

/// Where the embedded store is, in the registry's directory.
pub const STORE_DIRECTORY: &str = "store";
const EPOCH_PREFIX: &str = "epoch_";

/// A registry that was just made.
pub struct Initialised {
    /// The one-time code with which the first admin registers. It is nowhere else: show it once.
    pub admin_code: OwnerCode,
    /// The key of the feed, for resource servers to pin.
    pub feed_key: DidKey,
}

impl fmt::Debug for Initialised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initialised").field("feed_key", &self.feed_key).finish_non_exhaustive()
    }
}

/// Why a registry cannot be made or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The directory has something in it: nothing is written over.
    #[error("`{}` is not empty: a registry is made in a directory of its own", .0.display())]
    NotEmpty(PathBuf),
    /// There is no registry here.
    #[error("`{}` holds no registry: it has no `{CONFIG_FILE}`", .0.display())]
    NotARegistry(PathBuf),
    /// A path that cannot be made, read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry does not start.
    #[error(transparent)]
    Start(StartError),
    /// The registry knows no recovery key: nothing can replace its feed key.
    #[error(
        "setting `feed_recovery_key`: there is none, so resource servers have to be told a new feed key one by one"
    )]
    NoRecoveryKey,
    /// Another key than the registry's recovery key: no resource server would take its word.
    #[error("`{found}` is not the recovery key of this registry, which is `{expected}`")]
    OtherRecoveryKey {
        /// The one in the configuration.
        expected: String,
        /// The one that was given.
        found: String,
    },
    /// So many feed keys were replaced that a statement names no more.
    #[error("the feed key was replaced {MAX_REPLACED_KEYS} times: the registry needs another issuer identifier")]
    TooManyFeedKeys,
    /// A reason that the log cannot keep.
    #[error("the reason is refused: {0}")]
    Reason(String),
    /// A log entry or statement that cannot be written.
    #[error("it cannot be written down: {0}")]
    Written(String),
    /// The first admin's code could not be kept.
    #[error("the first admin's code could not be made: {0}")]
    Code(Refusal),
}

impl From<StartError> for SetupError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => Self::Config(error),
            StartError::Store(error) => Self::Store(error),
            other => Self::Start(other),
        }
    }
}

/// How the feed of `issuer` is chained: what its store has to be opened with.
#[must_use]
pub fn feed_link(issuer: &str) -> Arc<dyn FeedLink> {
    Arc::new(FeedChain::new(issuer))
}

/// Makes a registry in `directory`, which must be missing or empty: keys, configuration, store, and the first admin's code.
///
/// # Errors
///
/// [`SetupError`]. What a failed call leaves behind holds nothing that anybody was told of: remove it and call again.
pub async fn init(directory: impl AsRef<Path>, config: &ConfigFile) -> Result<Initialised, SetupError> {
    let directory = directory.as_ref();
    let text = config.to_toml()?;
    make_empty(directory)?;
    let keys = RegistryKeys::generate(&mut OsRandom);
    keys.write(directory)?;
    write(&directory.join(CONFIG_FILE), &text)?;
    sync_directory(directory)?;
    let config = RegistryConfig::new(config)?;
    let store = open_store(directory, &config)?;
    let registry = start(config, store, keys).await?;
    let admin_code = registry.operator_code(Role::Admin).await.map_err(SetupError::Code)?;
    Ok(Initialised { admin_code, feed_key: registry.feed_key() })
}

/// Opens the registry in `directory`.
///
/// # Errors
///
/// [`SetupError`], naming the file or setting.
pub async fn open(directory: impl AsRef<Path>) -> Result<Registry, SetupError> {
    let directory = directory.as_ref();
    let config = RegistryConfig::new(&read_config(directory)?)?;
    // before the store is touched: a key file that cannot be used is told as such
    RegistryKeys::read(directory)?;
    let store = open_store(directory, &config)?;
    if let Some(named) = NamedFeedKey::load(&*store).await? {
        settle_feed_key(directory, &named.statement.key)?;
    }
    Ok(start(config, store, RegistryKeys::read(directory)?).await?)
}

/// The store of a registry; its epoch counts for a new store, or to begin another.
pub(crate) fn store_options(directory: &Path) -> SledOptions {
    SledOptions { directory: directory.join(STORE_DIRECTORY), new_epoch: random_id(EPOCH_PREFIX, &mut OsRandom) }
}

fn open_store(directory: &Path, config: &RegistryConfig) -> Result<Arc<EmbeddedStore>, StoreError> {
    // an existing store keeps its own epoch
    Ok(Arc::new(open_sled(&store_options(directory), feed_link(config.issuer()))?))
}

async fn start(config: RegistryConfig, store: Arc<EmbeddedStore>, keys: RegistryKeys) -> Result<Registry, StartError> {
    let (clock, random) = (SharedClock::new(SystemClock), SharedRandom::new(OsRandom));
    Registry::start(Parts { config, store, keys, clock, random }).await
}

fn make_empty(directory: &Path) -> Result<(), SetupError> {
    let told = |source| SetupError::Io { path: directory.to_path_buf(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(told)?;
    match directory.read_dir().map_err(told)?.next() {
        None => Ok(()),
        Some(_) => Err(SetupError::NotEmpty(directory.to_path_buf())),
    }
}

fn write(path: &Path, text: &str) -> Result<(), SetupError> {
    let told = |source| SetupError::Io { path: path.to_path_buf(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(told)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(told)
}

pub(crate) fn read_config(directory: &Path) -> Result<ConfigFile, SetupError> {
    let path = directory.join(CONFIG_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SetupError::NotARegistry(directory.to_path_buf()));
        }
        Err(source) => return Err(SetupError::Io { path, source }),
    };
    let mut text = String::new();
    let read = file.take(MAX_CONFIG_BYTES + 1).read_to_string(&mut text);
    read.map_err(|source| SetupError::Io { path, source })?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_CONFIG_BYTES {
        return Err(ConfigError::Syntax(format!("longer than {MAX_CONFIG_BYTES} bytes")).into());
    }
    Ok(ConfigFile::parse(&text)?)
}
