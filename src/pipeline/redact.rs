//! Deleting what is left of erased records: their ciphertexts in the ledger, and the remains of their rows in the files
//! of the index.
//!
//! Both files sets are written anew and put in the place of the old ones. It is done when the date has come that an
//! erasure states, at the next opening for changes, or by hand before that.
//!
//! INVARIANT: a stop at any point leaves a directory that opens; the next opening finishes what was begun.

use super::directory::Directory;
use super::{Error, Onefold, OpenOptions};
use crate::ledger::Redacted;
use crate::model::Sequence;
use std::path::Path;

impl Onefold {
    /// Opens a data directory and deletes the ciphertexts of all erased records whose date has come, or with `all` of
    /// every one. `progress` is told how many segments of the ledger have been looked through, of how many.
    ///
    /// # Errors
    /// As [`Onefold::open`], and when ledger or index cannot be written.
    pub fn redact(
        root: &Path,
        options: OpenOptions,
        all: bool,
        progress: impl FnMut(u32, u32),
    ) -> Result<Redacted, Error> {
        let onefold = Self::open_as_it_is(root, options)?;
        let due = onefold.due(all)?;
        if due.is_empty() {
            if onefold.directory.has_remains() {
                onefold.renew_index()?;
            }
            return Ok(Redacted::default());
        }
        onefold.delete_ciphertexts(&due, progress).map(|(redacted, _)| redacted)
    }

    /// The erasures whose ciphertexts are to be deleted.
    pub(super) fn due(&self, all: bool) -> Result<Vec<Sequence>, Error> {
        let now_s = self.options.clock.now_s();
        let due = |erasure: &&super::ErasureState| !erasure.redacted && (all || erasure.due_s <= now_s);
        Ok(self.erasures()?.iter().filter(due).map(|erasure| erasure.entry).collect())
    }

    /// Deletes the ciphertexts of all erased records, as the carrying out of these erasures, and closes the directory.
    pub(super) fn delete_ciphertexts(
        mut self,
        due: &[Sequence],
        progress: impl FnMut(u32, u32),
    ) -> Result<(Redacted, OpenOptions), Error> {
        self.stamp();
        let records = self.keys.records();
        // Whoever is erased by now loses the ciphertext with those that are due: earlier than promised is no harm.
        let redacted = self.ledger.redact(due, &|birth| records.is_erased(birth), progress)?;
        self.open.redacted.extend_from_slice(due);
        self.directory.note_remains()?;
        self.close_epoch(None)?;
        self.ledger.checkpoint()?;
        tracing::info!(entries = redacted.entries, segments = redacted.segments, "ciphertexts deleted");
        Ok((redacted, self.renew_index()?))
    }

    /// Writes the index anew, with nothing left in its files of rows that were removed, and closes the directory.
    pub(super) fn renew_index(self) -> Result<OpenOptions, Error> {
        let anew = self.directory.index_new();
        Directory::remove(&anew)?;
        self.index.copy_to(&anew)?;
        let Self { directory, index, options, .. } = self;
        drop(index);
        directory.swap_index()?;
        Ok(options)
    }
}
