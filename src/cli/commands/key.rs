//! `onefold key`.

use crate::cli::access;
use crate::cli::args::{Global, KekKind, KeyCommand, Rewrap, Rotate};
use crate::cli::failure::{FAILED, SUCCESS, key_hint};
use crate::cli::output::{self, counted, line};
use crate::crypto::{NewKek, Status};
use crate::pipeline::{Error, HeldKeys, KeyAccount, Onefold, Rotation, key_status};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Tells of keys and changes them.
pub fn run(global: &Global, command: &KeyCommand) -> anyhow::Result<u8> {
    match command {
        KeyCommand::Status => status(global),
        KeyCommand::Rewrap(options) => rewrap(global, options),
        KeyCommand::Rotate(options) => rotate(global, options),
    }
}

/// The provider of this name.
pub fn provider(kind: KekKind) -> NewKek {
    match kind {
        KekKind::File => NewKek::File,
        KekKind::Passphrase => NewKek::Passphrase,
        KekKind::Command => NewKek::Command,
    }
}

/// Where the key file is looked for.
pub fn kek_file(global: &Global) -> PathBuf {
    global.keys.kek_file.clone().unwrap_or_else(|| global.data.join("keys").join("kek"))
}

fn status(global: &Global) -> anyhow::Result<u8> {
    let status = key_status(&global.data)?;
    // Not being able to open them is what is to be told, not a failure of telling it.
    let opened = if status.state_is_whole { Some(open(global)?) } else { None };
    if global.json {
        output::json(&status_json(&status, opened.as_ref()))?;
    } else {
        print_status(global, &status)?;
        match &opened {
            Some(Ok(account)) => print_account(account)?,
            Some(Err(Error::InUse { .. })) => {
                line("\nIn use by another process; ask again for more when it has ended.")?
            }
            Some(Err(error)) => print_closed(error)?,
            None => line("\nThe state file is missing or damaged: put DIR/keys back from a backup.")?,
        }
    }
    Ok(if status.state_is_whole { SUCCESS } else { FAILED })
}

/// What can be told with the key; the inner error when the keys do not open.
fn open(global: &Global) -> anyhow::Result<Result<KeyAccount, Error>> {
    let access = access::access(global)?;
    Ok(HeldKeys::open(&global.data, &access).and_then(|keys| keys.account()))
}

fn print_status(global: &Global, status: &Status) -> anyhow::Result<()> {
    let kept = match status.kek {
        NewKek::File => format!("in the file {}", kek_file(global).display()),
        NewKek::Passphrase => "made of a passphrase (Argon2id)".to_owned(),
        NewKek::Command => "behind a command".to_owned(),
    };
    line(format!("Keys of {}", global.data.display()))?;
    line(format!("  key-encryption key  {kept}"))?;
    line(format!(
        "  state               generation {}, {}, {}",
        status.generation,
        output::bytes(status.state_bytes),
        if status.state_is_whole { "whole" } else { "not whole" }
    ))?;
    if status.is_unfinished {
        line("  unfinished          an earlier change, which the next opening finishes")?;
    }
    Ok(())
}

fn print_account(account: &KeyAccount) -> anyhow::Result<()> {
    line(format!("  ledger              {}", account.ledger))?;
    line(format!(
        "  keys of records     {}, kept as {}",
        counted(u64::from(account.epoch.0) + 1, "key epoch", "key epochs"),
        counted(account.seeds as u64, "seed", "seeds")
    ))?;
    line(format!("  destroyed           {}", counted(account.erased as u64, "record's keys", "records' keys")))?;
    for (place, key) in account.signing.iter().enumerate() {
        line(format!("  {}  {key}", if place == 0 { "signing key       " } else { "signing key before" }))?;
    }
    if account.signing.len() > 1 {
        line("\nCheckpoints bear both signatures until `onefold key rotate --retire` destroys the key before.")?;
    }
    Ok(())
}

/// What still can be done, and what can not, while the keys do not open.
fn print_closed(error: &Error) -> anyhow::Result<()> {
    line(format!("\nThe keys do not open: {error}"))?;
    if let Error::Keys(error) = error
        && let Some(hint) = key_hint(error)
    {
        line(format!("  {hint}"))?;
    }
    line("Without them, what is there can still be checked: `onefold ledger verify` and `onefold ledger prove` need")?;
    line("no keys. Nothing can be read, ingested, erased or signed until they open. If the key-encryption key is")?;
    line("lost for good, so is all that stands in the ledger: ingest the sources into a new directory.")
}

fn status_json(status: &Status, opened: Option<&Result<KeyAccount, Error>>) -> Value {
    let mut value = json!({
        "kek": status.kek.to_string(), "generation": status.generation.0, "state_bytes": status.state_bytes,
        "state_is_whole": status.state_is_whole, "is_unfinished": status.is_unfinished,
        "opens": matches!(opened, Some(Ok(_))),
    });
    match opened {
        Some(Ok(account)) => {
            value["ledger"] = account.ledger.to_string().into();
            value["key_epochs"] = (u32::from(account.epoch.0) + 1).into();
            value["seeds"] = account.seeds.into();
            value["erased"] = account.erased.into();
            value["signing_keys"] = account.signing.iter().map(ToString::to_string).collect();
        }
        Some(Err(error)) => value["problem"] = error.to_string().into(),
        None => {}
    }
    value
}

fn rewrap(global: &Global, options: &Rewrap) -> anyhow::Result<u8> {
    let new = provider(options.to);
    let before = key_status(&global.data)?.kek;
    let access = access::access(global)?;
    let mut keys = HeldKeys::open(&global.data, &access)?;
    let new_access = access::access_to_rewrap(global, new, &options.new)?;
    keys.rewrap(new, &new_access, &SystemRandom::new())?;
    let own = global.data.join("keys").join("kek");
    let file = new_access.file.unwrap_or_else(|| own.clone());
    let left = kek_file(global);
    let left = (before == NewKek::File && left != own && (new != NewKek::File || left != file)).then_some(left);
    if global.json {
        output::json(&json!({
            "kek": new.to_string(), "before": before.to_string(),
            "file": (new == NewKek::File).then(|| file.display().to_string()),
            "to_remove": left.map(|left| left.display().to_string()),
        }))?;
        return Ok(SUCCESS);
    }
    if global.quiet {
        return Ok(SUCCESS);
    }
    let now = match new {
        NewKek::File if file == own => format!("in the file {}: keep a copy somewhere safe", file.display()),
        NewKek::File => format!(
            "in the file {}: keep a copy somewhere safe, and name it from now on with --kek-file or ONEFOLD_KEK_FILE",
            file.display()
        ),
        NewKek::Passphrase => "made of the new passphrase: keep it somewhere safe".to_owned(),
        NewKek::Command => "behind the command".to_owned(),
    };
    line(format!("The key-encryption key is now {now}."))?;
    if let Some(left) = left {
        line(format!("The old key file {} is yours to remove.", left.display()))?;
    }
    line("Copies of DIR/keys from before still open under the old key.")?;
    Ok(SUCCESS)
}

fn rotate(global: &Global, options: &Rotate) -> anyhow::Result<u8> {
    let Rotate { records, signing, retire } = *options;
    let account = Onefold::rotate(&global.data, access::open_options(global)?, Rotation { records, signing, retire })?;
    if global.json {
        output::json(&json!({
            "generation": account.generation.0, "key_epochs": u32::from(account.epoch.0) + 1,
            "signing_keys": account.signing.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }))?;
        return Ok(SUCCESS);
    }
    if global.quiet {
        return Ok(SUCCESS);
    }
    if records {
        line(format!("Key epoch {} has begun: what is written from now on has keys of its own.", account.epoch.0))?;
    }
    if signing {
        let key = account.signing.first().map_or_else(String::new, ToString::to_string);
        line(format!("Checkpoints are now signed by {key}"))?;
        line("The ledger records it under the signature of the key before; give it to whoever verifies.")?;
    }
    if retire {
        line("The signing key before is destroyed; what it signed still verifies.")?;
    } else if signing {
        line("Until `onefold key rotate --retire` checkpoints bear the old signature, too.")?;
    }
    Ok(SUCCESS)
}
