//! Which reason is reported when several things are wrong (spec/reasons.md, order).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed set-up should stop the test")]

mod support;

use handfast_delegation::{ActorChain, Arguments, Delegability, Environment, ResourceId, Tools};
use handfast_dpop::ContentHash;
use handfast_identity::{SigningKey, Thumbprint, jws};
use handfast_verifier::RouteRule;
use handfast_verifier::revocation::RevocationKind;
use handfast_verifier::tools::{RequestContent, ToolRoute};
use handfast_verifier::trust::{Facts, SpeaksFor};
use serde_json::{Value, json};
use support::*;

/// Faults in the order in which they are looked for, each with its reason.
const FAULTS: [(&str, &str); 39] = [
    ("two tokens", "credentials_repeated"),
    ("bearer", "bearer_downgrade"),
    ("two proofs", "proof_repeated"),
    ("two chains", "chain_malformed"),
    ("proof type", "proof_type"),
    ("proof id", "proof_claims"),
    ("chain not covered", "chain_malformed"),
    ("method", "method_mismatch"),
    ("target", "target_mismatch"),
    ("token hash", "token_hash_mismatch"),
    ("age", "proof_stale"),
    ("token type", "token_type_mismatch"),
    ("issuer", "issuer_not_trusted"),
    ("audience", "audience_mismatch"),
    ("end", "token_expired"),
    ("key id", "token_key_unknown"),
    ("token signature", "token_signature_invalid"),
    ("lifetime", "token_lifetime_exceeded"),
    ("issuer's scope", "issuer_not_trusted"),
    ("task", "token_claims_incomplete"),
    ("environment", "environment_mismatch"),
    ("issuer key revoked", "issuer_key_revoked"),
    ("token revoked", "token_revoked"),
    ("task revoked", "task_revoked"),
    ("owner revoked", "principal_revoked"),
    ("agent revoked", "agent_revoked"),
    ("key revoked", "key_compromised"),
    ("depth", "evidence_required"),
    ("chain beside root", "delegation_not_permitted"),
    ("unbound", "token_unbound"),
    ("holder", "holder_mismatch"),
    ("actor", "actor_mismatch"),
    ("proof signature", "proof_signature"),
    ("content digest", "content_digest_required"),
    ("caller", "caller_not_permitted"),
    ("scope", "insufficient_scope"),
    ("arguments", "arguments_ambiguous"),
    ("tool", "tool_refused"),
    ("replay", "proof_replayed"),
];

/// A request with all faults from the one at `first` on, and the server it goes to.
struct Faulty {
    first: usize,
}

impl Faulty {
    fn has(&self, fault: &str) -> bool {
        let place = FAULTS.iter().position(|(name, _)| *name == fault).unwrap();
        self.first <= place
    }

    /// Whether a chain is sent: a token of some depth misses its evidence only without one.
    fn has_chain(&self) -> bool {
        self.has("chain not covered") || (self.has("chain beside root") && !self.has("depth"))
    }

    fn server(&self) -> Server {
        let kid = kid(&issuer());
        let agent_did = did(&agent()).to_string();
        let jkt = agent().public().thumbprint().to_string();
        let entries = [
            ("issuer key revoked", RevocationKind::IssuerKey, kid.as_str()),
            ("token revoked", RevocationKind::Token, "tok_1"),
            ("task revoked", RevocationKind::Task, "task_1"),
            ("owner revoked", RevocationKind::Owner, OWNER),
            ("agent revoked", RevocationKind::Agent, agent_did.as_str()),
            ("key revoked", RevocationKind::Key, jkt.as_str()),
        ];
        let entries: Vec<_> =
            entries.iter().filter(|(fault, ..)| self.has(fault)).map(|(_, kind, id)| (*kind, *id)).collect();
        let mut trust = trust();
        if self.has("issuer's scope") {
            trust.scopes = SpeaksFor::Only(scope("other"));
        }
        let mut server = Server::new();
        server.facts = Facts::new([facts_of(trust, &issuer(), revoked(&entries))]);
        let rule = if self.has("caller") { RouteRule::owners } else { RouteRule::agents };
        server.route = rule(scope("files:read")).tool(ToolRoute::named("read_file").path("/files/{id}")).unwrap();
        if self.has("content digest") {
            server.route = server.route.bind_content();
        }
        server
    }

    fn content(&self) -> RequestContent<'static> {
        let query = self.has("arguments").then_some("other=1");
        RequestContent { path: "/files/42", query, body: Some(b""), ..RequestContent::default() }
    }

    fn reason(&self, server: &Server) -> &'static str {
        let answer = server.answer_with(&self.request(), &self.content());
        answer.map_or_else(|rejection| rejection.reason(), |_| "accepted")
    }

    fn token(&self) -> String {
        let mut claims = claims(&agent());
        if self.has("issuer") {
            claims.issuer = "https://other.example".into();
        }
        if self.has("audience") {
            claims.authority.resources = [ResourceId::parse("https://other.example").unwrap()].into();
        }
        if self.has("end") {
            claims.authority.expires_at = at(-31);
        }
        if self.has("lifetime") {
            claims.issued_at = at(-7200);
        }
        if self.has("task") {
            claims.task = None;
        }
        if self.has("scope") {
            claims.authority.scope = scope("files:list");
        }
        if self.has("tool") {
            claims.authority.tools = Some(Tools::new([("search".to_owned(), Arguments::Any)]).unwrap());
        }
        if self.has("environment") {
            claims.environment = Some(Environment::Test);
        }
        if self.has("depth") {
            claims.delegability = Some(Delegability { depth: 1, offline: false });
        }
        // a revoked key has to be named
        if self.has("unbound") && !self.has("key revoked") {
            claims.confirmation = None;
        }
        if self.has("actor") {
            claims.actors = Some(ActorChain::root(did(&other_agent()).as_str()).unwrap());
        }
        let key = if self.has("token signature") { other_agent() } else { issuer() };
        let kid = if self.has("key id") { "unknown".to_owned() } else { kid(&issuer()) };
        let token = claims.sign(&kid, &key).unwrap();
        if self.has("token type") { retyped(&token, &key) } else { token }
    }

    fn request(&self) -> Request {
        let token = self.token();
        let mut request = Request::of(&token, self.proof(&token));
        if self.has_chain() {
            request.delegation = vec!["eyJh".to_owned()];
        }
        if self.has("two tokens") {
            request.authorization.push(format!("DPoP {token}"));
        }
        if self.has("bearer") {
            request.authorization =
                request.authorization.iter().map(|line| line.replacen("DPoP", "Bearer", 1)).collect();
        }
        if self.has("two proofs") {
            request.proofs.push(self.proof(&token));
        }
        if self.has("two chains") {
            request.delegation.push("eyJh".to_owned());
        }
        request
    }

    fn proof(&self, token: &str) -> String {
        let key = if self.has("holder") { other_agent() } else { agent() };
        let jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
        let typ = if self.has("proof type") { "JWT" } else { "dpop+jwt" };
        let text =
            |fault: &str, wrong: &str, right: &str| if self.has(fault) { wrong.to_owned() } else { right.to_owned() };
        let hash = ContentHash::of(token.as_bytes()).to_string();
        let mut claims = json!({
            "jti": text("proof id", "", "proof-1"),
            "htm": text("method", "POST", "GET"),
            "htu": text("target", "https://api.example/other", URI),
            "iat": if self.has("age") { at(-61) } else { at(0) }.as_secs(),
            "ath": text("token hash", "AA", &hash),
        });
        if self.has_chain() && !self.has("chain not covered") {
            claims["dch"] = json!(ContentHash::of(b"eyJh").to_string());
        }
        let signer = if self.has("proof signature") { SigningKey::from_ed25519_seed(&[9; 32]) } else { key };
        jws::sign_with_header(&json!({"typ": typ, "alg": "EdDSA", "jwk": jwk}), &claims, &signer).unwrap()
    }
}

/// The same claims under another `typ`.
fn retyped(token: &str, key: &SigningKey) -> String {
    let payload = handfast_identity::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    jws::sign("JWT", Some("unknown"), &claims, key).unwrap()
}

#[test]
fn each_fault_hides_those_behind_it() {
    for (first, (fault, reason)) in FAULTS.iter().enumerate() {
        let faulty = Faulty { first };
        let server = faulty.server();
        if *fault == "replay" {
            assert_eq!(faulty.reason(&server), "accepted", "the first time");
        }
        assert_eq!(faulty.reason(&server), *reason, "{fault} and everything behind it");
    }
}

#[test]
fn without_any_fault_it_is_accepted() {
    let good = Faulty { first: FAULTS.len() };
    assert_eq!(good.reason(&good.server()), "accepted");
}

#[test]
fn nothing_about_revocation_is_told_to_strangers() {
    // everything is revoked and nothing is known: a token that is not the issuer's gets the same answer in both worlds
    let forged = claims(&agent()).sign(&kid(&issuer()), &other_agent()).unwrap();
    let request = Request::of(&forged, proof(&agent(), &forged, 1));
    let everything = revoked(&[(RevocationKind::Agent, did(&agent()).as_str()), (RevocationKind::Token, "tok_1")]);
    for status in [everything, handfast_verifier::trust::Status::Unknown, nothing_revoked()] {
        let mut server = Server::new();
        server.facts = Facts::new([facts_of(trust(), &issuer(), status)]);
        assert_eq!(server.reason(&request), "token_signature_invalid");
    }
}

#[test]
fn keys_are_compared_before_a_signature_is_paid_for() {
    let claims = claims(&agent());
    let mut request = Request::with(&claims, &other_agent());
    for proof in &mut request.proofs {
        proof.replace_range(proof.len() - 80..proof.len() - 70, "AAAAAAAAAA");
    }
    assert_eq!(Server::new().reason(&request), "holder_mismatch");
    assert!(Thumbprint::parse(&kid(&agent())).is_ok_and(|jkt| jkt.is_same_key(&agent().public().thumbprint())));
}
