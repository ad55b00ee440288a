//! What a budget may be, as JSON texts: `1.0` is another text than `1`.

const BUDGETS: &[(&str, bool)] = &[
    (r#"{"max_uses":1}"#, true),
    (r#"{"max_uses":9007199254740991}"#, true),
    (r#"{"rate":{"uses":1,"seconds":1}}"#, true),
    (r#"{"rate":{"uses":9007199254740991,"seconds":86400}}"#, true),
    (r#"{"max_uses":2,"rate":{"uses":1,"seconds":60}}"#, true),
    ("{}", false),
    (r#"{"max_uses":0}"#, false),
    (r#"{"max_uses":-1}"#, false),
    (r#"{"max_uses":9007199254740992}"#, false),
    (r#"{"max_uses":1.5}"#, false),
    (r#"{"max_uses":1.0}"#, false),
    (r#"{"max_uses":"1"}"#, false),
    (r#"{"max_uses":null}"#, false),
    (r#"{"max_uses":null,"rate":{"uses":1,"seconds":1}}"#, false),
    (r#"{"max_uses":1,"max_uses":1}"#, false),
    (r#"{"max_uses":1,"per_day":1}"#, false),
    (r#"{"rate":{"uses":0,"seconds":1}}"#, false),
    (r#"{"rate":{"uses":9007199254740992,"seconds":1}}"#, false),
    (r#"{"rate":{"uses":1,"seconds":0}}"#, false),
    (r#"{"rate":{"uses":1,"seconds":86401}}"#, false),
    (r#"{"rate":{"uses":1}}"#, false),
    (r#"{"rate":{"seconds":1}}"#, false),
    (r#"{"rate":{"uses":1,"seconds":1,"burst":1}}"#, false),
    (r#"{"rate":[1,1]}"#, false),
    (r#"{"rate":null}"#, false),
    (r#"[1]"#, false),
    ("1", false),
];

pub(super) fn rows() -> Vec<(String, bool)> {
    BUDGETS.iter().map(|(text, is_budget)| ((*text).to_owned(), *is_budget)).collect()
}
