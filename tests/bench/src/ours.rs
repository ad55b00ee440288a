//! The unit, and chains as a resource server reads them.

use std::hint::black_box;

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier};
use handfast_delegation::{ChainText, ResourceId, Scope, ToolCall};
use handfast_dpop::{ProofRoom, Target};
use handfast_identity::Algorithm;
use handfast_testkit::CountedRandom;
use handfast_verifier::tools::{RequestContent, ToolRoute};
use handfast_verifier::{Credentials, NoVerdicts, RequestParts, RouteRule, UnverifiedRequest, Verdicts};
use serde_json::Map;

use crate::material::{Kept, KnownKeys, PATH, Presented, RESOURCE, facts, now, point};
use crate::meter::Candidate;

/// Bytes of the unit's message: the signing input of a proof.
pub const UNIT_BYTES: usize = 365;
/// Signatures that the unit takes in turn: a processor learns the way through one that comes again and again.
pub const UNITS: usize = 16;
/// The lengths of chain that are measured.
pub const LENGTHS: [u8; 4] = [1, 3, 5, 8];

/// One signature check with a decoded key: what everything else is told in.
pub fn unit() -> Candidate {
    let all = [0; UNITS].map(|_| random_seed()).map(|seed| {
        let (key, message) = (SigningKey::from_bytes(&seed), seed.repeat(12)[..UNIT_BYTES].to_vec());
        let signature: Signature = key.sign(&message);
        (key.verifying_key(), message, signature)
    });
    let mut places = (0..UNITS).cycle();
    Candidate::new("unit", move || {
        let (public, message, signature) = &all[places.next().expect("no end")];
        public.verify(black_box(message), black_box(signature)).is_ok()
    })
}

/// The same check of ours, with a plain key and with one that was found often.
pub fn checks() -> Vec<Candidate> {
    ["check", "check-often"]
        .map(|name| {
            let all = [0; UNITS].map(|_| random_seed()).map(|seed| {
                let (key, message) = (handfast_identity::SigningKey::from_ed25519_seed(&seed), [7; UNIT_BYTES]);
                let public = if name == "check" { key.public().plain() } else { key.public().prepared() };
                (public, message, key.sign(&message))
            });
            let mut places = (0..UNITS).cycle();
            Candidate::new(name, move || {
                let (public, message, signature) = &all[places.next().expect("no end")];
                public.verify(Algorithm::EdDsa, black_box(message), black_box(signature)).is_ok()
            })
        })
        .into()
}

/// Another one at each call, the same in each run.
pub fn random_seed() -> [u8; 32] {
    handfast_identity::random_bytes(&mut CountedRandom::unshared())
}

fn chains(form: &str, make: fn(u8) -> Presented) -> Vec<Candidate> {
    let mut all = Vec::new();
    for hops in LENGTHS {
        all.push(verification(&format!("{form}-{hops}-cold"), make(hops), &NoVerdicts, true));
        let known: &'static KnownKeys = Box::leak(Box::default());
        all.push(verification(&format!("{form}-{hops}-known"), make(hops), known, true));
        let often: &'static KnownKeys = Box::leak(Box::new(KnownKeys::often()));
        all.push(verification(&format!("{form}-{hops}-often"), make(hops), often, true));
        let kept: &'static Kept = Box::leak(Box::default());
        all.push(verification(&format!("{form}-{hops}-kept"), make(hops), kept, false));
    }
    all
}

/// Chains in both forms: `cold` from the texts on, `known` where the keys were seen before, `often` where they were seen often, `kept` with a remembered verdict, and `field` the reading of the field alone.
pub fn all_chains() -> Vec<Candidate> {
    let mut all = chains("offline", Presented::offline);
    all.extend(chains("exchanged", Presented::exchanged));
    all.extend(LENGTHS.map(|hops| {
        let presented = Presented::offline(hops);
        Candidate::new(format!("field-{hops}"), move || !read(black_box(&presented.field)).members().is_empty())
    }));
    all
}

fn read(field: &str) -> ChainText<'_> {
    ChainText::parse(field, 32 * 1024).expect("a chain")
}

fn verification(name: &str, presented: Presented, verdicts: &'static dyn Verdicts, reads_field: bool) -> Candidate {
    let (resource, facts) = (ResourceId::parse(RESOURCE).expect("a resource"), facts());
    let presented: &'static Presented = Box::leak(Box::new(presented));
    let text = read(&presented.field);
    Candidate::new(name, move || {
        let point = point(&resource, verdicts);
        let text = if reads_field { &read(black_box(&presented.field)) } else { &text };
        Credentials::verify(black_box(&presented.token), Some(text), &point, &facts, now()).is_ok()
    })
}

/// Root and three hops verified, and one call authorised by what the last hop may do.
pub fn authorisation() -> Candidate {
    let (resource, facts, presented) =
        (ResourceId::parse(RESOURCE).expect("a resource"), facts(), Presented::offline(3));
    let arguments = Map::from_iter([("path".to_owned(), PATH.into())]);
    let call = ToolCall { tool: "read_file".to_owned(), arguments };
    Candidate::new("handfast: root and 3 hops, one call", move || {
        let point = point(&resource, &NoVerdicts);
        let text = read(black_box(&presented.field));
        let found = Credentials::verify(black_box(&presented.token), Some(&text), &point, &facts, now());
        found.is_ok_and(|found| found.authority().tools.as_ref().is_some_and(|tools| tools.permits(&call).is_ok()))
    })
}

/// The whole check of a request but the replay store: fields, proof, token, chain, route and tool.
pub fn requests() -> Vec<Candidate> {
    let kept: &'static Kept = Box::leak(Box::default());
    vec![request("request-3-cold", &NoVerdicts), request("request-3-kept", kept)]
}

fn request(name: &str, verdicts: &'static dyn Verdicts) -> Candidate {
    let (resource, facts, presented) =
        (ResourceId::parse(RESOURCE).expect("a resource"), facts(), Presented::offline(3));
    let target = Target::parse(&format!("{RESOURCE}{PATH}")).expect("a target");
    let (proof, authorization) = (presented.proof(&target), format!("DPoP {}", presented.token));
    let route = RouteRule::agents(Scope::parse("files:read").expect("a scope"))
        .tool(ToolRoute::named("read_file").path("/{*path}"))
        .expect("a route");
    Candidate::new(name, move || {
        let point = point(&resource, verdicts);
        let parts = RequestParts {
            method: "GET",
            target: &target,
            authorization: [black_box(authorization.as_bytes())].into(),
            proofs: [black_box(proof.as_bytes())].into(),
            delegation: [black_box(presented.field.as_bytes())].into(),
            has_misplaced_token: false,
        };
        let content = RequestContent { path: PATH, ..RequestContent::default() };
        UnverifiedRequest::parse_known(&parts, &point.chain, point.verdicts, now(), &mut ProofRoom::new())
            .and_then(|request| request.verify(&point, &facts, now()))
            .and_then(|request| Ok(request.bind(&route, &content)?))
            .is_ok()
    })
}
