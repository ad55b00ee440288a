//! Bounds of authority in words. Names of others are escaped: they cannot move the cursor.

use handfast_delegation::{Budget, Tools};

/// The names of the tools.
pub(crate) fn tools(tools: &Tools) -> String {
    let names: Vec<String> = tools.names().map(|name| name.escape_debug().to_string()).collect();
    if names.is_empty() { "no tool".to_owned() } else { names.join(", ") }
}

/// How often.
pub(crate) fn budget(budget: &Budget) -> String {
    let total = budget.max_uses().map(|uses| format!("{uses} in total"));
    let rate = budget.rate().map(|rate| format!("{} in {} s", rate.uses, rate.seconds));
    format!("at most {}", [total, rate].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own table should stop
mod tests {
    use handfast_delegation::Rate;

    use super::*;

    #[test]
    fn every_part_is_said() {
        let rate = Some(Rate { uses: 10, seconds: 60 });
        for (uses, rate, expected) in [
            (Some(3), None, "at most 3 in total"),
            (None, rate, "at most 10 in 60 s"),
            (Some(3), rate, "at most 3 in total, 10 in 60 s"),
        ] {
            assert_eq!(budget(&Budget::new(uses, rate).unwrap()), expected);
        }
        assert_eq!(tools(&Tools::new([]).unwrap()), "no tool");
    }
}
