//! Requests made beforehand and sent over kept-alive connections, each connection one at a time.

use axum::body::Bytes;
use handfast_dpop::{ContentHash, ProofRequest, ProofSigner, Target};
use handfast_identity::{OsRandom, SigningKey};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::handshake;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::server::{Place, Server, failed};
use crate::exit::Failure;
use crate::local::now;

type Prepared = Vec<Vec<Request<Empty<Bytes>>>>;

/// Whoever sends.
pub(super) struct Load {
    authority: String,
    origin: String,
    authorization: String,
    token_hash: ContentHash,
    signer: ProofSigner,
    connections: usize,
}

impl Load {
    /// For `server`, with proofs by its agent's key.
    pub(super) fn new(server: &Server, key: SigningKey, connections: usize) -> Self {
        let origin = server.origin().to_owned();
        Self {
            authority: origin.trim_start_matches("http://").to_owned(),
            authorization: format!("DPoP {}", server.access_token()),
            token_hash: ContentHash::of(server.access_token().as_bytes()),
            signer: ProofSigner::new(key),
            origin,
            connections,
        }
    }

    /// Makes `count` requests for `place`, spread over the connections.
    pub(super) fn prepare(&self, place: Place, count: u32) -> Result<Prepared, Failure> {
        let url = format!("{}{}", self.origin, place.path());
        let target = Target::parse(&url).map_err(|error| failed("no target", error))?;
        let mut all: Prepared = (0..self.connections).map(|_| Vec::new()).collect();
        let mut lists = (0..self.connections).cycle();
        for _ in 0..count {
            let mut request = Request::get(place.path()).header(HOST, &self.authority);
            if place == Place::Protected {
                request = request.header(AUTHORIZATION, &self.authorization).header("dpop", self.proof(&target)?);
            }
            let request = request.body(Empty::new()).map_err(|error| failed("no request", error))?;
            if let Some(list) = lists.next().and_then(|place| all.get_mut(place)) {
                list.push(request);
            }
        }
        Ok(all)
    }

    fn proof(&self, target: &Target) -> Result<String, Failure> {
        let request = ProofRequest {
            method: "GET",
            target,
            token_hash: Some(self.token_hash),
            nonce: None,
            delegation_hash: None,
            content_digest: None,
        };
        self.signer.sign(&request, now(), &mut OsRandom).map_err(|error| failed("no proof", error))
    }

    /// Sends them all and waits for every answer. One that is not 200 ends the measurement: it would measure something else.
    pub(super) async fn send(&self, prepared: Prepared) -> Result<(), Failure> {
        let mut all = JoinSet::new();
        for requests in prepared {
            all.spawn(one_connection(self.authority.clone(), requests));
        }
        while let Some(done) = all.join_next().await {
            done.map_err(|error| failed("a connection was dropped", error))??;
        }
        Ok(())
    }
}

async fn one_connection(authority: String, requests: Vec<Request<Empty<Bytes>>>) -> Result<(), Failure> {
    let stream = TcpStream::connect(&authority).await.map_err(|error| failed("cannot connect", error))?;
    stream.set_nodelay(true).map_err(|error| failed("cannot connect", error))?;
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| failed("cannot connect", error))?;
    let connection = tokio::spawn(connection);
    for request in requests {
        let answer = sender.send_request(request).await.map_err(|error| failed("no answer", error))?;
        let status = answer.status();
        let content = answer.into_body().collect().await.map_err(|error| failed("no answer", error))?.to_bytes();
        if status != StatusCode::OK {
            return Err(failed("the server refused a request", format!("{status}: {}", content.escape_ascii())));
        }
    }
    drop(sender);
    // it ends with its sender
    let _ = connection.await;
    Ok(())
}
