//! Loading a batch that is large beside the index: sorted runs, written as tables without journal or memtable.
//!
//! A run goes into one keyspace at a time, so a crash can leave some loaded and others not.
//!
//! INVARIANT: `loading` is durably in `meta` before the first run and goes away in the same atomic write that brings
//! the batch's facts and marks.

use super::batch::Batch;
use super::error::Error;
use super::spaces::{MARK, Space};
use super::{Index, LOADING_KEY, MARKS_KEY, Marks};

/// Fewer rows than this always go through the journal.
const LOAD_ROWS_MIN: usize = 100_000;

/// More rows than this never do: all of them would have to be in memory a second time.
const JOURNAL_ROWS_MAX: usize = 2_000_000;

/// A batch of at least this part of the index is loaded: should a crash cost the index, rebuilding it costs at most
/// so many times what was being done anyway.
const LOAD_PART: usize = 4;

/// Rows between two calls of the progress function.
const PROGRESS_ROWS: u64 = 50_000;

impl Index {
    /// Whether to load a batch instead of writing it through the journal.
    pub(super) fn is_load(&self, batch: &Batch) -> bool {
        let rows = batch.len();
        let held = || self.keyspaces.iter().map(fjall::Keyspace::approximate_len).sum::<usize>();
        rows >= LOAD_ROWS_MIN && (rows > JOURNAL_ROWS_MAX || rows >= held() / LOAD_PART)
    }

    /// Loads a sorted batch.
    pub(super) fn load(&self, batch: Batch, marks: Marks, mut progress: impl FnMut(u64, u64)) -> Result<(), Error> {
        let mut notice = Batch::default();
        notice.put_own(LOADING_KEY, &marks.last.to_le_bytes());
        self.write(&notice, None)?;
        self.sync()?;

        let rows_all = batch.len() as u64;
        let mut rows_done = 0;
        let mut last = Batch::default();
        for (space, rows) in Space::ALL.into_iter().zip(batch.spaces) {
            if space == Space::Meta {
                last.spaces[space as usize] = rows;
                continue;
            }
            if rows.len() == 0 {
                continue;
            }
            let mut run = self.keyspaces[space as usize].start_ingestion()?;
            for (key, value) in rows.iter() {
                match value {
                    Some(value) => run.write(key, value)?,
                    None => run.write_tombstone(key)?,
                }
                rows_done += 1;
                if rows_done % PROGRESS_ROWS == 0 {
                    progress(rows_done, rows_all);
                }
            }
            run.write(MARK, marks.last.to_le_bytes())?;
            run.finish()?;
        }
        last.remove_own(LOADING_KEY);
        last.put_own(MARKS_KEY, &marks.encode());
        for rows in &mut last.spaces {
            rows.sort();
        }
        let only_meta = {
            let mut only = Marks { last: marks.last, ..Marks::default() };
            only.spaces[Space::Meta as usize] = marks.last;
            only
        };
        self.write(&last, Some(&only_meta))?;
        self.sync()?;
        progress(rows_all, rows_all);
        Ok(())
    }
}
