//! Exit codes, and the one error type of the command line.

use std::fmt;
use std::process::ExitCode;

use handfast_client::Planned;

/// How a command ends. The table stands in `handfast --help` and in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed that is none of the others.
    Failed = 1,
    /// The command line makes no sense (clap's own code).
    Usage = 2,
    /// A registry or resource server said no.
    Refused = 3,
    /// Nobody answered, or the answer was "not now".
    Unavailable = 4,
    /// A file is missing, unreadable, in the way, or readable by others.
    File = 5,
    /// A question was answered with no, or nobody was there to answer it.
    Declined = 6,
}

/// What went wrong, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    reason: Option<String>,
    help: Option<String>,
    planned: Option<Box<Planned>>,
}

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), reason: None, help: None, planned: None }
    }

    /// No failure: nothing was to be sent, and this is what would have been.
    pub(crate) fn rehearsed(planned: &Planned) -> Self {
        let planned = Some(Box::new(planned.clone()));
        Self { planned, ..Self::new(Exit::Failed, "not sent: this is a rehearsal") }
    }

    /// The request that was not sent, if that is all.
    pub(crate) fn planned(&self) -> Option<&Planned> {
        self.planned.as_deref()
    }

    /// With the stable reason a server gave.
    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With what to do next.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    /// The exit class.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// The stable reason, if a server gave one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What to do next.
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
