//! A verified request is bound once, for one route.
use handfast_verifier::tools::RequestContent;
use handfast_verifier::{RouteRule, VerifiedRequest};

fn twice(request: VerifiedRequest<'_>, easy: &RouteRule, hard: &RouteRule, content: &RequestContent<'_>) {
    let _ = request.bind(hard, content);
    let _ = request.bind(easy, content);
}

fn main() {}
