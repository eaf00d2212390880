//! Keys: the keyring on disk, the keyed hashes of identifiers and values, the key of each record and entry, and the
//! sealing of payloads.
//!
//! Nothing here writes personal data, prints a key, or draws randomness on its own: the source of it is passed in.
//!
//! INVARIANT: every key has one use. Those of different uses are derived under different labels, and an entry's key
//! seals one payload, ever.

mod identity;
mod keyring;
mod records;
mod seal;

pub use identity::IdentityKey;
pub use keyring::{KeyEpoch, Keyring, LedgerId};
pub use records::{EntryContext, RecordKey, RecordKeys, SlotKey, SlotKeys, WriterSalt};
pub use seal::{COMMITMENT_BYTES, EntryKey, TAG_BYTES};

use std::path::PathBuf;

/// What can be wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no key-encryption key.
    #[error("key file `{}` is missing", path.display())]
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
    #[error("key file `{}` is not the one that `{}` was sealed with", kek.display(), sealed.display())]
    KekWrong {
        /// The key file.
        kek: PathBuf,
        /// The sealed keys.
        sealed: PathBuf,
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
    #[error("sealed keys `{}` have format {found}, and this version reads {}", path.display(), keyring::FORMAT)]
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
