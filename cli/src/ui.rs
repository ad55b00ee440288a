//! What the user sees: lines or JSON, colour only on a terminal, questions only where somebody can answer.

use std::io::{self, BufRead, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::rehearsal::Step;

/// Where and how a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    json: bool,
    colour: bool,
    rehearses: bool,
}

impl Ui {
    /// `json` as asked for; colour when standard output is a terminal and `NO_COLOR` is unset or empty (no-color.org).
    pub(crate) fn new(json: bool) -> Self {
        Self { json, colour: !json && Self::colours(&io::stdout()), rehearses: false }
    }

    /// The same, which changes nothing and shows what would be changed.
    pub(crate) const fn rehearsing(self, rehearses: bool) -> Self {
        Self { rehearses, ..self }
    }

    /// Whether nothing is to be sent or written.
    pub(crate) const fn rehearses(self) -> bool {
        self.rehearses
    }

    /// Shows what would happen, and that it did not.
    pub(crate) fn rehearsed(self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            if self.json { self.json_line(step.members()) } else { self.line(&format!("would {}", step.words())) }?;
        }
        self.remark("Nothing was sent or written.");
        Ok(())
    }

    /// Whether `stream` shows colour to somebody who wants it.
    pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !refused && stream.is_terminal()
    }

    /// Whether JSON was asked for.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result: `value` as one JSON line, or the lines that `human` makes of it.
    pub(crate) fn result<T: Serialize>(self, value: &T, human: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json { self.json_line(value) } else { self.line(human(value).trim_end()) }
    }

    /// Prints one JSON object on a line of its own, at once.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        self.line(&text)
    }

    /// Prints a line on standard output, at once.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| {
            // a reader that closed the pipe has seen what it wanted
            Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"))
        })
    }

    /// Prints a remark on standard error; never with `--json`.
    pub(crate) fn remark(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Prints a failure on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let mut err = io::stderr().lock();
        let _ = if self.json {
            let object = serde_json::json!({"error": {
                "code": failure.exit() as u8,
                "message": failure.to_string(),
                "reason": failure.reason(),
                "help": failure.help(),
            }});
            writeln!(err, "{object}")
        } else {
            let reason = failure.reason().map(|reason| format!(" [{reason}]")).unwrap_or_default();
            let help = failure.help().map(|help| format!("\n  {help}")).unwrap_or_default();
            writeln!(err, "handfast: {failure}{reason}{help}")
        };
    }

    /// Asks a question whose answer has to be `expected`; `assume` answers it beforehand.
    pub(crate) fn confirm(self, question: &str, expected: &str, assume: bool) -> Result<(), Failure> {
        if assume {
            return Ok(());
        }
        if self.json || !io::stdin().is_terminal() {
            return Err(Failure::new(Exit::Declined, "this needs a confirmation, and nobody is there to give it")
                .with_help("run it in a terminal, or repeat with `--yes`"));
        }
        let _ = write!(io::stderr().lock(), "{question} Type `{expected}` to go on: ");
        let mut answer = String::new();
        io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot read the answer: {error}")))?;
        if answer.trim() == expected {
            Ok(())
        } else {
            Err(Failure::new(Exit::Declined, "stopped; nothing was changed"))
        }
    }

    /// `text` in green.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// `text` in red.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// `text`, dimmed.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// `text` in bold.
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
