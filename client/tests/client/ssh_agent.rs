//! Keys held by an ssh-agent: one of our own making that answers as told, and OpenSSH's where it is installed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use handfast_client::{
    Agent, Bundle, ClientError, Custody, DedicatedError, DpopKey, HolderError, KeyFile, KeyFileError, KeyKind,
    SignError, SshAgent, SshAgentPlace, TokenRequest,
};
use handfast_identity::{SigningKey, base64url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::delegation::registry_of;
use crate::support::{FakeRegistry, Reply, Server};

/// What an agent does with a request to sign.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Well,
    WithAnotherKey,
    No,
    Never,
    Raw(&'static [u8]),
    /// Proofs, and no hops.
    ProofsOnly,
    /// Proofs, and hops with another key.
    HopsWithAnotherKey,
}

/// Whether a hop is to be signed.
fn is_hop(data: &[u8]) -> bool {
    let header = data.split(|byte| *byte == b'.').next().unwrap();
    let header = base64url::decode(std::str::from_utf8(header).unwrap()).unwrap();
    String::from_utf8(header).unwrap().contains("delegation+jwt")
}

/// An agent with these keys.
struct FakeAgent {
    folder: tempfile::TempDir,
    signed: Arc<Mutex<Vec<Vec<u8>>>>,
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn blob(key: &SigningKey) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(&key.public().to_bytes())].concat()
}

fn certificate(key: &SigningKey) -> Vec<u8> {
    [string(b"ssh-ed25519-cert-v01@openssh.com"), string(&[1; 32]), string(&key.public().to_bytes()), vec![0; 8]]
        .concat()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[seed; 32])
}

impl FakeAgent {
    fn start(keys: &[(Vec<u8>, &str)], sign: Sign) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let count = u32::try_from(keys.len()).unwrap().to_be_bytes();
        let listed = keys.iter().flat_map(|(blob, comment)| [string(blob), string(comment.as_bytes())]).flatten();
        let listed: Vec<u8> = [12].into_iter().chain(count).chain(listed).collect();
        let signed: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let noted = Arc::clone(&signed);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (listed, noted) = (listed.clone(), Arc::clone(&noted));
                tokio::spawn(async move {
                    let length = stream.read_u32().await.unwrap();
                    let mut request = vec![0; usize::try_from(length).unwrap()];
                    stream.read_exact(&mut request).await.unwrap();
                    let answer = if request == [11] {
                        string(&listed)
                    } else {
                        let data = request[1 + 4 + 51 + 4..request.len() - 4].to_vec();
                        noted.lock().unwrap().push(data.clone());
                        match sign {
                            Sign::ProofsOnly if is_hop(&data) => string(&[5]),
                            Sign::HopsWithAnotherKey if is_hop(&data) => signature(&key(2), &data),
                            Sign::Well | Sign::ProofsOnly | Sign::HopsWithAnotherKey => signature(&key(1), &data),
                            Sign::WithAnotherKey => signature(&key(2), &data),
                            Sign::No => string(&[5]),
                            Sign::Never => std::future::pending().await,
                            Sign::Raw(bytes) => bytes.to_vec(),
                        }
                    };
                    stream.write_all(&answer).await.unwrap();
                });
            }
        });
        Self { folder, signed }
    }

    fn marked(sign: Sign) -> Self {
        Self::start(&[(blob(&key(1)), "handfast:filer")], sign)
    }

    fn place(&self) -> SshAgentPlace {
        SshAgentPlace { socket: Some(self.folder.path().join("socket")) }
    }

    fn agent(&self) -> SshAgent {
        SshAgent::new(self.place())
    }
}

fn signature(by: &SigningKey, data: &[u8]) -> Vec<u8> {
    string(&[&[14][..], &string(&[string(b"ssh-ed25519"), string(&by.sign(data))].concat())].concat())
}

/// An agent of `registry` whose key is in `place`, read from its file as any other.
async fn agent_at(registry: &FakeRegistry, place: SshAgentPlace) -> Agent {
    let agent = SshAgent::new(place.clone());
    let found = agent.dedicated(None, None).await.unwrap();
    let file = KeyFile {
        custody: Custody::SshAgent(place),
        issuer: Some(registry.server.url.clone()),
        ..KeyFile::new(KeyKind::Agent, agent.key(found.public()).unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    file.create(&path).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains(r#""key""#));
    Agent::load(&path).unwrap()
}

/// One request with a token, all of it signed by the holder; what the server saw is verified there.
async fn call(registry: &FakeRegistry, place: SshAgentPlace) -> Result<u16, ClientError> {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let agent = agent_at(registry, place).await;
    let http = agent.http(&server.url, &["echo:read"])?;
    let answer = http.get(format!("{}/echo", server.url)).send().await?;
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("DPoP token-0"));
    let proof = server.seen()[0].proof.clone().unwrap();
    assert_eq!(
        proof.0["jwk"]["x"],
        serde_json::from_str::<serde_json::Value>(&agent.did().public_key().to_jwk()).unwrap()["x"]
    );
    Ok(answer.status().as_u16())
}

async fn failure(sign: Sign) -> HolderError {
    let registry = FakeRegistry::start().await;
    let fake = FakeAgent::marked(sign);
    match call(&registry, fake.place()).await {
        Err(ClientError::Sign(SignError::Holder(error))) => {
            assert_eq!(registry.asked().len(), 0, "nothing is sent without a proof");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// Passes a part on, by a key that an agent holds.
async fn passed_on(fake: &FakeAgent, to: &DpopKey) -> Result<(Agent, Bundle), ClientError> {
    const API: &str = "https://api.example";
    let registry = registry_of(|_| ()).await;
    let agent = agent_at(&registry, fake.place()).await;
    let tokens = agent.tokens(TokenRequest::new(API, &["files:read", "files:write"]).unwrap())?;
    let hop = agent.delegate(tokens).to(to.did()).scope("files:read").resource(API);
    let bundle = hop.sign().await?.bundle().clone();
    Ok((agent, bundle))
}

/// A delegation by a key that nothing outside of the ssh-agent ever sees.
#[tokio::test]
async fn a_hop_is_signed_by_the_agent_that_holds_the_key() {
    let (fake, to) = (FakeAgent::marked(Sign::Well), DpopKey::generate());
    let (agent, bundle) = passed_on(&fake, &to).await.unwrap();
    // whoever is given it verifies the hop by the key that its delegator's DID names
    let given = Bundle::parse(bundle.expose()).unwrap();
    let hop = given.hops().next_back().unwrap();
    assert_eq!((hop.delegator.as_str(), &hop.delegate), (agent.did().as_str(), to.did()));
    assert_eq!(hop.authority.scope.to_string(), "files:read");
    // the holder was shown exactly what it signed: the proof for the root, then the hop
    let text = bundle.expose().split(',').next_back().unwrap();
    let signed = fake.signed.lock().unwrap().clone();
    assert_eq!(signed.last().unwrap(), text.rsplit_once('.').unwrap().0.as_bytes());
    assert_eq!(signed.iter().map(|data| is_hop(data)).collect::<Vec<_>>(), [false, true]);
    for sign in [Sign::ProofsOnly, Sign::HopsWithAnotherKey] {
        match passed_on(&FakeAgent::marked(sign), &to).await {
            Err(ClientError::Sign(SignError::Holder(_))) => {}
            other => panic!("{sign:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn proofs_are_signed_by_the_agent_that_holds_the_key() {
    let registry = FakeRegistry::start().await;
    let fake = FakeAgent::marked(Sign::Well);
    assert_eq!(call(&registry, fake.place()).await.unwrap(), 200);
    // one for the token, one for the call, each over a whole signing input
    let signed = fake.signed.lock().unwrap().clone();
    assert_eq!(signed.len(), 2);
    assert!(
        signed.iter().all(|data| data.starts_with(b"eyJ") && data.iter().filter(|byte| **byte == b'.').count() == 1)
    );
}

#[tokio::test]
async fn what_an_agent_answers_wrongly_is_an_error_of_its_own() {
    assert_eq!(failure(Sign::WithAnotherKey).await, HolderError::Signature);
    assert_eq!(failure(Sign::No).await, HolderError::Refused);
    let unlike = |why| HolderError::Answer(why);
    let length = "its answer has a length that no answer has";
    // four gigabytes announced, and nothing comes: no byte is reserved for it
    assert_eq!(failure(Sign::Raw(b"\xff\xff\xff\xff")).await, unlike(length));
    assert_eq!(failure(Sign::Raw(b"\0\x04\0\x01")).await, unlike(length));
    assert_eq!(failure(Sign::Raw(b"\0\0\0\0")).await, unlike(length));
    assert_eq!(failure(Sign::Raw(b"\0\0\0\x09\x0e")).await, unlike("it ends before its end"));
    assert_eq!(failure(Sign::Raw(b"\0\0\0\x01\x0e")).await, unlike("it ends before its end"));
    assert_eq!(failure(Sign::Raw(b"\0\0\0\x01\x0c")).await, unlike("its signature is no signature"));
    assert!(matches!(failure(Sign::Raw(b"\0\0")).await, HolderError::Unreachable(_)));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_is_given_up() {
    let fake = FakeAgent::marked(Sign::Never);
    let held = fake.agent().key(key(1).public()).unwrap();
    let registration = handfast_client::OwnerRegistration { enrolment: handfast_client::Secret::new("CODE") };
    let now = handfast_identity::UnixTime::from_secs(crate::support::NOW);
    // time stands still but for the waiting
    match registration.statement(&held, "https://reg.example", now).await {
        Err(ClientError::Sign(SignError::Holder(error))) => assert_eq!(error, HolderError::Late { seconds: 60 }),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told_from_a_refusal() {
    let registry = FakeRegistry::start().await;
    let fake = FakeAgent::start(&[(blob(&key(1)), "handfast")], Sign::Well);
    let agent = agent_at(&registry, fake.place()).await;
    drop(fake);
    let empty = FakeAgent::start(&[(blob(&key(3)), "handfast")], Sign::No);
    let held = empty.agent().key(agent.did().public_key()).unwrap();
    let registration = handfast_client::OwnerRegistration { enrolment: handfast_client::Secret::new("CODE") };
    let now = handfast_identity::UnixTime::from_secs(crate::support::NOW);
    let absent = registration.statement(&held, "https://reg.example", now).await.unwrap_err();
    assert!(matches!(absent, ClientError::Sign(SignError::Holder(HolderError::Absent(_)))), "{absent}");
    // and an agent that ended from both
    let tokens = agent.tokens(TokenRequest::new("https://a.example", &["x"]).unwrap()).unwrap();
    let gone = tokens.token().await.unwrap_err();
    assert!(matches!(gone, ClientError::Sign(SignError::Holder(HolderError::Unreachable(_)))), "{gone}");
}

#[tokio::test]
async fn only_a_dedicated_key_is_taken() {
    let dedicated = |keys: Vec<(Vec<u8>, &'static str)>, named| {
        let fake = FakeAgent::start(&keys, Sign::Well);
        async move { (fake.agent().dedicated(named, None).await, fake).0 }
    };
    let (one, two) = (|| blob(&key(1)), || blob(&key(2)));
    assert!(dedicated(vec![(two(), "me@laptop"), (one(), "handfast")], None).await.is_ok());
    assert_eq!(dedicated(vec![(one(), "me@laptop")], None).await, Err(DedicatedError::None));
    let several = dedicated(vec![(one(), "handfast:a"), (two(), "handfast:b")], None).await;
    assert!(matches!(several, Err(DedicatedError::Several(_))));
    // a certificate says that it logs in somewhere, whatever its comment says
    let certified = dedicated(vec![(one(), "handfast"), (certificate(&key(1)), "handfast")], None).await;
    assert!(matches!(certified, Err(DedicatedError::Used { .. })), "{certified:?}");
    assert!(dedicated(vec![(one(), "handfast"), (certificate(&key(2)), "x")], None).await.is_ok());
    let rsa = [string(b"ssh-rsa"), string(&[1; 3]), string(&[2; 256])].concat();
    assert_eq!(dedicated(vec![(rsa, "handfast")], None).await, Err(DedicatedError::None));
}

#[tokio::test]
async fn a_key_in_an_agent_is_followed_by_another_one_there() {
    let registry = FakeRegistry::start().await;
    let fake = FakeAgent::marked(Sign::Well);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.json");
    let agent = agent_at(&registry, fake.place()).await;
    agent.key_file().create(&path).unwrap();
    let error = agent.rotate(&path).await.unwrap_err();
    assert!(matches!(error, ClientError::KeyFile(KeyFileError::NoSuccessor { .. })), "{error}");
    // its secret is nowhere to be written from
    let plain = KeyFile { custody: Custody::Plain, ..agent.key_file() };
    assert!(matches!(plain.update(&path), Err(KeyFileError::SecretElsewhere { .. })));
    assert!(KeyFile::load(&path).is_ok(), "what was there is there still");
}

/// OpenSSH's agent, in a folder of its own, with one key that was made for this.
struct OpenSsh {
    folder: tempfile::TempDir,
    agent: std::process::Child,
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

impl OpenSsh {
    /// `None`, and why, where it is not installed.
    fn start(comment: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let agent = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn();
        let Ok(agent) = agent else {
            let _ = writeln!(std::io::stderr(), "skipped: no `ssh-agent` here (Debian package openssh-client)");
            return None;
        };
        let mut site = Self { folder, agent };
        let file = site.folder.path().join("key");
        site.run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(&file));
        // it listens once this succeeds
        while !socket.exists() {
            assert!(site.agent.try_wait().unwrap().is_none(), "ssh-agent ended at once");
            std::thread::yield_now();
        }
        site.run(Command::new("ssh-add").arg("-q").arg(&file));
        Some(site)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn run(&self, command: &mut Command) -> String {
        let output = command.env("SSH_AUTH_SOCK", self.socket()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn key(&self) -> &Path {
        self.folder.path()
    }
}

#[tokio::test]
async fn the_agent_of_openssh_signs() {
    let Some(site) = OpenSsh::start("handfast:test") else { return };
    let registry = FakeRegistry::start().await;
    let place = SshAgentPlace { socket: Some(site.socket()) };
    assert_eq!(call(&registry, place.clone()).await.unwrap(), 200);
    let found = SshAgent::new(place.clone()).dedicated(None, None).await.unwrap();
    let shown = site.run(Command::new("ssh-add").arg("-l"));
    assert!(shown.contains(&found.fingerprint()), "{shown}");
    assert_eq!(found.comment(), "handfast:test");
    // a folder that says that the key logs in somewhere
    std::fs::rename(site.key().join("key.pub"), site.key().join("id_ed25519.pub")).unwrap();
    let used = SshAgent::new(place.clone()).dedicated(None, Some(site.key())).await;
    assert!(matches!(used, Err(DedicatedError::Used { .. })));
    // locked, it holds nothing
    let agent = agent_at(&registry, place).await;
    site.run(Command::new("ssh-add").arg("-D"));
    let tokens = agent.tokens(TokenRequest::new("https://a.example", &["x"]).unwrap()).unwrap();
    let absent = tokens.token().await.unwrap_err();
    assert!(matches!(absent, ClientError::Sign(SignError::Holder(HolderError::Absent(_)))), "{absent}");
}
