//! A verified request is bound once, for one route.
use handfast_verifier::{RouteRule, VerifiedRequest};

fn twice(request: VerifiedRequest, easy: &RouteRule, hard: &RouteRule) {
    let _ = request.bind(hard);
    let _ = request.bind(easy);
}

fn main() {}
