//! One compact JWS in parts, and ways to change each of them before it is put together.

use std::rc::Rc;

use handfast_identity::base64url;
use serde_json::{Value, json};

use super::keys::Who;

type Edit = Rc<dyn Fn(&str) -> String>;
type Signer = Rc<dyn Fn(&[u8]) -> Vec<u8>>;

/// One compact JWS in parts.
#[derive(Clone)]
pub(super) struct Jws {
    header: Vec<(String, Value)>,
    claims: Vec<(String, Value)>,
    header_edit: Option<Edit>,
    claims_edit: Option<Edit>,
    edit: Option<Edit>,
    signer: Signer,
}

impl Jws {
    pub(super) fn new(header: Value, claims: Value, who: Who) -> Self {
        Self {
            header: members(header),
            claims: members(claims),
            header_edit: None,
            claims_edit: None,
            edit: None,
            signer: by(who),
        }
    }

    pub(super) fn header(mut self, changes: Value) -> Self {
        put(&mut self.header, changes);
        self
    }

    pub(super) fn without_header(mut self, name: &str) -> Self {
        self.header.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn header_value(&self, name: &str) -> Value {
        self.header.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    pub(super) fn claims(mut self, changes: Value) -> Self {
        put(&mut self.claims, changes);
        self
    }

    pub(super) fn without(mut self, names: &[&str]) -> Self {
        self.claims.retain(|(known, _)| !names.contains(&known.as_str()));
        self
    }

    pub(super) fn signed_by(mut self, who: Who) -> Self {
        self.signer = by(who);
        self
    }

    pub(super) fn signer(mut self, signer: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Self {
        self.signer = Rc::new(signer);
        self
    }

    pub(super) fn header_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.header_edit = Some(Rc::new(edit));
        self
    }

    pub(super) fn claims_text(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.claims_edit = Some(Rc::new(edit));
        self
    }

    /// A change of the finished text.
    pub(super) fn edited(mut self, edit: impl Fn(&str) -> String + 'static) -> Self {
        self.edit = Some(Rc::new(edit));
        self
    }

    /// The same with `fill` applied to every text in its claims.
    pub(super) fn filled(&self, fill: &dyn Fn(&str) -> String) -> Self {
        let claims = self.claims.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect();
        Self { claims, ..self.clone() }
    }

    /// Puts it together.
    pub(super) fn text(&self) -> String {
        let edited = |text: String, edit: &Option<Edit>| edit.as_ref().map_or(text.clone(), |edit| edit(&text));
        let header = edited(object(&self.header), &self.header_edit);
        let claims = edited(object(&self.claims), &self.claims_edit);
        let input = format!("{}.{}", base64url::encode(&latin1(&header)), base64url::encode(&latin1(&claims)));
        let text = format!("{input}.{}", base64url::encode(&(self.signer)(input.as_bytes())));
        edited(text, &self.edit)
    }
}

/// The signing input of a compact JWS: what names are hashes of.
pub(super) fn signing_input(text: &str) -> &str {
    text.rsplit_once('.').map_or(text, |(input, _)| input)
}

/// A public key as JWK.
pub(super) fn jwk(who: Who) -> Value {
    serde_json::from_str(&who.key().public().to_jwk()).unwrap()
}

/// The bytes of a JSON text: one for each character up to U+00FF, so that a text can hold what is no UTF-8.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("the texts of vectors are bytes")).collect()
}

fn by(who: Who) -> Signer {
    let key = who.key();
    Rc::new(move |message| key.sign(message).to_vec())
}

pub(super) fn members(value: Value) -> Vec<(String, Value)> {
    let Value::Object(map) = value else { panic!("not an object: {value}") };
    map.into_iter().collect()
}

/// Members replaced, or put at the end.
pub(super) fn put(list: &mut Vec<(String, Value)>, changes: Value) {
    for (name, value) in members(changes) {
        match list.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => list.push((name, value)),
        }
    }
}

fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect(),
        plain => plain.clone(),
    }
}

/// JSON with sorted members, whatever order the map has in this build.
///
/// # Panics
///
/// On text outside ASCII: its bytes would not be the ones meant. Write an escape into the finished text instead.
fn object(list: &[(String, Value)]) -> String {
    let mut members: Vec<_> = list.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_by_key(|(name, _)| *name);
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{}", json!(name), sorted(value))).collect();
    let text = format!("{{{}}}", members.join(","));
    assert!(text.is_ascii(), "not ascii: {text}");
    text
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(_) => object(&members(value.clone())),
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}
