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
use handfast_verifier::revocation::{FeedPosition, Head};
use thiserror::Error;

use crate::config::{CONFIG_FILE, ConfigError, ConfigFile, MAX_CONFIG_BYTES, RegistryConfig};
use crate::feed::FeedChain;
use crate::keys::{KeyFileError, RegistryKeys, sync_directory};
use crate::random::SharedRandom;
use crate::service::{Parts, Registry, SharedClock, StartError};
use crate::store::{FeedLink, SledOptions, StoreError, begin_epoch_sled, open_sled};

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
    let registry = start(directory, RegistryConfig::new(config)?, keys).await?;
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
    let keys = RegistryKeys::read(directory)?;
    Ok(start(directory, config, keys).await?)
}

/// A new epoch of a registry's feed, and where the one before it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochBegun {
    /// Its id.
    pub epoch: String,
    /// Where the epoch before it ended: what the operator vouches for from now on.
    pub follows: FeedPosition,
}

/// Begins a new epoch of the feed of the registry in `directory`, which must not be running: for one that was restored from a
/// backup (spec/revocation-feed.md, a restored registry).
///
/// # Errors
///
/// [`SetupError`]; the registry is then as it was.
pub fn begin_epoch(directory: impl AsRef<Path>) -> Result<EpochBegun, SetupError> {
    let directory = directory.as_ref();
    let config = RegistryConfig::new(&read_config(directory)?)?;
    let options = store_options(directory);
    let ended = begin_epoch_sled(&options, &FeedChain::new(config.issuer()))?;
    let head = Head::from_bytes(ended.feed_head);
    let follows = FeedPosition { epoch: ended.epoch, seq: ended.feed_to, head };
    Ok(EpochBegun { epoch: options.new_epoch, follows })
}

/// The store of a registry; its epoch counts for a new store, or to begin another.
fn store_options(directory: &Path) -> SledOptions {
    SledOptions { directory: directory.join(STORE_DIRECTORY), new_epoch: random_id(EPOCH_PREFIX, &mut OsRandom) }
}

async fn start(directory: &Path, config: RegistryConfig, keys: RegistryKeys) -> Result<Registry, StartError> {
    // an existing store keeps its own epoch
    let options = store_options(directory);
    let store = Arc::new(open_sled(&options, feed_link(config.issuer()))?);
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

fn read_config(directory: &Path) -> Result<ConfigFile, SetupError> {
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
