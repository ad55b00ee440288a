//! A web host on loopback whose name says how it behaves.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use handfast_fetch::{Lookup, Names};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Every name is this machine; one is sometimes elsewhere as well, and one is only at first this machine.
#[derive(Default)]
pub(super) struct TestNames {
    asked: AtomicUsize,
}

impl Names for TestNames {
    fn lookup(&self, host: &str) -> Lookup {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let inside = SocketAddr::from(([10, 0, 0, 1], 0));
        let answer: io::Result<Vec<SocketAddr>> = match host.split('.').next() {
            Some("rebinding") if self.asked.fetch_add(1, Ordering::SeqCst) == 0 => Ok(vec![here]),
            Some("rebinding") => Ok(vec![inside]),
            Some("mixed") => Ok(vec![here, inside]),
            Some("nowhere") => Err(io::Error::other("no such name")),
            _ => Ok(vec![here]),
        };
        Box::pin(async move { answer })
    }
}

/// Much more than is read of any document.
const HUGE: usize = 1 << 20;

#[derive(Default)]
struct Seen {
    paths: Vec<String>,
    asked: BTreeMap<String, usize>,
    running: BTreeMap<String, usize>,
    most: BTreeMap<String, usize>,
    elsewhere: usize,
}

struct State {
    seen: Mutex<Seen>,
    reached: watch::Sender<usize>,
    gate: Semaphore,
    port: u16,
}

/// The host. What it was asked is counted by kind.
pub(super) struct Host(Arc<State>);

impl Host {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, reached) = (Mutex::default(), watch::Sender::new(0));
        let state = Arc::new(State { seen, reached, gate: Semaphore::new(0), port });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                tokio::spawn(async move { state.serve(stream).await });
            }
        });
        Self(state)
    }

    /// The DID of a host of this kind, with `path` behind it.
    pub(super) fn did(&self, kind: &str, path: &str) -> String {
        did(kind, self.0.port, path)
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.0.seen.lock().unwrap().paths.clone()
    }

    pub(super) fn asked(&self, kind: &str) -> usize {
        self.0.seen.lock().unwrap().asked.get(kind).copied().unwrap_or_default()
    }

    pub(super) fn most_at_once(&self, kind: &str) -> usize {
        self.0.seen.lock().unwrap().most.get(kind).copied().unwrap_or_default()
    }

    /// How often a place was asked that only a redirect names.
    pub(super) fn elsewhere(&self) -> usize {
        self.0.seen.lock().unwrap().elsewhere
    }

    /// Waits until it was asked so often.
    pub(super) async fn reached(&self, times: usize) {
        self.0.reached.subscribe().wait_for(|reached| *reached >= times).await.unwrap();
    }

    /// Answers all who are held, now and later.
    pub(super) fn let_go(&self) {
        self.0.gate.add_permits(1000);
    }
}

fn did(kind: &str, port: u16, path: &str) -> String {
    format!("did:web:{kind}.localhost%3A{port}{path}")
}

impl State {
    async fn serve(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut bytes = [0; 1024];
            match stream.read(&mut bytes).await {
                Ok(count @ 1..) => request.extend_from_slice(&bytes[..count]),
                Ok(0) | Err(_) => return,
            }
        }
        let request = String::from_utf8(request).unwrap();
        let path = request.split(' ').nth(1).unwrap().to_owned();
        let host = request.lines().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned));
        let kind = host.unwrap().split('.').next().unwrap().to_owned();
        self.note(&kind, &path, true);
        self.reached.send_modify(|reached| *reached += 1);
        let _ = self.answer(&mut stream, &kind, &path).await;
        // until the other side has gone, whatever it still sends
        let mut rest = [0; 64];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        self.note(&kind, &path, false);
    }

    fn note(&self, kind: &str, path: &str, begins: bool) {
        let mut seen = self.seen.lock().unwrap();
        let running = seen.running.entry(kind.to_owned()).or_default();
        if !begins {
            *running -= 1;
            return;
        }
        *running += 1;
        let now = *running;
        let most = seen.most.entry(kind.to_owned()).or_default();
        *most = now.max(*most);
        *seen.asked.entry(kind.to_owned()).or_default() += 1;
        seen.elsewhere += usize::from(path.starts_with("/elsewhere"));
        if seen.paths.len() < 10_000 {
            seen.paths.push(path.to_owned());
        }
    }

    async fn answer(&self, stream: &mut TcpStream, kind: &str, path: &str) -> io::Result<()> {
        let own = path.trim_start_matches('/').trim_end_matches("/did.json").replace('/', ":");
        let own = if own == ".well-known" { String::new() } else { format!(":{own}") };
        let document = format!(r#"{{"id":"{}","unknown":1}}"#, did(kind, self.port, &own));
        let redirect = |location: &str| {
            format!("HTTP/1.1 302 x\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        };
        let status = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let begun = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
        let text = match kind {
            "honest" | "rebinding" => ok("application/did+ld+json", &document),
            "held" => {
                self.gate.acquire().await.unwrap().forget();
                ok("application/did", &document)
            }
            "gone" => status("410 Gone"),
            "missing" => status("404 Not Found"),
            "redirecting" => redirect(&format!("/elsewhere{path}")),
            "elsewhere" => redirect(&format!("http://honest.localhost:{}/elsewhere", self.port)),
            "huge" => ok("application/json", &"x".repeat(HUGE)),
            "endless" => {
                stream.write_all(begun.as_bytes()).await?;
                loop {
                    stream.write_all(&[b' '; 4096]).await?;
                }
            }
            "text" => ok("text/plain", &document),
            "garbage" => "\u{1}\u{2}nonsense\r\n\r\n".to_owned(),
            "other" => ok("application/json", r#"{"id":"did:web:victim.example"}"#),
            "html" => ok("application/json", "<html>"),
            "slow" => String::new(),
            "dripping" => {
                stream.write_all(begun.as_bytes()).await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
            other => panic!("no host is {other}"),
        };
        stream.write_all(text.as_bytes()).await?;
        // a slow one holds its connection open; the others are done
        if kind == "slow" { Ok(()) } else { stream.shutdown().await }
    }
}

fn ok(content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
