//! Why a package could not be made, or does not verify.

use crate::{ledger, tlog};

/// What can be wrong with a package. No message holds a key or anything that is personal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A package, or a part of it, does not prove what it is there to prove.
    #[error("`{place}` does not verify: {what}")]
    Unsound {
        /// The file in the package.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is more of something than a package can hold.
    #[error("{what}: there are {size}, and at most {size_max} are possible")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        size: usize,
        /// How many there can be.
        size_max: usize,
    },
    /// The earlier checkpoint cannot be continued by this ledger.
    #[error("the earlier checkpoint cannot be used: {what}")]
    Earlier {
        /// Why not.
        what: String,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A proof or note could not be made.
    #[error(transparent)]
    Log(#[from] tlog::Error),
}

impl Error {
    pub(super) fn unsound(place: &str, what: impl ToString) -> Self {
        Self::Unsound { place: place.to_owned(), what: what.to_string() }
    }
}
