//! Key files, registries and their errors, as commands see them.

use std::path::Path;

use handfast_client::{
    Agent, AnswerError, ClientError, DelegationError, DpopKey, HolderError, KeyFile, KeyFileError, KeyKind,
    KeyringError, Management, OwnerError, RegistryClient, RegistryError, Role, SignError,
};
use handfast_identity::{OsRandom, SigningKey};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::passphrase;
use crate::ui::Ui;

/// Loads a key file, with its passphrase if it takes one.
pub(crate) fn load(path: &Path) -> Result<KeyFile, Failure> {
    match KeyFile::load(path) {
        Err(KeyFileError::Encrypted { .. }) => Ok(KeyFile::load_with(path, &passphrase::of(path)?)?),
        other => Ok(other?),
    }
}

/// Loads an agent's key file.
pub(crate) fn agent(path: &Path, ui: Ui) -> Result<Agent, Failure> {
    let file = load(path)?;
    Ok(if ui.rehearses() { Agent::rehearsing(file)? } else { Agent::from_key_file(file)? })
}

/// The registry `issuer`, seen with the key of `file`; one that nothing is sent to where that is only rehearsed.
pub(crate) fn client(issuer: &str, file: &KeyFile, ui: Ui) -> Result<RegistryClient, Failure> {
    let key = file.key.clone();
    Ok(if ui.rehearses() { RegistryClient::rehearsing(issuer, key)? } else { RegistryClient::new(issuer, key)? })
}

/// The secret of a key of this process's own making.
pub(crate) fn secret_of(key: &DpopKey) -> Result<Zeroizing<String>, Failure> {
    key.expose_private_jwk().ok_or_else(|| Failure::new(Exit::Failed, "the secret of this key is not here"))
}

/// Loads an owner's key file.
pub(crate) fn owner(path: &Path) -> Result<KeyFile, Failure> {
    let file = load(path)?;
    if file.kind != KeyKind::Owner {
        return Err(Failure::new(
            Exit::File,
            format!("`{}` is an agent's key file, expected an owner's", path.display()),
        )
        .with_help("name the owner's file with `--key`"));
    }
    Ok(file)
}

/// The registry of an owner's key file, acting for that owner about what is theirs.
pub(crate) fn management(file: &KeyFile, ui: Ui) -> Result<Management, Failure> {
    management_as(file, Role::Owner, ui)
}

/// The registry of an owner's key file, in this role.
pub(crate) fn management_as(file: &KeyFile, role: Role, ui: Ui) -> Result<Management, Failure> {
    Ok(registry_of(file, ui)?.acting_as(role)?)
}

/// The registry that a key file was registered at.
fn registry_of(file: &KeyFile, ui: Ui) -> Result<RegistryClient, Failure> {
    let issuer = file.issuer.as_deref().ok_or_else(|| {
        Failure::new(Exit::File, "the key file names no registry").with_help("register the key first")
    })?;
    client(issuer, file, ui)
}

/// Fails where there is something already, as making a key file there would.
pub(crate) fn require_absent(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Exists { path: path.to_owned() }.into());
    }
    Ok(())
}

/// A fresh P-256 key, for peers that only know ES256.
pub(crate) fn p256_key() -> Result<DpopKey, Failure> {
    // one scalar in 2^32 is none
    let made = (0..4).find_map(|_| SigningKey::generate_p256(&mut OsRandom).ok());
    made.map(DpopKey::from_signing_key).ok_or_else(|| Failure::new(Exit::Failed, "no key could be made"))
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::KeyFile(cause) => of_key_file(cause),
            ClientError::Registry(refusal) => of_refusal(refusal),
            ClientError::Rehearsed(planned) => Self::rehearsed(planned),
            ClientError::Transport(_) => Self::new(Exit::Unavailable, error.to_string())
                .with_help("is the server running, and is its URL right?"),
            ClientError::Delegation(cause) => of_delegation(cause),
            ClientError::Argument(_) => Self::new(Exit::Usage, error.to_string()),
            ClientError::Owner(OwnerError::NotYet) => Self::new(Exit::Refused, error.to_string())
                .with_help("claim the agent first, with the code it was given"),
            ClientError::Sign(SignError::PlainHttp { .. }) => {
                Self::new(Exit::Usage, error.to_string()).with_help("use the https URL")
            }
            ClientError::Sign(SignError::Holder(cause)) => of_holder(cause),
            ClientError::Answer(AnswerError::History(_)) => Self::new(Exit::Refused, error.to_string()),
            ClientError::Answer(AnswerError::OtherKey { .. }) => {
                Self::new(Exit::Refused, error.to_string()).with_reason("stale_sequence").with_help(
                    "`handfast agent history` shows the agent's keys; only its owner can put another in their place",
                )
            }
            _ => Self::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        of_key_file(&error)
    }
}

/// What this side refused, as a server would have; without a reason it is the command line that makes no sense.
fn of_delegation(error: &DelegationError) -> Failure {
    match error.reason() {
        Some(reason) => Failure::new(Exit::Refused, error.to_string()).with_reason(reason),
        None if matches!(error, DelegationError::OtherIssuer { .. } | DelegationError::Root(_)) => {
            Failure::new(Exit::Refused, error.to_string())
        }
        None => Failure::new(Exit::Usage, error.to_string()),
    }
}

fn of_key_file(error: &KeyFileError) -> Failure {
    let failure = Failure::new(Exit::File, error.to_string());
    match error {
        KeyFileError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => failure
            .with_help("make one with `handfast agent init` or `handfast owner init`, or name another with `--key`"),
        KeyFileError::Exists { .. } => failure.with_help("choose another file with `--key`"),
        KeyFileError::Encrypted { .. } => failure
            .with_help("it was encrypted anew while this ran, or under another passphrase than the key before it"),
        KeyFileError::NoSuccessor { .. } => failure
            .with_help("add a new key to the ssh-agent, and name it: `handfast agent rotate --ssh-agent FINGERPRINT`"),
        KeyFileError::Feature { feature, .. } => failure.with_help(format!("build it with `--features {feature}`")),
        KeyFileError::Keyring { path, cause } => of_keyring(path, cause),
        _ => failure,
    }
}

/// What the operating system's keyring said.
pub(crate) fn of_keyring(path: &Path, cause: &KeyringError) -> Failure {
    let message = format!("the keyring, for `{}`: {cause}", path.display());
    match cause {
        KeyringError::Unavailable(_) => {
            Failure::new(Exit::Unavailable, message).with_help("is a keyring running in this session, and unlocked?")
        }
        _ => Failure::new(Exit::File, message),
    }
}

/// What whoever holds a key said instead of signing.
pub(crate) fn of_holder(error: &HolderError) -> Failure {
    let failure = |exit| Failure::new(exit, error.to_string());
    match error {
        HolderError::Unreachable(_) => {
            failure(Exit::Unavailable).with_help("start an ssh-agent and add the key, or name its socket")
        }
        HolderError::Late { .. } => failure(Exit::Unavailable),
        HolderError::Absent(_) => {
            failure(Exit::File).with_help("add the key to the agent with `ssh-add`, and unlock it")
        }
        HolderError::Refused => failure(Exit::Refused),
        _ => failure(Exit::Failed),
    }
}

fn of_refusal(refusal: &RegistryError) -> Failure {
    let exit = if refusal.status() >= 500 || refusal.status() == 429 { Exit::Unavailable } else { Exit::Refused };
    let detail = refusal.detail().unwrap_or("no details given");
    let failure = Failure::new(exit, format!("the registry refused: {detail}")).with_reason(refusal.reason());
    match refusal.reason() {
        "slow_down" => failure.with_help("wait a minute and try again"),
        "code_used" | "code_expired" | "code_void" => failure.with_help("let the agent ask for a new code"),
        "wrong_code" => failure.with_help("compare the code with what the agent shows"),
        "handle_taken" | "handle_confusable" | "invalid_handle" => failure.with_help("choose another handle"),
        _ => failure,
    }
}
