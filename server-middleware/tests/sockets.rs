//! The server on real connections: stalled ones end, others are served, HTTP/1.1 and HTTP/2 alike.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up should stop

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use common::{API, Api};
use handfast_middleware::server::{ServerLimits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

/// Long enough for any of the time-outs below, on a busy machine too.
const SOON: Duration = Duration::from_secs(10);

struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<()>,
}

async fn served(app: Router, limits: ServerLimits) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let done = tokio::spawn(serve(listener, app, limits, async move {
        let _ = stopped.await;
    }));
    Served { address, stop: Some(stop), done }
}

async fn connected(served: &Served, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Limits under which no connection ends by time while a test waits for it.
fn patient() -> ServerLimits {
    ServerLimits { header_timeout: 10 * SOON, ..ServerLimits::default() }
}

/// What comes back until the server closes.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // a reset is a way of closing too
    let _ = timeout(SOON, stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn app() -> Router {
    Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }))
        .route(
            "/body",
            post(|body: Result<Bytes, axum::extract::rejection::BytesRejection>| async move {
                body.map_or_else(|_| "stalled".to_owned(), |bytes| bytes.len().to_string())
            }),
        )
}

fn client() -> reqwest::ClientBuilder {
    handfast_fetch::connecting_client(handfast_fetch::Mode::Development).unwrap()
}

const HEADER: Duration = Duration::from_millis(300);

fn quick() -> ServerLimits {
    ServerLimits { header_timeout: HEADER, body_timeout: HEADER, idle_timeout: HEADER, ..ServerLimits::default() }
}

#[tokio::test]
async fn stalled_connections_end_and_others_are_served_meanwhile() {
    // TH71
    let server = served(app(), ServerLimits { connections_per_peer: 301, ..quick() }).await;
    let begun = Instant::now();
    let mut stalled = Vec::new();
    for number in 0..300 {
        let bytes: &[u8] = match number % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
            2 => b"PRI * HTTP/2.0\r\n",
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        };
        stalled.push(connected(&server, bytes).await);
    }
    let answer =
        until_closed(connected(&server, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1"), "{answer}");
    for stream in stalled {
        until_closed(stream).await;
    }
    assert!(begun.elapsed() < SOON);
}

#[tokio::test]
async fn a_connection_between_requests_ends_too() {
    let server = served(app(), quick()).await;
    let answer = until_closed(connected(&server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_body_has_to_keep_arriving() {
    let server = served(app(), quick()).await;
    let begun = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabc";
    let answer = until_closed(connected(&server, begun).await).await;
    assert!(answer.ends_with("stalled"), "{answer}");
    let whole = [begun.as_slice(), b"de"].concat();
    let answer = until_closed(connected(&server, &whole).await).await;
    assert!(answer.ends_with("\r\n\r\n5"), "the twin: {answer}");
}

#[tokio::test]
async fn header_sections_have_bounds() {
    let server = served(app(), ServerLimits { header_bytes: 16 * 1024, ..quick() }).await;
    let with = |count: usize, length: usize| {
        let lines: String = (0..count).map(|n| format!("x-{n}: {}\r\n", "a".repeat(length))).collect();
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n")
    };
    for (count, length, status) in
        [(1, 1, "200"), (98, 1, "200"), (99, 1, "431"), (1, 15_000, "200"), (1, 17_000, "431")]
    {
        let answer = until_closed(connected(&server, with(count, length).as_bytes()).await).await;
        assert_eq!(answer.get(9..12), Some(status), "{count} of {length}");
    }
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let server = served(app(), ServerLimits { connections: 2, ..quick() }).await;
    let held = [connected(&server, b"").await, connected(&server, b"").await];
    let waiting = connected(&server, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    // it is answered when a place is free again
    assert!(until_closed(waiting).await.starts_with("HTTP/1.1 200 OK"));
    drop(held);
}

#[tokio::test]
async fn no_more_connections_of_one_peer_than_its_share() {
    let limits = ServerLimits { connections_per_peer: 2, ..patient() };
    let server = served(app(), limits).await;
    let held = [connected(&server, b"").await, connected(&server, b"").await];
    // closed at once, and not by a time-out
    let refused = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(until_closed(refused).await, "");
    let ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // another loopback address is another peer, where there is more than one
    #[cfg(target_os = "linux")]
    {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = socket.connect(server.address).await.unwrap();
        other.write_all(ask).await.unwrap();
        assert!(until_closed(other).await.ends_with("127.0.0.2"));
    }
    // the twin: a place that is given up is free again, as soon as the server has seen it
    drop(held);
    let served_again = async {
        loop {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let _ = stream.write_all(ask).await;
            if until_closed(stream).await.starts_with("HTTP/1.1 200 OK") {
                return;
            }
        }
    };
    timeout(SOON, served_again).await.unwrap();
}

#[tokio::test]
async fn one_peer_does_not_stop_the_server() {
    // P-18
    let ServerLimits { connections, connections_per_peer, .. } = ServerLimits::default();
    assert!(connections_per_peer * 3 < connections);
    // the same with fewer: tests share the process's open files
    let server = served(app(), ServerLimits { connections: 40, connections_per_peer: 12, ..patient() }).await;
    let mut held = Vec::new();
    for _ in 0..12 {
        held.push(connected(&server, b"").await);
    }
    // more than there are places in all, and each gets its end at once: none is left waiting for one
    for _ in 0..60 {
        let refused = TcpStream::connect(server.address).await.unwrap();
        assert_eq!(until_closed(refused).await, "");
    }
}

#[tokio::test]
async fn a_request_with_two_lengths_is_the_last_of_its_connection() {
    // RFC 9112 6.1: what follows it may be somebody else's idea of a body
    let server = served(app(), quick()).await;
    let (length, chunked) = ("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n");
    let next = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (lengths, answers) in
        [([length, chunked], 1), ([chunked, length], 1), ([chunked, ""], 2), (["x-a: b\r\n", chunked], 2)]
    {
        let request =
            format!("POST /body HTTP/1.1\r\nHost: a\r\n{}\r\n5\r\nabcde\r\n0\r\n\r\n{next}", lengths.concat());
        let text = until_closed(connected(&server, request.as_bytes()).await).await;
        assert!(text.contains("\r\n\r\n5"), "{lengths:?}: {text}");
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), answers, "{lengths:?}: {text}");
    }
}

#[tokio::test]
async fn no_more_requests_at_once_on_a_connection_than_allowed() {
    // P-18
    let most = ServerLimits::default().streams;
    let (running, highest) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let under_way = Arc::new(AtomicU32::new(0));
    let handler = {
        let (running, highest, under_way) = (Arc::clone(&running), Arc::clone(&highest), Arc::clone(&under_way));
        move || async move {
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            highest.fetch_max(now, Ordering::SeqCst);
            if now == most {
                // time for any more that the server would let in
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                running.close();
            }
            // the first ones stay until there are as many as allowed
            let _ = running.acquire().await;
            under_way.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let app = app().route("/held", get(handler));
    let server = served(app, ServerLimits::default()).await;
    let client = client().http2_prior_knowledge().build().unwrap();
    let url = |path: &str| format!("http://{}{path}", server.address);
    // a first request, so that the client has heard what is allowed
    assert_eq!(client.get(url("/")).send().await.unwrap().status(), 200);
    let mut asking = JoinSet::new();
    for _ in 0..3 * most {
        asking.spawn(client.get(url("/held")).send());
    }
    while let Some(answer) = timeout(SOON, asking.join_next()).await.unwrap() {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
    assert_eq!(highest.load(Ordering::SeqCst), most);
}

#[tokio::test]
async fn a_request_under_way_is_finished_when_the_server_stops() {
    let (entered, mut has_entered) = tokio::sync::mpsc::channel::<()>(1);
    let (release, released) = tokio::sync::watch::channel(false);
    let handler = move || async move {
        let mut released = released.clone();
        entered.send(()).await.unwrap();
        let _ = released.wait_for(|released| *released).await;
        "finished"
    };
    let mut server = served(Router::new().route("/", get(handler)), ServerLimits::default()).await;
    let stream = connected(&server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    has_entered.recv().await.unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    release.send_replace(true);
    assert!(until_closed(stream).await.ends_with("finished"));
    timeout(SOON, server.done).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn the_layer_works_the_same_over_http_2_and_1() {
    let api = Api::new().await;
    let server = served(api.app(), ServerLimits::default()).await;
    let one = client().http1_only().build().unwrap();
    let two = client().http2_prior_knowledge().build().unwrap();
    for (client, version) in [(one, reqwest::Version::HTTP_11), (two, reqwest::Version::HTTP_2)] {
        let url = format!("http://{}/files?page=2", server.address);
        let token = api.token();
        let proof = api.agent.proof("GET", &format!("{API}/files"), &token, api.clock.now());
        let ask = || client.get(&url).header("authorization", format!("DPoP {token}")).header("dpop", &proof);
        let answer = ask().send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        let answer = ask().send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 1);
        assert!(answer.text().await.unwrap().contains("proof_replayed"));
        // DPOP-21: two lines are two, in either version
        let twice = ask().header("dpop", api.proof("GET", "/files", &token)).send().await.unwrap();
        assert!(twice.text().await.unwrap().contains("proof_repeated"));
        // and the proof for the address that the connection really went to is nobody's
        let proof = api.agent.proof("GET", &url, &token, api.clock.now());
        let inner = client.get(&url).header("authorization", format!("DPoP {token}")).header("dpop", proof);
        assert!(inner.send().await.unwrap().text().await.unwrap().contains("target_mismatch"));
    }
}
