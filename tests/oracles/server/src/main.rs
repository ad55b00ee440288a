//! A resource server of RFC 9068 and RFC 9449 from the packages of others; tests/interop/rust.mjs drives it.
//!
//! `handfast-oracles-server ISSUER ORIGIN JWKS` serves `GET /files` and `GET /other` to whoever has the scope `files:read`, and answers
//! with the fields of the request, or with `error`. `POST /ahead/3600` has it judge tokens as in an hour.

mod check;
mod http;

use std::net::TcpListener;

use check::{Checker, Refused};
use http::{Request, answer};
use serde_json::json;

const WANTED: &str = "files:read";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("ISSUER ORIGIN JWKS");
    let (issuer, origin, jwks) = (next()?, next()?, next()?);
    let mut checker = Checker::new(&issuer, &origin, &jwks)?;
    let listener = TcpListener::bind(origin.trim_start_matches("http://"))?;
    println!("ready");
    for stream in listener.incoming() {
        let mut stream = stream?;
        // a connection that sends nothing readable is nobody to answer
        let Some(request) = Request::read(&stream) else { continue };
        let (status, body) = respond(&mut checker, &request);
        answer(&mut stream, status, &body.to_string())?;
    }
    Ok(())
}

fn respond(checker: &mut Checker, request: &Request) -> (u16, serde_json::Value) {
    if let Some(seconds) = request.path.strip_prefix("/ahead/").and_then(|text| text.parse().ok()) {
        checker.judge_ahead(seconds);
        return (200, json!({}));
    }
    match checker.check(request) {
        Ok(scope) if scope.split(' ').any(|token| token == WANTED) => (200, json!(request.fields)),
        Ok(_) => (403, json!({"error": "insufficient_scope"})),
        Err(Refused { error, detail }) => (401, json!({"error": error, "detail": detail})),
    }
}
