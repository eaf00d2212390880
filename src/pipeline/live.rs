//! What the ledger justifies: for every link, value, permission and steward's decision that holds, the one entry that
//! says so.
//!
//! It is computed from the entries alone, without the dataflow and without the index, and so serves as the second
//! opinion of the audit and as what a rebuild after an erasure takes the entries of its rows from.
//!
//! INVARIANT: entries about erased records are not seen, neither those that began something nor those that ended it.

use crate::ledger::{Content, Entry, Permissions, Review, Ruled, Uses};
use crate::model::{AttributeId, Birth, Link, PurposeId, Ruling, Sequence, ValueHash};
use hashbrown::HashMap;

/// The live justifications after some entry.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub links: HashMap<Link, Sequence>,
    /// By root, attribute and record: the hash of its value, its uses, and the entry.
    pub values: HashMap<(Birth, AttributeId, Birth), (ValueHash, u64, Sequence)>,
    /// By root and purpose.
    pub answers: HashMap<(Birth, PurposeId), (Ruled, Sequence)>,
    /// Decisions of stewards, by their entries.
    pub decisions: HashMap<Sequence, Ruling>,
    /// What did not fit what came before.
    pub breaches: Vec<Breach>,
}

/// Something that the ledger and the state do not agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The entry that shows it, where there is one.
    pub entry: Option<Sequence>,
    /// The oldest record of the profile that it is about, or a record of the link.
    pub birth: Birth,
    /// What is wrong.
    pub what: &'static str,
}

impl Live {
    /// Takes in the next entry.
    pub fn take(&mut self, entry: &Entry) {
        let sequence = entry.placed.sequence;
        match &entry.content {
            Content::Merge(merge) => {
                let before = self.links.insert(merge.link, sequence);
                if before.is_some() {
                    self.breach(sequence, merge.link.a, "a link that holds is recorded a second time");
                }
            }
            Content::Unmerge(unmerge) => {
                let ended = self.links.remove(&unmerge.link);
                if ended != Some(unmerge.ends) {
                    self.breach(sequence, unmerge.link.a, "a link is ended that did not hold by the merge it names");
                }
            }
            Content::Values(values) => self.uses(&values.clone().into(), sequence),
            Content::Uses(uses) => self.uses(uses, sequence),
            Content::Permissions(permissions) => self.permissions(permissions, sequence),
            Content::Review(review) => self.review(review, sequence),
            _ => {}
        }
    }

    fn uses(&mut self, uses: &Uses, sequence: Sequence) {
        for attribute in &uses.lost {
            self.values.remove(&(uses.root, *attribute, uses.record));
        }
        for (attribute, value, wins) in &uses.gained {
            self.values.insert((uses.root, *attribute, uses.record), (*value, *wins, sequence));
        }
    }

    fn permissions(&mut self, permissions: &Permissions, sequence: Sequence) {
        for answer in &permissions.answers {
            let key = (permissions.root, answer.purpose);
            match answer.holds {
                true => drop(self.answers.insert(key, (answer.clone(), sequence))),
                false => drop(self.answers.remove(&key)),
            }
        }
    }

    fn review(&mut self, review: &Review, sequence: Sequence) {
        let Some(ends) = review.ends else {
            self.decisions.insert(sequence, review.ruling);
            return;
        };
        if self.decisions.remove(&ends) != Some(review.ruling) {
            self.breach(sequence, review.ruling.records().0, "a decision is withdrawn that did not hold");
        }
    }

    fn breach(&mut self, entry: Sequence, birth: Birth, what: &'static str) {
        self.breaches.push(Breach { entry: Some(entry), birth, what });
    }
}
