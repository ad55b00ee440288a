//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::ServerLimits;
use super::activity::{Activity, Verdict};
use super::body::SteadyBody;

pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    limits: ServerLimits,
    mut stopped: watch::Receiver<bool>,
) {
    // small answers should not wait for more of them; without the option they are only slower
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let builder = builder(&limits);
    let answering = activity.clone();
    let service = service_fn(move |request| answer(app.clone(), request, peer, limits, answering.clone()));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut ask_again = Instant::now() + limits.header_timeout;
    loop {
        tokio::select! {
            // what goes wrong on a connection is between it and its peer: there is nobody to tell
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = sleep_until(ask_again) => match activity.verdict(limits.header_timeout, limits.idle_timeout) {
                Verdict::Close => return,
                Verdict::WindDown => break,
                Verdict::AskAgain(at) => ask_again = at,
            },
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

fn builder(limits: &ServerLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes);
    let header_list = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(header_list)
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

async fn answer(
    mut app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    limits: ServerLimits,
    activity: Activity,
) -> Result<Response, Infallible> {
    let _under_way = activity.begin();
    let mut request = request.map(|body| Body::new(SteadyBody::new(body, limits.body_timeout)));
    request.extensions_mut().insert(ConnectInfo(peer));
    app.call(request).await
}
