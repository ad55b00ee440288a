//! What a request says beyond its credentials.

/// Path, query and content of a request as they came in, before anything decoded or rewrote them.
#[derive(Clone, Debug, Default)]
pub struct RequestContent<'a> {
    /// The path of the request line below the public base, as the router saw it: never one that a router decoded.
    pub path: &'a str,
    /// What stands behind the first `?`, if one is there.
    pub query: Option<&'a str>,
    /// The value of every `Content-Type` field line.
    pub media_types: Vec<&'a [u8]>,
    /// The value of every `Content-Digest` field line.
    pub digests: Vec<&'a [u8]>,
    /// The whole body, as it came in; `None` if it was not read. Rules that need it refuse what comes without:
    /// [`has_arguments_in_body`](crate::RouteRule::has_arguments_in_body), [`binds_content`](crate::RouteRule::binds_content).
    pub body: Option<&'a [u8]>,
}
