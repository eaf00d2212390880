//! What subscribers are told of an epoch, after it is durable and visible.

use super::known::KnownRecords;
use crate::dataflow::Delta;
use crate::model::{AttributeId, Birth, Epoch, ProfileId, PurposeId};
use std::collections::{BTreeMap, BTreeSet};

/// The profiles that an epoch changed, in ascending order of id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochChanges {
    /// The epoch.
    pub epoch: Epoch,
    /// By profile, what changed. No values: read the profile for them.
    pub profiles: BTreeMap<ProfileId, ProfileChanges>,
}

/// What changed in one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChanges {
    /// Records that joined it.
    pub joined: u64,
    /// Records that left it.
    pub left: u64,
    /// Attributes whose winner changed.
    pub attributes: BTreeSet<AttributeId>,
    /// Purposes whose permission changed.
    pub purposes: BTreeSet<PurposeId>,
}

impl EpochChanges {
    pub(super) fn new(epoch: Epoch, delta: &Delta, records: &KnownRecords) -> Self {
        let mut by_root: BTreeMap<Birth, ProfileChanges> = BTreeMap::new();
        for (membership, came) in &delta.members {
            let changes = by_root.entry(membership.root).or_default();
            *(if *came { &mut changes.joined } else { &mut changes.left }) += 1;
        }
        for change in &delta.profiles {
            let attributes = &mut by_root.entry(change.root).or_default().attributes;
            let gone = change.before.iter().filter(|winner| !change.after.contains(winner));
            let came = change.after.iter().filter(|winner| !change.before.contains(winner));
            attributes.extend(gone.chain(came).map(|winner| winner.attribute));
        }
        for (root, permission, _) in &delta.permissions {
            by_root.entry(*root).or_default().purposes.insert(permission.purpose);
        }
        let name = |root: Birth| records.get(root).map(|known| ProfileId(known.name));
        let profiles = by_root.into_iter().filter_map(|(root, changes)| Some((name(root)?, changes))).collect();
        Self { epoch, profiles }
    }
}
