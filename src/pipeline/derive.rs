//! From what an epoch changed to the entries that record it and the rows that readers find.
//!
//! INVARIANT: every live link, winner and permission of a profile names exactly one entry, which is its justification
//! (contract C4). Entries are written in the order of their content: un-merges, merges, values, decisions.

use super::Error;
use super::recorder::Recorder;
use crate::dataflow::{Delta, ProfileChange};
use crate::ledger::{Merge, Permissions, Ruled, Unmerge, Uses};
use crate::model::{
    AttributeId, Birth, Context, Epoch, Link, NameHash, Permission, ProfileId, PurposeId, Sequence, ValueHash,
};
use crate::store::ProfileRow;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// What derivation looks up: the state before the epoch.
pub(super) trait Before {
    /// The profile of this root.
    fn profile(&self, root: Birth) -> Result<Option<ProfileRow>, Error>;
    /// The root of a record's profile.
    fn root(&self, record: Birth) -> Result<Option<Birth>, Error>;
    /// The name of a record.
    fn name(&self, record: Birth) -> Option<NameHash>;
    /// The ids of the policies that determine a permission.
    fn policies(&self, permission: &Permission) -> Vec<String>;
}

/// The rows that the epoch leaves, and what it did.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// By root: the new row, or none when the profile is gone.
    pub profiles: Vec<(Birth, Option<ProfileRow>)>,
    /// Records with the root of the profile that they are in now.
    pub roots: Vec<(Birth, Birth)>,
    /// Deleted records with the root of a profile that goes on from the one they were in, by which their ids resolve.
    pub successors: Vec<(Birth, Birth)>,
    pub merges: u64,
    pub unmerges: u64,
    /// Ids of profiles that stood for none before.
    pub new: u64,
    /// Ids of profiles that stand for none any more.
    pub retired: u64,
}

/// Records a delta and builds the rows that it changes.
pub(super) fn derive(
    delta: &Delta,
    epoch: Epoch,
    before: &impl Before,
    recorder: &mut Recorder<'_>,
) -> Result<Derived, Error> {
    let mut work = Work::load(delta, before)?;
    work.move_members(delta);
    work.relink(delta, epoch, before, recorder)?;
    work.revalue(delta, epoch, before, recorder)?;
    work.repermit(delta, epoch, before, recorder)?;
    Ok(work.finish(delta))
}

/// Rows being rebuilt.
struct Work {
    rows: HashMap<Birth, ProfileRow>,
    moved: HashMap<Birth, Birth>,
    left: HashMap<Birth, Birth>,
    /// Roots of profiles that were there before.
    known: BTreeSet<Birth>,
    merges: u64,
    unmerges: u64,
}

impl Work {
    /// Loads the rows of all profiles that the delta touches.
    fn load(delta: &Delta, before: &impl Before) -> Result<Self, Error> {
        let mut work = Self {
            rows: HashMap::new(),
            moved: HashMap::new(),
            left: HashMap::new(),
            known: BTreeSet::new(),
            merges: 0,
            unmerges: 0,
        };
        for (membership, came) in &delta.members {
            let side = if *came { &mut work.moved } else { &mut work.left };
            side.insert(membership.record, membership.root);
        }
        let mut roots: BTreeSet<Birth> = delta.members.iter().map(|(membership, _)| membership.root).collect();
        roots.extend(delta.profiles.iter().map(|change| change.root));
        roots.extend(delta.permissions.iter().map(|(root, _, _)| *root));
        for (link, _) in &delta.links {
            if !work.moved.contains_key(&link.a) {
                roots.extend(before.root(link.a)?);
            }
        }
        for root in roots {
            let row = before.profile(root)?;
            if row.is_some() {
                work.known.insert(root);
            }
            work.rows.insert(root, row.unwrap_or_default());
        }
        Ok(work)
    }

    fn move_members(&mut self, delta: &Delta) {
        for (membership, came) in &delta.members {
            let Some(row) = self.rows.get_mut(&membership.root) else { continue };
            match (row.members.binary_search(&membership.record), came) {
                (Err(place), true) => row.members.insert(place, membership.record),
                (Ok(place), false) => {
                    row.members.remove(place);
                }
                _ => {}
            }
        }
    }

    /// Where a record is after the epoch.
    fn root_after(&self, record: Birth, before: &impl Before) -> Result<Option<Birth>, Error> {
        match self.moved.get(&record) {
            Some(root) => Ok(Some(*root)),
            None if self.left.contains_key(&record) => Ok(None),
            None => before.root(record),
        }
    }

    /// Ends the links that went, records those that came, and puts each link into the row of the profile it is in.
    fn relink(
        &mut self,
        delta: &Delta,
        epoch: Epoch,
        before: &impl Before,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), Error> {
        let mut gone: HashMap<Link, Option<Sequence>> =
            delta.links.iter().filter(|(_, came)| !came).map(|(link, _)| (*link, None)).collect();
        let mut homeless = Vec::new();
        let (moved, left) = (&self.moved, &self.left);
        for row in self.rows.values_mut() {
            row.links.retain(|(link, sequence)| {
                if let Some(found) = gone.get_mut(link) {
                    *found = Some(*sequence);
                    return false;
                }
                let stays = !moved.contains_key(&link.a) && !left.contains_key(&link.a);
                if !stays {
                    homeless.push((*link, *sequence));
                }
                stays
            });
        }
        for (link, _) in delta.links.iter().filter(|(_, came)| !came) {
            let Some(Some(merge)) = gone.get(link).copied() else {
                return Err(Error::Unaccounted { what: "a link that came apart has no merge entry" });
            };
            recorder.unmerge(&Unmerge { link: *link, epoch, ends: merge })?;
            self.unmerges += 1;
        }
        for (link, _) in delta.links.iter().filter(|(_, came)| *came) {
            homeless.push((*link, recorder.merge(&Merge { link: *link, epoch })?));
            self.merges += 1;
        }
        for (link, sequence) in homeless {
            let root = self.root_after(link.a, before)?;
            let Some(row) = root.and_then(|root| self.rows.get_mut(&root)) else {
                return Err(Error::Unaccounted { what: "a link belongs to no profile" });
            };
            row.links.push((link, sequence));
        }
        for row in self.rows.values_mut() {
            row.links.sort_unstable();
        }
        Ok(())
    }

    /// Records which records' values each profile has gained and lost.
    fn revalue(
        &mut self,
        delta: &Delta,
        epoch: Epoch,
        before: &impl Before,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), Error> {
        for change in &delta.profiles {
            let mut sequences = HashMap::new();
            for (record, shift) in shifts(change) {
                let uses = Uses {
                    profile: profile_id(change.root, before)?,
                    root: change.root,
                    record,
                    gained: shift.gained,
                    lost: shift.lost,
                    epoch,
                };
                let sequence = recorder.uses(&uses)?;
                sequences.extend(uses.gained.iter().map(|(attribute, ..)| ((*attribute, record), sequence)));
            }
            let Some(row) = self.rows.get_mut(&change.root) else { continue };
            let old = std::mem::take(&mut row.winners);
            for winner in &change.after {
                let kept = old.binary_search_by_key(winner, |(other, _)| *other).ok().map(|place| old[place].1);
                let Some(sequence) = sequences.get(&(winner.attribute, winner.record)).copied().or(kept) else {
                    return Err(Error::Unaccounted { what: "a value of a profile has no entry" });
                };
                row.winners.push((*winner, sequence));
            }
        }
        Ok(())
    }

    /// Records the decisions that changed.
    fn repermit(
        &mut self,
        delta: &Delta,
        epoch: Epoch,
        before: &impl Before,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), Error> {
        let mut changes: BTreeMap<Birth, BTreeMap<PurposeId, Option<Permission>>> = BTreeMap::new();
        for (root, permission, came) in &delta.permissions {
            let decided = changes.entry(*root).or_default().entry(permission.purpose).or_default();
            if *came {
                *decided = Some(*permission);
            }
        }
        for (root, decided) in changes {
            let answers = decided.iter().map(|(purpose, permission)| ruled(*purpose, *permission, before)).collect();
            let permissions = Permissions { profile: profile_id(root, before)?, root, answers, epoch };
            let sequence = recorder.permissions(&permissions)?;
            let Some(row) = self.rows.get_mut(&root) else { continue };
            row.permissions.retain(|(permission, _)| !decided.contains_key(&permission.purpose));
            row.permissions.extend(decided.values().flatten().map(|permission| (*permission, sequence)));
            row.permissions.sort_unstable();
        }
        Ok(())
    }

    fn finish(self, delta: &Delta) -> Derived {
        let Self { rows, moved, known, merges, unmerges, .. } = self;
        let came = delta.members.iter().filter(|(_, came)| *came);
        let successors = successors(delta, &moved, &rows);
        let ended = |row: ProfileRow| (!row.members.is_empty()).then_some(row);
        let mut profiles: Vec<_> = rows.into_iter().map(|(root, row)| (root, ended(row))).collect();
        profiles.sort_unstable_by_key(|(root, _)| *root);
        let count = |is: bool| {
            let turned = |(root, row): &&(Birth, Option<ProfileRow>)| row.is_some() == is && known.contains(root) != is;
            profiles.iter().filter(turned).count() as u64
        };
        let (new, retired) = (count(true), count(false));
        let roots = came.map(|(m, _)| (m.record, m.root)).collect();
        Derived { successors, roots, profiles, merges, unmerges, new, retired }
    }
}

/// For each deleted record, the profile that goes on: the one it was in while that lives, else the one that the oldest
/// of its former companions is in. A record that was alone has none, and keeps the root that it last had.
fn successors(delta: &Delta, moved: &HashMap<Birth, Birth>, rows: &HashMap<Birth, ProfileRow>) -> Vec<(Birth, Birth)> {
    let mut heirs: HashMap<Birth, Birth> = HashMap::new();
    for (membership, _) in delta.members.iter().filter(|(_, came)| !came) {
        // Members are in ascending order, so that the first of a root to go elsewhere is the oldest.
        if let Some(root) = moved.get(&membership.record) {
            heirs.entry(membership.root).or_insert(*root);
        }
    }
    let departed = delta.members.iter().filter(|(m, came)| !came && !moved.contains_key(&m.record));
    let heir = |root: Birth| match rows.get(&root) {
        Some(row) if !row.members.is_empty() => Some(root),
        _ => heirs.get(&root).copied(),
    };
    departed.filter_map(|(m, _)| Some((m.record, heir(m.root)?))).collect()
}

/// What the ledger says of one purpose.
fn ruled(purpose: PurposeId, permission: Option<Permission>, before: &impl Before) -> Ruled {
    let holds = permission.is_some();
    let policies = permission.as_ref().map_or(Vec::new(), |permission| before.policies(permission));
    let nothing = Permission { purpose, categories: 0, context: Context::default(), until: i64::MAX, consent: None };
    let Permission { categories, context, until, consent, .. } = permission.unwrap_or(nothing);
    Ruled { purpose, holds, categories, context, consent, until, policies }
}

/// What one record gained and lost in one profile.
#[derive(Debug, Default)]
struct Shift {
    gained: Vec<(AttributeId, ValueHash, u64)>,
    lost: Vec<AttributeId>,
}

/// The difference of winners, which are in ascending order, by record.
fn shifts(change: &ProfileChange) -> BTreeMap<Birth, Shift> {
    debug_assert!(change.before.is_sorted() && change.after.is_sorted());
    let mut shifts: BTreeMap<Birth, Shift> = BTreeMap::new();
    for winner in change.after.iter().filter(|winner| change.before.binary_search(winner).is_err()) {
        shifts.entry(winner.record).or_default().gained.push((winner.attribute, winner.value, winner.uses));
    }
    for winner in change.before.iter().filter(|winner| change.after.binary_search(winner).is_err()) {
        shifts.entry(winner.record).or_default().lost.push(winner.attribute);
    }
    shifts
}

fn profile_id(root: Birth, before: &impl Before) -> Result<ProfileId, Error> {
    before.name(root).map(ProfileId).ok_or(Error::Unaccounted { what: "the oldest record of a profile has no name" })
}
