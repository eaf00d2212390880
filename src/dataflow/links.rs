//! Guards and links (design stages 2 and 3): which records are tied together by which identifiers, and which consents
//! reach which records.
//!
//! Rule:   link(hub, r) :- carries(hub, i), carries(r, i), count(i) <= limit(kind(i)), hub = least rank of i, r != hub.
//!         reaches(c, r) :- given_on(c, i), carries(r, i), count(i) <= limit(kind(i)).
//! Memory: per live identifier its carriers (16 bytes each) and the consents given on it.
//! Retraction: takes the carrier out; when the count falls to the limit the identifier links again, and when its hub
//! leaves, the others are linked to the next.

use super::stage::{Stage, Updates};
use crate::model::{Birth, ConsentFacts, IdentifierHash, KindId, Link, Named, PurposeId};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// What comes in: who carries an identifier, and which consents were given on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Carried {
    /// A live record carries the identifier.
    ByRecord(KindId, IdentifierHash, Named),
    /// A live consent was given on the identifier.
    ByConsent(KindId, IdentifierHash, Given),
}

/// A live consent as far as permissions need it. The order is the order of decision: the greatest decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Given {
    /// For what.
    pub purpose: PurposeId,
    /// When, microseconds: the latest decides.
    pub at: i64,
    /// Whether its state does not permit: a withdrawal wins a tie.
    pub withdrawn: bool,
    /// End of the permission, microseconds; of two that tie, the one that ends first decides (it permits less).
    pub until_reversed: std::cmp::Reverse<i64>,
    /// Its name's rank and its birth.
    pub consent: Named,
}

impl Given {
    /// The facts of a consent.
    pub fn new(facts: &ConsentFacts, consent: Named) -> Self {
        let until_reversed = std::cmp::Reverse(facts.until);
        Self { purpose: facts.purpose, at: facts.at, withdrawn: !facts.given, until_reversed, consent }
    }
}

/// What goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Linked {
    /// Two records share an ordinary identifier; both are named for ties.
    Link(Link, u64, u64),
    /// A consent reaches a record.
    Reaches(Birth, Given),
}

/// The carriers of one identifier in ascending order of rank: nearly always a few.
#[derive(Clone, Debug)]
enum Carriers {
    Few(SmallVec<[Named; 2]>),
    Many(BTreeSet<Named>),
}

/// Above this many carriers a sorted array is given up for a tree.
const FEW_MAX: usize = 128;

impl Carriers {
    fn count(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    fn insert(&mut self, named: Named) {
        match self {
            Self::Few(few) => {
                if let Err(place) = few.binary_search(&named) {
                    few.insert(place, named);
                }
                if few.len() > FEW_MAX {
                    *self = Self::Many(few.iter().copied().collect());
                }
            }
            Self::Many(many) => {
                many.insert(named);
            }
        }
    }

    fn remove(&mut self, named: Named) {
        match self {
            Self::Few(few) => {
                if let Ok(place) = few.binary_search(&named) {
                    few.remove(place);
                }
            }
            Self::Many(many) => {
                many.remove(&named);
                if many.len() <= FEW_MAX / 2 {
                    *self = Self::Few(many.iter().copied().collect());
                }
            }
        }
    }

    /// In ascending order, when there are at most `limit`.
    fn within(&self, limit: usize) -> SmallVec<[Named; 2]> {
        match self {
            _ if self.count() > limit => SmallVec::new(),
            Self::Few(few) => few.clone(),
            Self::Many(many) => many.iter().copied().collect(),
        }
    }
}

/// All that is known of one identifier.
#[derive(Debug)]
struct Holding {
    kind: KindId,
    touched: bool,
    carriers: Carriers,
    consents: Vec<Given>,
}

/// What an identifier contributes: its carriers where it is ordinary, none where it is not, and the consents on it.
struct Contribution {
    kind: KindId,
    identifier: IdentifierHash,
    carriers: SmallVec<[Named; 2]>,
    consents: Vec<Given>,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Links {
    limits: Vec<u32>,
    holdings: HashMap<IdentifierHash, Holding>,
}

impl Links {
    /// `limits`: by kind, how many live records may carry one identifier before it is quarantined.
    pub fn new(limits: Vec<u32>) -> Self {
        Self { limits, holdings: HashMap::new() }
    }

    /// The holding that a row concerns; what it contributed before its first change of this time is kept.
    fn touch(&mut self, row: &Carried, before: &mut Vec<Contribution>) -> &mut Holding {
        let (Carried::ByRecord(kind, identifier, _) | Carried::ByConsent(kind, identifier, _)) = *row;
        let holding = self.holdings.entry(identifier).or_insert_with(|| Holding {
            kind,
            touched: false,
            carriers: Carriers::Few(SmallVec::new()),
            consents: Vec::new(),
        });
        if !holding.touched {
            holding.touched = true;
            before.push(holding.contribution(identifier, &self.limits));
        }
        holding
    }
}

impl Holding {
    fn contribution(&self, identifier: IdentifierHash, limits: &[u32]) -> Contribution {
        let limit = limits.get(usize::from(self.kind.0)).copied().unwrap_or(0);
        let carriers = self.carriers.within(usize::try_from(limit).unwrap_or(usize::MAX));
        Contribution { kind: self.kind, identifier, carriers, consents: self.consents.clone() }
    }

    fn is_empty(&self) -> bool {
        self.carriers.count() == 0 && self.consents.is_empty()
    }
}

impl Stage for Links {
    type In = Carried;
    type Out = Linked;

    fn route(row: &Carried) -> u64 {
        match row {
            Carried::ByRecord(_, identifier, _) | Carried::ByConsent(_, identifier, _) => low_half(identifier.0),
        }
    }

    fn apply(&mut self, updates: &mut Updates<Carried>, output: &mut Updates<Linked>) {
        let mut before = Vec::new();
        // INVARIANT: the input is a set. So with removals first, a row that is taken out and put back stays.
        for (row, _) in updates.iter().filter(|(_, diff)| *diff < 0) {
            let holding = self.touch(row, &mut before);
            match row {
                Carried::ByRecord(_, _, named) => holding.carriers.remove(*named),
                Carried::ByConsent(_, _, given) => holding.consents.retain(|other| other != given),
            }
        }
        for (row, _) in updates.iter().filter(|(_, diff)| *diff > 0) {
            let holding = self.touch(row, &mut before);
            match row {
                Carried::ByRecord(_, _, named) => holding.carriers.insert(*named),
                Carried::ByConsent(_, _, given) => holding.consents.push(*given),
            }
        }
        updates.clear();
        for old in before {
            let Some(holding) = self.holdings.get_mut(&old.identifier) else { continue };
            holding.touched = false;
            let new = holding.contribution(old.identifier, &self.limits);
            if holding.is_empty() {
                self.holdings.remove(&old.identifier);
            }
            emit_links(&old, &new, output);
            emit_reaches(&old, &new, output);
        }
    }
}

fn low_half(wide: u128) -> u64 {
    u64::try_from(wide & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

/// The difference between the stars of two contributions of one identifier.
fn emit_links(old: &Contribution, new: &Contribution, output: &mut Updates<Linked>) {
    if old.carriers == new.carriers {
        return;
    }
    let same_hub = old.carriers.first() == new.carriers.first();
    for (side, other, diff) in [(old, new, -1), (new, old, 1)] {
        let Some((hub, rest)) = side.carriers.split_first() else { continue };
        for named in rest {
            if same_hub && other.carriers.binary_search(named).is_ok() {
                continue;
            }
            let link = Link { a: hub.birth, b: named.birth, kind: side.kind, identifier: side.identifier };
            output.push((Linked::Link(link, hub.rank, named.rank), diff));
        }
    }
}

/// The difference between which consents reach which records.
fn emit_reaches(old: &Contribution, new: &Contribution, output: &mut Updates<Linked>) {
    if old.consents.is_empty() && new.consents.is_empty() {
        return;
    }
    for (side, other, diff) in [(old, new, -1), (new, old, 1)] {
        for given in &side.consents {
            let kept = other.consents.contains(given);
            for named in &side.carriers {
                if !(kept && other.carriers.binary_search(named).is_ok()) {
                    output.push((Linked::Reaches(named.birth, *given), diff));
                }
            }
        }
    }
}
