//! `handfast exchange`: a bundle becomes a token of the delegate's own.

use handfast_client::{ClientError, ExchangeRequest};
use handfast_identity::ContentHash;
use serde_json::json;

use super::{resources, scope};
use crate::args::ExchangeArgs;
use crate::exit::Failure;
use crate::ui::Ui;
use crate::{files, rehearsal};

pub(crate) async fn run(args: ExchangeArgs, ui: Ui) -> Result<(), Failure> {
    let bundle = files::bundle(&args.bundle)?;
    let registry = files::registry_of(&bundle, &args.key.key, ui)?;
    let request = ExchangeRequest {
        scope: args.scope.as_deref().map(scope).transpose()?,
        resources: resources(&args.resource)?.into_iter().collect(),
        tools: args.authorization_details,
    };
    let delegated = registry.with_delegation(bundle).map_err(ClientError::from)?;
    let token = match delegated.tokens(request).token().await {
        Err(ClientError::Rehearsed(planned)) => {
            let mut steps = vec![rehearsal::send(&planned)];
            steps.extend(args.output.iter().map(|path| rehearsal::write(path, "the token and its evidence")));
            return ui.rehearsed(&steps);
        }
        other => other?,
    };
    let told = json!({
        "access_token": token.expose(), "token_type": "DPoP", "scope": token.scope(),
        "expires_in": token.expires_in().get(), "task": token.task(),
        "delegation": token.delegation(),
        "dch": token.delegation().map(|field| ContentHash::of(field.as_bytes()).to_string()),
    });
    let Some(path) = &args.output else { return ui.json_line(&told) };
    files::write(path, &told.to_string())?;
    let short =
        json!({"file": path, "scope": token.scope(), "expires_in": token.expires_in().get(), "task": token.task()});
    ui.result(&short, |_| format!("Token and evidence {}, good for {}", path.display(), token.expires_in()))
}
