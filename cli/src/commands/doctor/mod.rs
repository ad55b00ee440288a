//! `handfast doctor`: what is wrong on this machine or on the way to the registry, and what to do.
//!
//! Nothing is changed, and nothing secret leaves the machine: the registry is asked what anybody may ask.

mod local;
mod remote;

use handfast_client::KeyKind;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::config::Places;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

/// How a look at one thing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// Works, and should not stay so.
    Doubtful,
    /// Does not work; with the exit code of the command that meets it.
    Bad(Exit),
    /// Could not be looked at, or there is nothing to look at.
    Skipped,
}

/// One look at one thing.
#[derive(Clone, Debug)]
struct Finding {
    about: &'static str,
    verdict: Verdict,
    message: String,
    help: Option<String>,
}

impl Finding {
    fn new(about: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { about, verdict, message: message.into(), help: None }
    }

    fn good(about: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, Verdict::Good, message)
    }

    fn skipped(about: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, Verdict::Skipped, message)
    }

    fn doubtful(about: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..Self::new(about, Verdict::Doubtful, message) }
    }

    fn bad(about: &'static str, exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..Self::new(about, Verdict::Bad(exit), message) }
    }

    /// What another command would fail with.
    fn of_failure(about: &'static str, failure: &Failure) -> Self {
        let help = failure.help().map(str::to_owned);
        Self { help, ..Self::new(about, Verdict::Bad(failure.exit()), failure.to_string()) }
    }

    fn tell(&self, ui: Ui) -> Result<(), Failure> {
        let (word, shown) = match self.verdict {
            Verdict::Good => ("ok", ui.good("ok     ")),
            Verdict::Doubtful => ("warning", ui.strong("warning")),
            Verdict::Bad(_) => ("failed", ui.bad("failed ")),
            Verdict::Skipped => ("skipped", ui.dim("skipped")),
        };
        let members = json!({"check": self.about, "status": word, "message": self.message, "help": self.help});
        ui.result(&members, |_| {
            let help = self.help.as_ref().map(|help| format!("\n{:24}{help}", "")).unwrap_or_default();
            format!("{shown} {:<15} {}{help}", self.about, self.message)
        })
    }
}

pub(crate) async fn run(args: &DoctorArgs, ui: Ui) -> Result<(), Failure> {
    let mut findings = local::config(&Places::of_environment());
    let agent = local::key("agent key", &args.key, KeyKind::Agent);
    let owner = local::key("owner key", &args.owner_key, KeyKind::Owner);
    let keys = [agent.1, owner.1].map(|key| key.filter(|key| key.issuer.is_some() || args.registry.is_some()));
    findings.extend(agent.0.into_iter().chain(owner.0));
    findings.extend(args.state.iter().flat_map(|path| local::state(path)));
    for finding in &findings {
        finding.tell(ui)?;
    }
    // told as they come: the network takes its time
    let mut bad: Vec<Exit> = findings.iter().filter_map(exit).collect();
    let known = keys.iter().flatten().find_map(|key| key.issuer.clone());
    let Some(issuer) = args.registry.clone().or(known) else {
        Finding::skipped("registry", "no registry is known; name it with --registry").tell(ui)?;
        return done(&bad);
    };
    for key in keys.iter().flatten().filter(|key| key.issuer.as_ref().is_some_and(|named| *named != issuer)) {
        let named = key.issuer.as_deref().unwrap_or_default().escape_debug().to_string();
        let message = format!("a key file is of {named}, and another registry is asked here");
        Finding::doubtful("registry", message, "leave --registry out, or name the key file's").tell(ui)?;
    }
    let mut seen = remote::Registry::new(&issuer, keys.iter().flatten().next());
    while let Some(finding) = seen.next().await {
        finding.tell(ui)?;
        bad.extend(exit(&finding));
    }
    done(&bad)
}

const fn exit(finding: &Finding) -> Option<Exit> {
    match finding.verdict {
        Verdict::Bad(exit) => Some(exit),
        Verdict::Good | Verdict::Doubtful | Verdict::Skipped => None,
    }
}

/// Fails as the first thing that is wrong: what comes behind may only follow from it.
fn done(bad: &[Exit]) -> Result<(), Failure> {
    match bad {
        [] => Ok(()),
        [first, ..] => Err(Failure::new(*first, format!("checks failed: {}", bad.len()))),
    }
}
