//! A web host on loopback whose name says how it behaves.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use handfast_fetch::{Lookup, Names};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
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
const HUGE: usize = 16 << 20;
/// What is sent at once of it.
const PIECE: [u8; 4096] = [b' '; 4096];

#[derive(Default)]
pub(super) struct Seen {
    pub(super) paths: Vec<String>,
    kinds: BTreeMap<String, Kind>,
    elsewhere: usize,
}

/// What was seen of one kind of hosts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    /// How often it was asked.
    pub(super) asked: u32,
    running: u32,
    /// The most questions at once.
    pub(super) most_at_once: u32,
    /// The most bytes that one of them took: what was read, and what the two machines' buffers hold.
    pub(super) most_bytes: usize,
    /// How long one of them held on.
    pub(super) longest: Duration,
}

pub(super) struct State {
    pub(super) seen: Mutex<Seen>,
    pub(super) reached: watch::Sender<usize>,
    pub(super) gate: Semaphore,
    port: u16,
}

/// The host. What it was asked is counted by kind.
pub(super) struct Host(pub(super) Arc<State>);

impl Host {
    pub(super) async fn start() -> Self {
        // with little room to send, so that what is written was nearly read
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 * 1024).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(1024).unwrap();
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

    /// What was seen of this kind.
    pub(super) fn kind(&self, kind: &str) -> Kind {
        self.0.seen.lock().unwrap().kinds.get(kind).copied().unwrap_or_default()
    }

    /// How often a place was asked that only a redirect names.
    pub(super) fn elsewhere(&self) -> usize {
        self.0.seen.lock().unwrap().elsewhere
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
        self.begins(&kind, &path);
        let begun = Instant::now();
        self.reached.send_modify(|reached| *reached += 1);
        let mut bytes = 0;
        let _ = self.answer(&mut stream, &kind, &path, &mut bytes).await;
        // until the other side has gone, whatever it still sends
        let mut rest = [0; 64];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        self.change(&kind, |seen| {
            seen.running -= 1;
            seen.most_bytes = seen.most_bytes.max(bytes);
            seen.longest = seen.longest.max(begun.elapsed());
        });
    }

    fn begins(&self, kind: &str, path: &str) {
        self.change(kind, |seen| {
            seen.asked += 1;
            seen.running += 1;
            seen.most_at_once = seen.most_at_once.max(seen.running);
        });
        let mut seen = self.seen.lock().unwrap();
        seen.elsewhere += usize::from(path.starts_with("/elsewhere"));
        if seen.paths.len() < 10_000 {
            seen.paths.push(path.to_owned());
        }
    }

    fn change(&self, kind: &str, change: impl FnOnce(&mut Kind)) {
        change(self.seen.lock().unwrap().kinds.entry(kind.to_owned()).or_default());
    }

    async fn answer(&self, stream: &mut TcpStream, kind: &str, path: &str, bytes: &mut usize) -> io::Result<()> {
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
            "partial" if path.starts_with("/good/") => ok("application/did", &document),
            "gone" => status("410 Gone"),
            "missing" | "partial" => status("404 Not Found"),
            "redirecting" => redirect(&format!("/elsewhere{path}")),
            "elsewhere" => redirect(&format!("http://honest.localhost:{}/elsewhere", self.port)),
            "huge" | "endless" => {
                let announced = if kind == "huge" { head("application/json", HUGE) } else { begun.to_owned() };
                stream.write_all(announced.as_bytes()).await?;
                loop {
                    *bytes += stream.write(&PIECE).await?;
                    if kind == "huge" && *bytes >= HUGE {
                        return stream.shutdown().await;
                    }
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
                    *bytes += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            other => panic!("no host is {other}"),
        };
        stream.write_all(text.as_bytes()).await?;
        *bytes += text.len();
        // a slow one holds its connection open; the others are done
        if kind == "slow" { Ok(()) } else { stream.shutdown().await }
    }
}

fn ok(content_type: &str, body: &str) -> String {
    format!("{}{body}", head(content_type, body.len()))
}

fn head(content_type: &str, length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}
