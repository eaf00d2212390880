//! What is said of records that decisions rest on, and what it comes to.
//!
//! Rule:   said(r) :- what the channels say that reach r, each identifier of it one (`channel`); and each prohibition there
//!         that r is bound by, unless a later consent on an identifier of r lifts it.
//! Memory: per record 24 bytes, and which consents reach it; per identifier with consents these, and whom they reach.
//! Retraction: every record that it reaches is judged anew.

use super::births::ByBirth;
use super::channel::{Channel, Given, Said, sooner};
use super::links::Carried;
use super::sorted::SortedSet;
use super::stage::Updates;
use crate::model::{About, Birth, IdentifierHash, KindId, PurposeId};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

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
struct Heard {
    channel: Channel,
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
    heard: HashMap<IdentifierHash, Heard>,
}

impl Known {
    /// Nothing was said. `strong`: by kind of identifier, whether it is strong.
    pub fn new(strong: Vec<bool>) -> Self {
        Self { tick: i64::MIN, strong, records: ByBirth::default(), heard: HashMap::new() }
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
        let heard = self.heard.entry(on).or_default();
        heard.channel.give(given, came, lifts);
        touched.extend(heard.watchers.iter().map(|(watcher, _)| watcher));
        self.drop_empty(on);
    }

    /// A record is touched by what changes on an identifier, or no longer is.
    fn watch(&mut self, on: IdentifierHash, watcher: (Birth, Way), came: bool) {
        let heard = self.heard.entry(on).or_default();
        if came {
            heard.watchers.insert(watcher);
        } else {
            heard.watchers.remove(watcher);
            self.drop_empty(on);
        }
    }

    fn drop_empty(&mut self, on: IdentifierHash) {
        if self.heard.get(&on).is_some_and(|heard| heard.channel.is_empty() && heard.watchers.count() == 0) {
            self.heard.remove(&on);
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

    /// Whether a steward noted that the person objected to a purpose, or to all.
    pub fn has_objected(&self, record: Birth, purpose: PurposeId) -> bool {
        let more = self.records.get(record).and_then(|known| known.more.as_deref());
        more.is_some_and(|more| more.objected.iter().any(|to| to.is_none_or(|to| to == purpose)))
    }

    /// Whether a steward noted that the person objected to this purpose by name.
    pub fn has_objected_to(&self, record: Birth, purpose: PurposeId) -> bool {
        let more = self.records.get(record).and_then(|known| known.more.as_deref());
        more.is_some_and(|more| more.objected.contains(&Some(purpose)))
    }

    /// What the consents that reach a record by its own identifiers say. `unsure`: whether one that was given on a weak
    /// identifier permits, too.
    pub fn said(&self, record: Birth, purpose: PurposeId, unsure: bool) -> Said {
        let mut said = Said::default();
        let Some(more) = self.records.get(record).and_then(|known| known.more.as_deref()) else { return said };
        for (on, is_sure) in &more.reached {
            let Some(Heard { channel, .. }) = self.heard.get(on) else { continue };
            let mut here = channel.say(purpose, self.tick);
            here.granted = here.granted.filter(|_| *is_sure || unsure);
            said.add(&here);
        }
        for (on, consent) in &more.bound {
            let Some(Heard { channel, .. }) = self.heard.get(on) else { continue };
            let here = channel.say(purpose, self.tick);
            // What is no longer prohibited where it was ended binds nobody any more.
            if here.withdrawn.or(here.objected).is_none() {
                continue;
            }
            let Some(end) = channel.end_of(*consent, purpose, self.tick) else { continue };
            let own = more.reached.iter().filter(|(_, is_sure)| *is_sure).filter_map(|(on, _)| self.heard.get(on));
            if !own.into_iter().any(|own| own.channel.lifts(&end, self.tick)) {
                said.prohibit(end);
                // A consent there that is yet to begin will lift it.
                said.next = sooner(said.next, here.next);
            }
        }
        said
    }

    /// The purposes that anything was said about, of those that reach a record.
    pub fn purposes(&self, record: Birth) -> u64 {
        let Some(more) = self.records.get(record).and_then(|known| known.more.as_deref()) else { return 0 };
        let ways = more.reached.iter().map(|(on, _)| on).chain(more.bound.iter().map(|(on, _)| on));
        let heard = ways.filter_map(|on| self.heard.get(on));
        heard.fold(0, |all, heard| all | heard.channel.purposes(self.tick))
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
