//! Links by shared identifiers (design stage 3): which records are tied together by which identifiers, and which
//! consents reach which records.
//!
//! Rule:   link(hub, r) :- carries(hub, i), carries(r, i), both in one group that the standing of i allows (see
//!         [`guards`](super::guards)), hub = least rank of the group, r != hub.
//!         reaches(i, r) :- consents were given on i, carries(r, i), i is not quarantined; surely, where i is ordinary;
//!         with it, whether any of these is about combining records.
//! Memory: per live identifier its carriers (24 bytes each) and how many consents were given on it.
//! Retraction: takes the carrier out; when the count falls to the limit the identifier links again, and when its hub
//! leaves, the others are linked to the next. Carriers are never copied: beyond its limit an identifier costs one search.

use super::channel::Given;
use super::claims::Evidence;
use super::guards::{Carrier, Carriers, Guard, Standing, guard};
use super::slab::{Place, Slab};
use super::stage::{Output, Stage, Updates};
use super::words::Reaches;
use crate::model::{IdentifierHash, KindId, Link, PurposeId};
use hashbrown::hash_table::{Entry, HashTable};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// An identifier and who carries it: a record, or a consent that was given on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Carried<B> {
    /// The identifier.
    pub identifier: IdentifierHash,
    /// Its kind.
    pub kind: KindId,
    /// Who carries it.
    pub by: B,
}

impl<B> Carried<B> {
    /// By which all that is about one identifier meets.
    pub fn key(&self) -> u64 {
        low_half(self.identifier)
    }
}

/// What is known of an identifier beside consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Holder {
    /// A record carries it.
    Record(Carrier),
    /// A steward allowed it, whatever guards say.
    Allowed,
}

/// All that is known of one identifier.
#[derive(Debug)]
struct Holding {
    identifier: IdentifierHash,
    carriers: Carriers,
    allowed: bool,
    consents: Count,
}

/// How many consents were given on an identifier.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u32,
    /// For combining records.
    combining: u32,
}

/// What changes of one identifier at one time, in net: nothing stands on both sides.
#[derive(Debug, Default)]
struct Turn {
    identifier: IdentifierHash,
    kind: KindId,
    removed: SmallVec<[Carrier; 4]>,
    added: SmallVec<[Carrier; 4]>,
    /// Whether a steward now allows it, where that changes.
    allowed: Option<bool>,
    consents_removed: Count,
    consents_added: Count,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Links {
    guards: Vec<Guard>,
    /// The purpose that governs combining records.
    combining: Option<PurposeId>,
    holdings: Slab<Holding>,
    /// Where in the slab an identifier is: a table of numbers is small enough to grow cheaply.
    places: HashTable<Place>,
}

impl Links {
    /// `guards`: by kind. `combining`: the purpose that governs combining records.
    pub fn new(guards: Vec<Guard>, combining: Option<PurposeId>) -> Self {
        Self { guards, combining, holdings: Slab::default(), places: HashTable::new() }
    }

    /// Applies what changes of one identifier and gives out what it means.
    fn turn(&mut self, turn: &Turn, links: &mut Output<Evidence>, reaches: &mut Output<Reaches>) {
        let guard = guard(&self.guards, turn.kind);
        let weak = turn.identifier.is_weak();
        let place = self.place(turn.identifier);
        let holding = &mut self.holdings[place];
        let was = Standing::new(&holding.carriers, guard, weak, holding.allowed);
        turn.removed.iter().for_each(|carrier| holding.carriers.remove(*carrier));
        turn.added.iter().for_each(|carrier| holding.carriers.insert(*carrier));
        holding.allowed = turn.allowed.unwrap_or(holding.allowed);
        let is = Standing::new(&holding.carriers, guard, weak, holding.allowed);
        turn.emit_links(&was, &is, &holding.carriers, links);
        let had = holding.consents;
        let sum =
            |of: fn(&Count) -> u32| (of(&had) + of(&turn.consents_added)).saturating_sub(of(&turn.consents_removed));
        let has = Count { all: sum(|count| count.all), combining: sum(|count| count.combining) };
        holding.consents = has;
        if had.all > 0 || has.all > 0 {
            let reach = |standing: &Standing, count: Count| {
                let reach = Reach { sure: standing.is_ordinary(), combining: count.combining > 0 };
                (count.all > 0 && standing.reaches()).then_some(reach)
            };
            turn.emit_reaches((reach(&was, had), reach(&is, has)), &holding.carriers, reaches);
        }
        if holding.carriers.count() == 0 && has.all == 0 && !holding.allowed {
            self.free(turn.identifier);
        }
    }

    /// Where an identifier is, a new place if it is nowhere.
    fn place(&mut self, identifier: IdentifierHash) -> Place {
        let Self { holdings, places, .. } = self;
        let rehash = |place: &Place| low_half(holdings[*place].identifier);
        let same = |place: &Place| holdings[*place].identifier == identifier;
        match places.entry(low_half(identifier), same, rehash) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let carriers = Carriers::default();
                let place =
                    holdings.insert(Holding { identifier, carriers, allowed: false, consents: Count::default() });
                *entry.insert(place).get()
            }
        }
    }

    /// Frees the place of an identifier.
    fn free(&mut self, identifier: IdentifierHash) {
        let holdings = &mut self.holdings;
        let same = |place: &Place| holdings[*place].identifier == identifier;
        if let Ok(entry) = self.places.find_entry(low_half(identifier), same) {
            holdings.remove(entry.remove().0);
        }
    }
}

/// How consents on an identifier reach its carriers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reach {
    sure: bool,
    combining: bool,
}

impl Turn {
    /// The difference between the links that were and those that are.
    fn emit_links(&self, was: &Standing, is: &Standing, carriers: &Carriers, links: &mut Output<Evidence>) {
        let link = |standing: &Standing, carrier: Carrier| {
            let (a, b) = (standing.hub_of(carrier)?.named.birth, carrier.named.birth);
            let link = Link { a, b, kind: self.kind, identifier: self.identifier };
            Some(Evidence { link, weak: !standing.is_ordinary() })
        };
        // Where the standing is the same, the links of those who stay are, too.
        let same = was == is;
        let mut before: Vec<Evidence> = match was {
            Standing::Quarantined => Vec::new(),
            _ if same => self.removed.iter().filter_map(|carrier| link(was, *carrier)).collect(),
            _ => self.carriers_before(carriers).filter_map(|carrier| link(was, carrier)).collect(),
        };
        let mut after: Vec<Evidence> = match is {
            Standing::Quarantined => Vec::new(),
            _ if same => self.added.iter().filter_map(|carrier| link(is, *carrier)).collect(),
            _ => carriers.iter().filter_map(|carrier| link(is, carrier)).collect(),
        };
        before.sort_unstable();
        after.sort_unstable();
        before.iter().filter(|link| after.binary_search(link).is_err()).for_each(|link| links.remove(*link));
        after.iter().filter(|link| before.binary_search(link).is_err()).for_each(|link| links.add(*link));
    }

    /// The difference between whom it reached and whom it reaches.
    fn emit_reaches(
        &self,
        (was, is): (Option<Reach>, Option<Reach>),
        carriers: &Carriers,
        reaches: &mut Output<Reaches>,
    ) {
        let row = |carrier: Carrier, Reach { sure, combining }: Reach| Reaches {
            record: carrier.named.birth,
            on: self.identifier,
            sure,
            combining,
        };
        if was == is {
            let Some(reach) = is else { return };
            leavers(&self.removed, &self.added).for_each(|carrier| reaches.remove(row(carrier, reach)));
            leavers(&self.added, &self.removed).for_each(|carrier| reaches.add(row(carrier, reach)));
            return;
        }
        if let Some(reach) = was {
            self.carriers_before(carriers).for_each(|carrier| reaches.remove(row(carrier, reach)));
        }
        if let Some(reach) = is {
            carriers.iter().for_each(|carrier| reaches.add(row(carrier, reach)));
        }
    }

    /// Those who carry it as they did before.
    fn carriers_kept(&self, carriers: &Carriers) -> impl Iterator<Item = Carrier> {
        carriers.iter().filter(|carrier| self.added.binary_search(carrier).is_err())
    }

    /// Those who carried it before.
    fn carriers_before(&self, carriers: &Carriers) -> impl Iterator<Item = Carrier> {
        self.carriers_kept(carriers).chain(self.removed.iter().copied())
    }
}

impl Stage for Links {
    type Left = Carried<Holder>;
    type Right = Carried<Given>;
    type Main = Evidence;
    type Side = Reaches;

    fn apply(
        &mut self,
        left: Updates<Carried<Holder>>,
        right: Updates<Carried<Given>>,
        main: &mut Output<Evidence>,
        side: &mut Output<Reaches>,
    ) {
        let mut left = left.sorted_by(|row| low_half(row.identifier)).peekable();
        let mut right = right.sorted_by(|row| low_half(row.identifier)).peekable();
        loop {
            let heads = [left.peek().map(|(row, _)| row.identifier), right.peek().map(|(row, _)| row.identifier)];
            let first = heads.into_iter().flatten().min_by_key(|identifier| (low_half(*identifier), *identifier));
            let Some(identifier) = first else { break };
            let mut turn = Turn { identifier, ..Turn::default() };
            while let Some((row, came)) = left.next_if(|(row, _)| row.identifier == identifier) {
                turn.kind = row.kind;
                match row.by {
                    Holder::Record(carrier) => push_net(&mut turn.removed, &mut turn.added, carrier, came),
                    Holder::Allowed => turn.allowed = Some(came),
                }
            }
            while let Some((row, came)) = right.next_if(|(row, _)| row.identifier == identifier) {
                turn.kind = row.kind;
                let count = if came { &mut turn.consents_added } else { &mut turn.consents_removed };
                count.all += 1;
                count.combining += u32::from(self.combining == Some(row.by.purpose));
            }
            self.turn(&turn, main, side);
        }
    }
}

/// The records of one list that the other does not have under any given name.
fn leavers<'a>(these: &'a [Carrier], others: &'a [Carrier]) -> impl Iterator<Item = Carrier> + 'a {
    let gone = |carrier: &&Carrier| others.iter().all(|other| other.named != carrier.named);
    these.iter().filter(gone).copied()
}

/// Adds a row to what goes or what comes; one that went and comes again stays.
fn push_net<A: smallvec::Array<Item: PartialEq>>(
    gone: &mut SmallVec<A>,
    come: &mut SmallVec<A>,
    row: A::Item,
    came: bool,
) {
    if !came {
        gone.push(row);
    } else if gone.last() == Some(&row) {
        gone.pop();
    } else {
        come.push(row);
    }
}

/// Identifiers are hashes: any part of one is as good as another.
fn low_half(identifier: IdentifierHash) -> u64 {
    u64::try_from(identifier.0 & u128::from(u64::MAX)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::sorted::ITEMS_READ;
    use super::*;
    use crate::model::{Birth, ConsentFacts, ConsentState, NameMark, Named};

    fn carried<B>(by: B) -> Carried<B> {
        Carried { identifier: IdentifierHash(8), kind: KindId(0), by }
    }

    fn named(n: u64) -> Named {
        Named { rank: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), birth: Birth(n) }
    }

    /// Applies one time and says how many links and reaches it gave out.
    fn apply(links: &mut Links, records: &[(Named, bool)], consents: &[(Given, bool)]) -> (usize, usize) {
        let holder = |named: Named| Holder::Record(Carrier { named, given: NameMark::NONE });
        let left = records.iter().map(|(named, came)| (carried(holder(*named)), *came)).collect();
        let right = consents.iter().map(|(given, came)| (carried(*given), *came)).collect();
        let (mut main, mut side) = (Output::default(), Output::default());
        links.apply(left, right, &mut main, &mut side);
        (main.drain().count(), side.drain().count())
    }

    #[test]
    fn a_hub_beyond_its_limit_is_never_read() {
        const CARRIERS: u64 = 100_000;
        let mut links = Links::new(vec![Guard { records_max: 5, names_max: 0 }], None);
        let all: Vec<_> = (0..CARRIERS).map(|n| (named(n), true)).collect();
        assert_eq!(apply(&mut links, &all, &[]), (0, 0));
        let facts = ConsentFacts {
            identifiers: Vec::new(),
            purposes: vec![PurposeId(0)],
            state: ConsentState::Given,
            explicit: false,
            parental: false,
            at: 0,
            received: 0,
            order: 0,
            until: 0,
        };
        ITEMS_READ.set(0);
        for n in 0..CARRIERS {
            let given = Given::new(&facts, PurposeId(0), named(CARRIERS + n));
            assert_eq!(apply(&mut links, &[(named(n), false)], &[(given, true)]), (0, 0));
            assert_eq!(apply(&mut links, &[(named(n), true)], &[(given, n % 2 == 0)]), (0, 0));
        }
        assert_eq!(ITEMS_READ.get(), 0, "neither carriers nor consents were read or copied");
        let gone: Vec<_> = (5..CARRIERS).map(|n| (named(n), false)).collect();
        assert_eq!(apply(&mut links, &gone, &[]), (4, 5), "at its limit it links again");
        ITEMS_READ.set(0);
        let given = Given::new(&facts, PurposeId(0), named(3 * CARRIERS));
        assert_eq!(apply(&mut links, &[], &[(given, true)]), (0, 0));
        assert!(ITEMS_READ.get() <= 10, "a consent more costs nothing here: {ITEMS_READ:?}");
    }
}
