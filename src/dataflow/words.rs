//! What is said of records that decisions rest on, and what it comes to.
//!
//! Rule:   prohibits(e, i) :- e on i is a withdrawal or an objection, and no later consent on i lifts it;
//!         grants(e, i) :- e on i is a valid consent that is in force at the tick, given after all that ended one on i.
//!         Later is what was both received and, as its sender says, given later; what ties is not lifted.
//! Memory: per record 24 bytes, and which consents reach it; per identifier with consents these, and whom they reach.
//! Retraction: every record that it reaches is judged anew.

use super::births::ByBirth;
use super::links::Carried;
use super::sorted::SortedSet;
use super::stage::Updates;
use crate::model::{About, Birth, ConsentFacts, ConsentState, IdentifierHash, KindId, Named, PurposeId};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A live consent, or the end of one, as far as decisions need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Given {
    /// For what.
    pub purpose: PurposeId,
    /// Its place among all that was received.
    pub order: u64,
    /// When it was given, as the sender says; of an end, no later than when it was received.
    pub at: i64,
    /// Since when it acts.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// Its state.
    pub state: ConsentState,
    /// Whether it is explicit.
    pub explicit: bool,
    /// Whether it was given by who holds parental responsibility.
    pub parental: bool,
    /// Its name's rank and its birth.
    pub consent: Named,
}

impl Given {
    /// What a consent says of one of its purposes.
    pub fn new(facts: &ConsentFacts, purpose: PurposeId, consent: Named) -> Self {
        let ConsentFacts { state, explicit, parental, at, received, order, until, .. } = *facts;
        // A consent begins when it was both given and received; an end acts at once, whatever its sender says.
        let (at, from) = match state.is_valid() {
            true => (at, at.max(received)),
            false => (at.min(received), received),
        };
        Self { purpose, order, at, from, until, state, explicit, parental, consent }
    }

    /// Whether it was given after this one was.
    fn is_after(&self, other: &Self) -> bool {
        self.order > other.order && self.at > other.at
    }
}

/// An identifier on which consents were given reaches a record that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reaches {
    /// The record.
    pub record: Birth,
    /// The identifier.
    pub on: IdentifierHash,
    /// Whether it is ordinary, so that who carries it is the person who gave the consent.
    pub sure: bool,
    /// Whether any consent on it is about combining records.
    pub combining: bool,
}

/// Something that decisions rest on. Nearly all are about a person, so that a consent, which is larger, is boxed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Word {
    /// A record of a person is live.
    Person {
        /// The record.
        record: Birth,
        /// What it says of the person.
        about: About,
        /// Since when it is kept.
        since: i64,
    },
    /// Consents on an identifier reach a record.
    Reaches(Reaches),
    /// A consent was given on an identifier, or ended there.
    Given {
        /// The identifier.
        on: IdentifierHash,
        /// Its kind.
        kind: KindId,
        /// The consent.
        given: Box<Given>,
    },
    /// A record was of the person who ended a consent then, wherever it belongs now.
    Bound {
        /// The record.
        record: Birth,
        /// The identifier that it was ended on.
        on: IdentifierHash,
        /// The consent.
        consent: Birth,
    },
    /// Processing of a record is restricted.
    Restricted(Birth),
    /// The person objected: to a purpose, or to all.
    Objected(Birth, Option<PurposeId>),
    /// The time up to which what ends has ended, microseconds.
    Tick(i64),
}

impl From<Carried<Given>> for Word {
    fn from(carried: Carried<Given>) -> Self {
        Self::Given { on: carried.identifier, kind: carried.kind, given: Box::new(carried.by) }
    }
}

#[derive(Debug, Default)]
struct Record {
    live: bool,
    about: About,
    since: i64,
    /// Few records have any.
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    reached: SmallVec<[(IdentifierHash, bool); 1]>,
    bound: SmallVec<[(IdentifierHash, Birth); 0]>,
    restricted: bool,
    objected: SmallVec<[Option<PurposeId>; 2]>,
}

impl More {
    fn is_empty(&self) -> bool {
        self.reached.is_empty() && self.bound.is_empty() && !self.restricted && self.objected.is_empty()
    }
}

/// How a record is touched by what changes on an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// It carries it.
    Reached,
    /// It is bound by the end of this consent.
    Bound(Birth),
}

/// An identifier on which consents were given.
#[derive(Debug, Default)]
struct Channel {
    /// Whether it can lift what was ended: it is of a strong kind.
    lifts: bool,
    given: SmallVec<[Given; 1]>,
    /// The records that are touched by what changes, each once for each way.
    watchers: SortedSet<[(Birth, Way); 1]>,
}

/// All that was said.
#[derive(Debug)]
pub struct Known {
    tick: i64,
    /// By kind of identifier, whether it is strong.
    strong: Vec<bool>,
    records: ByBirth<Record>,
    channels: HashMap<IdentifierHash, Channel>,
}

/// What the consents that reach a record, or a group of them, say for a purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// The consent in force that permits most.
    pub granted: Option<Given>,
    /// Of those that do not permit, the last.
    pub ended: Option<Given>,
    /// Of those that prohibit, the last.
    pub withdrawn: Option<Given>,
    /// The same of objections.
    pub objected: Option<Given>,
    /// When any of this changes by itself.
    pub next: Option<i64>,
}

impl Said {
    /// Adds what reaches others of one person.
    pub fn add(&mut self, other: &Self) {
        self.grant(other);
        self.ended = last(self.ended, other.ended);
        self.withdrawn = last(self.withdrawn, other.withdrawn);
        self.objected = last(self.objected, other.objected);
    }

    /// Adds what others are permitted.
    pub fn grant(&mut self, other: &Self) {
        self.granted = match (self.granted, other.granted) {
            (Some(one), Some(other)) => Some(one.max_by_worth(other)),
            (one, other) => one.or(other),
        };
        self.next = sooner(self.next, other.next);
    }

    fn note_time(&mut self, tick: i64, time: i64) {
        if time > tick && time != i64::MAX {
            self.next = sooner(self.next, Some(time));
        }
    }
}

impl Given {
    /// The one that permits more.
    fn max_by_worth(self, other: Self) -> Self {
        let worth = |given: &Self| (given.explicit, given.parental, given.until, given.order, given.consent);
        if worth(&self) >= worth(&other) { self } else { other }
    }
}

/// The later of two.
pub fn last(one: Option<Given>, other: Option<Given>) -> Option<Given> {
    let order = |given: &Given| (given.order, given.consent);
    match (one, other) {
        (Some(one), Some(other)) => Some(if order(&one) >= order(&other) { one } else { other }),
        (one, other) => one.or(other),
    }
}

/// The earlier of two times.
pub fn sooner(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Channel {
    /// What it says for a purpose at a time.
    fn say(&self, purpose: PurposeId, tick: i64) -> Said {
        let mut said = Said::default();
        let events = || self.given.iter().filter(|given| given.purpose == purpose);
        let ends = || events().filter(|given| !given.state.is_valid());
        let (order, at) =
            ends().fold((None, None), |(order, at), end| (order.max(Some(end.order)), at.max(Some(end.at))));
        let is_last = |given: &Given| Some(given.order) > order && Some(given.at) > at;
        let mut lifted = false;
        for given in events().filter(|given| given.state.is_valid()) {
            said.note_time(tick, given.from);
            let begun = given.from <= tick;
            if is_last(given) && begun && given.until > tick {
                said.note_time(tick, given.until);
                said.grant(&Said { granted: Some(*given), ..Said::default() });
            }
            if begun && given.until <= tick {
                said.ended = last(said.ended, Some(Given { state: ConsentState::Expired, ..*given }));
            }
            lifted |= is_last(given) && begun;
        }
        for end in ends() {
            said.ended = last(said.ended, Some(*end));
            if end.state.prohibits() && !(lifted && self.lifts) {
                said.prohibit(*end);
            }
        }
        if said.withdrawn.is_some() || said.objected.is_some() {
            said.granted = None;
        }
        said
    }

    /// Whether a consent in force here was given after this end elsewhere.
    fn lifts(&self, end: &Given, tick: i64) -> bool {
        let begun = |given: &&Given| given.state.is_valid() && given.purpose == end.purpose && given.from <= tick;
        self.lifts && self.given.iter().filter(begun).any(|given| given.is_after(end))
    }
}

impl Said {
    fn prohibit(&mut self, end: Given) {
        let place = if end.state == ConsentState::Objected { &mut self.objected } else { &mut self.withdrawn };
        *place = last(*place, Some(end));
    }
}

impl Known {
    /// Nothing was said. `strong`: by kind of identifier, whether it is strong.
    pub fn new(strong: Vec<bool>) -> Self {
        Self { tick: i64::MIN, strong, records: ByBirth::default(), channels: HashMap::new() }
    }

    /// The time up to which what ends has ended.
    pub fn tick(&self) -> i64 {
        self.tick
    }

    /// Takes in what is said and what is taken back, and says which records it touches; `true` when time went on.
    pub fn note(&mut self, words: Updates<Word>, touched: &mut Vec<Birth>) -> bool {
        let mut emptied = Vec::new();
        let before = self.tick;
        for word in words.removals() {
            self.take(word, false, touched, &mut emptied);
        }
        for word in words.into_additions() {
            self.take(&word, true, touched, &mut emptied);
        }
        for record in emptied {
            let empty = |record: &Record| !record.live && record.more.is_none();
            if self.records.get(record).is_some_and(empty) {
                self.records.remove(record);
            }
        }
        self.tick != before
    }

    fn take(&mut self, word: &Word, came: bool, touched: &mut Vec<Birth>, emptied: &mut Vec<Birth>) {
        let record = match *word {
            Word::Tick(tick) => {
                self.tick = if came { tick } else { self.tick };
                return;
            }
            Word::Given { on, kind, ref given } => {
                self.give(on, kind, **given, came, touched);
                return;
            }
            Word::Person { record, about, since } => {
                let known = self.records.entry(record, Record::default);
                (known.live, known.about, known.since) = (came, about, since);
                record
            }
            Word::Reaches(Reaches { record, on, sure, .. }) => {
                self.watch(on, (record, Way::Reached), came);
                self.more(record, |more| toggle(&mut more.reached, (on, sure), came));
                record
            }
            Word::Bound { record, on, consent } => {
                self.watch(on, (record, Way::Bound(consent)), came);
                self.more(record, |more| toggle(&mut more.bound, (on, consent), came));
                record
            }
            Word::Restricted(record) => {
                self.more(record, |more| more.restricted = came);
                record
            }
            Word::Objected(record, purpose) => {
                self.more(record, |more| toggle(&mut more.objected, purpose, came));
                record
            }
        };
        touched.push(record);
        if !came {
            emptied.push(record);
        }
    }

    /// A consent on an identifier came or went.
    fn give(&mut self, on: IdentifierHash, kind: KindId, given: Given, came: bool, touched: &mut Vec<Birth>) {
        let lifts = self.strong.get(usize::from(kind.0)).copied().unwrap_or(false);
        let channel = self.channels.entry(on).or_default();
        channel.lifts = lifts;
        toggle(&mut channel.given, given, came);
        touched.extend(channel.watchers.iter().map(|(watcher, _)| watcher));
        self.drop_empty(on);
    }

    /// A record is touched by what changes on an identifier, or no longer is.
    fn watch(&mut self, on: IdentifierHash, watcher: (Birth, Way), came: bool) {
        let channel = self.channels.entry(on).or_default();
        if came {
            channel.watchers.insert(watcher);
        } else {
            channel.watchers.remove(watcher);
            self.drop_empty(on);
        }
    }

    fn drop_empty(&mut self, on: IdentifierHash) {
        if self.channels.get(&on).is_some_and(|channel| channel.given.is_empty() && channel.watchers.count() == 0) {
            self.channels.remove(&on);
        }
    }

    fn more(&mut self, record: Birth, change: impl FnOnce(&mut More)) {
        let known = self.records.entry(record, Record::default);
        let more = known.more.get_or_insert_default();
        change(more);
        if more.is_empty() {
            known.more = None;
        }
    }

    /// What a live record says of the person, and since when it is kept.
    pub fn person(&self, record: Birth) -> Option<(About, i64)> {
        self.records.get(record).filter(|known| known.live).map(|known| (known.about, known.since))
    }

    /// Whether anything but the record itself bears on it.
    pub fn has_more(&self, record: Birth) -> bool {
        self.records.get(record).is_some_and(|known| known.more.is_some())
    }

    /// Whether processing of a record is restricted.
    pub fn is_restricted(&self, record: Birth) -> bool {
        self.records.get(record).and_then(|known| known.more.as_deref()).is_some_and(|more| more.restricted)
    }

    /// Whether a steward noted that the person objected to a purpose.
    pub fn has_objected(&self, record: Birth, purpose: PurposeId) -> bool {
        let more = self.records.get(record).and_then(|known| known.more.as_deref());
        more.is_some_and(|more| more.objected.iter().any(|to| to.is_none_or(|to| to == purpose)))
    }

    /// What the consents that reach a record by its own identifiers say. `unsure`: whether one that was given on a weak
    /// identifier permits, too.
    pub fn said(&self, record: Birth, purpose: PurposeId, unsure: bool) -> Said {
        let mut said = Said::default();
        let Some(more) = self.records.get(record).and_then(|known| known.more.as_deref()) else { return said };
        let sure = |on: &IdentifierHash| more.reached.iter().any(|(other, sure)| other == on && *sure);
        for (on, is_sure) in &more.reached {
            let Some(channel) = self.channels.get(on) else { continue };
            let mut here = channel.say(purpose, self.tick);
            here.granted = here.granted.filter(|_| *is_sure || unsure);
            said.add(&here);
        }
        for (on, consent) in &more.bound {
            let Some(channel) = self.channels.get(on) else { continue };
            let bound = |end: &&Given| end.consent.birth == *consent && end.purpose == purpose;
            let ends = [channel.say(purpose, self.tick)].into_iter().flat_map(|here| [here.withdrawn, here.objected]);
            // What is no longer prohibited where it was ended binds nobody any more.
            if ends.flatten().next().is_none() {
                continue;
            }
            for end in channel.given.iter().filter(bound).filter(|end| end.state.prohibits()) {
                let own = more.reached.iter().filter(|(on, _)| sure(on));
                let lifted = |on: &IdentifierHash| self.channels.get(on).is_some_and(|own| own.lifts(end, self.tick));
                if !own.into_iter().any(|(on, _)| lifted(on)) {
                    said.prohibit(*end);
                }
            }
        }
        said
    }

    /// The purposes that anything was said about, of those that reach a record.
    pub fn purposes(&self, record: Birth) -> u64 {
        let Some(more) = self.records.get(record).and_then(|known| known.more.as_deref()) else { return 0 };
        let ways = more.reached.iter().map(|(on, _)| on).chain(more.bound.iter().map(|(on, _)| on));
        let channels = ways.filter_map(|on| self.channels.get(on));
        channels
            .flat_map(|channel| &channel.given)
            .fold(0, |all, given| all | 1u64.checked_shl(given.purpose.0.into()).unwrap_or(0))
    }
}

/// Adds to a list what comes, and takes one of what goes.
fn toggle<A: smallvec::Array<Item: PartialEq>>(list: &mut SmallVec<A>, item: A::Item, came: bool) {
    if came {
        list.push(item);
    } else if let Some(place) = list.iter().position(|other| *other == item) {
        list.swap_remove(place);
    }
}
