//! What a new bundle would change: the cells that flip, grouped, each group with an example and what determined both sides.
//!
//! Purposes are compared by name. One that a bundle does not have allows nothing; joining records that a bundle does not
//! govern is allowed.
//!
//! INVARIANT: every cell that flips is in exactly one group.

use super::decider::{Decider, Verdict};
use super::space::{COMBINE, Space};
use super::words::oddness;
use crate::model::{Category, Context, PurposeId};
use crate::policy::bundle::Bundle;
use std::collections::BTreeSet;

/// What changes between two bundles.
pub struct Diff {
    old: Side,
    new: Side,
    groups: Vec<Group>,
}

/// One of the two bundles.
struct Side {
    decider: Decider,
    space: Space,
}

/// Cells of one purpose and category that flip the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name of the purpose.
    pub purpose: String,
    /// The category; `None` for joining records.
    pub category: Option<Category>,
    /// The way.
    pub flip: Flip,
    /// How many contexts flip.
    pub cells: u64,
    /// The plainest of them.
    pub example: Context,
    /// The verdict of the old bundle in it; `None` where it has no such purpose.
    pub old: Option<Verdict>,
    /// That of the new one.
    pub new: Option<Verdict>,
}

/// The way in which a cell flips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flip {
    /// It was denied and is allowed.
    Allows,
    /// It was allowed and is denied.
    Denies,
}

impl Flip {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allows => "deny to allow",
            Self::Denies => "allow to deny",
        }
    }

    fn of(old: bool, new: bool) -> Option<Self> {
        match (old, new) {
            (false, true) => Some(Self::Allows),
            (true, false) => Some(Self::Denies),
            _ => None,
        }
    }
}

impl Side {
    fn new(bundle: &Bundle) -> Self {
        let decider = bundle.decider();
        let space = decider.space();
        Self { decider, space }
    }

    /// Categories, and [`COMBINE`].
    fn allowed(&self, purpose: Option<PurposeId>, context: Context) -> u32 {
        purpose.map_or(0, |purpose| self.space.allowed(purpose, context) & !COMBINE) | self.combines(context)
    }

    fn combines(&self, context: Context) -> u32 {
        self.decider.combining().map_or(COMBINE, |purpose| self.space.allowed(purpose, context) & COMBINE)
    }

    fn verdict(&self, purpose: &str, category: Option<Category>, context: Context) -> Option<Verdict> {
        match category {
            Some(category) => Some(self.decider.verdict(self.decider.purpose(purpose)?, category, context)),
            None => self.decider.combining_verdict(context),
        }
    }

    fn combining(&self) -> Option<String> {
        let id = self.decider.combining()?;
        self.decider.purposes().get(usize::from(id.0)).map(|purpose| purpose.name.clone())
    }
}

impl Diff {
    /// Compares every cell of two bundles.
    pub fn new(old: &Bundle, new: &Bundle) -> Self {
        let mut diff = Self { old: Side::new(old), new: Side::new(new), groups: Vec::new() };
        let names =
            |bundle: &Bundle| bundle.schema.purposes.iter().map(|purpose| purpose.name.clone()).collect::<Vec<_>>();
        let purposes: BTreeSet<String> = names(old).into_iter().chain(names(new)).collect();
        for purpose in &purposes {
            diff.group(purpose, !COMBINE);
        }
        if let Some(purpose) = diff.new.combining().or_else(|| diff.old.combining()) {
            diff.group(&purpose, COMBINE);
        }
        diff
    }

    /// The groups, by purpose, category and way.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether nothing flips.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How a cell flips; the category is `None` for joining records, where the purpose does not matter.
    pub fn flips(&self, purpose: &str, category: Option<Category>, context: Context) -> Option<Flip> {
        let bit = category.map_or(COMBINE, Category::bit);
        let allowed = |side: &Side| side.allowed(side.decider.purpose(purpose), context) & bit != 0;
        Flip::of(allowed(&self.old), allowed(&self.new))
    }

    /// Purposes of both whose DPV term changed: name, old term, new term. Policies speak of branches of terms.
    pub fn terms_changed(&self) -> Vec<(String, String, String)> {
        let news = self.new.decider.purposes().iter();
        let changed = news.filter_map(|new| {
            let old = self.old.decider.purposes().iter().find(|old| old.name == new.name && old.dpv != new.dpv)?;
            Some((new.name.clone(), old.dpv.clone(), new.dpv.clone()))
        });
        changed.collect()
    }

    /// Ids of policies that only the old bundle has, and that only the new one has.
    pub fn policies_changed(&self) -> (Vec<String>, Vec<String>) {
        let ids = |side: &Side| side.decider.policies().iter().map(|policy| policy.id.clone()).collect::<BTreeSet<_>>();
        let (old, new) = (ids(&self.old), ids(&self.new));
        (old.difference(&new).cloned().collect(), new.difference(&old).cloned().collect())
    }

    /// Adds the groups of one purpose, among these bits.
    fn group(&mut self, purpose: &str, among: u32) {
        let (old_id, new_id) = (self.old.decider.purpose(purpose), self.new.decider.purpose(purpose));
        // By bit and way: how many, and the plainest.
        let mut found: Vec<Option<(u64, u32, Context)>> = vec![None; 64];
        for context in Context::all() {
            let (old, new) = (self.old.allowed(old_id, context), self.new.allowed(new_id, context));
            let mut bits = (old ^ new) & among;
            if bits == 0 {
                continue;
            }
            let odd = oddness(context);
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                let place = usize::try_from(bit * 2 + (old >> bit & 1)).unwrap_or(0);
                let Some(slot) = found.get_mut(place) else { continue };
                let (count, least, example) = slot.unwrap_or((0, u32::MAX, context));
                *slot = Some(if odd < least { (count + 1, odd, context) } else { (count + 1, least, example) });
            }
        }
        for (place, cells, example) in found.into_iter().enumerate().filter_map(|(i, f)| f.map(|(n, _, c)| (i, n, c))) {
            let category = Category::ALL.get(place / 2).copied();
            let flip = if place % 2 == 0 { Flip::Allows } else { Flip::Denies };
            let (old, new) =
                (self.old.verdict(purpose, category, example), self.new.verdict(purpose, category, example));
            self.groups.push(Group { purpose: purpose.to_owned(), category, flip, cells, example, old, new });
        }
    }
}
