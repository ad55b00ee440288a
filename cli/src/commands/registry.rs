//! `handfast registry`: set one up and run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use handfast_middleware::{Clock as _, SystemClock};
use handfast_registry::{CONFIG_FILE, ConfigFile, RecoveryKey, RegistryConfig, ResourceFile, SetupError};
use serde_json::json;
use tokio::net::TcpListener;

use super::dev::wait_for_stop;
use crate::args::{KeyPurpose, RegistryCommand, RegistryInitArgs, ReplaceFeedKeyArgs};
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{keyfiles, rehearsal};

pub(crate) async fn run(command: RegistryCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        RegistryCommand::Init(args) => init(&args, ui).await,
        RegistryCommand::Serve { dir } => serve(&dir, ui).await,
        RegistryCommand::RotateKey { purpose: KeyPurpose::Token, dir } => rotate_token_key(&dir, ui),
        RegistryCommand::NewEpoch { dir, reason } => new_epoch(&dir, reason.as_deref(), ui),
        RegistryCommand::ReplaceFeedKey(args) => replace_feed_key(&args, ui),
        RegistryCommand::RecoveryKey { file } => recovery_key(&file, ui),
    }
}

async fn init(args: &RegistryInitArgs, ui: Ui) -> Result<(), Failure> {
    let mut config = ConfigFile::new(&args.issuer, args.listen);
    if args.development {
        config.mode = "development".to_owned();
    }
    config.pre_claim_scopes = args.pre_claim_scopes.split_whitespace().map(str::to_owned).collect();
    let plain = args.resource.iter().map(|text| resource(text));
    let applying = args.tool_resource.iter().map(|text| resource(text).map(ResourceFile::applying_details));
    config.resources = plain.chain(applying).collect::<Result<_, _>>()?;
    let recovery_file = args.recovery_key.clone().unwrap_or_else(|| beside(&args.dir));
    let recovery = RecoveryKey::generate();
    config.feed_recovery_key = Some(recovery.did().to_string());
    if ui.rehearses() {
        // what would be refused is refused here as well
        RegistryConfig::new(&config).map_err(|error| failure(&SetupError::from(error)))?;
        keyfiles::require_absent(&recovery_file)?;
        let secret = rehearsal::write(&recovery_file, "the feed's recovery key");
        return ui.rehearsed(&[secret, rehearsal::write(&args.dir, "a registry: keys, registry.toml, an empty store")]);
    }
    // first, so that no registry pins a key that nobody has
    write_recovery_key(&recovery, &recovery_file)?;
    let made = handfast_registry::init(&args.dir, &config).await.map_err(|error| {
        // nobody was told of it
        let _ = std::fs::remove_file(&recovery_file);
        failure(&error)
    })?;
    let code = made.admin_code.expose();
    let told = json!({
        "dir": args.dir,
        "issuer": args.issuer,
        "feed_key": made.feed_key,
        "feed_recovery_key": recovery.did(),
        "recovery_key_file": recovery_file,
        "admin_code": code,
    });
    ui.result(&told, |_| {
        format!(
            "Registry made in {dir}\n\
             Feed key     {feed}  (resource servers pin it)\n\
             Recovery key {recovery}  (they pin it too: it alone can replace the feed key)\n\
             Its secret   {file}  (move it away from this machine, now)\n\
             Admin code   {code}  (once, within 24 hours)\n\n\
             Next:  handfast registry serve --dir {dir}\n\
             then:  handfast owner init --registry {issuer} --enrol {code}",
            dir = args.dir.display(),
            feed = made.feed_key,
            recovery = recovery.did(),
            file = recovery_file.display(),
            issuer = args.issuer,
        )
    })
}

fn rotate_token_key(dir: &Path, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        require_registry(dir)?;
        return ui.rehearsed(&[rehearsal::write(dir, "another token key, which stands by")]);
    }
    let rotated = handfast_registry::rotate_token_key(dir, SystemClock.now())
        .map_err(|error| Failure::new(Exit::File, error.to_string()))?;
    let told = json!({"signs": rotated.signs, "stands_by": rotated.stands_by, "replaced": rotated.replaced});
    ui.result(&told, |_| {
        let replaced = rotated.replaced.as_deref().unwrap_or("nothing: no key stood by until now");
        format!(
            "Signs        {}\nStands by    {}\nReplaced     {replaced}\n\nIt counts from the registry's next start.",
            rotated.signs, rotated.stands_by
        )
    })
}

fn new_epoch(dir: &Path, reason: Option<&str>, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        require_registry(dir)?;
        return ui.rehearsed(&[rehearsal::write(dir, "a new epoch of the feed")]);
    }
    let begun = handfast_registry::begin_epoch(dir, reason, SystemClock.now()).map_err(|error| failure(&error))?;
    ui.result(&json!({"epoch": begun.epoch, "follows": begun.follows}), |_| {
        format!(
            "New epoch    {}\nIt follows   {} up to number {}, head {}",
            begun.epoch, begun.follows.epoch, begun.follows.seq, begun.follows.head
        )
    })
}

fn require_registry(dir: &Path) -> Result<(), Failure> {
    if dir.join(CONFIG_FILE).is_file() {
        return Ok(());
    }
    Err(failure(&SetupError::NotARegistry(dir.to_owned())))
}

/// Where the recovery key of the registry in `dir` is put if nobody says otherwise: not inside, where every backup would have it.
fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_else(|| OsStr::new("registry")).to_owned();
    name.push("-feed-recovery.jwk");
    dir.parent().unwrap_or_else(|| Path::new("")).join(name)
}

fn write_recovery_key(key: &RecoveryKey, file: &Path) -> Result<(), Failure> {
    key.write(file).map_err(|error| Failure::new(Exit::File, error.to_string()))
}

fn recovery_key(file: &Path, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        keyfiles::require_absent(file)?;
        return ui.rehearsed(&[rehearsal::write(file, "the feed's recovery key")]);
    }
    let key = RecoveryKey::generate();
    write_recovery_key(&key, file)?;
    let line = format!("feed_recovery_key = \"{}\"", key.did());
    ui.result(&json!({"feed_recovery_key": key.did(), "recovery_key_file": file}), |_| {
        format!(
            "Its secret   {}  (keep it away from the registry)\n\
             For registry.toml, above its first table; resource servers pin it too:\n\n{line}",
            file.display()
        )
    })
}

fn replace_feed_key(args: &ReplaceFeedKeyArgs, ui: Ui) -> Result<(), Failure> {
    let recovery =
        RecoveryKey::read(&args.recovery_key).map_err(|error| Failure::new(Exit::File, error.to_string()))?;
    if ui.rehearses() {
        require_registry(&args.dir)?;
        return ui.rehearsed(&[rehearsal::write(&args.dir, "another feed key, and a new epoch of the feed")]);
    }
    let question = format!(
        "The feed key of `{}` is over for good, with all it signed: servers that do not pin the recovery key refuse every token \
         until they are told the new one.",
        args.dir.display()
    );
    ui.confirm(&question, "replace", args.yes)?;
    let reason = args.reason.as_deref();
    let replaced = handfast_registry::replace_feed_key(&args.dir, &recovery, &args.former, reason, SystemClock.now())
        .map_err(|error| failure(&error))?;
    let told = json!({
        "seq": replaced.seq,
        "feed_key": replaced.key,
        "replaces": replaced.replaces,
        "epoch": replaced.begun.epoch,
        "follows": replaced.begun.follows,
    });
    ui.result(&told, |_| {
        let former: Vec<_> = replaced.replaces.iter().map(ToString::to_string).collect();
        format!(
            "Feed key     {}  (statement {})\nIt replaces  {}\nNew epoch    {}\n\nIt counts from the registry's next start.",
            replaced.key,
            replaced.seq,
            former.join("\n             "),
            replaced.begun.epoch
        )
    })
}

fn resource(text: &str) -> Result<ResourceFile, Failure> {
    // a resource may hold `=` in its query, a scope cannot begin before the last one
    let (id, scopes) = text.rsplit_once('=').ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no `URL=SCOPE SCOPE`"))
            .with_help("for example https://api.example/=files:read")
    })?;
    Ok(ResourceFile::new(id, &scopes.split_whitespace().collect::<Vec<_>>()))
}

async fn serve(dir: &Path, ui: Ui) -> Result<(), Failure> {
    start_logging();
    let registry = handfast_registry::open(dir).await.map_err(|error| failure(&error))?;
    let address = registry.config().listen();
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot listen on {address}: {error}"))
            .with_help("see `listen` in registry.toml")
    })?;
    let recovery = registry.config().feed_recovery_key();
    let told = json!({
        "issuer": registry.config().issuer(),
        "listen": address,
        "feed_key": registry.feed_key(),
        "feed_recovery_key": recovery,
    });
    let secret = beside(dir);
    if secret.exists() {
        ui.remark(&format!(
            "Warning: the feed's recovery key is still in `{}`: whoever breaks in has it too. Move it away from this machine.",
            secret.display()
        ));
    }
    ui.result(&told, |_| format!("Registry {} listening on {address}", registry.config().issuer()))?;
    registry
        .serve(listener, async {
            // without signals it still serves; it is then stopped by force
            if wait_for_stop().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    Ok(())
}

/// Logs on standard error; `RUST_LOG` chooses what, `info` without it.
fn start_logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // a second start in one process would be the only failure
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(Ui::colours(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .try_init();
}

fn failure(error: &SetupError) -> Failure {
    let failure = |exit| Failure::new(exit, error.to_string());
    match error {
        SetupError::NotEmpty(_) => failure(Exit::File).with_help("name a directory that does not exist yet"),
        SetupError::NotARegistry(_) => failure(Exit::File).with_help("make one with `handfast registry init`"),
        SetupError::Io { .. } | SetupError::Key(_) => failure(Exit::File),
        SetupError::NoRecoveryKey => {
            failure(Exit::Usage).with_help("`handfast registry recovery-key FILE` makes one, for the next time")
        }
        SetupError::Config(_) | SetupError::Reason(_) | SetupError::OtherRecoveryKey { .. } => failure(Exit::Usage),
        SetupError::Store(_) => failure(Exit::Unavailable),
        _ => failure(Exit::Failed),
    }
}
