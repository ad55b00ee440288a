//! Only the issuer's signature over these very claims makes a verified token.
use handfast_delegation::{AccessToken, VerifiedAccessToken};
use handfast_identity::SignatureValid;

fn forge(claims: AccessToken, of_something_else: SignatureValid) -> VerifiedAccessToken {
    VerifiedAccessToken { claims, _signature: of_something_else }
}

fn main() {}
