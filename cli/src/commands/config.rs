//! `handfast config show`: what is set, and by what.

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::config::{Config, Origin};
use crate::exit::Failure;
use crate::ui::Ui;

/// Shows `origins`, as the command line found them, and the files that were looked at.
pub(crate) fn show(
    origins: &[(&'static str, Option<OsString>, Origin)],
    config: &Config,
    ui: Ui,
) -> Result<(), Failure> {
    let files: Vec<Value> =
        config.files().iter().map(|file| json!({"path": file.path, "exists": file.is_there})).collect();
    let text = |value: &Option<OsString>| value.as_ref().map(|value| value.to_string_lossy().into_owned());
    let settings: Vec<Value> = origins
        .iter()
        .map(|(name, value, origin)| {
            let (kind, source) = words(origin);
            json!({"name": name, "value": text(value), "origin": kind, "source": source})
        })
        .collect();
    ui.result(&json!({"settings": settings, "files": files}), |_| {
        let line = |(name, value, origin): &(&'static str, Option<OsString>, Origin)| {
            let (kind, source) = words(origin);
            let from = source.map_or_else(|| kind.to_owned(), |source| format!("{kind} {source}"));
            let value = text(value).map_or_else(|| "-".to_owned(), |value| value.escape_debug().to_string());
            format!("{name:<16} {value:<40} {from}")
        };
        let lines: Vec<_> = origins.iter().map(line).collect();
        let file = |file: &crate::config::ConfigFile| {
            let is_there = if file.is_there { "" } else { "  (not there)" };
            format!("{}{is_there}", file.path.display())
        };
        let files: Vec<_> = config.files().iter().map(file).collect();
        format!("{}\n\nFiles, the first that has a setting decides:\n{}", lines.join("\n"), files.join("\n"))
    })
}

fn words(origin: &Origin) -> (&'static str, Option<String>) {
    match origin {
        Origin::Flag => ("flag", None),
        Origin::Environment(variable) => ("environment", Some((*variable).to_owned())),
        Origin::File(path) => ("file", Some(path.display().to_string())),
        Origin::Default => ("default", None),
        Origin::Unset => ("unset", None),
    }
}
