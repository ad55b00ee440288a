//! What bounds authority beyond scope and resources: with which tools, and how often.

use clap::Args;
use handfast_delegation::{Budget, DETAILS_TYPE, Rate, Tools};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};
use crate::parse;

/// Said alike wherever authority is given: at a claim, for a task, in a hop.
#[derive(Debug, Args)]
pub(crate) struct Bounds {
    /// With which tools only: a name for any arguments, or `{"NAME":{"ARGUMENT":{"constraint_type":…}}}`; may be given several
    /// times
    #[arg(long, value_name = "NAME|JSON", value_parser = parse::tool)]
    tool: Vec<Map<String, Value>>,
    /// How often in total
    #[arg(long, value_name = "N")]
    max_uses: Option<u64>,
    /// How often in a span of time, at most a day: `10/60s`, `100/1h`
    #[arg(long, value_name = "USES/TIME", value_parser = parse::rate)]
    rate: Option<Rate>,
}

impl Bounds {
    /// The tools; none if none is named, and an empty object names a set without any.
    pub(crate) fn tools(&self) -> Result<Option<Tools>, Failure> {
        let mut all = Map::new();
        for (name, arguments) in self.tool.iter().flatten() {
            if all.insert(name.clone(), arguments.clone()).is_some() {
                return Err(usage(format!("tool `{}` is named twice", name.escape_debug())));
            }
        }
        if self.tool.is_empty() {
            return Ok(None);
        }
        let details = json!([{"type": DETAILS_TYPE, "tools": all}]);
        Tools::from_details(&details).map(Some).map_err(|error| usage(error.to_string()))
    }

    /// The budget, if either part of it is said.
    pub(crate) fn budget(&self) -> Result<Option<Budget>, Failure> {
        if self.max_uses.is_none() && self.rate.is_none() {
            return Ok(None);
        }
        Budget::new(self.max_uses, self.rate).map(Some).map_err(|error| usage(error.to_string()))
    }
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot read its own table should stop
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bounds: Bounds,
    }

    fn read(arguments: &[&str]) -> Bounds {
        Line::try_parse_from([&["x"], arguments].concat()).unwrap().bounds
    }

    #[test]
    fn nothing_said_is_no_bound_and_an_empty_object_permits_nothing() {
        assert_eq!(read(&[]).tools().unwrap(), None);
        assert_eq!(read(&[]).budget().unwrap(), None);
        let none = read(&["--tool", "{}"]).tools().unwrap().unwrap();
        assert_eq!(none.names().count(), 0);
    }

    #[test]
    fn tools_add_up_and_none_is_named_twice() {
        let tools = |arguments: &[&str]| read(arguments).tools();
        let both = tools(&["--tool", "list", "--tool", r#"{"read":{}}"#]).unwrap().unwrap();
        assert_eq!(both.names().collect::<Vec<_>>(), ["list", "read"]);
        assert!(tools(&["--tool", "list", "--tool", r#"{"list":{}}"#]).is_err());
        assert!(tools(&["--tool", r#"{"read":{"path":{"constraint_type":"nonsense"}}}"#]).is_err());
        assert!(tools(&["--tool", ""]).is_err());
    }

    #[test]
    fn a_budget_has_either_part_or_both() {
        let budget = |arguments: &[&str]| read(arguments).budget();
        let of = |uses, rate| Some(Budget::new(uses, rate).unwrap());
        let rate = Some(Rate { uses: 10, seconds: 60 });
        assert_eq!(budget(&["--max-uses", "3"]).unwrap(), of(Some(3), None));
        assert_eq!(budget(&["--rate", "10/60s"]).unwrap(), of(None, rate));
        assert_eq!(budget(&["--max-uses", "3", "--rate", "10/1m"]).unwrap(), of(Some(3), rate));
        assert!(budget(&["--max-uses", "0"]).is_err());
    }
}
