//! What can go wrong between a change and its profile.

use super::decisions::Contradiction;
use crate::model::Sequence;
use crate::{crypto, ledger, policy, report, sources, store};
use std::path::{Path, PathBuf};

/// An error of the engine as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path is no data directory.
    #[error("`{path}` is not a data directory")]
    NotInitialised {
        /// What was given.
        path: PathBuf,
    },
    /// The directory has a ledger already.
    #[error("`{path}` is a data directory already")]
    AlreadyInitialised {
        /// What was given.
        path: PathBuf,
    },
    /// A data directory is made in an empty one only.
    #[error("`{path}` is not empty and is not a data directory")]
    NotEmpty {
        /// What was given.
        path: PathBuf,
    },
    /// Another process holds the directory.
    #[error("data directory `{path}` is in use by another process")]
    InUse {
        /// Which one.
        path: PathBuf,
    },
    /// The bundle in the directory is not the one that the ledger names.
    #[error(
        "the policy bundle in `{path}` is not the one in force: its digest is {found}, the ledger names {expected}"
    )]
    BundleChanged {
        /// Folder of the bundle.
        path: PathBuf,
        /// Digest that the ledger names, hexadecimal.
        expected: String,
        /// Digest of what lies there, hexadecimal.
        found: String,
    },
    /// The bundle is in force already.
    #[error("bundle {name} {version} is in force already: there is nothing to do")]
    InForce {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// The bundle cannot follow the one in force over the same records.
    #[error("the bundle cannot follow the one in force: {what}")]
    Unsuited {
        /// What would mean something else.
        what: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The bundle has errors.
    #[error(transparent)]
    Policy(#[from] policy::Problems),
    /// Keys could not be used.
    #[error(transparent)]
    Keys(#[from] crypto::Error),
    /// The ledger could not be used.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The index could not be used.
    #[error(transparent)]
    Index(#[from] store::Error),
    /// A table could not be written.
    #[error(transparent)]
    Table(#[from] report::Error),
    /// A package of entries could not be made.
    #[error(transparent)]
    Disclosure(#[from] report::disclosure::Error),
    /// The output of a table could not be written.
    #[error("cannot write the table: {source}")]
    Output {
        /// Why not.
        source: std::io::Error,
    },
    /// A file or stream of changes could not be read.
    #[error(transparent)]
    Source(#[from] sources::Error),
    /// State and ledger do not account for each other (contract C4).
    #[error("the ledger does not account for the state: {what}")]
    Unaccounted {
        /// What has no justification.
        what: &'static str,
    },
    /// A text names no profile, record or identifier.
    #[error("{what}")]
    NotFound {
        /// What was looked for, without its value.
        what: String,
    },
    /// A text is no profile id, `source:key` or `identifier:value`.
    #[error("{what}")]
    BadName {
        /// What is wrong with it.
        what: String,
    },
    /// A text is of no form that names something under this bundle.
    #[error("{what}")]
    NotAName {
        /// What is wrong with it, without its value.
        what: String,
        /// What would be a name.
        forms: String,
    },
    /// All that was to be erased must not be.
    #[error("nothing was erased: what was asked for must be kept, by {}", listed(.entries))]
    Held {
        /// The decisions that say so.
        entries: Vec<Sequence>,
    },
    /// A read could not be recorded, so that nothing of it is given out.
    #[error("the read could not be recorded, so nothing is shown: {0}")]
    Unrecorded(Box<Error>),
    /// Another process records reads.
    #[error("the chain of reads in `{path}` is held by another process")]
    ReadsInUse {
        /// Where it lies.
        path: PathBuf,
    },
    /// The months of reads do not chain.
    #[error("the reads of {month} do not go on from those of the month before: one of them was replaced or removed")]
    ReadsBroken {
        /// Which month.
        month: String,
    },
    /// A month of reads does not verify.
    #[error("the reads of {month}: {error}")]
    ReadsDamaged {
        /// Which month.
        month: String,
        /// What is wrong with it.
        error: Box<ledger::Error>,
    },
    /// A steward's decision cannot hold beside those before it.
    #[error("this contradicts what was decided before, in {}", entries(.0))]
    Contradiction(Box<Contradiction>),
    /// More records than can be looked at could be touched by a decision.
    #[error("more than {max} records could be touched: what would become of them cannot be shown")]
    TooManyTouched {
        /// How many can be.
        max: usize,
    },
    /// Something that is needed for the answer is denied.
    #[error("denied: {why}")]
    Denied {
        /// The reason and what it rests on.
        why: String,
    },
    /// The engine failed before and takes no more changes until it is opened again.
    #[error("an earlier failure stopped this engine; open the data directory again")]
    Stopped,
}

/// Entries by their numbers.
fn listed(entries: &[Sequence]) -> String {
    entries.iter().map(|entry| format!("entry #{entry}")).collect::<Vec<_>>().join(", ")
}

/// The entries of decisions.
fn entries(contradiction: &Contradiction) -> String {
    let entries: Vec<String> = contradiction.decided.iter().map(|(entry, _)| format!("entry #{entry}")).collect();
    entries.join(", ")
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
