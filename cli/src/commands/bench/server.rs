//! The measured server, seen from outside: a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::exit::{Exit, Failure};

/// What the server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A few words.
    Plain,
    /// The same after one check of a signature, and nothing else.
    OneSignature,
    /// The same behind the whole check.
    Protected,
}

impl Place {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Plain => "/plain",
            Self::OneSignature => "/one-signature",
            Self::Protected => "/protected",
        }
    }
}

/// What the server says when it is ready: where it is, and what to come with.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Ready {
    pub(super) origin: String,
    pub(super) access_token: String,
    /// A private JWK that lives as long as the two processes.
    pub(super) key: String,
}

/// A running server. It ends with this process at the latest.
pub(super) struct Server {
    child: Child,
    process: u32,
    ready: Ready,
}

impl Server {
    /// Starts a server that can remember `proofs` proofs.
    pub(super) async fn start(proofs: usize) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| failed("cannot find this program", error))?;
        let mut child = Command::new(program)
            .args(["--json", "bench", "target", "--proofs", &proofs.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed("cannot start the server", error))?;
        let out = child.stdout.take().ok_or_else(|| failed("cannot start the server", "it has no output"))?;
        let line = BufReader::new(out).lines().next_line().await;
        let line = line.map_err(|error| failed("the server did not start", error))?;
        let line = line.ok_or_else(|| failed("the server did not start", "it said why above"))?;
        let ready = serde_json::from_str(&line).map_err(|error| failed("the server did not start", error))?;
        let process = child.id().ok_or_else(|| failed("the server did not start", "it ended at once"))?;
        Ok(Self { child, process, ready })
    }

    pub(super) fn origin(&self) -> &str {
        &self.ready.origin
    }

    pub(super) fn access_token(&self) -> &str {
        &self.ready.access_token
    }

    pub(super) fn private_jwk(&self) -> &str {
        &self.ready.key
    }

    /// The processor time that the server's thread took so far, of the kernel's work for it too.
    pub(super) fn cpu(&self) -> Result<Duration, Failure> {
        let path = format!("/proc/{}/schedstat", self.process);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            failed("cannot read the server's processor time", error)
                .with_help("this command needs Linux with scheduler statistics in /proc")
        })?;
        cpu_of(&text).ok_or_else(|| failed("cannot read the server's processor time", path))
    }

    /// Ends the server.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        // one that does not end by itself is killed when this is dropped
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

/// The first number: nanoseconds on a processor.
fn cpu_of(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

pub(super) fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_schedstat_is_time_on_a_processor() {
        for (text, expected) in [
            ("1250000000 2 3\n", Some(Duration::from_millis(1250))),
            ("0 0 0", Some(Duration::ZERO)),
            ("", None),
            ("-1 2 3", None),
        ] {
            assert_eq!(cpu_of(text), expected, "{text}");
        }
    }
}
