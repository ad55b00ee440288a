//! P-01: an `Authorized` comes out of a check and from nowhere else.
use handfast_delegation::AccessToken;
use handfast_identity::Thumbprint;
use handfast_verifier::Authorized;

fn forge(token: AccessToken, key: Thumbprint) -> Authorized {
    Authorized { token, key, proof_id: String::new(), is_owner: true }
}

fn main() {}
