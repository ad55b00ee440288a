//! The table of operations (spec/registry.md, spec/lifecycle.md, spec/rotation.md, spec/revocation-feed.md).

use serde_json::{Value, json};

use super::operation::{FORM, JSON, JWT, Operation, Query, RESULT, reference};

pub(super) const TAGS: [(&str, &str); 8] = [
    ("discovery", "What there is, for anybody."),
    ("agents", "Registration, records, life."),
    ("claims", "From an agent's code to its owner."),
    ("owners", "People's keys."),
    ("enrolments", "Agents that are somebody's as soon as they register."),
    ("tasks", "What agents are asked to do."),
    ("oauth", "Tokens."),
    ("revocations", "Stopping things, and who hears of it."),
];

const OWNER: &[&str] = &["owner:self"];
const ADMIN: &[&str] = &["registry:admin"];
const READER: &[&str] = &["owner:self", "registry:read", "registry:admin"];
const MANAGER: &[&str] = &["owner:self", "registry:admin"];
const WORKER: &[&str] = &["agent:self", "owner:self", "registry:admin"];
const CONCERNED: &[&str] = &["agent:self", "owner:self", "registry:read", "registry:admin"];

pub(super) fn operations() -> Vec<Operation> {
    [discovery(), agents(), life(), claims(), owners(), tasks(), oauth(), revocations()].into_iter().flatten().collect()
}

use Operation as Op;

fn get(path: &'static str, id: &'static str, tag: &'static str, summary: &'static str) -> Op {
    Op::new("GET", path, id, tag, summary)
}

fn post(path: &'static str, id: &'static str, tag: &'static str, summary: &'static str) -> Op {
    Op::new("POST", path, id, tag, summary)
}

fn optional(name: &'static str, description: &'static str, schema: Value) -> Query {
    Query { name, required: false, description, schema }
}

fn page() -> Vec<Query> {
    vec![
        optional("after", "Where the page before says `next`.", json!({"type": "string"})),
        optional("limit", "The most of one page.", json!({"type": "integer", "minimum": 1, "maximum": 200})),
    ]
}

fn text(media: &'static str) -> Vec<(&'static str, Value)> {
    vec![(media, json!({"type": "string"}))]
}

fn discovery() -> Vec<Op> {
    let tag = "discovery";
    let documents = || {
        ["application/did", "application/did+json", "application/did+ld+json", JSON]
            .map(|media| (media, reference("DidDocument")))
            .into_iter()
            .chain([(RESULT, reference("DidResolution"))])
            .collect()
    };
    let flag = || json!({"type": "string", "enum": ["true", "false"]});
    vec![
        get("/", "landing", tag, "A few words").gives(200, "What this is.", "Landing"),
        get("/livez", "livez", tag, "The process answers").answers_with(200, "It does.", text("text/plain")),
        get("/readyz", "readyz", tag, "The store can be read and written").answers_with(
            200,
            "It can.",
            text("text/plain"),
        ),
        get("/metrics", "metrics", tag, "Metrics in OpenMetrics text").answers_with(
            200,
            "The metrics.",
            text("application/openmetrics-text"),
        ),
        get("/openapi.json", "openapi", tag, "This document").answers_with(
            200,
            "It.",
            vec![(JSON, json!({"type": "object"}))],
        ),
        get("/.well-known/oauth-authorization-server", "authorizationServerMetadata", tag, "RFC 8414").gives(
            200,
            "The metadata.",
            "AuthorizationServerMetadata",
        ),
        get(
            "/.well-known/oauth-protected-resource",
            "protectedResourceMetadata",
            tag,
            "RFC 9728, of the registry itself",
        )
        .gives(200, "The metadata.", "ProtectedResourceMetadata"),
        get("/.well-known/did.json", "ownDid", tag, "The registry as did:web").answers_with(
            200,
            "The document.",
            vec![("application/did+json", reference("DidDocument"))],
        ),
        get("/jwks.json", "jwks", tag, "The token keys (RFC 7517)").gives(200, "The keys.", "Jwks"),
        get("/1.0/identifiers/{did}", "resolveDid", tag, "DID Resolution, for any did:key")
            .query(vec![
                optional("noCache", "Changes nothing here.", flag()),
                optional("expandRelativeUrls", "Changes nothing here.", flag()),
            ])
            .answers_with(200, "The document, or with the result's media type all of it.", documents())
            .refuses(&[404, 406, 501])
            .resolution(),
    ]
}

fn agents() -> Vec<Op> {
    let tag = "agents";
    let search = || {
        let status = json!({"type": "string", "enum": ["UNCLAIMED", "CLAIMED", "REVOKED"]});
        let handle = json!({"type": "string", "maxLength": 63, "pattern": "^[a-z0-9][a-z0-9-]*$"});
        let mut query = page();
        query.extend([
            optional("handle", "How the handle begins.", handle),
            optional("owner", "Whose: for owners their own.", reference("OwnerId")),
            optional("status", "Where they are in their life.", status),
        ]);
        query
    };
    let review = || {
        let mut query = page();
        let days = json!({"type": "integer", "minimum": 1, "maximum": 36525});
        query.push(optional("stale_days", "After how many days without a token an agent is stale.", days));
        query.push(optional("only", "Only stale ones.", json!({"type": "string", "enum": ["stale"]})));
        query
    };
    vec![
        post(
            "/agents",
            "registerAgent",
            tag,
            "Register: an `agent-registration+jwt`, signed with the key that is registered",
        )
        .by_statement()
        .once()
        .gives_at("The record, and unless it was enrolled its claim.", "RegisteredAgent")
        .refuses(&[403, 410, 429]),
        get("/agents", "listAgents", tag, "An owner's agents, or all for readers")
            .by_token(READER)
            .query(search())
            .gives(200, "A page, which may hold fewer than there is room for.", "AgentPage"),
        get("/agents/{name}", "showAgent", tag, "A record")
            .by_token(CONCERNED)
            .gives(200, "The record.", "Agent")
            .refuses(&[404, 409]),
        get("/agents/{name}/versions", "listVersions", tag, "The versions it said it was, newest first")
            .by_token(CONCERNED)
            .gives(200, "The versions.", "Versions")
            .refuses(&[404, 409]),
        get("/agents/{name}/did.json", "agentDid", tag, "The DID document of a living agent")
            .answers_with(200, "The document.", vec![("application/did+json", reference("DidDocument"))])
            .refuses(&[404]),
        get(
            "/agents/{name}/keys",
            "keyHistory",
            tag,
            "The keys it had, and the statements by which they follow each other",
        )
        .gives(200, "The history.", "KeyHistory")
        .refuses(&[404]),
        get("/review", "review", tag, "What agents may do, and when they last did")
            .by_token(READER)
            .query(review())
            .gives(200, "A page.", "ReviewPage"),
    ]
}

fn life() -> Vec<Op> {
    let tag = "agents";
    let changed = |operation: Op| operation.gives(200, "The record as it then is.", "Agent").refuses(&[404, 409]);
    let with_reason =
        |path, id, summary, scopes| changed(post(path, id, tag, summary).by_token(scopes).takes_json("Reason"));
    let rotated = |operation: Op| {
        operation
            .gives(200, "The key took the other's place.", "Rotation")
            .gives(202, "It waits for the owner.", "Rotation")
            .refuses(&[403, 404, 409, 429])
    };
    vec![
        with_reason(
            "/agents/{name}/suspend",
            "suspendAgent",
            "What it was given is dead, and it gets nothing",
            MANAGER,
        ),
        with_reason("/agents/{name}/resume", "resumeAgent", "It goes on, with new tokens", MANAGER),
        with_reason("/agents/{name}/retire", "retireAgent", "Out of use, for ever", MANAGER),
        changed(
            post("/agents/{name}/ceiling", "changeCeiling", tag, "Another ceiling, whole")
                .by_token(OWNER)
                .takes_json("CeilingRequest"),
        ),
        changed(
            post("/agents/{name}/environment", "changeEnvironment", tag, "Where it runs from now on")
                .by_token(OWNER)
                .takes_json("EnvironmentRequest"),
        ),
        changed(
            post("/agents/{name}/transfer", "offerAgent", tag, "Offer it to another owner")
                .by_token(OWNER)
                .takes_json("OfferRequest"),
        ),
        with_reason("/agents/{name}/transfer/accept", "acceptAgent", "Take it over", OWNER),
        with_reason("/agents/{name}/transfer/withdraw", "withdrawOffer", "Take an offer back, or decline it", MANAGER),
        changed(
            post(
                "/agents/{name}/version",
                "stateVersion",
                tag,
                "State a version: an `agent-version+jwt` by the agent's key",
            )
            .by_statement()
            .refuses(&[403, 429]),
        ),
        rotated(
            post("/agents/{name}/rotate", "rotateKey", tag, "Another key: a `key-rotation+jwt` by both keys")
                .by_statement(),
        ),
        rotated(
            post("/agents/{name}/rotate/approve", "approveRotation", tag, "Let the new key in")
                .by_token(MANAGER)
                .takes_json("RotationAnswer"),
        ),
        rotated(
            post("/agents/{name}/rotate/refuse", "refuseRotation", tag, "Keep the new key out")
                .by_token(MANAGER)
                .takes_json("RotationAnswer"),
        ),
        changed(
            post("/agents/{name}/recover", "recoverAgent", tag, "Take it back from a thief of its key")
                .by_token(OWNER)
                .takes_json("RecoveryRequest"),
        ),
    ]
}

fn claims() -> Vec<Op> {
    let tag = "claims";
    vec![
        post("/claims", "newClaimCode", tag, "A new code, in place of the last one")
            .by_proof()
            .takes_nothing()
            .gives(201, "The claim.", "Claim")
            .refuses(&[404, 409, 429]),
        get("/claims/{id}", "pollClaim", tag, "How a claim stands, for its agent")
            .by_proof()
            .gives(200, "How it stands.", "ClaimStatus")
            .refuses(&[403, 404, 409]),
        post(
            "/claims/{id}/approve",
            "approveClaim",
            tag,
            "Take an agent: once with the code, once more with the words",
        )
        .by_token(OWNER)
        .takes_json("ApproveRequest")
        .answers_with(
            200,
            "What to compare, or the record.",
            vec![(JSON, json!({"oneOf": [reference("Confirmation"), reference("Agent")]}))],
        )
        .refuses(&[404, 409, 410, 422, 429]),
        post("/claims/{id}/refuse", "refuseClaim", tag, "Have nothing to do with it")
            .by_token(OWNER)
            .takes_json("RefuseRequest")
            .gives(200, "Refused.", "ClaimRefused")
            .refuses(&[404, 409, 410, 429]),
    ]
}

fn owners() -> Vec<Op> {
    let progress = |operation: Op| operation.gives(200, "How far it has come.", "Offboarding");
    vec![
        post("/owners", "registerOwner", "owners", "Become an owner: an `owner-registration+jwt` with a one-time code")
            .by_statement()
            .once()
            .gives(201, "The owner.", "Owner")
            .refuses(&[403, 410, 429]),
        post("/owners/codes", "newOwnerCode", "owners", "A one-time code for somebody")
            .by_token(ADMIN)
            .once()
            .takes_json("OwnerCodeRequest")
            .gives(201, "The code, shown this once.", "OwnerCode")
            .refuses(&[410]),
        progress(post(
            "/owners/{id}/offboarding",
            "offboardOwner",
            "owners",
            "An owner leaves; repeat it until it is done",
        ))
        .by_token(ADMIN)
        .takes_json("OffboardingRequest")
        .refuses(&[409]),
        progress(get("/owners/{id}/offboarding", "showOffboarding", "owners", "How far it has come"))
            .by_token(ADMIN)
            .refuses(&[404]),
        post("/enrolments", "newEnrolment", "enrolments", "Say beforehand what an agent will be allowed")
            .by_token(OWNER)
            .once()
            .takes_json("EnrolmentRequest")
            .gives(201, "The enrolment, with its token shown this once.", "MadeEnrolment")
            .refuses(&[404, 410]),
        get("/enrolments", "listEnrolments", "enrolments", "An owner's enrolments, or all for readers")
            .by_token(READER)
            .query(page())
            .gives(200, "A page.", "EnrolmentPage"),
        post("/enrolments/{id}/revoke", "revokeEnrolment", "enrolments", "Call it off")
            .by_token(MANAGER)
            .takes_json("Reason")
            .gives(200, "The enrolment.", "Enrolment")
            .refuses(&[404, 410]),
    ]
}

fn tasks() -> Vec<Op> {
    let tag = "tasks";
    vec![
        post("/tasks", "newTask", tag, "Ask an agent")
            .by_token(OWNER)
            .once()
            .takes_json("TaskRequest")
            .gives(201, "The task.", "Task")
            .refuses(&[404]),
        get("/tasks/{id}", "showTask", tag, "A task")
            .by_token(CONCERNED)
            .gives(200, "The task.", "Task")
            .refuses(&[404, 409]),
        get("/tasks/{id}/tree", "taskTree", tag, "To whom it was passed on")
            .by_token(CONCERNED)
            .query(vec![
                optional(
                    "after",
                    "Where the page before says `next`.",
                    json!({"type": "integer", "minimum": 0, "maximum": 65535}),
                ),
                optional("limit", "The most of one page.", json!({"type": "integer", "minimum": 1, "maximum": 200})),
            ])
            .gives(200, "A page.", "TaskTree")
            .refuses(&[404, 409]),
        post("/tasks/{id}/complete", "completeTask", tag, "It is done")
            .by_token(WORKER)
            .takes_nothing()
            .gives(200, "The task.", "Task")
            .refuses(&[404, 409]),
    ]
}

fn oauth() -> Vec<Op> {
    let tag = "oauth";
    vec![
        post("/oauth2/token", "token", tag, "A token: `client_credentials` (RFC 6749) or token exchange (RFC 8693)")
            .by_proof()
            .takes(FORM, reference("TokenRequest"))
            .gives(200, "The token.", "Token")
            .refuses(&[429])
            .oauth(),
        post("/oauth2/revoke", "revokeToken", tag, "Give a token up (RFC 7009)")
            .by_proof()
            .takes(FORM, reference("TokenRevocationRequest"))
            .answers_with(200, "It is over, or is none of the caller's.", Vec::new())
            .refuses(&[429])
            .oauth(),
        post("/oauth2/introspect", "introspect", tag, "A resource asks about a token (RFC 7662)")
            .by_token(&["introspect"])
            .takes(FORM, reference("IntrospectionRequest"))
            .gives(200, "What the token says, or that it is not active.", "Introspection")
            .refuses(&[429])
            .oauth(),
    ]
}

fn revocations() -> Vec<Op> {
    let tag = "revocations";
    let number = || json!({"type": "integer", "minimum": 0});
    vec![
        get("/revocations/snapshot", "snapshot", tag, "The feed, whole: a `revocation-feed+jwt`").answers_with(
            200,
            "The message.",
            text(JWT),
        ),
        get("/revocations", "followFeed", tag, "What came after a number, waiting for it")
            .query(vec![
                Query { name: "after", required: true, description: "The last number known.", schema: number() },
                optional("wait", "How many seconds to wait for the next; 30 at most.", number()),
            ])
            .answers_with(200, "The message.", text(JWT)),
        get("/revocations/stream", "streamFeed", tag, "The same messages as they come, as server-sent events")
            .field(optional(
                "Last-Event-ID",
                "The last number known.",
                json!({"type": "string", "pattern": "^[0-9]{1,15}$"}),
            ))
            .answers_with(200, "The events.", text("text/event-stream")),
        get("/revocations/key", "feedKey", tag, "Which key the feed is signed with, as the recovery key says")
            .answers_with(200, "The statement.", text(JWT))
            .refuses(&[404]),
        post("/revocations", "revoke", tag, "Stop something, for good")
            .by_token(WORKER)
            .takes_json("RevocationRequest")
            .answers_with(
                200,
                "It is stopped: durable, and on the feed.",
                vec![(JSON, json!({"oneOf": [reference("Revocation"), reference("Agent")]}))],
            )
            .refuses(&[404, 409, 429]),
        post("/revocations/preview", "previewRevocation", tag, "How far that would reach; nothing is changed")
            .by_token(WORKER)
            .takes_json("RevocationRequest")
            .gives(200, "How far.", "Reach")
            .refuses(&[404, 409, 429]),
    ]
}
