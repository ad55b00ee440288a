//! Strict JSON: the first byte chooses the limits, the rest is the text.

use handfast_conformance::both::slow_json::{self, Json};
use handfast_identity::json::{self, JsonError, Limits};
use serde_json::{Map, Value};

/// Those of the product, and some that are met soon.
const LIMITS: [Limits; 4] = [
    Limits::plain(4096),
    Limits::token(8192),
    Limits { max_bytes: 64, max_depth: 2, max_members: 3 },
    Limits { max_bytes: 512, max_depth: 0, max_members: 0 },
];

pub fn run(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let limits = LIMITS[usize::from(*choice) % LIMITS.len()];
    let slow = slow_json::read(text, &limits);
    let read = json::read::<Value>(text, &limits);
    let is_object = matches!(slow, Some(Json::Object(_)));
    assert_eq!(json::read_object::<Map<String, Value>>(text, &limits).is_ok(), is_object);
    match (read, slow) {
        (Ok(value), Some(slow)) => {
            assert!(slow.is(&value), "read as {value}");
            require_round_trip(&value, &slow);
        }
        // any value will do, so none has the wrong shape
        (Err(JsonError::Shape(what)), None) => panic!("{what}"),
        (Err(_), None) => {}
        (read, slow) => panic!("read as {read:?}, and slowly as {slow:?}"),
    }
}

/// What was read is the same when it is written, plainly or in its canonical form, and read again.
fn require_round_trip(value: &Value, slow: &Json) {
    const ROOM: Limits = Limits { max_bytes: usize::MAX, max_depth: 16, max_members: 64 };
    let plain = serde_json::to_vec(value).expect("a value can be written");
    let again = json::read::<Value>(&plain, &ROOM).expect("what was written is strict");
    assert!(slow.is(&again), "{value} became {again}");
    let Ok(canonical) = json::to_jcs(value) else { return };
    let again = json::read::<Value>(&canonical, &ROOM).expect("the canonical form is strict");
    assert_eq!(*value, again, "the canonical form says the same");
    assert_eq!(json::to_jcs(&again), Ok(canonical), "and is its own");
}
