//! What happens when a ledger is opened for writing after a stop of any kind.
//!
//! The rules, in this order:
//! 1. What was remembered of a commit must agree with the ledger, else nothing is done.
//! 2. Everything after it is checked. Damage that a crash cannot have left is an error; so is damage with a commit after
//!    it, unless that one ends the file and sectors of its own group were never written.
//! 3. A torn end of the last segment is cut.
//! 4. Derived entries after the last commit are cut with all after the first of them: they are computed again. Received
//!    entries stand before the derived ones of their epoch; where one does not, nothing is cut and it is an error.
//!
//! INVARIANT: no crash makes this cut an entry that was synced, unless it is derived and not committed. Bytes that rot
//! after the last commit cannot be told from a torn write; they are cut too, and what was cut is reported.

use super::Position;
use super::chain::Chain;
use super::error::{Error, Fault};
use super::kind::{Header, Kind};
use super::leaf::{Logical, body_digest};
use super::payload::{Content, Erasure};
use super::reader::Reader;
use super::segment::{self, failed};
use super::state::State;
use super::tree::Digest;
use super::walk::Walk;
use crate::encoding::storage::Storage;
use crate::model::Sequence;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// What was found when the ledger was opened.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The last commit; `None` when nothing was ever committed.
    pub state: Option<State>,
    /// How many entries after it were kept. `Ledger::replay` hands them over.
    pub kept: u64,
    /// What was cut, where something was.
    pub cut: Option<Cut>,
    /// Erasures after the remembered commit, or all of them where there was none.
    pub erasures: Vec<(Sequence, Erasure)>,
}

/// What was cut from the end of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where the ledger ends now.
    pub end: Position,
    /// How many whole derived entries there were after it, which are computed again.
    pub derived: u64,
    /// The torn frame, where there was one.
    pub torn: Option<Fault>,
}

/// A ledger that was checked and cut.
pub(super) struct Sound {
    pub(super) chain: Chain,
    pub(super) end: Position,
    pub(super) runs: Vec<(super::chain::Run, Position)>,
    pub(super) recovered: Recovered,
}

/// Checks the ledger from the remembered commit, or from its first entry, and cuts it; nothing under the checkpoint
/// `signed`, which has this size and root.
pub(super) fn recover(
    storage: &dyn Storage,
    dir: &Path,
    resume: Option<&State>,
    signed: Option<(u64, Digest)>,
) -> Result<Sound, Error> {
    let mut walk = match resume {
        None => Walk::from_start(dir)?,
        Some(state) => {
            check_resume(dir, state)?;
            Walk::from_state(dir, state)?
        }
    };
    if let Some((size, root)) = signed {
        walk.expect(size, root)?;
    }
    let torn = match walk.run(|_| Ok(())) {
        Ok(()) => None,
        Err(Error::Damaged(fault))
            // The first segment's header was whole before anything else was written.
            if fault.may_be_unfinished() && fault.segment == walk.last_segment() =>
        {
            Some(*fault)
        }
        Err(error) => return Err(error),
    };
    walk.check_redactions()?;
    let size = walk.chain.tree.size();
    let last_segment = walk.last_segment();
    let (chain, end) = match walk.derived {
        None => (walk.chain, walk.end),
        Some((chain, end)) => match walk.kept_after {
            None => (chain, end),
            Some((kind, sequence)) => return Err(Error::KeptAfterDerived { kind, sequence, derived: chain.next() }),
        },
    };
    if let Some((signed, _)) = signed.filter(|(signed, _)| *signed > chain.tree.size()) {
        return Err(Error::UnderCheckpoint { size: chain.tree.size(), signed, torn: torn.map(Box::new) });
    }
    let derived = size - chain.tree.size();
    let cut = (derived > 0 || torn.is_some()).then_some(Cut { end, derived, torn });
    if cut.is_some() {
        truncate(storage, dir, last_segment, end)?;
    }
    let kept = chain.tree.size() - walk.commit.as_ref().map_or(0, State::size);
    let mut runs = walk.runs;
    runs.retain(|(_, position)| *position < end);
    Ok(Sound { chain, end, runs, recovered: Recovered { state: walk.commit, kept, cut, erasures: walk.erasures } })
}

/// Whether the ledger has the remembered commit where it was.
fn check_resume(dir: &Path, state: &State) -> Result<(), Error> {
    let differs = |what| Error::Resume { sequence: state.sequence(), what };
    let path = segment::path(dir, state.commit.segment());
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(differs("its segment is missing")),
        opened => opened.map_err(failed("read", &path))?,
    };
    let mut stored = Vec::new();
    match segment::read_at(&file, state.commit, &mut stored) {
        Ok(()) => {}
        Err(segment::Stop::Damage(_)) => return Err(differs("there is no whole entry at its place")),
        Err(segment::Stop::Io(source)) => return Err(failed("read", &path)(source)),
    }
    let run = state.chain.run.as_ref().ok_or_else(|| differs("it has no run"))?;
    let leaf = Header::read(&stored).and_then(|(header, body)| {
        Ok(Logical::new(&state.before, &run.digest, &header, &body_digest(&header, body)?).leaf())
    });
    if leaf != Ok(state.chain.head) {
        return Err(differs("another entry is at its place"));
    }
    let end = u64::from(state.commit.offset()) + (stored.len() + segment::FRAME_BYTES) as u64;
    if state.end.segment() != state.commit.segment() || u64::from(state.end.offset()) != end {
        return Err(differs("it ends at another place"));
    }
    Ok(())
}

/// Whether nothing but openings stands after the remembered commit, or in the whole ledger where there was none.
///
/// # Errors
/// As [`Ledger::open`](super::Ledger::open), when the ledger does not hold that commit any more.
pub fn stands_at(dir: &Path, state: Option<&State>) -> Result<bool, Error> {
    if let Some(state) = state {
        check_resume(dir, state)?;
    }
    let mut even = true;
    Reader::open(dir, None)?.scan(state, |entry| -> Result<(), Error> {
        even &= matches!(entry.header.kind, Kind::Open | Kind::Policy | Kind::Key);
        Ok(())
    })?;
    Ok(even)
}

/// All erasures that the ledger in `dir` records, in order. Needs no keys.
///
/// # Errors
/// As [`Reader::scan`].
pub fn erasures(dir: &Path) -> Result<Vec<(Sequence, Erasure)>, Error> {
    let mut erasures = Vec::new();
    Reader::open(dir, None)?.scan(None, |entry| -> Result<(), Error> {
        if let Content::Erasure(erasure) = entry.content {
            erasures.push((entry.placed.sequence, erasure));
        }
        Ok(())
    })?;
    Ok(erasures)
}

/// Makes `end` the end of the ledger, durably. Later segments go first, from the last, so that at each moment the
/// ledger is one that can be recovered.
fn truncate(storage: &dyn Storage, dir: &Path, last_segment: u32, end: Position) -> Result<(), Error> {
    for number in (end.segment() + 1..=last_segment).rev() {
        let path = segment::path(dir, number);
        storage.remove(&path).map_err(failed("remove", &path))?;
        storage.sync_directory(dir).map_err(failed("sync", dir))?;
    }
    let path = segment::path(dir, end.segment());
    let file = OpenOptions::new().write(true).open(&path).map_err(failed("open", &path))?;
    storage.truncate(&file, end.offset().into()).map_err(failed("cut", &path))?;
    storage.sync(&file).map_err(failed("sync", &path))
}
