//! The audit (contract C4): every live link, value and permission has exactly one live justification in the ledger, and
//! every live justification has its link, value or permission.
//!
//! One side is read from the ledger's entries alone ([`Live`]), the other is the state that readers see. Nothing is
//! changed, and no value of a person is looked at.

use super::live::{Breach, Live};
use super::{Error, Finder};
use crate::ledger::Content;
use crate::model::{Birth, Sequence};
use crate::store::ProfileRow;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Entries that were read.
    pub entries: u64,
    /// Of these, how many are about erased records.
    pub erased: u64,
    /// Profiles that were compared.
    pub profiles: u64,
    /// Links that hold, each with its merge entry.
    pub links: u64,
    /// Values that profiles have, each with its values entry.
    pub values: u64,
    /// Permissions, each with its decision entry.
    pub permissions: u64,
    /// Decisions of stewards that hold, each with its review entry.
    pub decisions: u64,
    /// Where ledger and state disagree.
    #[serde(skip)]
    pub breaches: Vec<Breach>,
}

impl Finder<'_> {
    /// Compares all that the ledger justifies with all that readers see. `progress` is told how many entries have been
    /// read.
    ///
    /// # Errors
    /// When ledger or index cannot be read. Breaches are no error; they are what is reported.
    pub fn audit(&self, mut progress: impl FnMut(u64)) -> Result<Audit, Error> {
        let mut live = Live::default();
        let mut audit = Audit::default();
        let (mut gone, mut named) = (BTreeMap::new(), BTreeSet::<Birth>::new());
        self.entries.scan(None, |entry| -> Result<(), Error> {
            audit.entries += 1;
            match &entry.content {
                Content::Erased { birth, other, .. } => {
                    audit.erased += 1;
                    gone.entry((*birth, *other)).or_insert(entry.placed.sequence);
                }
                Content::Erasure(erasure) => named.extend(&erasure.births),
                _ => {}
            }
            live.take(&entry);
            if audit.entries % 65_536 == 0 {
                progress(audit.entries);
            }
            Ok(())
        })?;
        progress(audit.entries);
        // Nothing but an erasure takes away what an entry says: not lost keys, and not a redaction of somebody else.
        gone.retain(|(birth, other): &(Birth, Option<Birth>), _| {
            !named.contains(birth) && other.is_none_or(|other| !named.contains(&other))
        });
        audit.breaches.extend(gone.into_iter().map(|((birth, _), entry)| Breach {
            entry: Some(entry),
            birth,
            what: "an entry no longer opens, and no erasure names its record",
        }));
        audit.breaches.append(&mut live.breaches);
        for row in self.index.profiles() {
            let (root, row) = row?;
            audit.profiles += 1;
            settle(root, &row, &mut live, &mut audit);
        }
        for row in self.index.decisions() {
            let (entry, row) = row?;
            audit.decisions += 1;
            if live.decisions.remove(&entry) != Some(row.ruling) {
                let what = "a decision holds that no review entry justifies";
                audit.breaches.push(Breach { entry: Some(entry), birth: row.ruling.records().0, what });
            }
        }
        let mut left: Vec<Breach> = Vec::new();
        let mut report = |entry: Sequence, birth: Birth, what| left.push(Breach { entry: Some(entry), birth, what });
        live.links
            .iter()
            .for_each(|(link, entry)| report(*entry, link.a, "a merge is recorded whose link does not hold"));
        for ((root, _, _), (_, _, entry)) in &live.values {
            report(*entry, *root, "a value is recorded that its profile does not have");
        }
        live.answers.iter().for_each(|((root, _), (_, entry))| {
            report(*entry, *root, "a decision is recorded that does not hold");
        });
        live.decisions.iter().for_each(|(entry, ruling)| {
            report(*entry, ruling.records().0, "a decision of a steward is recorded that does not hold");
        });
        left.sort_unstable_by_key(|breach| (breach.entry, breach.birth, breach.what));
        audit.breaches.extend(left);
        Ok(audit)
    }
}

/// Takes out of `live` what the row has, and reports what it lacks.
fn settle(root: Birth, row: &ProfileRow, live: &mut Live, audit: &mut Audit) {
    let mut report = |entry, birth, what| audit.breaches.push(Breach { entry: Some(entry), birth, what });
    for (link, entry) in &row.links {
        match live.links.remove(link) {
            Some(found) if found == *entry => {}
            Some(_) => report(*entry, link.a, "a link holds by another merge entry than the state says"),
            None => report(*entry, link.a, "a link holds that no merge entry justifies"),
        }
    }
    for (winner, entry) in &row.winners {
        match live.values.remove(&(root, winner.attribute, winner.record)) {
            Some(found) if found == (winner.value, winner.uses, *entry) => {}
            Some(_) => report(*entry, root, "a value differs from the values entry that the state names"),
            None => report(*entry, root, "a value holds that no values entry justifies"),
        }
    }
    for (permission, entry) in &row.permissions {
        let found = live.answers.remove(&(root, permission.purpose));
        let same = found.is_some_and(|(answer, found)| {
            found == *entry
                && (answer.categories, answer.context) == (permission.categories, permission.context)
                && answer.consent == permission.consent
                && answer.until == permission.until
        });
        if !same {
            report(*entry, root, "a permission differs from the decision entry that the state names, or has none");
        }
    }
    audit.links += row.links.len() as u64;
    audit.values += row.winners.len() as u64;
    audit.permissions += row.permissions.len() as u64;
}
