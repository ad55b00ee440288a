//! One operation: who may call it, what it takes, what it answers.

use serde_json::{Map, Value, json};

/// An operation in the making.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    access: Access,
    query: Vec<Query>,
    fields: Vec<Query>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Vec<u16>,
    refusal: Shape,
}

enum Access {
    Anybody,
    /// The body is signed.
    Statement,
    Proof,
    Token(&'static [&'static str]),
}

/// A parameter of the query, or a field.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) description: &'static str,
    pub(super) schema: Value,
}

struct Body {
    media: &'static str,
    schema: Value,
    required: bool,
}

struct Answer {
    status: u16,
    description: &'static str,
    /// Media types, each with its schema; none for an empty body.
    content: Vec<(&'static str, Value)>,
    location: bool,
}

/// The form of refusals.
enum Shape {
    Problem,
    Oauth,
    /// A whole result of DID Resolution, where it is the resolution that fails.
    Resolution,
}

pub(super) const JSON: &str = "application/json";
pub(super) const JWT: &str = "application/jwt";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const PROBLEM: &str = "application/problem+json";
pub(super) const RESULT: &str = "application/did-resolution";

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

impl Operation {
    pub(super) fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            tag,
            summary,
            access: Access::Anybody,
            query: Vec::new(),
            fields: Vec::new(),
            body: None,
            answers: Vec::new(),
            // a body that does not end, one that is too long, too many of them
            refusals: vec![400, 413, 503],
            refusal: Shape::Problem,
        }
    }

    /// By a statement, signed by the key that it is about.
    pub(super) fn by_statement(self) -> Self {
        Self { access: Access::Statement, ..self.takes(JWT, json!({"type": "string"})).refuses(&[401]) }
    }

    /// By a proof alone.
    pub(super) fn by_proof(self) -> Self {
        Self { access: Access::Proof, ..self.refuses(&[401]) }
    }

    /// By a token for the registry with one of these scopes.
    pub(super) fn by_token(self, scopes: &'static [&'static str]) -> Self {
        Self { access: Access::Token(scopes), ..self.refuses(&[401, 403, 431]) }
    }

    pub(super) fn query(self, query: Vec<Query>) -> Self {
        Self { query, ..self }
    }

    pub(super) fn field(mut self, field: Query) -> Self {
        self.fields.push(field);
        self
    }

    /// A body that creates something, under a key of the caller's.
    pub(super) fn once(self) -> Self {
        let key = Query {
            name: "Idempotency-Key",
            required: false,
            description: "The same call with the same key is answered as the first one, for 24 hours, and done once.",
            schema: json!({"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!#-+\\--\\[\\]-~]+$"}),
        };
        self.field(key).refuses(&[409, 422])
    }

    pub(super) fn takes(self, media: &'static str, schema: Value) -> Self {
        Self { body: Some(Body { media, schema, required: true }), ..self.refuses(&[415]) }
    }

    /// A JSON body of this schema.
    pub(super) fn takes_json(self, schema: &str) -> Self {
        self.takes(JSON, reference(schema))
    }

    /// No body, or an object without members.
    pub(super) fn takes_nothing(self) -> Self {
        let schema = json!({"type": "object", "additionalProperties": false});
        Self { body: Some(Body { media: JSON, schema, required: false }), ..self }
    }

    pub(super) fn gives(self, status: u16, description: &'static str, schema: &str) -> Self {
        self.answers_with(status, description, vec![(JSON, reference(schema))])
    }

    pub(super) fn answers_with(
        mut self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, Value)>,
    ) -> Self {
        self.answers.push(Answer { status, description, content, location: false });
        self
    }

    /// 201 with `Location`.
    pub(super) fn gives_at(mut self, description: &'static str, schema: &str) -> Self {
        let content = vec![(JSON, reference(schema))];
        self.answers.push(Answer { status: 201, description, content, location: true });
        self
    }

    pub(super) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// Refusals in OAuth JSON (ERR-15).
    pub(super) fn oauth(self) -> Self {
        Self { refusal: Shape::Oauth, ..self }
    }

    /// Refusals as results of DID Resolution.
    pub(super) fn resolution(self) -> Self {
        Self { refusal: Shape::Resolution, ..self }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": self.parameters(),
            "responses": self.responses(),
            "security": self.security(),
        });
        if let (Some(members), Some(body)) = (members.as_object_mut(), &self.body) {
            let content = json!({body.media: {"schema": body.schema}});
            members.insert("requestBody".to_owned(), json!({"required": body.required, "content": content}));
        }
        members
    }

    fn security(&self) -> Value {
        match self.access {
            Access::Anybody | Access::Statement => json!([]),
            Access::Proof => json!([{"proof": []}]),
            Access::Token(scopes) => scopes.iter().map(|scope| json!({"token": [scope], "proof": []})).collect(),
        }
    }

    fn parameters(&self) -> Vec<Value> {
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = names.map(|name| {
            let (description, schema) = match name {
                "did" => ("A DID.", json!({"type": "string"})),
                "name" => ("An agent's DID or handle.", json!({"type": "string"})),
                _ => ("The id.", json!({"type": "string"})),
            };
            json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
        });
        let other = |place: &'static str, query: &Query| {
            json!({"name": query.name, "in": place, "required": query.required, "description": query.description,
                   "schema": query.schema})
        };
        let query = self.query.iter().map(|query| other("query", query));
        in_path.chain(query).chain(self.fields.iter().map(|field| other("header", field))).collect()
    }

    fn responses(&self) -> Map<String, Value> {
        let mut responses = Map::new();
        for status in &self.refusals {
            responses.insert(status.to_string(), self.refused(*status));
        }
        for answer in &self.answers {
            let content: Map<_, _> =
                answer.content.iter().map(|(media, schema)| ((*media).to_owned(), json!({"schema": schema}))).collect();
            let mut response = json!({"description": answer.description, "content": content});
            if let Some(members) = response.as_object_mut()
                && answer.location
            {
                let location = json!({"required": true, "schema": {"type": "string", "format": "uri"}});
                members.insert("headers".to_owned(), json!({"Location": location}));
            }
            responses.insert(answer.status.to_string(), response);
        }
        responses
    }

    fn refused(&self, status: u16) -> Value {
        let problem = || json!({PROBLEM: {"schema": reference("Problem")}});
        let content = match self.refusal {
            Shape::Problem => problem(),
            Shape::Oauth => json!({JSON: {"schema": reference("OauthError")}}),
            Shape::Resolution if matches!(status, 400 | 406 | 501) => {
                json!({RESULT: {"schema": reference("DidResolution")}})
            }
            Shape::Resolution => problem(),
        };
        let mut response = json!({"description": words(status), "content": content});
        if let (Some(members), Some(headers)) = (response.as_object_mut(), fields(status)) {
            members.insert("headers".to_owned(), headers);
        }
        response
    }
}

/// Fields that a refusal can have.
fn fields(status: u16) -> Option<Value> {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    match status {
        401 => Some(json!({
            "WWW-Authenticate": text("The challenge of RFC 9449, with the algorithms accepted."),
            "DPoP-Nonce": text("The nonce of the next proof, where one is asked for."),
        })),
        429 | 503 => Some(json!({"Retry-After": text("How many seconds to wait.")})),
        _ => None,
    }
}

const fn words(status: u16) -> &'static str {
    match status {
        400 => "The request is not what this call takes.",
        401 => "Who calls is not shown.",
        403 => "Who calls may not.",
        404 => "There is no such thing, or not for this caller.",
        406 => "None of the media types asked for is offered.",
        409 => "It does not fit what there is.",
        410 => "It is over.",
        413 => "The body is longer than 64 KiB, or there is one where none belongs.",
        415 => "The body is of another media type.",
        422 => "Well-formed, and not possible: a handle nobody can choose, or a key of another request.",
        429 => "Too much of it lately.",
        431 => "The delegation evidence is too long.",
        501 => "Not a method or option that is resolved here.",
        _ => "The registry's own trouble; whether anything was changed is said by `reason`.",
    }
}
