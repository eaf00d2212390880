//! What can go wrong in the index.

use super::codec::Malformed;
use super::spaces::Space;
use std::io;

/// Why the index could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory does not hold a whole index of this version: rebuild it from the ledger in a new directory.
    #[error("the index is damaged: {reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },
    /// Another process, or another part of this one, has the index open.
    #[error("the index is in use by another process")]
    Locked,
    /// An earlier write failed, after which nothing more is written. Open the index again.
    #[error("the index stopped writing after an earlier failure")]
    Stopped,
    /// The file system refused.
    #[error("the index could not be read or written: {0}")]
    Io(#[from] io::Error),
}

impl Error {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }

    pub(super) fn row(space: Space) -> impl Fn(Malformed) -> Self {
        move |_| Self::damaged(format!("a row of `{}` is malformed", space.name()))
    }
}

impl From<fjall::Error> for Error {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => from_io(error),
            fjall::Error::Locked => Self::Locked,
            fjall::Error::Poisoned => Self::Stopped,
            other => Self::damaged(format!("{other:?}")),
        }
    }
}

/// Tells bytes that are missing or wrong from a file system that refuses.
fn from_io(error: io::Error) -> Error {
    use io::ErrorKind::{AlreadyExists, InvalidData, InvalidInput, NotFound, Other, UnexpectedEof};
    match error.kind() {
        AlreadyExists | InvalidData | InvalidInput | NotFound | Other | UnexpectedEof => {
            Error::damaged(error.to_string())
        }
        _ => Error::Io(error),
    }
}
