//! `handfast registry`: set one up and run it.

use std::path::Path;

use handfast_middleware::{Clock as _, SystemClock};
use handfast_registry::{CONFIG_FILE, ConfigFile, RegistryConfig, ResourceFile, SetupError};
use serde_json::json;
use tokio::net::TcpListener;

use super::dev::wait_for_stop;
use crate::args::{KeyPurpose, RegistryCommand, RegistryInitArgs};
use crate::exit::{Exit, Failure};
use crate::rehearsal;
use crate::ui::Ui;

pub(crate) async fn run(command: RegistryCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        RegistryCommand::Init(args) => init(&args, ui).await,
        RegistryCommand::Serve { dir } => serve(&dir, ui).await,
        RegistryCommand::RotateKey { purpose: KeyPurpose::Token, dir } => rotate_token_key(&dir, ui),
        RegistryCommand::NewEpoch { dir } => new_epoch(&dir, ui),
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
    if ui.rehearses() {
        // what would be refused is refused here as well
        RegistryConfig::new(&config).map_err(|error| failure(&SetupError::from(error)))?;
        return ui.rehearsed(&[rehearsal::write(&args.dir, "a registry: keys, registry.toml, an empty store")]);
    }
    let made = handfast_registry::init(&args.dir, &config).await.map_err(|error| failure(&error))?;
    let code = made.admin_code.expose();
    let told = json!({"dir": args.dir, "issuer": args.issuer, "feed_key": made.feed_key, "admin_code": code});
    ui.result(&told, |_| {
        format!(
            "Registry made in {dir}\n\
             Feed key     {feed}  (resource servers pin it)\n\
             Admin code   {code}  (once, within 24 hours)\n\n\
             Next:  handfast registry serve --dir {dir}\n\
             then:  handfast owner init --registry {issuer} --enrol {code}",
            dir = args.dir.display(),
            feed = made.feed_key,
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

fn new_epoch(dir: &Path, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        require_registry(dir)?;
        return ui.rehearsed(&[rehearsal::write(dir, "a new epoch of the feed")]);
    }
    let begun = handfast_registry::begin_epoch(dir).map_err(|error| failure(&error))?;
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
    let told = json!({"issuer": registry.config().issuer(), "listen": address, "feed_key": registry.feed_key()});
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
        SetupError::Config(_) => failure(Exit::Usage),
        SetupError::Store(_) => failure(Exit::Unavailable),
        _ => failure(Exit::Failed),
    }
}
