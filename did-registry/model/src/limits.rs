//! Every bound and default of the model, in one place. Sources: spec/limits.md, by row.

use handfast_identity::Seconds;

/// Longest stored record: larger values would not be synced by the embedded store (spec/limits.md, sizes).
pub const MAX_RECORD_BYTES: usize = 4096;
/// Longest statement of an event, so that it fits one stored value together with its salt (`handfast-audit-log`).
pub const MAX_STATEMENT_BYTES: usize = 4063;
/// Longest request body (spec/limits.md, request body).
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Longest name of an agent or owner.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest version text of an agent.
pub const MAX_VERSION_BYTES: usize = 32;
/// Longest purpose of an agent.
pub const MAX_PURPOSE_BYTES: usize = 256;
/// Longest reason given for a revocation.
pub const MAX_WHY_BYTES: usize = 256;
/// Longest text that says what is to be revoked (spec/limits.md, revocations).
pub const MAX_REVOCATION_ID_BYTES: usize = 128;
/// How long a revocation outlives the latest `exp` of what it stops: the leeway of the check, and clocks that are as far apart as
/// a feed may be ahead of its reader (spec/limits.md, revocations).
pub const REVOCATION_MARGIN: Seconds = Seconds::new(60);
/// How far ahead of its decision the cut-off of an owner lies: longer than a token is being issued, or a revocation is being
/// written. So long nothing is issued (spec/limits.md, revocations).
pub const OWNER_CUT_AHEAD: Seconds = Seconds::new(5);
/// How far ahead of its decision the cut-off of an agent lies, as that of an owner. So long it gets nothing (spec/limits.md, life).
pub const AGENT_CUT_AHEAD: Seconds = OWNER_CUT_AHEAD;
/// How long an offer to take an agent over is good (spec/limits.md, life).
pub const OFFER_LIFETIME: Seconds = Seconds::new(7 * 24 * 60 * 60);
/// Most versions of an agent that are kept, the present one included (spec/limits.md, life).
pub const MAX_VERSIONS: usize = 24;
/// Most new versions of one agent an hour: each is a write and a leaf (P-18).
pub const MAX_VERSIONS_PER_HOUR: u8 = 20;
/// Most scope tokens whose last use is kept of one agent: as many as a scope has (spec/limits.md, life).
pub const MAX_USED_SCOPES: usize = 64;
/// All scope tokens whose last use is kept of one agent together: two ceilings' worth.
pub const MAX_USED_SCOPE_BYTES: usize = 2 * MAX_AUTHORITY_SCOPE_BYTES;
/// Most agents that one call of an off-boarding deals with (spec/limits.md, life).
pub const OFFBOARDING_STEP: usize = 32;
/// The longest life of any token: of a root that may be passed on, or in development.
pub const LONGEST_TOKEN_LIFETIME: Seconds = MAX_DELEGABLE_LIFETIME;
/// Most revocations of one agent an hour: more than it has reason to, and little beside what the feed of a day holds (P-18).
pub const MAX_STOPS_PER_HOUR: u8 = 60;
/// Longest `jti` of a statement.
pub const MAX_PROOF_ID_BYTES: usize = 128;
/// Longest identifier of an issuer.
pub const MAX_ISSUER_BYTES: usize = 256;

/// Longest scope text of one authority. A record holds one authority and much else, so this is below the scope of a token.
pub const MAX_AUTHORITY_SCOPE_BYTES: usize = 768;
/// Most resources of one authority.
pub const MAX_AUTHORITY_RESOURCES: usize = 8;
/// All resource identifiers of one authority together; the longest single one has 512 bytes.
pub const MAX_AUTHORITY_RESOURCE_BYTES: usize = 640;
/// The tools of one authority, as `authorization_details`.
pub const MAX_AUTHORITY_DETAILS_BYTES: usize = 1536;
/// Scope, resources and tools of one authority together.
pub const MAX_AUTHORITY_BYTES: usize = 1792;
/// Depth of a stored record or a statement: a token's, and where it lies deeper in a record than in a token.
pub const MAX_RECORD_DEPTH: usize = 20;
/// Most hops that a task's tree holds, expired ones too (spec/delegation.md, tree).
pub const MAX_HOPS_PER_TASK: u16 = 4096;
/// Most characters of what was too broad that an answer names.
pub const MAX_EXCESS_CHARS: usize = 256;
/// Most delegates a ceiling lists.
pub const MAX_DELEGATES: usize = 8;

/// Most keys of an agent that follow each other by rotation; what is left of 256 is for recoveries (spec/rotation.md).
pub const MAX_ROTATED_KEYS: u16 = 240;
/// Between two rotations of one agent: each is an entry on the feed for ever (P-18).
pub const ROTATION_PAUSE: Seconds = Seconds::new(60);
/// How far ahead of its decision the cut-off of a replaced key lies: longer than a token is being issued or a hop carried, by
/// clocks that differ a little (DEL-40).
pub const KEY_CUT_AHEAD: Seconds = Seconds::new(5);
/// How long a rotation waits for its owner.
pub const ROTATION_APPROVAL_LIFETIME: Seconds = Seconds::new(3 * 24 * 60 * 60);
/// How long before a recovery its new key may have signed: it is carried from the agent's machine to the owner's.
pub const ACCEPTANCE_LIFETIME: Seconds = Seconds::new(24 * 60 * 60);
/// Most DIDs that the log's statement of an agent's end lists; the number of its keys says whether there are more.
pub const MAX_LISTED_DIDS: usize = 48;

/// How long a claim code is good (spec/limits.md, claim code).
pub const CLAIM_CODE_LIFETIME: Seconds = Seconds::new(15 * 60);
/// How long a client waits between polls (RFC 8628 3.2).
pub const POLL_INTERVAL: Seconds = Seconds::new(5);
/// What agents do of their own accord is counted by the hour (spec/limits.md, P-18).
pub const RATE_PERIOD: Seconds = Seconds::new(60 * 60);
/// Most new claim codes of one agent an hour, [`POLL_INTERVAL`] apart: five times what is needed when each runs out (P-18).
pub const MAX_CODES_PER_HOUR: u8 = 20;
/// Wrong codes of one owner at one claim; the next try is refused unread (TH58).
pub const MAX_WRONG_CODES_PER_OWNER: u8 = 5;
/// Wrong codes of all owners at one claim; then it is void.
pub const MAX_WRONG_CODES: u8 = 50;
/// Owners who may stand at the confirm stage of one claim at once; a further one sends the first back to the code.
pub const MAX_CONFIRMING_OWNERS: usize = 8;
/// Longest code text looked at; anything longer is as wrong as anything else.
pub const MAX_CODE_BYTES: usize = 64;
/// Longest confirmation text looked at; six words have at most 53 characters.
pub const MAX_CONFIRM_BYTES: usize = 128;

/// How long an enrolment code of an owner is good.
pub const OWNER_CODE_LIFETIME: Seconds = Seconds::new(24 * 60 * 60);
/// How long an enrolment of an agent is good when nobody says (spec/limits.md, enrolments).
pub const DEFAULT_ENROLMENT_LIFETIME: Seconds = OWNER_CODE_LIFETIME;
/// The shortest life of an enrolment: it has to reach the agent's machine.
pub const MIN_ENROLMENT_LIFETIME: Seconds = Seconds::new(60);
/// The longest life of an enrolment: what lies around for longer is forgotten where it lies.
pub const MAX_ENROLMENT_LIFETIME: Seconds = UNCLAIMED_LIFETIME;
/// How long the answer to a call that creates something is kept under its idempotency key (spec/limits.md, idempotency).
pub const IDEMPOTENCY_LIFETIME: Seconds = Seconds::new(24 * 60 * 60);
/// Longest idempotency key: a UUID has 36 characters.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 128;
/// How long an UNCLAIMED record lives unused; then its DID and handle are free again.
pub const UNCLAIMED_LIFETIME: Seconds = Seconds::new(30 * 24 * 60 * 60);

/// How long a task lives when nobody says (spec/limits.md, task lifetime).
pub const DEFAULT_TASK_LIFETIME: Seconds = Seconds::new(60 * 60);
/// The longest task.
pub const MAX_TASK_LIFETIME: Seconds = Seconds::new(24 * 60 * 60);
/// The shortest task: one shortest token.
pub const MIN_TASK_LIFETIME: Seconds = MIN_TOKEN_LIFETIME;
/// The longest task of an UNCLAIMED agent, for which nobody set a ceiling.
pub const MAX_UNCLAIMED_TASK_LIFETIME: Seconds = DEFAULT_TASK_LIFETIME;
/// Most open `self` tasks of one agent, the default one included.
pub const MAX_OPEN_SELF_TASKS: usize = 10;
/// Most new `self` tasks of one agent an hour: the shortest ones, one after the other (P-18).
pub const MAX_SELF_TASKS_PER_HOUR: u8 = 60;

/// Token lifetime when nothing is configured (spec/limits.md, token lifetime; AT-21).
pub const DEFAULT_TOKEN_LIFETIME: Seconds = Seconds::new(5 * 60);
/// The shortest token lifetime.
pub const MIN_TOKEN_LIFETIME: Seconds = Seconds::new(60);
/// Lifetime of a root token that may be passed on, when nothing is configured: the hops below it end with it.
pub const DEFAULT_DELEGABLE_LIFETIME: Seconds = Seconds::new(15 * 60);
/// The longest lifetime of a root token that may be passed on.
pub const MAX_DELEGABLE_LIFETIME: Seconds = Seconds::new(60 * 60);
/// The longest token lifetime in production.
pub const MAX_TOKEN_LIFETIME: Seconds = Seconds::new(15 * 60);
/// The longest token lifetime in development.
pub const MAX_TOKEN_LIFETIME_DEVELOPMENT: Seconds = Seconds::new(60 * 60);

/// How old a registration statement may be when nothing is configured (spec/limits.md, proof freshness).
pub const DEFAULT_STATEMENT_PAST: Seconds = Seconds::new(60);
/// How far ahead a registration statement may be when nothing is configured (spec/limits.md, proof freshness).
pub const DEFAULT_STATEMENT_FUTURE: Seconds = Seconds::new(30);

/// How far ahead a client assertion may end (JB-04).
pub const MAX_ASSERTION_AHEAD: Seconds = Seconds::new(300);
/// Tolerance in the times of a client assertion, as in tokens.
pub const ASSERTION_LEEWAY: Seconds = Seconds::new(30);

/// Keys that a registry signs tokens with at once: the one that signs and the one that stands by.
pub const MAX_SIGNING_KEYS: usize = 2;
