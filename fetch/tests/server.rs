//! The fetcher against servers that misbehave, on loopback.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test that cannot set itself up should stop

mod dids;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use handfast_fetch::{FetchError, FetchLimits, Fetched, Fetcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Bytes allowed in these tests.
const CAP: usize = 1000;
const LIMITS: FetchLimits = FetchLimits { max_bytes: CAP, ..FetchLimits::DOCUMENT };

/// A server that answers every connection with these bytes and, if told so, then holds it open. Returns its URL and count.
async fn server(answer: String, hold: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/doc", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if hold {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (url, count)
}

fn ok(content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nETag: \"v1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn fetch(answer: String) -> Result<Fetched, FetchError> {
    let (url, _) = server(answer, false).await;
    Fetcher::development().unwrap().get(&url, LIMITS).await
}

#[tokio::test]
async fn a_document_comes_back_whole() {
    let fetched = fetch(ok("application/json; charset=utf-8", r#"{"a":1}"#)).await.unwrap();
    assert_eq!(fetched.status(), 200);
    assert_eq!(fetched.content_type(), "application/json; charset=utf-8");
    assert_eq!(fetched.etag(), Some("\"v1\""));
    assert_eq!(&fetched.body()[..], br#"{"a":1}"#);
}

#[tokio::test]
async fn the_size_cap_holds_at_its_edge_announced_or_not() {
    // TH53
    let unannounced =
        |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{body}");
    let (at, over) = ("x".repeat(CAP), "x".repeat(CAP + 1));
    assert_eq!(fetch(ok("application/json", &at)).await.unwrap().body().len(), CAP);
    assert_eq!(fetch(unannounced(&at)).await.unwrap().body().len(), CAP);
    for answer in [ok("application/json", &over), unannounced(&over)] {
        assert!(matches!(fetch(answer).await, Err(FetchError::TooLarge { limit: CAP })));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    // TH52: to itself with another path, and elsewhere
    let (elsewhere, reached) = server(ok("application/json", "{}"), false).await;
    for location in ["/other", elsewhere.as_str()] {
        for status in [301, 302, 303, 307, 308] {
            let answer = format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            let refused = fetch(answer).await;
            assert!(matches!(refused, Err(FetchError::Redirect(found)) if found == status), "{refused:?}");
        }
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_that_does_not_end_meets_the_deadline() {
    // TH53
    let limits = FetchLimits { deadline: Duration::from_millis(200), ..LIMITS };
    let begun = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
    for answer in [begun, "HTTP/1.1 200 OK\r\nContent-Ty", ""] {
        let (url, _) = server(answer.to_owned(), true).await;
        let refused = Fetcher::development().unwrap().get(&url, limits).await;
        assert!(matches!(refused, Err(FetchError::Deadline { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn other_answers_are_told_apart() {
    let status = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    for (line, expected) in [("404 Not Found", 404), ("500 x", 500), ("206 Partial Content", 206), ("201 x", 201)] {
        assert!(matches!(fetch(status(line)).await, Err(FetchError::Status(found)) if found == expected), "{line}");
    }
    assert!(matches!(fetch(ok("text/html", "{}")).await, Err(FetchError::MediaType)));
    assert!(matches!(
        fetch("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await,
        Err(FetchError::MediaType)
    ));
    assert!(matches!(fetch("nonsense\r\n\r\n".to_owned()).await, Err(FetchError::Transport(_))));
}

#[tokio::test]
async fn production_does_not_speak_plain_http_even_to_loopback() {
    let (url, reached) = server(ok("application/json", "{}"), false).await;
    let fetcher = Fetcher::production().unwrap();
    assert!(matches!(fetcher.get(&url, LIMITS).await, Err(FetchError::Scheme)));
    let secured = url.replace("http://", "https://");
    assert!(matches!(fetcher.get(&secured, LIMITS).await, Err(FetchError::Address(_))));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn development_relaxes_plain_http_on_loopback_and_nothing_else() {
    let (url, reached) = server(ok("application/json", "{}"), false).await;
    let fetcher = Fetcher::development().unwrap();
    let secured = url.replace("http://", "https://");
    assert!(matches!(fetcher.get(&secured, LIMITS).await, Err(FetchError::Address(_))));
    assert!(matches!(fetcher.get("http://10.0.0.1/", LIMITS).await, Err(FetchError::Scheme)));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    assert!(fetcher.get(&url, LIMITS).await.is_ok());
}
