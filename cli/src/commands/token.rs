//! `handfast token`: get an access token and print it.

use handfast_client::{TaskChoice, TokenRequest};
use serde_json::json;

use super::{resources, scope};
use crate::args::TokenArgs;
use crate::exit::Failure;
use crate::keyfiles;
use crate::ui::Ui;

pub(crate) async fn run(args: TokenArgs, ui: Ui) -> Result<(), Failure> {
    let task = match (args.task, args.intent) {
        (Some(id), _) => TaskChoice::Known(id),
        (None, Some(intent)) => TaskChoice::New { intent, reference: None, seconds: None },
        (None, None) => TaskChoice::Own,
    };
    let request = TokenRequest {
        scope: scope(&args.scope)?,
        resources: resources(&args.resource)?,
        task,
        max_depth: args.del_max_depth,
        tools: args.authorization_details,
    };
    let token = keyfiles::agent(&args.key.key, ui)?.tokens(request)?.token().await?;
    let told = json!({
        "access_token": token.expose(), "token_type": "DPoP", "scope": token.scope(),
        "expires_in": token.expires_in().get(), "task": token.task(),
    });
    ui.result(&told, |_| token.expose().to_owned())
}
