//! A new version of the bundle as an epoch of its own: all records are seen anew under it, and what changes by that is
//! recorded against what held before.
//!
//! The order of the steps stands in `version`, with what a stop between them leaves.
//!
//! INVARIANT: what holds after an activation is what a new directory under the bundle would hold of the same records.

use super::decisions::Decisions;
use super::epoch::put_record;
use super::foresight::{Foresight, Side};
use super::ledger_bundle;
use super::remake::{Committed, Remade, Rulebook};
use super::{Archive, Error, Onefold, successor, version};
use crate::policy::Bundle;

impl Onefold {
    /// Puts a new version of the bundle in force, as an epoch of its own. Everything taken before is committed first. An
    /// older version is put back in the same way.
    ///
    /// # Errors
    /// [`Error::InForce`] and [`Error::Unsuited`], after which nothing changed; else when ledger, index or directory cannot
    /// be written, after which nothing more is taken until the directory is opened again, under one version or the other.
    pub fn activate(&mut self, bundle: Bundle) -> Result<super::Committed, Error> {
        self.running()?;
        successor::check(&self.bundle, &bundle)?;
        self.commit()?;
        self.stamp();
        let mut rules = Rulebook::new(bundle, &self.identity)?;
        let remade = rules.remake(self.committed())?;
        self.exchange(&mut rules);
        let done = self.put_in_force(remade, rules);
        self.stop_on_error(done)
    }

    /// What a new version of the bundle would change of the committed state. Nothing is written, and nothing changes.
    ///
    /// # Errors
    /// [`Error::InForce`] and [`Error::Unsuited`]; when index or ledger cannot be read.
    pub fn foresee(&self, bundle: Bundle) -> Result<Foresight, Error> {
        self.running()?;
        foresee(&self.bundle, bundle, self.committed())
    }

    /// Records what the new version makes of everything, and lets readers see it.
    fn put_in_force(&mut self, remade: Remade, before: Rulebook) -> Result<super::Committed, Error> {
        let Remade { records, was, is, tick } = remade;
        let delta = self.difference(&was, &is, &before);
        drop((was, is, before));
        self.directory.write_new_policy(&self.bundle)?;
        self.ledger.set_policy(&ledger_bundle(&self.bundle))?;
        if let Some(at) = tick {
            self.write_tick(at, false)?;
        }
        let mut batch = self.index.batch();
        for (birth, touched) in &records {
            put_record(&mut batch, &self.index, *birth, touched)?;
        }
        let open = std::mem::take(&mut self.open);
        let committed = self.conclude(open, batch, delta, records.len() as u64, None)?;
        self.index.sync()?;
        self.directory.swap_policy()?;
        tracing::info!(epoch = committed.epoch.0, "policy bundle activated");
        Ok(committed)
    }
}

impl Archive {
    /// The bundle in force, and what a new version of it would change of the committed state.
    ///
    /// # Errors
    /// [`Error::InForce`] and [`Error::Unsuited`]; when index or ledger cannot be read.
    pub fn foresee(&self, bundle: Bundle) -> Result<(Bundle, Foresight), Error> {
        let old = version::bundle(&self.directory)?;
        let finder = self.finder()?;
        let decisions = Decisions::load(&self.index)?;
        let committed = Committed {
            index: &self.index,
            entries: &self.entries,
            identity: finder.identity,
            decisions: &decisions,
            now_us: finder.now_us,
        };
        let foresight = foresee(&old, bundle, committed)?;
        Ok((old, foresight))
    }
}

fn foresee(old: &Bundle, new: Bundle, committed: Committed<'_>) -> Result<Foresight, Error> {
    successor::check(old, &new)?;
    let mut rules = Rulebook::new(new, committed.identity)?;
    let Remade { was, is, .. } = rules.remake(committed)?;
    Ok(Foresight::new(Side::new(&old.schema, &was), Side::new(&rules.schema, &is)))
}
