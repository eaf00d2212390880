//! What opens the keys, from the command line, the environment, or whoever sits at the terminal.
//!
//! A passphrase is never an argument, which every user of a machine can read. It comes from a file that only its owner
//! can read, from the environment, or is asked for.
//!
//! INVARIANT: a passphrase is wiped when it is no longer of use, and stands in no message.

use super::args::Global;
use super::failure::Usage;
use super::terminal;
use crate::crypto::{KekAccess, NewKek};
use crate::pipeline::{self, OpenOptions, key_status};
use clap::Args;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The passphrase that opens the keys.
const PASSPHRASE: &str = "ONEFOLD_PASSPHRASE";
/// The passphrase that the keys are to be put under instead.
const NEW_PASSPHRASE: &str = "ONEFOLD_NEW_PASSPHRASE";
/// Bytes of the longest passphrase.
const PASSPHRASE_BYTES_MAX: usize = 4096;

/// What opens the keys.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What opens the keys (a passphrase also comes from ONEFOLD_PASSPHRASE, or is asked for)")]
pub struct KeyOptions {
    /// The key file, mode 0600, when it is not DIR/keys/kek.
    #[arg(long, global = true, env = "ONEFOLD_KEK_FILE", hide_env_values = true, value_name = "FILE")]
    pub kek_file: Option<PathBuf>,
    /// A file with the passphrase, mode 0600; a line end at its end does not count.
    #[arg(long, global = true, env = "ONEFOLD_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// A command that wraps and unwraps the key: it gets `wrap` or `unwrap` as its last argument.
    #[arg(long, global = true, env = "ONEFOLD_KEK_COMMAND", hide_env_values = true, value_name = "COMMAND")]
    pub kek_command: Option<String>,
}

/// What is said of the key that keys are to be put under.
#[derive(Debug, Default, Args)]
pub struct NewKeyOptions {
    /// Where the key file is to be; DIR/keys/kek, or what --kek-file says, if not given.
    #[arg(long, value_name = "FILE")]
    pub new_kek_file: Option<PathBuf>,
    /// A file with the new passphrase, mode 0600.
    #[arg(long, env = "ONEFOLD_NEW_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// The command that is to wrap the key; what --kek-command says, if not given.
    #[arg(long, value_name = "COMMAND")]
    pub new_kek_command: Option<String>,
}

/// How the data directory is opened.
///
/// # Errors
/// As [`access`].
pub fn open_options(global: &Global) -> anyhow::Result<OpenOptions> {
    Ok(OpenOptions { access: access(global)?, ..OpenOptions::default() })
}

/// What opens the keys of the data directory. A passphrase is asked for when they are under one, none is given, and
/// somebody sits at the terminal.
///
/// # Errors
/// When a passphrase is given twice, or its file cannot be used.
pub fn access(global: &Global) -> anyhow::Result<KekAccess> {
    access_to(global, &global.data)
}

/// What opens the keys of another data directory: its own key file, where it has one, before any that was named.
///
/// # Errors
/// As [`access`].
pub fn access_to_other(global: &Global, data: &Path) -> anyhow::Result<KekAccess> {
    let access = access_to(global, data)?;
    let file = access.file.filter(|_| !data.join("keys").join("kek").exists());
    Ok(KekAccess { file, ..access })
}

fn access_to(global: &Global, data: &Path) -> anyhow::Result<KekAccess> {
    let mut access = given(&global.keys)?;
    let is_asked_for = || key_status(data).is_ok_and(|status| status.kek == NewKek::Passphrase);
    if access.passphrase.is_none() && terminal::is_there() && is_asked_for() {
        access.passphrase = Some(terminal::secret(&format!("Passphrase of {}: ", data.display()))?);
    }
    Ok(access)
}

/// What opens keys that are yet to be made.
///
/// # Errors
/// As [`access`], and when a passphrase is asked for and typed in two different ways.
pub fn access_to_make(global: &Global, kek: NewKek) -> anyhow::Result<KekAccess> {
    let mut access = given(&global.keys)?;
    if kek == NewKek::Passphrase && access.passphrase.is_none() && terminal::is_there() {
        access.passphrase = Some(asked_twice()?);
    }
    Ok(access)
}

/// What opens the keys after they were put under another key.
///
/// # Errors
/// As [`access_to_make`]; when the keys are under a passphrase and are to be put under one, and no new one is given.
pub fn access_to_rewrap(global: &Global, new: NewKek, options: &NewKeyOptions) -> anyhow::Result<KekAccess> {
    let given = given(&global.keys)?;
    let mut access = KekAccess {
        file: options.new_kek_file.clone().or(given.file),
        passphrase: passphrase(options.new_passphrase_file.as_deref(), NEW_PASSPHRASE)?,
        command: options.new_kek_command.clone().or(given.command),
    };
    if new != NewKek::Passphrase || access.passphrase.is_some() {
        return Ok(access);
    }
    if key_status(&global.data)?.kek != NewKek::Passphrase {
        access.passphrase = given.passphrase;
    }
    if access.passphrase.is_none() && terminal::is_there() {
        access.passphrase = Some(asked_twice()?);
    }
    if access.passphrase.is_none() {
        let help = format!("give it by --new-passphrase-file FILE or by {NEW_PASSPHRASE}");
        return Err(Usage::new("the new passphrase is missing").help(help).into());
    }
    Ok(access)
}

/// What the command line and the environment say.
fn given(options: &KeyOptions) -> anyhow::Result<KekAccess> {
    Ok(KekAccess {
        file: options.kek_file.clone(),
        passphrase: passphrase(options.passphrase_file.as_deref(), PASSPHRASE)?,
        command: options.kek_command.clone(),
    })
}

/// The passphrase of a file or of a variable of the environment.
fn passphrase(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    let here = match std::env::var(variable) {
        Ok(text) if text.is_empty() => None,
        Ok(text) => Some(Zeroizing::new(text)),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Usage::new(format!("the passphrase in {variable} is not UTF-8")).into());
        }
    };
    match (file, here) {
        (Some(_), Some(_)) => {
            let what = format!("a passphrase is given twice: in {variable} and in a file");
            Err(Usage::new(what).help("give it in one way").into())
        }
        (Some(file), None) => read(file).map(Some),
        (None, here) => Ok(here),
    }
}

/// The passphrase in a file: all of it but a line end at its end.
fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let failed =
        |error| pipeline::Error::Io { action: "read the passphrase file", path: path.to_owned(), source: error };
    let file = File::open(path).map_err(failed)?;
    // The mode is that of the opened file, not of whatever the name means a moment later.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode != 0o600 {
        let what = format!("passphrase file `{}` has mode {mode:04o} where 0600 is required", path.display());
        return Err(Usage::new(what).help("`chmod 600` it, and ask yourself who may have read it").into());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
    file.take(PASSPHRASE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && bytes.len() <= PASSPHRASE_BYTES_MAX => Ok(Zeroizing::new(text.to_owned())),
        _ => {
            let what = format!("passphrase file `{}` is empty, not UTF-8, or longer than 4096 bytes", path.display());
            Err(Usage::new(what).into())
        }
    }
}

/// A new passphrase, typed twice in the same way.
fn asked_twice() -> anyhow::Result<Zeroizing<String>> {
    let first = terminal::secret("New passphrase: ")?;
    if first.is_empty() {
        return Err(Usage::new("a passphrase cannot be empty").into());
    }
    if *first != *terminal::secret("The same again: ")? {
        return Err(Usage::new("the two passphrases differ; nothing was changed").into());
    }
    Ok(first)
}
