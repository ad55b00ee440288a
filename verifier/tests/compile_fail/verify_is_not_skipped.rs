//! What was only parsed cannot be bound.
use handfast_verifier::tools::RequestContent;
use handfast_verifier::{BoundRequest, Rejection, RouteRule, UnverifiedRequest};

fn skip(request: UnverifiedRequest<'_>, route: &RouteRule) -> Result<BoundRequest, Rejection> {
    request.bind(route, &RequestContent::default())
}

fn main() {}
