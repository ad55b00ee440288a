//! `handfast key`: how a key is kept.

use std::path::Path;

use handfast_client::KeyFile;
use serde_json::json;

use crate::args::KeyCommand;
use crate::exit::{Exit, Failure};
use crate::ui::Ui;
use crate::{keyfiles, passphrase, rehearsal};

pub(crate) fn run(command: &KeyCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        KeyCommand::Show { file } => show(file, ui),
        KeyCommand::Encrypt(args) => {
            let mut file = keyfiles::load(&args.file, ui)?;
            if file.is_encrypted() {
                let help = "`handfast key passwd` gives it another passphrase";
                return Err(Failure::new(Exit::Usage, format!("`{}` is encrypted already", args.file.display()))
                    .with_help(help));
            }
            let passphrase = passphrase::first(&args.file, ui)?;
            file.encrypt(&passphrase)?;
            replaced(&file, &args.file, "encrypted", ui)
        }
        KeyCommand::Decrypt(args) => {
            let mut file = encrypted(&args.file, ui)?;
            file.decrypt();
            replaced(&file, &args.file, "not encrypted", ui)
        }
        KeyCommand::Passwd(args) => {
            let mut file = encrypted(&args.file, ui)?;
            file.encrypt(&passphrase::next(&args.file, args.new_passphrase_file.as_deref(), ui)?)?;
            replaced(&file, &args.file, "encrypted with the new passphrase", ui)
        }
    }
}

fn show(path: &Path, ui: Ui) -> Result<(), Failure> {
    let face = KeyFile::face(path)?;
    let told =
        json!({"file": path, "kind": face.kind.to_string(), "did": face.did.as_str(), "encrypted": face.is_encrypted});
    ui.result(&told, |_| {
        let how = if face.is_encrypted { "encrypted" } else { "not encrypted" };
        format!("{}\nThe key of an {}, {how}", face.did, face.kind)
    })
}

fn encrypted(path: &Path, ui: Ui) -> Result<KeyFile, Failure> {
    let file = keyfiles::load(path, ui)?;
    if file.is_encrypted() {
        return Ok(file);
    }
    Err(Failure::new(Exit::Usage, format!("`{}` is not encrypted", path.display()))
        .with_help("`handfast key encrypt` encrypts it"))
}

fn replaced(file: &KeyFile, path: &Path, how: &str, ui: Ui) -> Result<(), Failure> {
    if ui.rehearses() {
        return ui.rehearsed(&[rehearsal::write(path, how)]);
    }
    file.update(path)?;
    let told = json!({"file": path, "did": file.key.did().as_str(), "encrypted": file.is_encrypted()});
    ui.result(&told, |_| format!("{} is {how}", path.display()))
}
