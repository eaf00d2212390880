//! What another bundle would change of the live data, in numbers: no value and no id of a person stands in it.

use super::remake::State;
use crate::model::{AttributeId, Birth, Category, PurposeId, Schema};
use crate::policy::decision::Flip;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How much of the live data something touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Heads {
    /// Profiles.
    pub profiles: u64,
    /// Values that profiles show; of joining, links between records.
    pub values: u64,
}

/// What another bundle would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foresight {
    /// Profiles that there are.
    pub profiles_before: u64,
    /// Profiles that there would be.
    pub profiles_after: u64,
    /// Links between records that would be made.
    pub links_made: u64,
    /// Links that would come apart.
    pub links_ended: u64,
    heads: BTreeMap<Key, Heads>,
}

/// Purpose, category (`None`: joining records, for which the purpose does not count), and the way.
type Key = (String, Option<Category>, Flip);

/// A state, and the schema by which its numbers are read.
pub(super) struct Side<'s> {
    schema: &'s Schema,
    state: &'s State,
}

impl<'s> Side<'s> {
    pub fn new(schema: &'s Schema, state: &'s State) -> Self {
        Self { schema, state }
    }

    /// By attribute and record, the profile that shows the value and what it may be used for.
    fn values(&self) -> HashMap<(AttributeId, Birth), (Birth, u64)> {
        let rows = self.state.winners.iter();
        let each = rows.flat_map(|(root, row)| row.iter().map(move |winner| (*root, winner)));
        each.map(|(root, winner)| ((winner.attribute, winner.record), (root, winner.uses))).collect()
    }

    /// By profile and name of a purpose, the categories that may be used.
    fn categories(&self) -> HashMap<(Birth, &'s str), u32> {
        let named = |purpose: PurposeId| self.schema.purposes.get(usize::from(purpose.0));
        let rows = self.state.permissions.iter();
        rows.filter_map(|(root, of)| Some(((*root, named(of.purpose)?.name.as_str()), of.categories))).collect()
    }

    fn allows(&self, uses: Option<&(Birth, u64)>, purpose: &str) -> bool {
        let id = self.schema.purpose(purpose);
        id.is_some_and(|id| uses.is_some_and(|(_, uses)| uses >> id.0 & 1 == 1))
    }

    fn category(&self, attribute: AttributeId) -> Option<Category> {
        self.schema.attributes.get(usize::from(attribute.0)).map(|attribute| attribute.category)
    }

    fn profiles(&self) -> u64 {
        self.state.members.iter().map(|member| member.root).collect::<BTreeSet<_>>().len() as u64
    }

    /// By record, the profile that it is in.
    fn roots(&self) -> HashMap<Birth, Birth> {
        self.state.members.iter().map(|member| (member.record, member.root)).collect()
    }
}

impl Foresight {
    /// What leads from one side to the other.
    pub(super) fn new(old: Side<'_>, new: Side<'_>) -> Self {
        let mut found: BTreeMap<Key, (BTreeSet<Birth>, u64)> = BTreeMap::new();
        count_values(&old, &new, &mut found);
        count_profiles(&old, &new, &mut found);
        let (links_ended, links_made) =
            (count_links(&old, &new, Flip::Denies, &mut found), count_links(&new, &old, Flip::Allows, &mut found));
        let heads =
            found.into_iter().map(|(key, (roots, values))| (key, Heads { profiles: roots.len() as u64, values }));
        Self {
            profiles_before: old.profiles(),
            profiles_after: new.profiles(),
            links_made,
            links_ended,
            heads: heads.collect(),
        }
    }

    /// How much of the live data flips this way for a purpose and category; the category is `None` for joining records.
    pub fn heads(&self, purpose: &str, category: Option<Category>, flip: Flip) -> Heads {
        let purpose = if category.is_some() { purpose } else { "" };
        self.heads.get(&(purpose.to_owned(), category, flip)).copied().unwrap_or_default()
    }
}

/// Values that may be used on one side and not on the other.
fn count_values(old: &Side<'_>, new: &Side<'_>, found: &mut BTreeMap<Key, (BTreeSet<Birth>, u64)>) {
    let (before, after) = (old.values(), new.values());
    let names = old.schema.purposes.iter().chain(&new.schema.purposes).map(|purpose| purpose.name.as_str());
    let names: BTreeSet<&str> = names.collect();
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    for key in keys {
        let (was, is) = (before.get(&key), after.get(&key));
        for name in &names {
            let (flip, category, shown) = match (old.allows(was, name), new.allows(is, name)) {
                (false, true) => (Flip::Allows, new.category(key.0), is),
                (true, false) => (Flip::Denies, old.category(key.0), was),
                _ => continue,
            };
            let (roots, values) = found.entry(((*name).to_owned(), category, flip)).or_default();
            roots.extend(shown.map(|(root, _)| *root));
            *values += 1;
        }
    }
}

/// Profiles of which a category may be used on one side and not on the other, whether they have values of it or not.
fn count_profiles(old: &Side<'_>, new: &Side<'_>, found: &mut BTreeMap<Key, (BTreeSet<Birth>, u64)>) {
    let (before, after) = (old.categories(), new.categories());
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    for (root, name) in keys {
        let of = |side: &HashMap<(Birth, &str), u32>| side.get(&(root, name)).copied().unwrap_or(0);
        let (was, is) = (of(&before), of(&after));
        for category in Category::ALL.iter().filter(|category| (was ^ is) & category.bit() != 0) {
            let flip = if is & category.bit() == 0 { Flip::Denies } else { Flip::Allows };
            found.entry((name.to_owned(), Some(*category), flip)).or_default().0.insert(root);
        }
    }
}

/// Links that one side has and the other has not.
fn count_links(
    this: &Side<'_>,
    other: &Side<'_>,
    flip: Flip,
    found: &mut BTreeMap<Key, (BTreeSet<Birth>, u64)>,
) -> u64 {
    let roots = this.roots();
    let mut count = 0;
    for link in this.state.links.iter().filter(|link| other.state.links.binary_search(link).is_err()) {
        let (profiles, links) = found.entry((String::new(), None, flip)).or_default();
        profiles.extend(roots.get(&link.a));
        *links += 1;
        count += 1;
    }
    count
}
