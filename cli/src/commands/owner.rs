//! `handfast owner`: people's keys.

use handfast_client::{DpopKey, KeyFile, KeyKind, Owner, OwnerRegistration, Role, Secret};
use serde_json::json;

use super::life;
use crate::args::{NewKey, OwnerCommand, OwnerKey, RegistryUrl};
use crate::exit::Failure;
use crate::ui::Ui;
use crate::{custody, keyfiles};

pub(crate) async fn run(command: OwnerCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        OwnerCommand::Init { registry, enrol, new, key } => init(&registry, enrol, &new, &key, ui).await,
        OwnerCommand::Code { admin, key } => code(admin, &key, ui).await,
        OwnerCommand::Offboard(args) => life::offboard(args, ui).await,
    }
}

/// A code that does not work leaves no file behind.
async fn init(registry: &RegistryUrl, enrol: String, new: &NewKey, key: &OwnerKey, ui: Ui) -> Result<(), Failure> {
    let registration = OwnerRegistration { enrolment: Secret::new(enrol) };
    if ui.rehearses() {
        keyfiles::require_absent(&key.key)?;
        // any key will do: nothing of it is shown
        let file = KeyFile::new(KeyKind::Owner, DpopKey::generate());
        keyfiles::client(&registry.registry, &file, ui)?.register_owner(&registration).await?;
    }
    let mut file = custody::new_key(KeyKind::Owner, false, new, &key.key).await?;
    let registry = keyfiles::client(&registry.registry, &file, ui)?;
    file.issuer = Some(registry.issuer().to_owned());
    // the file is made before the code is spent, or a full disk would cost the code
    file.create(&key.key)?;
    let registered = registry.register_owner(&registration).await;
    let owner = match registered {
        Ok(owner) => owner,
        Err(error) => {
            // the key was never known to anybody
            let _ = file.custody.forget();
            let _ = std::fs::remove_file(&key.key);
            return Err(error.into());
        }
    };
    file.owner = Some(Owner { id: owner.id.clone(), name: String::new() });
    file.update(&key.key)?;
    ui.result(&json!({"id": owner.id, "did": owner.did.as_str(), "key_file": key.key}), |_| {
        format!("You are {}\nKey file {} (keep it: whoever has it is you)", owner.id, key.key.display())
    })
}

async fn code(admin: bool, key: &OwnerKey, ui: Ui) -> Result<(), Failure> {
    let management = keyfiles::management_as(&keyfiles::owner(&key.key)?, Role::Admin, ui)?;
    let code = if admin { management.new_admin_code().await? } else { management.new_owner_code().await? };
    ui.result(&json!({"code": code.expose()}), |_| {
        format!("{}\nGood for one owner within 24 hours: handfast owner init --enrol {}", code.expose(), code.expose())
    })
}
