//! One table from kinds of errors to exit codes and remedies.

use super::commands::ledger::NotSent;
use super::output;
use crate::pipeline::{PermissionView, Remedy};
use crate::report::disclosure;
use crate::report::log;
use crate::{crypto, ledger, pipeline, policy, sources, store};

/// The program did what was asked.
pub const SUCCESS: u8 = 0;
/// Something is wrong with the system: a disk, a damaged file.
pub const FAILED: u8 = 1;
/// The command line or the bundle is wrong.
pub const USAGE: u8 = 2;
/// What was asked for does not exist.
pub const NOT_FOUND: u8 = 3;
/// A policy denies it.
pub const DENIED: u8 = 4;
/// The ledger does not verify.
pub const TAMPERED: u8 = 5;
/// Another process holds the data directory.
pub const IN_USE: u8 = 6;
/// It was stopped by a signal; the next run goes on.
pub const INTERRUPTED: u8 = 130;

/// Exit code and remedy of an error.
pub fn verdict(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(error) = error.downcast_ref::<pipeline::Error>() {
        return of_pipeline(error);
    }
    if let Some(denial) = error.downcast_ref::<Denial>() {
        return (DENIED, Some(denial.help()));
    }
    if let Some(error) = error.downcast_ref::<ledger::Error>() {
        return of_ledger(error);
    }
    if let Some(error) = error.downcast_ref::<disclosure::Error>() {
        return of_disclosure(error);
    }
    if error.downcast_ref::<policy::Problems>().is_some() {
        return (USAGE, None);
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return (USAGE, usage.help.clone());
    }
    if let Some(NotFound(missing)) = error.downcast_ref::<NotFound>() {
        return (NOT_FOUND, missing.help.clone());
    }
    if error.downcast_ref::<Unproven>().is_some() {
        return (TAMPERED, hint(COMPARE));
    }
    if let Some(error) = error.downcast_ref::<log::Error>() {
        return of_log(error);
    }
    if error.downcast_ref::<NotSent>().is_some() {
        return (FAILED, hint("see that the address takes a PUT, and run the same command again"));
    }
    (FAILED, None)
}

/// Whether the reader of our output has gone, which is its good right: `onefold export members | head` is no failure.
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        // Some libraries wrap an error of the system in one of the system's kind.
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| gone(io) || io.get_ref().and_then(|inner| inner.downcast_ref()).is_some_and(gone))
    })
}

/// An error in what was asked for, with its remedy.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Usage {
    what: String,
    help: Option<String>,
}

impl Usage {
    /// Says what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    /// Adds what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// A name that the bundle does not have, with the nearest and all that it has.
    pub fn unknown<'k>(sort: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Self {
        let known: Vec<&str> = known.collect();
        let near = policy::nearest(name, &known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        Self::new(format!("the bundle has no {sort} `{}`", output::shown(name)))
            .help(format!("{near}it has {}", known.join(", ")))
    }
}

/// Something that was asked for does not exist, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotFound(Usage);

impl NotFound {
    /// Says what is missing.
    pub fn new(what: impl Into<String>) -> Self {
        Self(Usage::new(what))
    }

    /// Adds what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self(self.0.help(help))
    }
}

/// The ledger is not the one that was signed.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Unproven {
    what: String,
}

impl Unproven {
    /// Says what does not agree.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// What was asked for may not be used for the purpose.
#[derive(Debug, thiserror::Error)]
#[error("denied: `{}`: {}", .permission.purpose, super::commands::profile::reason(.permission))]
pub struct Denial {
    /// What was decided.
    pub permission: PermissionView,
    /// What would allow it.
    pub remedy: Remedy,
}

impl Denial {
    /// What would allow it.
    fn help(&self) -> String {
        let purpose = &self.permission.purpose;
        let every = "`onefold profile ID` without --purpose shows every purpose";
        let whose = match self.remedy {
            Remedy::Consent => "",
            Remedy::ParentalConsent => ", given by who holds parental responsibility",
            Remedy::None => return format!("no consent would allow it as things stand; {every}"),
        };
        let later = if self.permission.consent.is_some() { ", given later than that one," } else { "" };
        let comma = if !whose.is_empty() && later.is_empty() { "," } else { "" };
        format!(
            "a valid consent to `{purpose}`{whose}{later}{comma} on an identifier of this profile would allow it; {every}"
        )
    }
}

fn of_pipeline(error: &pipeline::Error) -> (u8, Option<String>) {
    use pipeline::Error as E;
    match error {
        E::NotInitialised { .. } => (USAGE, hint("make one with `onefold init --policy BUNDLE --data DIR`")),
        E::AlreadyInitialised { .. } => (USAGE, hint("go on with `onefold ingest`, or name another --data DIR")),
        E::NotEmpty { .. } => (USAGE, hint("name an empty or a new directory with --data DIR")),
        E::InUse { .. } => (IN_USE, hint("wait for the other process to end; it is safe to try again")),
        E::BundleChanged { .. } => (
            USAGE,
            hint(
                "put the bundle's files back as they were; to use other rules, give them in another folder to \
                 `onefold policy activate BUNDLE`",
            ),
        ),
        E::InForce { .. } => {
            (USAGE, hint("a new version has another digest: change a file of it, such as `bundle.toml`"))
        }
        E::Unsuited { .. } => (
            USAGE,
            hint(
                "leave sources, attributes and identifiers where they are and add new ones at the end; or load anew: \
                 `onefold init --policy BUNDLE --data NEW --identity-from DIR`, then ingest the sources again",
            ),
        ),
        E::NotFound { .. } => (NOT_FOUND, None),
        E::BadName { .. } => (USAGE, None),
        E::NotAName { forms, .. } => (USAGE, Some(forms.clone())),
        E::Contradiction(_) => {
            (USAGE, hint("`onefold review list --decisions` shows them; withdraw the earlier one first"))
        }
        E::Held { .. } => (DENIED, hint("`onefold hold list` shows why; `onefold hold release` ends it")),
        E::Unrecorded(error) => of_pipeline(error),
        E::ReadsDamaged { error, .. } => of_ledger(error),
        E::ReadsInUse { .. } => (IN_USE, hint("wait for the other process to end; it is safe to try again")),
        E::ReadsBroken { .. } => (TAMPERED, hint("compare with a backup or another copy of DIR/reads")),
        E::TooManyTouched { .. } => {
            (USAGE, hint("look for a value that strangers share: `onefold review identifiers`"))
        }
        E::Denied { .. } => (DENIED, hint("`onefold profile ID` without --purpose shows every purpose")),
        E::Policy(_) => (USAGE, hint("`onefold policy check BUNDLE` shows every error with its remedy")),
        E::Keys(error) => (FAILED, key_hint(error)),
        E::Ledger(error) => of_ledger(error),
        E::Index(store::Error::Damaged { .. }) => (FAILED, hint("remove DIR/index: it is rebuilt from the ledger")),
        E::Index(store::Error::Io(source)) => (FAILED, disk_hint(source)),
        E::Index(store::Error::Stopped) => (FAILED, hint(AGAIN)),
        E::Unaccounted { .. } => {
            (TAMPERED, hint("remove DIR/index to rebuild it; if that fails the same way, the ledger was altered"))
        }
        E::Io { source, .. } | E::Output { source } => (FAILED, disk_hint(source)),
        E::Source(error) => (USAGE, source_hint(error)),
        E::Stopped => (FAILED, hint(AGAIN)),
        E::Index(store::Error::Locked) => (IN_USE, hint("wait for the other process to end; it is safe to try again")),
        E::Table(_) => (FAILED, None),
        E::Disclosure(error) => of_disclosure(error),
    }
}

/// Run again, and nothing is lost.
const AGAIN: &str = "run the same command again: what was acknowledged is kept, and it goes on from there";

fn of_ledger(error: &ledger::Error) -> (u8, Option<String>) {
    use ledger::Error as E;
    match error {
        E::File { source, .. } => (FAILED, disk_hint(source)),
        E::Poisoned => (FAILED, hint(AGAIN)),
        E::Missing { .. } => (USAGE, hint("name a data directory with --data DIR; `onefold init` makes one")),
        E::Exists { .. } => (USAGE, hint("name another --data DIR")),
        E::Damaged(fault) if fault.may_be_unfinished() => (
            TAMPERED,
            hint(
                "the end was being written when the program was stopped, or is being written now: let that end, or run \
                 any command that opens the directory, such as `onefold export members`, which cuts it; then verify again",
            ),
        ),
        E::Keys(error) => (FAILED, key_hint(error)),
        E::ErasedRecord { .. } => (NOT_FOUND, None),
        E::NoEntry { .. } => {
            (NOT_FOUND, hint("`onefold ledger verify` says how many entries there are; they count from 0"))
        }
        E::NotCurrent { .. } => (
            USAGE,
            hint(
                "the ledger went on since it was handed out: hand out the current one, which `onefold ledger checkpoint \
                 -o FILE` writes, and keep the ledger still until it is back",
            ),
        ),
        E::CheckpointMoved { .. } => {
            (TAMPERED, hint("somebody wrote it beside this program: find out who, and try again"))
        }
        E::TooLarge { .. } | E::Births { .. } | E::Bundle { .. } | E::EpochOrder { .. } => (FAILED, None),
        _ => (TAMPERED, hint(COMPARE)),
    }
}

/// What is to be done about a ledger that is not what it should be.
const COMPARE: &str = "nothing was changed here: compare with a backup or another copy of DIR/ledger";

fn of_log(error: &log::Error) -> (u8, Option<String>) {
    use log::Error as E;
    match error {
        E::File { source, .. } => (FAILED, disk_hint(source)),
        E::OtherLog { .. } => (
            TAMPERED,
            hint("name another folder for this ledger; if it is the right one, `onefold ledger verify` tells more"),
        ),
        E::OtherEntries { .. } | E::Format(_) => (TAMPERED, hint("`onefold ledger verify` tells where it was changed")),
        E::Ledger(error) => of_ledger(error),
    }
}

fn of_disclosure(error: &disclosure::Error) -> (u8, Option<String>) {
    use disclosure::Error as E;
    match error {
        E::Unsound { .. } => (TAMPERED, hint("ask its sender for the package again, and for the key by another way")),
        E::TooLarge { .. } => (USAGE, hint("ask for fewer entries at once")),
        E::Earlier { .. } => (TAMPERED, hint("give a checkpoint that this ledger has signed, as it was given out")),
        E::Ledger(error) => of_ledger(error),
        E::Log(_) => (TAMPERED, None),
    }
}

/// The remedy when the system refuses to read or write.
fn disk_hint(error: &std::io::Error) -> Option<String> {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => {
            hint("free some space, or raise the limit, and run the same command again: nothing acknowledged was lost")
        }
        K::PermissionDenied => hint("run it as the owner of the data directory"),
        K::ReadOnlyFilesystem => hint("the data directory must lie where it can be written, also to be read"),
        _ => None,
    }
}

/// The remedy when keys do not open.
pub fn key_hint(error: &crypto::Error) -> Option<String> {
    use crypto::Error as E;
    match error {
        E::KekMissing { .. } | E::KekWrong { .. } | E::KekMalformed { .. } => hint(
            "put the right key file back with mode 0600, or name it with --kek-file; without it nothing can be read, \
                 ingested or erased, and `onefold ledger verify` still works",
        ),
        E::KekMode { .. } => hint("`chmod 600` it, and ask yourself who may have read it"),
        E::PassphraseMissing { .. } | E::PassphraseWrong { .. } => hint(
            "give the right one by --passphrase-file or ONEFOLD_PASSPHRASE, or at a terminal; without it nothing can be \
                 read, ingested or erased, and `onefold ledger verify` still works",
        ),
        E::CommandMissing { .. } => {
            hint("give it by --kek-command or ONEFOLD_KEK_COMMAND; without it nothing can be read, ingested or erased")
        }
        E::CommandWrong { .. } | E::Command { .. } => {
            hint("try the key command by hand, with `wrap` or `unwrap` as its last argument and base64 on its input")
        }
        E::SealedMissing { .. } | E::SealedDamaged { .. } => {
            hint("put DIR/keys back from a backup; `onefold ledger verify` works without it")
        }
        E::SealedFormat { .. } => hint("use the version of the program that wrote it, or a later one"),
        E::File { source, .. } => disk_hint(source),
        E::Unfinished | E::Superseded => hint(AGAIN),
        E::Exists { .. } | E::EpochsUsedUp | E::Random | E::Unopened | E::Log(_) => None,
    }
}

fn source_hint(error: &sources::Error) -> Option<String> {
    use sources::Error as E;
    match error {
        E::Empty { .. } => hint("the other files were read; if it should hold something, ask its sender for it again"),
        E::Missing { .. } | E::Directory { .. } => hint("name files that exist"),
        E::Unreadable { .. } => hint("give the user that runs this the right to read it"),
        E::Header { .. } | E::MissingColumns { .. } | E::DuplicateColumn { .. } => {
            hint("correct the file, or the source's `key` and `fields` in the bundle; nothing of the file was taken")
        }
        E::Shrunk { .. } => hint("give the file another name if it is a new one"),
        E::NotSeekable { .. } => hint("save it to a file first"),
        E::Parquet { .. } => hint("check that it was written to its end; rows before the damage were taken"),
        E::Io { .. } => hint("run the same command again: it goes on from where it stopped"),
    }
}

fn hint(text: &str) -> Option<String> {
    Some(text.to_owned())
}
