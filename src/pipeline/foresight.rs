//! What another bundle would change of the live data, in numbers: no value and no id of a person stands in it.

use super::abreast::abreast;
use super::remake::State;
use crate::model::{AttributeId, Birth, Category, Link, Schema};
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

/// A value that a profile shows.
struct Shown {
    of: (AttributeId, Birth),
    profile: Birth,
    /// What it may be used for, a bit for each name.
    uses: u128,
}

/// The categories of a profile that may be used for the purpose of a name.
struct Usable {
    of: (Birth, u32),
    categories: u32,
}

impl<'s> Side<'s> {
    pub fn new(schema: &'s Schema, state: &'s State) -> Self {
        Self { schema, state }
    }

    fn names(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.schema.purposes.iter().map(|purpose| purpose.name.as_str())
    }

    /// By purpose, the place of its name.
    fn places(&self, names: &[&str]) -> Vec<u32> {
        let place = |name| names.iter().zip(0..).find(|(other, _)| **other == name).map(|(_, place)| place);
        self.names().filter_map(place).collect()
    }

    /// The values that profiles show, by attribute and record.
    fn values(&self, names: &[&str]) -> Vec<Shown> {
        let places = self.places(names);
        let named = |uses: u64| {
            let bits = (0..).zip(&places).filter(|(purpose, _)| uses >> purpose & 1 == 1);
            bits.fold(0, |set, (_, place)| set | 1u128 << place)
        };
        let rows = self.state.winners.iter().flat_map(|(root, row)| row.iter().map(|winner| (*root, winner)));
        let shown = |(profile, winner): (Birth, &crate::model::Winner)| Shown {
            of: (winner.attribute, winner.record),
            profile,
            uses: named(winner.uses),
        };
        let mut values: Vec<Shown> = rows.map(shown).collect();
        values.sort_unstable_by_key(|shown| shown.of);
        values
    }

    /// What may be used, by profile and place of the name of the purpose.
    fn usable(&self, names: &[&str]) -> Vec<Usable> {
        let places = self.places(names);
        let usable = self.state.permissions.iter().filter_map(|(root, permission)| {
            let place = places.get(usize::from(permission.purpose.0))?;
            Some(Usable { of: (*root, *place), categories: permission.categories })
        });
        let mut usable: Vec<Usable> = usable.collect();
        usable.sort_unstable_by_key(|usable| usable.of);
        usable
    }

    fn category(&self, attribute: AttributeId) -> Option<Category> {
        self.schema.attributes.get(usize::from(attribute.0)).map(|attribute| attribute.category)
    }

    fn profiles(&self) -> u64 {
        self.state.members.chunk_by(|one, other| one.root == other.root).count() as u64
    }
}

impl Foresight {
    /// What leads from one side to the other.
    pub(super) fn new(old: Side<'_>, new: Side<'_>) -> Self {
        let names: BTreeSet<&str> = old.names().chain(new.names()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let mut counts = Counts::default();
        counts.values(&old, &new, &names);
        counts.profiles(&old, &new, &names);
        let (links_ended, links_made) = counts.links(&old, &new);
        Self {
            profiles_before: old.profiles(),
            profiles_after: new.profiles(),
            links_made,
            links_ended,
            heads: counts.heads(&names),
        }
    }

    /// How much of the live data flips this way for a purpose and category; the category is `None` for joining records.
    pub fn heads(&self, purpose: &str, category: Option<Category>, flip: Flip) -> Heads {
        let purpose = if category.is_some() { purpose } else { "" };
        self.heads.get(&(purpose.to_owned(), category, flip)).copied().unwrap_or_default()
    }
}

/// What was counted, by place of the purpose's name, category and way.
#[derive(Default)]
struct Counts(BTreeMap<(u32, Option<Category>, Flip), Count>);

/// Profiles, some more than once, and values.
type Count = (Vec<Birth>, u64);

impl Counts {
    /// Values that may be used on one side and not on the other.
    fn values(&mut self, old: &Side<'_>, new: &Side<'_>, names: &[&str]) {
        let (before, after) = (old.values(names), new.values(names));
        for (was, is) in abreast(&before, &after, |shown| shown.of) {
            let uses = |shown: Option<&Shown>| shown.map_or(0, |shown| shown.uses);
            let (had, has) = (uses(was), uses(is));
            for (flip, mut flipped, side, shown) in
                [(Flip::Allows, has & !had, new, is), (Flip::Denies, had & !has, old, was)]
            {
                let Some(shown) = shown else { continue };
                while flipped != 0 {
                    let category = side.category(shown.of.0);
                    let (profiles, values) = self.0.entry((flipped.trailing_zeros(), category, flip)).or_default();
                    profiles.push(shown.profile);
                    *values += 1;
                    flipped &= flipped - 1;
                }
            }
        }
    }

    /// Profiles of which a category may be used on one side and not on the other, whether they have values of it or not.
    fn profiles(&mut self, old: &Side<'_>, new: &Side<'_>, names: &[&str]) {
        let (before, after) = (old.usable(names), new.usable(names));
        for (was, is) in abreast(&before, &after, |usable| usable.of) {
            let Some((root, place)) = was.or(is).map(|usable| usable.of) else { continue };
            let categories = |usable: Option<&Usable>| usable.map_or(0, |usable| usable.categories);
            let (had, has) = (categories(was), categories(is));
            for category in Category::ALL.iter().filter(|category| (had ^ has) & category.bit() != 0) {
                let flip = if has & category.bit() == 0 { Flip::Denies } else { Flip::Allows };
                self.0.entry((place, Some(*category), flip)).or_default().0.push(root);
            }
        }
    }

    /// Links that one side has and the other has not: how many end, and how many are made.
    fn links(&mut self, old: &Side<'_>, new: &Side<'_>) -> (u64, u64) {
        let (mut ended, mut made): (Vec<Link>, Vec<Link>) = (Vec::new(), Vec::new());
        for (was, is) in abreast(&old.state.links, &new.state.links, |link| *link) {
            match (was, is) {
                (Some(was), None) => ended.push(*was),
                (None, Some(is)) => made.push(*is),
                _ => {}
            }
        }
        for (links, side, flip) in [(&ended, old, Flip::Denies), (&made, new, Flip::Allows)] {
            if links.is_empty() {
                continue;
            }
            let roots: HashMap<Birth, Birth> = side.state.members.iter().map(|of| (of.record, of.root)).collect();
            let (profiles, values) = self.0.entry((0, None, flip)).or_default();
            profiles.extend(links.iter().filter_map(|link| roots.get(&link.a)));
            *values += links.len() as u64;
        }
        (ended.len() as u64, made.len() as u64)
    }

    /// The numbers, under the names.
    fn heads(self, names: &[&str]) -> BTreeMap<Key, Heads> {
        let counts = self.0.into_iter();
        let heads = counts.map(|((place, category, flip), (mut profiles, values))| {
            let name = category.and_then(|_| names.get(place as usize)).copied().unwrap_or_default();
            profiles.sort_unstable();
            profiles.dedup();
            ((name.to_owned(), category, flip), Heads { profiles: profiles.len() as u64, values })
        });
        heads.collect()
    }
}
