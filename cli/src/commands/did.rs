//! `handfast did resolve`: what a DID says, without asking anybody.

use handfast_identity::{DidDocument, DidError, DidKey};

use crate::args::DidCommand;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;

pub(crate) fn run(command: &DidCommand, ui: Ui) -> Result<(), Failure> {
    let DidCommand::Resolve { did } = command;
    let did = DidKey::parse(did).map_err(|error| refusal(did, error))?;
    let document = DidDocument::of_key(&did);
    ui.result(&document, |document| serde_json::to_string_pretty(document).unwrap_or_default())
}

fn refusal(text: &str, error: DidError) -> Failure {
    let help = match error {
        DidError::Method => "only did:key is resolved here",
        DidError::Key(_) => "the key inside is refused; whoever made this DID should make a new key",
        DidError::Syntax | DidError::Codec => "copy the DID whole, from `did:key:z` to its last character",
    };
    // whatever was typed is shown as text, without control characters
    let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
    Failure::new(Exit::Refused, format!("`{shown}`: {error}")).with_reason(error.reason()).with_help(help)
}
