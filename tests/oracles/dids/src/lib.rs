//! Asking other implementations what handfast answers by itself: what a DID resolves to, what a key is called, whether a
//! signature is good. `tests/` compares; where they answer otherwise is a closed list there and in spec/interop.md.

mod vectors;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use ssi_dids_core::DID;
use ssi_dids_core::resolution::{DIDMethodResolver as _, Options};

pub use vectors::{Refused, Vectors, Verdicts};

/// What another implementation makes of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It resolves to this document.
    Document(Value),
    /// It is refused.
    Refused,
    /// The implementation panics.
    Panicked,
}

impl Verdict {
    /// The document, which there is.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    #[expect(clippy::panic, reason = "an answer of another kind should stop the test")]
    pub fn document(self) -> Value {
        match self {
            Self::Document(document) => document,
            other => panic!("{other:?}"),
        }
    }
}

/// What ssi (`did-method-key`) makes of a `did:key`: its reader of DIDs first, then the method.
#[must_use]
pub fn ssi_did_key(did: &str) -> Verdict {
    asked(|| {
        let did = DID::new(did).ok()?;
        let method = did_method_key::DIDKey.resolve_method_representation(did.method_specific_id(), Options::default());
        (did.method_name() == "key").then(|| at_once(method).ok().map(|output| output.document))?
    })
}

/// What ssi (`did-jwk`) makes of a `did:jwk`, with its key as a JWK: its reader of DIDs first, then the method.
#[must_use]
pub fn ssi_did_jwk(did: &str) -> Verdict {
    asked(|| {
        let did = DID::new(did).ok()?;
        let mut options = Options::default();
        options.parameters.public_key_format = Some("JsonWebKey2020".to_owned());
        let method = did_jwk::DIDJWK.resolve_method_representation(did.method_specific_id(), options);
        (did.method_name() == "jwk").then(|| at_once(method).ok().map(|output| output.document))?
    })
}

/// What `did-key` makes of a `did:key`, with its keys as JWKs.
#[must_use]
pub fn did_key(did: &str) -> Verdict {
    use did_key::{CONFIG_JOSE_PUBLIC, DIDCore as _};
    asked(|| {
        let document = did_key::resolve(did).ok()?.get_did_document(CONFIG_JOSE_PUBLIC);
        serde_json::to_vec(&document).ok()
    })
}

fn asked(resolve: impl FnOnce() -> Option<Vec<u8>>) -> Verdict {
    match catch_unwind(AssertUnwindSafe(resolve)) {
        Ok(Some(document)) => serde_json::from_slice(&document).map_or(Verdict::Refused, Verdict::Document),
        Ok(None) => Verdict::Refused,
        Err(_) => Verdict::Panicked,
    }
}

/// What a future gives that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
