//! A registry and an API on loopback, for `demo` and `dev`: real servers, real sockets, a store in a temporary directory.

mod api;
#[cfg(test)]
mod rotation;

use std::net::Ipv4Addr;
use std::time::SystemTime;

use handfast_client::{
    Agent, AgentRegistration, Approval, ApprovalAnswer, Ceiling, Claim, ClientError, DelegationMode, DpopKey, KeyFile,
    KeyKind, Management, OwnerRegistration, Registered, RegistryClient, Role, Secret,
};
use handfast_delegation::{Environment, ResourceId, Scope};
use handfast_identity::{DidKey, Seconds, SigningKey, UnixTime, fingerprint};
use handfast_registry::{ConfigFile, ResourceFile};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::{Exit, Failure};

/// The scope `/echo` asks for.
pub(crate) const READ_SCOPE: &str = "echo:read";
/// The scope every agent of this registry has before it is claimed.
pub(crate) const HELLO_SCOPE: &str = "echo:hello";
/// The scope `/other` asks for; no agent here is ever given it.
pub(crate) const OTHER_SCOPE: &str = "other:read";
/// The tool that `/files/…` is, for agents with the same scope as `/echo`.
pub(crate) const READ_FILE: &str = "read_file";
/// A second resource of the registry, where nobody is at home: for tokens that are good elsewhere.
pub(crate) const ELSEWHERE: &str = "https://elsewhere.example/";
/// How far agents of this registry may pass their authority on.
const MAX_DEPTH: u8 = 2;
/// Lifetime of tokens where clients are tried out by hand.
pub(crate) const LONG_LIVED: Seconds = Seconds::new(3600);

/// How the servers are started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ports {
    /// Of the registry; 0 takes a free one.
    pub registry: u16,
    /// Of the API; 0 takes a free one.
    pub api: u16,
    /// Lifetime of access tokens; the registry's default without it.
    pub token_lifetime: Option<Seconds>,
}

/// The running servers.
pub(crate) struct Local {
    directory: TempDir,
    issuer: String,
    api_origin: String,
    feed_key: DidKey,
    admin_code: Secret,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Local {
    /// Starts both and waits until the API knows the registry's keys and revocations.
    pub(crate) async fn start(ports: Ports) -> Result<Self, Failure> {
        let directory = TempDir::with_prefix("handfast-").map_err(|error| failed("no temporary directory", error))?;
        let registry_listener = bind(ports.registry).await?;
        let api_listener = bind(ports.api).await?;
        let (issuer, api_origin) = (origin(&registry_listener)?, origin(&api_listener)?);

        let mut config = ConfigFile::new(&issuer, address(&registry_listener)?);
        config.mode = "development".to_owned();
        config.pre_claim_scopes = vec![HELLO_SCOPE.to_owned()];
        config.resources = vec![
            ResourceFile::new(&api_origin, &[READ_SCOPE, HELLO_SCOPE, OTHER_SCOPE]).applying_details(),
            ResourceFile::new(ELSEWHERE, &[READ_SCOPE]),
        ];
        if let Some(lifetime) = ports.token_lifetime {
            config.lifetimes.token_seconds = lifetime.get();
        }
        let home = directory.path().join("registry");
        let made = handfast_registry::init(&home, &config).await.map_err(|error| failed("no registry", error))?;
        let registry = handfast_registry::open(&home).await.map_err(|error| failed("no registry", error))?;

        let (stop, stopped) = watch::channel(false);
        let mut servers = vec![tokio::spawn({
            let stopped = until(stopped.clone());
            async move { registry.serve(registry_listener, stopped).await }
        })];
        servers.push(api::start(api_listener, &api_origin, &issuer, made.feed_key.clone(), until(stopped)).await?);
        let admin_code = Secret::new(made.admin_code.expose());
        Ok(Self { directory, issuer, api_origin, feed_key: made.feed_key, admin_code, stop, servers })
    }

    /// Ends both servers.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            // a server that panicked has said so already
            let _ = server.await;
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn api_origin(&self) -> &str {
        &self.api_origin
    }

    pub(crate) const fn feed_key(&self) -> &DidKey {
        &self.feed_key
    }

    pub(crate) fn echo_url(&self) -> String {
        format!("{}/echo", self.api_origin)
    }

    pub(crate) fn other_url(&self) -> String {
        format!("{}/other", self.api_origin)
    }

    /// Where the tool reads `path`, which begins with a slash.
    pub(crate) fn file_url(&self, path: &str) -> String {
        format!("{}/files{path}", self.api_origin)
    }

    /// The registry, for whoever holds `key`.
    pub(crate) fn registry(&self, key: DpopKey) -> Result<RegistryClient, Failure> {
        Ok(RegistryClient::new(&self.issuer, key)?)
    }

    /// The first admin, by the code that `init` gave.
    pub(crate) async fn admin(&self) -> Result<RegistryClient, Failure> {
        self.owner(Secret::new(self.admin_code.expose())).await
    }

    /// An owner, by a one-time code.
    pub(crate) async fn owner(&self, code: Secret) -> Result<RegistryClient, Failure> {
        let registry = self.registry(DpopKey::generate())?;
        registry.register_owner(&OwnerRegistration { enrolment: code }).await?;
        Ok(registry)
    }

    /// The registry's own token key, which no impostor has: for tokens that are wrong in their time only.
    pub(crate) fn token_key(&self) -> Result<SigningKey, Failure> {
        let path = self.directory.path().join("registry/keys/token.jwk");
        let text = std::fs::read_to_string(&path).map_err(|error| failed("no token key", error))?;
        SigningKey::from_private_jwk(text.trim()).map_err(|error| failed("no token key", error))
    }

    /// A registration of an agent that would like to read.
    pub(crate) fn registration(&self, name: &str) -> Result<AgentRegistration, Failure> {
        Ok(AgentRegistration {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            purpose: "shows what handfast does".to_owned(),
            environment: Environment::Dev,
            scope: Scope::parse(READ_SCOPE).map_err(|error| failed("no scope", error))?,
            resources: vec![self.api_resource()?],
            expected_owner: None,
            enrolment: None,
        })
    }

    fn api_resource(&self) -> Result<ResourceId, Failure> {
        ResourceId::parse(&self.api_origin).map_err(|error| failed("no resource", error))
    }

    /// The approval of a claim: reading, here and elsewhere, and passing that on as the registry's default has it or as said.
    pub(crate) fn approval(&self, claim: &Claim, delegation: Option<DelegationMode>) -> Result<Approval, Failure> {
        let elsewhere = ResourceId::parse(ELSEWHERE).map_err(|error| failed("no resource", error))?;
        let scope = Scope::parse(READ_SCOPE).map_err(|error| failed("no scope", error))?;
        Ok(Approval {
            user_code: Secret::new(claim.user_code.expose()),
            handle: None,
            ceiling: Ceiling {
                scope,
                resources: vec![self.api_resource()?, elsewhere],
                max_task: None,
                delegation,
                max_depth: Some(MAX_DEPTH),
                tools: None,
                budget: None,
                delegates: Vec::new(),
                // whoever tries it out makes keys as he goes
                instances: true,
            },
        })
    }

    /// Both posts of a claim, the words compared in between.
    pub(crate) async fn claim(&self, owner: &Management, agent: &DidKey, claim: &Claim) -> Result<(), ClientError> {
        self.claim_with(owner, agent, claim, None).await
    }

    /// The same, saying how the agent may pass its authority on.
    pub(crate) async fn claim_with(
        &self,
        owner: &Management,
        agent: &DidKey,
        claim: &Claim,
        delegation: Option<DelegationMode>,
    ) -> Result<(), ClientError> {
        let approval = match self.approval(claim, delegation) {
            Ok(approval) => approval,
            Err(failure) => return Err(ClientError::Middleware(failure.to_string())),
        };
        match owner.approve_claim(&claim.id, &approval, None).await? {
            ApprovalAnswer::Claimed(_) => Ok(()),
            ApprovalAnswer::Confirm(shown) if shown.fingerprint == fingerprint(agent) => {
                owner.approve_claim(&claim.id, &approval, Some(&shown.fingerprint)).await.map(|_| ())
            }
            ApprovalAnswer::Confirm(_) => Err(ClientError::Middleware("the fingerprint is another's".to_owned())),
        }
    }

    /// Registers and claims an agent for a new owner.
    pub(crate) async fn claimed_agent(&self, name: &str, key: DpopKey, admin: &Management) -> Result<Agent, Failure> {
        let owner = self.owner(admin.new_owner_code().await?).await?.acting_as(Role::Owner)?;
        let registry = self.registry(key.clone())?;
        let Registered { claim, .. } = registry.register_agent(&self.registration(name)?).await?;
        let claim = claim.ok_or_else(|| Failure::new(Exit::Failed, "the registry gave no claim code"))?;
        self.claim(&owner, key.did(), &claim).await?;
        self.agent(key)
    }

    /// An agent of this registry by its key.
    pub(crate) fn agent(&self, key: DpopKey) -> Result<Agent, Failure> {
        let mut file = KeyFile::new(KeyKind::Agent, key);
        file.issuer = Some(self.issuer.clone());
        Ok(Agent::from_key_file(file)?)
    }
}

/// The time, for whoever signs by hand.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}

async fn bind(port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot listen on 127.0.0.1:{port}: {error}"))
            .with_help("is another server on this port?")
    })
}

fn address(listener: &TcpListener) -> Result<std::net::SocketAddr, Failure> {
    listener.local_addr().map_err(|error| failed("no address", error))
}

fn origin(listener: &TcpListener) -> Result<String, Failure> {
    address(listener).map(|address| format!("http://{address}"))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // a sender that is gone stops the servers as well
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{what}: {error}"))
}
