//! A hardened HTTP/1.1 and HTTP/2 server for axum routers, used by every server of this project.
//!
//! `axum::serve` waits for ever for a request's header section, so a few hundred idle connections stop it. Here everything a
//! stranger can hold open ends by itself ([`ServerLimits`]), and the number of connections is bounded, in all and for each
//! peer (P-18, TH71):
//!
//! | held open | ended by |
//! |---|---|
//! | a connection without a request, a header section that does not end | closed after [`ServerLimits::header_timeout`] |
//! | a body that does not arrive | an error in the handler's body after [`ServerLimits::body_timeout`] without a byte |
//! | a connection between requests | closed after [`ServerLimits::idle_timeout`] |
//! | too many or too long header fields | 431 |
//! | more connections than one peer's share | closed at once, without an answer ([`ServerLimits::connections_per_peer`]) |
//! | a request with `Content-Length` and `Transfer-Encoding` | read as chunked and answered, then its connection is closed (RFC 9112 6.1) |
//!
//! TLS is a proxy's job, which is also why the public base is configured. Each request carries the peer's address as
//! `ConnectInfo<SocketAddr>`. Behind a proxy every connection is the proxy's: **raise `connections_per_peer` to
//! `connections` there**, and let the proxy share out among its clients.
//!
//! Memory that requests can take on one HTTP/2 connection, with the defaults: 16 streams × (64 KiB header section + 64 KiB
//! body that a handler collects) + 1 MiB flow-control window = 3 MiB. For a peer's 256 connections that is 768 MiB, for all 900
//! 2.6 GiB. A route that collects larger bodies, or a server with less memory, lowers `streams` or `connections`.

mod activity;
mod body;
mod connection;
mod places;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use places::Places;

/// What a client may hold open, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// From the connection to the end of its first header section, and for each header section by itself. 8 s: stalled
    /// connections are gone within 10 (TH71), the timer's coarseness included.
    pub header_timeout: Duration,
    /// Longest pause while a request's body arrives.
    pub body_timeout: Duration,
    /// Longest time between two requests of a connection. HTTP/1.1 connections end after the header time-out already.
    pub idle_timeout: Duration,
    /// Connections at once; more wait in the listener's backlog. 900: within the 1024 open files that most systems allow.
    pub connections: usize,
    /// Connections at once of one peer, which is one IPv4 address or one IPv6 network of 64 bits; more are closed at once. 256:
    /// no three peers can hold all 900. A proxy in front is one peer: raise it to [`Self::connections`] there. 0 means 1.
    pub connections_per_peer: usize,
    /// Bytes of a header section: token 8 KiB, proof 4 KiB and a chain of up to 32 KiB have to fit. Over it: 431.
    pub header_bytes: usize,
    /// Requests at once on one HTTP/2 connection. 16: each can hold a header section and a body in memory, 128 KiB with the
    /// defaults, so that a connection holds 2 MiB of them (P-18).
    pub streams: u32,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(8),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            connections: 900,
            connections_per_peer: 256,
            header_bytes: 64 * 1024,
            streams: 16,
            drain: Duration::from_secs(10),
        }
    }
}

/// Pause after a failed `accept`, which mostly means too many open files: trying at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `app` on `listener` until `stop` is done. Then no connection is accepted, and those with a request under way get
/// [`ServerLimits::drain`] to finish it.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use handfast_middleware::server::{ServerLimits, serve};
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:4600").await?;
/// serve(listener, axum::Router::new(), ServerLimits::default(), std::future::pending()).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve(listener: TcpListener, app: Router, limits: ServerLimits, stop: impl Future<Output = ()>) {
    let stopped = watch::Sender::new(false);
    let total = Arc::new(Semaphore::new(limits.connections));
    let places = Places::new(limits.connections_per_peer);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let next = async {
            // room first: without it nothing is accepted
            let room = Arc::clone(&total).acquire_owned().await;
            (room, accept(&listener).await)
        };
        let (room, (stream, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let Some(place) = places.take(peer.ip()) else { continue };
        let connection = connection::serve(stream, peer, app.clone(), limits, stopped.subscribe());
        connections.spawn(async move {
            connection.await;
            drop((place, room));
        });
    }
    drop(listener);
    stopped.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        tracing::warn!("stopped with requests under way");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, std::net::SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // the peer gave up between its knock and our answer
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
