//! What can be wrong with keys. No message holds a byte of a key, a passphrase, or what a command printed.

use super::key_file;
use std::path::PathBuf;

/// Why keys could not be made, opened, used or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A signing key, or what it was to sign, is not of the right form.
    #[error(transparent)]
    Log(#[from] crate::tlog::Error),
    /// There is no key-encryption key.
    #[error("key file `{}` is missing; the ledger can still be verified without keys (`onefold ledger verify`)", path.display())]
    KekMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Others than the owner may read or change the key file.
    #[error("key file `{}` has mode {mode:04o} where 0600 is required", path.display())]
    KekMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not 64 lowercase hexadecimal digits and a newline.
    #[error("key file `{}` is not 64 lowercase hexadecimal digits and a newline", path.display())]
    KekMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The key file is whole, but it is another one than the keys were sealed with.
    #[error(
        "key file `{}` is not the one that `{}` was sealed with; the ledger can still be verified without keys \
         (`onefold ledger verify`)",
        kek.display(), sealed.display()
    )]
    KekWrong {
        /// The key file.
        kek: PathBuf,
        /// The sealed keys.
        sealed: PathBuf,
    },
    /// The keys are under a passphrase, and none, or an empty one, was given.
    #[error(
        "`{}` needs a passphrase, and none was given; the ledger can still be verified without keys \
         (`onefold ledger verify`)",
        sealed.display()
    )]
    PassphraseMissing {
        /// The sealed keys.
        sealed: PathBuf,
    },
    /// The passphrase is another one than the keys were sealed with.
    #[error(
        "the passphrase is not the one that `{}` was sealed with; the ledger can still be verified without keys \
         (`onefold ledger verify`)",
        sealed.display()
    )]
    PassphraseWrong {
        /// The sealed keys.
        sealed: PathBuf,
    },
    /// The keys are wrapped by a command, and none was given.
    #[error(
        "`{}` needs the command that wraps its key, and none was given; the ledger can still be verified without keys \
         (`onefold ledger verify`)",
        sealed.display()
    )]
    CommandMissing {
        /// The sealed keys.
        sealed: PathBuf,
    },
    /// The command unwrapped to another key than the keys were sealed with.
    #[error(
        "the key command does not unwrap the key of `{}`; the ledger can still be verified without keys \
         (`onefold ledger verify`)",
        sealed.display()
    )]
    CommandWrong {
        /// The sealed keys.
        sealed: PathBuf,
    },
    /// The command did not do what it should.
    #[error("the key command failed to {operation}: {fault}")]
    Command {
        /// `wrap` or `unwrap`.
        operation: &'static str,
        /// What it did instead.
        fault: CommandFault,
    },
    /// There are no sealed keys.
    #[error("sealed keys `{}` are missing", path.display())]
    SealedMissing {
        /// Where they should be.
        path: PathBuf,
    },
    /// The sealed keys were changed or cut since they were written.
    #[error("sealed keys `{}` are damaged: {what}", path.display())]
    SealedDamaged {
        /// The file.
        path: PathBuf,
        /// What shows it.
        what: &'static str,
    },
    /// The sealed keys were written by a later version.
    #[error("sealed keys `{}` have format {found}, and this version reads {}", path.display(), key_file::FORMAT)]
    SealedFormat {
        /// The file.
        path: PathBuf,
        /// The format they say.
        found: u16,
    },
    /// Keys stand where new ones were to be made.
    #[error("`{}` already exists", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// An earlier change got past its point of no return and failed then.
    #[error("an earlier change of the keys was left unfinished, so they take no more until they are opened again")]
    Unfinished,
    /// What is on the disk is not what was opened, so nothing can be made of it.
    #[error("the keys on the disk were changed since they were opened; open them again")]
    Superseded,
    /// There can be no more key epochs.
    #[error("there were 65,536 key epochs, and no more are possible")]
    EpochsUsedUp,
    /// The random source failed.
    #[error("the system's random source failed")]
    Random,
    /// A payload did not open: it, its header or its key is another one than when it was sealed.
    #[error("the payload does not open under its key")]
    Unopened,
    /// A file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How a key command can fail. What it printed is never told, for it may be a key.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    /// It did not start.
    #[error("it could not be started: {0}")]
    Start(std::io::Error),
    /// Its input could not be written or its output not be read.
    #[error("its input or output failed: {0}")]
    Pipe(std::io::Error),
    /// It ended with another status than 0.
    #[error("it ended with status {0}")]
    Status(i32),
    /// A signal ended it.
    #[error("a signal ended it")]
    Signal,
    /// It took too long and was killed.
    #[error("it did not end within {limit_s} s and was killed")]
    Time {
        /// How long it may take.
        limit_s: u64,
    },
    /// It gave too much.
    #[error("it gave more than {max_bytes} bytes")]
    TooMuch {
        /// How much it may give.
        max_bytes: usize,
    },
    /// It gave no base64.
    #[error("its output is not base64 (RFC 4648, padded) on one line")]
    NotBase64,
    /// What it gave has another size than is possible.
    #[error("it gave {found} bytes where {expected} were expected")]
    Size {
        /// How many it gave.
        found: usize,
        /// How many there should be.
        expected: &'static str,
    },
    /// What it gave as wrapped holds the key in the clear.
    #[error("it gave the key back in the clear")]
    Clear,
    /// What it wrapped it does not unwrap to the same.
    #[error("it does not unwrap what it wrapped itself to the same key")]
    NotTheSame,
}
