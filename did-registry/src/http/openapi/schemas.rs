//! The schemas of bodies and answers.
//!
//! Answers of ours are closed: a member that is not listed is a fault of the code or of this list. What other texts define (metadata, DID
//! documents, tokens) is open as they say.
#![allow(clippy::needless_pass_by_value, reason = "schemas inside schemas read better without references")]

use handfast_registry_model::limits::{
    MAX_ENROLMENT_LIFETIME, MAX_NAME_BYTES, MAX_TASK_LIFETIME, MAX_WHY_BYTES, MIN_ENROLMENT_LIFETIME, MIN_TASK_LIFETIME,
};
use serde_json::{Map, Value, json};

use super::operation::reference;

/// All of them, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let parts =
        [basics(), errors(), agents(), claims(), owners(), tasks(), oauth(), documents(), revocations(), requests()];
    parts.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

type Named = Vec<(&'static str, Value)>;

/// A closed object; members that end in `?` may be left out.
fn closed<const N: usize>(members: [(&str, Value); N]) -> Value {
    object(members, false)
}

/// An object that may have more.
fn open<const N: usize>(members: [(&str, Value); N]) -> Value {
    object(members, true)
}

fn object<const N: usize>(members: [(&str, Value); N], is_open: bool) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
    let properties: Map<_, _> =
        members.into_iter().map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema)).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": is_open});
    if let (Some(members), false) = (schema.as_object_mut(), required.is_empty()) {
        members.insert("required".to_owned(), json!(required));
    }
    schema
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn one_of<const N: usize>(words: [&str; N]) -> Value {
    json!({"type": "string", "enum": words.to_vec()})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn bounded(most: usize) -> Value {
    json!({"type": "string", "maxLength": most})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn with_example(mut schema: Value, example: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.insert("examples".to_owned(), json!([example]));
    }
    schema
}

/// The members of `schema`, and these.
fn extended<const N: usize>(mut schema: Value, members: [(&str, Value); N]) -> Value {
    let more = closed(members);
    for (place, value) in [("properties", more.pointer("/properties")), ("required", more.pointer("/required"))] {
        match (schema.get_mut(place), value) {
            (Some(Value::Object(known)), Some(Value::Object(more))) => known.extend(more.clone()),
            (Some(Value::Array(known)), Some(Value::Array(more))) => known.extend(more.iter().cloned()),
            _ => {}
        }
    }
    schema
}

fn basics() -> Named {
    vec![
        ("Time", json!({"type": "integer", "minimum": 0, "description": "Seconds since the epoch."})),
        ("Did", json!({"type": "string", "pattern": "^did:key:z[1-9A-HJ-NP-Za-km-z]+$"})),
        ("OwnerId", json!({"type": "string", "pattern": "^owner:[0-9abcdefghjkmnpqrstvwxyz]{26}$"})),
        ("Environment", one_of(["dev", "test", "prod"])),
        ("Status", one_of(["UNCLAIMED", "CLAIMED", "REVOKED"])),
        ("Resources", list(json!({"type": "string", "format": "uri", "maxLength": 512}))),
        (
            "AuthorizationDetails",
            json!({"type": "array", "minItems": 1, "maxItems": 1,
                   "items": open([("type", json!({"const": "attenuating_agent_token"})), ("tools", json!({"type": "object"}))])}),
        ),
        (
            "Budget",
            closed([
                ("max_uses?", json!({"type": "integer", "minimum": 1})),
                (
                    "rate?",
                    closed([
                        ("uses", json!({"type": "integer", "minimum": 1})),
                        ("seconds", json!({"type": "integer", "minimum": 1, "maximum": 86400})),
                    ]),
                ),
            ]),
        ),
        ("Party", closed([("id", reference("OwnerId")), ("name?", text())])),
    ]
}

fn errors() -> Named {
    vec![
        (
            "Problem",
            with_example(
                open([
                    ("type", json!({"type": "string", "format": "uri"})),
                    ("title", text()),
                    ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
                    (
                        "reason",
                        json!({"type": "string", "pattern": "^[a-z0-9_]+$", "description": "Stable; an open list."}),
                    ),
                    ("detail", text()),
                    ("error?", text()),
                    ("scope?", text()),
                ]),
                json!({"type": "https://handfast.dev/problems/unknown_agent", "title": "unknown agent", "status": 404,
                       "reason": "unknown_agent", "detail": "check the DID or handle; an unclaimed agent expires when unused"}),
            ),
        ),
        ("OauthError", open([("error", text()), ("error_description", text()), ("reason", text())])),
    ]
}

fn ceiling() -> Value {
    closed([
        ("scope", text()),
        ("resource", reference("Resources")),
        ("authorization_details?", reference("AuthorizationDetails")),
        ("budget?", reference("Budget")),
        ("max_task_seconds", count()),
        ("delegation", one_of(["none", "exchange", "offline"])),
        ("del_max_depth", count()),
        ("delegates?", list(reference("Did"))),
        ("instances", flag()),
    ])
}

fn agent() -> Value {
    closed([
        ("did", reference("Did")),
        ("handle", text()),
        ("status", reference("Status")),
        ("key_number?", json!({"type": "integer", "minimum": 2})),
        ("key_compromised?", flag()),
        ("organisation", text()),
        ("name", text()),
        ("version", text()),
        ("purpose", text()),
        ("environment", reference("Environment")),
        ("created_at", reference("Time")),
        ("claimed_at?", reference("Time")),
        ("revoked_at?", reference("Time")),
        ("suspended_at?", reference("Time")),
        ("retired_at?", reference("Time")),
        ("transfer?", closed([("to", reference("OwnerId")), ("expires_at", reference("Time"))])),
        ("owner?", reference("Party")),
        ("ceiling?", reference("Ceiling")),
        ("requested?", reference("Authority")),
        (
            "rotation?",
            closed([
                ("did", reference("Did")),
                ("fingerprint", text()),
                ("requested_at", reference("Time")),
                ("expires_at", reference("Time")),
            ]),
        ),
    ])
}

fn agents() -> Named {
    vec![
        ("Ceiling", ceiling()),
        (
            "Authority",
            closed([
                ("scope", text()),
                ("resource", reference("Resources")),
                ("authorization_details?", reference("AuthorizationDetails")),
                ("budget?", reference("Budget")),
            ]),
        ),
        ("Agent", agent()),
        ("RegisteredAgent", extended(agent(), [("claim?", reference("Claim"))])),
        ("AgentPage", closed([("agents", list(reference("Agent"))), ("next?", text())])),
        (
            "Reviewed",
            extended(
                agent(),
                [
                    ("age_days", count()),
                    ("last_seen?", reference("Time")),
                    (
                        "scopes",
                        list(closed([
                            ("scope", text()),
                            ("last_used", json!({"type": ["integer", "null"], "minimum": 0})),
                        ])),
                    ),
                    ("stale", flag()),
                ],
            ),
        ),
        ("ReviewPage", closed([("agents", list(reference("Reviewed"))), ("next?", text())])),
        ("Versions", closed([("versions", list(closed([("version", text()), ("since", reference("Time"))])))])),
        (
            "KeyHistory",
            closed([
                ("issuer", text()),
                ("did", reference("Did")),
                ("status", reference("Status")),
                (
                    "keys",
                    list(closed([
                        ("seq", json!({"type": "integer", "minimum": 1})),
                        ("did", reference("Did")),
                        ("kind", text()),
                        ("state", one_of(["current", "rotated_out", "compromised", "revoked"])),
                        ("since", reference("Time")),
                        ("replaced_at?", reference("Time")),
                        ("last_good?", count()),
                        ("statement_hash", text()),
                        ("statement?", text()),
                    ])),
                ),
            ]),
        ),
        (
            "Rotation",
            closed([
                ("status", text()),
                ("did", reference("Did")),
                ("key_number", json!({"type": "integer", "minimum": 1})),
                ("handle", text()),
                ("expires_at?", reference("Time")),
            ]),
        ),
    ]
}

fn claims() -> Named {
    vec![
        (
            "Claim",
            closed([
                ("id", text()),
                ("user_code", json!({"type": "string", "pattern": "^[BCDFGHJKLMNPQRSTVWXZ]{8}$"})),
                ("verification_uri", json!({"type": "string", "format": "uri"})),
                ("expires_in", count()),
                ("interval", count()),
            ]),
        ),
        (
            "ClaimStatus",
            closed([
                ("status", one_of(["pending", "claimed", "refused", "expired"])),
                ("owner?", reference("Party")),
                ("handle?", text()),
            ]),
        ),
        (
            "Confirmation",
            closed([
                ("status", json!({"const": "confirm"})),
                ("did", reference("Did")),
                ("fingerprint", text()),
                ("handle", text()),
                ("name", text()),
                ("version", text()),
                ("purpose", text()),
                ("environment", reference("Environment")),
                ("requested", reference("Authority")),
                ("self_declared", list(text())),
            ]),
        ),
        ("ClaimRefused", closed([("status", json!({"const": "refused"}))])),
    ]
}

fn enrolment() -> Value {
    closed([
        ("id", text()),
        ("owner", reference("OwnerId")),
        ("status", one_of(["open", "used", "revoked", "expired"])),
        ("label?", text()),
        ("environment?", reference("Environment")),
        ("ceiling", reference("Ceiling")),
        ("created_at", reference("Time")),
        ("expires_at", reference("Time")),
        ("agent?", reference("Did")),
        ("used_at?", reference("Time")),
        ("revoked_at?", reference("Time")),
    ])
}

fn owners() -> Named {
    vec![
        (
            "Owner",
            closed([
                ("id", reference("OwnerId")),
                ("did", reference("Did")),
                ("role", one_of(["owner", "admin"])),
                ("name?", text()),
                ("created_at", reference("Time")),
            ]),
        ),
        ("OwnerCode", closed([("code", text()), ("role", one_of(["owner", "admin"])), ("expires_in", count())])),
        (
            "Offboarding",
            closed([
                ("owner", reference("OwnerId")),
                ("status", one_of(["running", "done"])),
                ("agents", count()),
                ("to?", reference("OwnerId")),
                ("by", reference("OwnerId")),
                ("reason?", text()),
                ("begun_at", reference("Time")),
                ("done_at?", reference("Time")),
            ]),
        ),
        ("Enrolment", enrolment()),
        ("MadeEnrolment", extended(enrolment(), [("token", text())])),
        ("EnrolmentPage", closed([("enrolments", list(reference("Enrolment"))), ("next?", text())])),
    ]
}

fn tasks() -> Named {
    vec![
        (
            "Trigger",
            closed([
                ("type", one_of(["owner", "schedule", "event", "agent", "self"])),
                ("by", text()),
                ("ref?", text()),
            ]),
        ),
        (
            "Task",
            closed([
                ("id", text()),
                ("agent", reference("Did")),
                ("sub", text()),
                ("status", one_of(["open", "completed", "ended", "revoked"])),
                ("intent", text()),
                ("trigger", reference("Trigger")),
                ("scope", text()),
                ("resource", reference("Resources")),
                ("authorization_details?", reference("AuthorizationDetails")),
                ("budget?", reference("Budget")),
                ("created_at", reference("Time")),
                ("deadline", reference("Time")),
                ("completed_at?", reference("Time")),
                ("revoked_at?", reference("Time")),
                ("leaf?", count()),
            ]),
        ),
        (
            "TaskTree",
            closed([
                ("task", text()),
                (
                    "delegations",
                    list(closed([
                        ("hop", text()),
                        ("parent", json!({"type": ["string", "null"]})),
                        ("delegator", reference("Did")),
                        ("delegate", reference("Did")),
                        ("depth", count()),
                        ("instance", flag()),
                        ("scope", text()),
                        ("resource", reference("Resources")),
                        ("authorization_details?", reference("AuthorizationDetails")),
                        ("budget?", reference("Budget")),
                        ("expires_at", reference("Time")),
                        ("created_at", reference("Time")),
                    ])),
                ),
                ("next", json!({"type": ["string", "null"]})),
            ]),
        ),
    ]
}

fn oauth() -> Named {
    let strings = || list(text());
    vec![
        (
            "TokenRequest",
            open([
                ("grant_type", one_of(["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"])),
                ("client_id?", text()),
                ("client_assertion?", text()),
                ("client_assertion_type?", json!({"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})),
                ("scope?", text()),
                ("resource?", strings()),
                ("authorization_details?", text()),
                ("del_max_depth?", count()),
                ("task?", text()),
                ("task_intent?", text()),
                ("task_ref?", text()),
                ("task_seconds?", count()),
                ("subject_token?", text()),
                ("subject_token_type?", text()),
                ("actor_token?", text()),
                ("actor_token_type?", text()),
                ("requested_token_type?", text()),
            ]),
        ),
        (
            "Token",
            closed([
                ("access_token", text()),
                ("issued_token_type?", text()),
                ("token_type", json!({"const": "DPoP"})),
                ("expires_in", count()),
                ("scope", text()),
                ("authorization_details?", reference("AuthorizationDetails")),
                ("task?", reference("TokenTask")),
            ]),
        ),
        (
            "TokenTask",
            closed([("id", text()), ("intent", text()), ("leaf", count()), ("trigger", reference("Trigger"))]),
        ),
        (
            "TokenRevocationRequest",
            open([
                ("token", text()),
                ("token_type_hint?", text()),
                ("client_id?", text()),
                ("client_assertion?", text()),
                ("client_assertion_type?", text()),
            ]),
        ),
        ("IntrospectionRequest", open([("token", text()), ("token_type_hint?", text())])),
        (
            "Introspection",
            open([
                ("active", flag()),
                ("token_type?", json!({"const": "DPoP"})),
                ("iss?", text()),
                ("sub?", text()),
                ("client_id?", text()),
                ("aud?", strings()),
                ("scope?", text()),
                ("cnf?", open([("jkt", text())])),
                ("act?", open([("sub", text())])),
                ("task?", reference("TokenTask")),
                ("iat?", reference("Time")),
                ("exp?", reference("Time")),
                ("jti?", text()),
            ]),
        ),
    ]
}

fn documents() -> Named {
    let strings = || list(text());
    vec![
        (
            "Landing",
            closed([
                ("service", text()),
                ("version", text()),
                ("issuer", text()),
                ("metadata", text()),
                ("openapi", text()),
            ]),
        ),
        (
            "AuthorizationServerMetadata",
            open([
                ("issuer", json!({"type": "string", "format": "uri"})),
                ("token_endpoint", text()),
                ("revocation_endpoint", text()),
                ("introspection_endpoint", text()),
                ("jwks_uri", text()),
                ("response_types_supported", strings()),
                ("grant_types_supported", strings()),
                ("token_endpoint_auth_methods_supported", strings()),
                ("dpop_signing_alg_values_supported", strings()),
                ("scopes_supported", strings()),
                ("protected_resources", strings()),
            ]),
        ),
        (
            "ProtectedResourceMetadata",
            open([
                ("resource", text()),
                ("authorization_servers", strings()),
                ("scopes_supported", strings()),
                ("dpop_signing_alg_values_supported", strings()),
                ("dpop_bound_access_tokens_required", flag()),
            ]),
        ),
        (
            "Jwks",
            closed([(
                "keys",
                list(open([
                    ("kty", text()),
                    ("crv", text()),
                    ("x", text()),
                    ("kid", text()),
                    ("use", text()),
                    ("alg", text()),
                ])),
            )]),
        ),
        (
            "DidDocument",
            open([
                ("@context", strings()),
                ("id", text()),
                (
                    "verificationMethod",
                    list(open([
                        ("id", text()),
                        ("type", text()),
                        ("controller", text()),
                        ("publicKeyMultibase", text()),
                    ])),
                ),
                ("authentication", strings()),
                ("assertionMethod", strings()),
            ]),
        ),
        (
            "DidResolution",
            closed([
                (
                    "didResolutionMetadata",
                    open([
                        ("contentType?", text()),
                        ("error?", open([("type", text()), ("title", text()), ("detail", text())])),
                    ]),
                ),
                ("didDocument", json!({"oneOf": [reference("DidDocument"), {"type": "null"}]})),
                ("didDocumentMetadata", json!({"type": "object"})),
            ]),
        ),
    ]
}

fn kinds() -> Value {
    one_of(["agent", "task", "token", "hop", "owner", "key", "issuer_key"])
}

fn revocations() -> Named {
    vec![
        (
            "Revocation",
            closed([
                ("kind", kinds()),
                ("id", text()),
                ("status", json!({"const": "REVOKED"})),
                ("revoked_at", reference("Time")),
                ("by", text()),
                ("reason?", text()),
                ("cut?", reference("Time")),
                ("until?", reference("Time")),
            ]),
        ),
        (
            "Reach",
            closed([
                ("kind", kinds()),
                ("id", text()),
                ("agents?", count()),
                ("tasks?", count()),
                ("delegations?", count()),
                ("latest_expiry", reference("Time")),
                ("revoked_at?", reference("Time")),
            ]),
        ),
    ]
}

fn requests() -> Named {
    let why = || bounded(MAX_WHY_BYTES);
    let seconds = |least: u64, most: u64| json!({"type": "integer", "minimum": least, "maximum": most});
    let task_seconds = || seconds(MIN_TASK_LIFETIME.get(), MAX_TASK_LIFETIME.get());
    vec![
        (
            "WantedCeiling",
            closed([
                ("scope", text()),
                ("resource", reference("Resources")),
                ("authorization_details?", reference("AuthorizationDetails")),
                ("budget?", reference("Budget")),
                ("max_task_seconds?", task_seconds()),
                ("delegation?", one_of(["none", "exchange", "offline"])),
                ("del_max_depth?", json!({"type": "integer", "minimum": 0, "maximum": 8})),
                ("delegates?", json!({"type": "array", "items": reference("Did"), "maxItems": 8, "uniqueItems": true})),
                ("instances?", flag()),
            ]),
        ),
        (
            "ApproveRequest",
            with_example(
                closed([
                    ("user_code", text()),
                    ("handle?", json!({"type": "string", "minLength": 3, "maxLength": 63})),
                    ("ceiling", reference("WantedCeiling")),
                    ("confirm?", bounded(128)),
                ]),
                json!({"user_code": "BCDF-GHJK", "handle": "filer-7",
                   "ceiling": {"scope": "files:read", "resource": ["https://api.example"], "max_task_seconds": 3600}}),
            ),
        ),
        ("RefuseRequest", closed([("user_code", text())])),
        (
            "OwnerCodeRequest",
            with_example(
                closed([("role", one_of(["owner", "admin"])), ("name?", bounded(MAX_NAME_BYTES))]),
                json!({"role": "owner", "name": "Ada"}),
            ),
        ),
        (
            "EnrolmentRequest",
            with_example(
                closed([
                    ("ceiling", reference("WantedCeiling")),
                    ("environment?", reference("Environment")),
                    ("label?", bounded(MAX_NAME_BYTES)),
                    ("expires_in?", seconds(MIN_ENROLMENT_LIFETIME.get(), MAX_ENROLMENT_LIFETIME.get())),
                ]),
                json!({"ceiling": {"scope": "files:read", "resource": ["https://api.example"]}, "label": "runners", "expires_in": 3600}),
            ),
        ),
        (
            "TaskRequest",
            with_example(
                closed([
                    ("agent", bounded(128)),
                    ("intent", json!({"type": "string", "minLength": 1, "maxLength": 512})),
                    ("scope", json!({"type": "string", "minLength": 1})),
                    ("resource?", reference("Resources")),
                    ("authorization_details?", reference("AuthorizationDetails")),
                    ("budget?", reference("Budget")),
                    ("ref?", bounded(256)),
                    ("task_seconds?", task_seconds()),
                ]),
                json!({"agent": "filer-7", "intent": "file the November invoices", "scope": "files:read", "task_seconds": 600}),
            ),
        ),
        ("Reason", closed([("reason?", why())])),
        ("CeilingRequest", closed([("ceiling", reference("WantedCeiling")), ("reason?", why())])),
        ("EnvironmentRequest", closed([("environment", reference("Environment")), ("reason?", why())])),
        ("OfferRequest", closed([("to", reference("OwnerId")), ("reason?", why())])),
        ("RotationAnswer", closed([("did", reference("Did")), ("reason?", why())])),
        ("RecoveryRequest", closed([("statement", text()), ("reason?", why())])),
        (
            "OffboardingRequest",
            closed([("agents", one_of(["transfer", "retire"])), ("to?", reference("OwnerId")), ("reason?", why())]),
        ),
        (
            "RevocationRequest",
            with_example(
                closed([("kind", kinds()), ("id", bounded(128)), ("evidence?", text()), ("reason?", why())]),
                json!({"kind": "task", "id": "task_01jd7v3k8q5xw2t9m4n6r0abce", "reason": "wrong invoices"}),
            ),
        ),
    ]
}
