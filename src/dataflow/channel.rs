//! What the consents on one identifier say.
//!
//! Rule:   prohibits(e, i) :- e on i is a withdrawal or an objection, and no later consent on i lifts it;
//!         grants(e, i) :- e on i is a valid consent that is in force at the tick, given after all that ended one on i.
//!         Later is what was both received and, as its sender says, given later; what ties is not lifted.
//! Memory: the consents; where there are many, what they come to, until one of them or time changes that.

use super::sorted::SortedSet;
use crate::model::{Birth, ConsentFacts, ConsentState, Named, PurposeId};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// A live consent, or the end of one, as far as decisions need it. Those for one purpose are next to each other in order.
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

    /// The one that permits more.
    fn max_by_worth(self, other: Self) -> Self {
        let worth = |given: &Self| (given.explicit, given.parental, given.until, given.order, given.consent);
        if worth(&self) >= worth(&other) { self } else { other }
    }
}

/// What the consents that reach a record, or a group of them, say for a purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// Adds an end that prohibits.
    pub fn prohibit(&mut self, end: Given) {
        let place = if end.state == ConsentState::Objected { &mut self.objected } else { &mut self.withdrawn };
        *place = last(*place, Some(end));
    }

    fn note_time(&mut self, tick: i64, time: i64) {
        if time > tick && time != i64::MAX {
            self.next = sooner(self.next, Some(time));
        }
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

/// An identifier on which consents were given.
#[derive(Debug, Default)]
pub struct Channel {
    /// Whether it can lift what was ended: it is of a strong kind.
    lifts: bool,
    given: SortedSet<[Given; 1]>,
    /// What many come to.
    sum: RefCell<Option<Box<Sum>>>,
}

/// Up to so many consents are read each time that they are asked for.
const FEW_MAX: usize = 16;

/// What many consents come to.
#[derive(Debug)]
struct Sum {
    /// It holds from here until this.
    at: i64,
    next: Option<i64>,
    /// In order.
    purposes: Vec<(PurposeId, ForPurpose)>,
}

#[derive(Debug)]
struct ForPurpose {
    said: Said,
    /// Those that prohibit if nothing lifts them, by the birth of their consent.
    ends: Vec<(Birth, Given)>,
    /// Of those that have begun, each that was given later, as their senders say, than all that were received after it: the
    /// places and times, from the last received on.
    steps: Vec<(u64, i64)>,
}

impl Channel {
    /// A consent came or went. `lifts`: whether those on this identifier can lift what was ended.
    pub fn give(&mut self, given: Given, came: bool, lifts: bool) {
        self.lifts = lifts;
        *self.sum.get_mut() = None;
        match came {
            true => self.given.insert(given),
            false => self.given.remove(given),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.given.count() == 0
    }

    /// What it says for a purpose at a time.
    pub fn say(&self, purpose: PurposeId, tick: i64) -> Said {
        if self.given.count() > FEW_MAX {
            return self.of_many(purpose, tick, |of| of.said).unwrap_or_default();
        }
        say(|| self.given.iter().filter(move |given| given.purpose == purpose), self.lifts, tick)
    }

    /// The end of this consent for a purpose, if it is one that prohibits.
    pub fn end_of(&self, consent: Birth, purpose: PurposeId, tick: i64) -> Option<Given> {
        if self.given.count() > FEW_MAX {
            let find = |of: &ForPurpose| {
                let place = of.ends.binary_search_by_key(&consent, |(birth, _)| *birth).ok()?;
                Some(of.ends[place].1)
            };
            return self.of_many(purpose, tick, find).flatten();
        }
        let is = |end: &Given| end.consent.birth == consent && end.purpose == purpose && end.state.prohibits();
        self.given.iter().find(is)
    }

    /// Whether a consent in force here was given after this end elsewhere.
    pub fn lifts(&self, end: &Given, tick: i64) -> bool {
        if !self.lifts {
            return false;
        }
        if self.given.count() > FEW_MAX {
            let is_after = |of: &ForPurpose| {
                let later = of.steps.partition_point(|(order, _)| *order > end.order);
                later.checked_sub(1).is_some_and(|place| of.steps[place].1 > end.at)
            };
            return self.of_many(end.purpose, tick, is_after).unwrap_or(false);
        }
        let is_after = |given: &Given| given.order > end.order && given.at > end.at;
        self.given.iter().any(|given| given.purpose == end.purpose && has_begun(&given, tick) && is_after(&given))
    }

    /// The purposes that anything is said about.
    pub fn purposes(&self, tick: i64) -> u64 {
        let bit = |purpose: PurposeId| 1u64.checked_shl(purpose.0.into()).unwrap_or(0);
        if self.given.count() > FEW_MAX {
            return self.sum(tick, |sum| sum.purposes.iter().fold(0, |all, (purpose, _)| all | bit(*purpose)));
        }
        self.given.iter().fold(0, |all, given| all | bit(given.purpose))
    }

    fn of_many<R>(&self, purpose: PurposeId, tick: i64, read: impl FnOnce(&ForPurpose) -> R) -> Option<R> {
        self.sum(tick, |sum| {
            let place = sum.purposes.binary_search_by_key(&purpose, |(purpose, _)| *purpose).ok()?;
            Some(read(&sum.purposes[place].1))
        })
    }

    /// Reads what many come to, of which each is read once until something changes.
    fn sum<R>(&self, tick: i64, read: impl FnOnce(&Sum) -> R) -> R {
        let mut sum = self.sum.borrow_mut();
        let holds = |sum: &Sum| sum.at <= tick && sum.next.is_none_or(|next| tick < next);
        if sum.as_deref().is_some_and(|sum| !holds(sum)) {
            *sum = None;
        }
        read(sum.get_or_insert_with(|| Box::new(Sum::new(&self.given, self.lifts, tick))))
    }
}

impl Sum {
    fn new(given: &SortedSet<[Given; 1]>, lifts: bool, tick: i64) -> Self {
        let all: Vec<Given> = given.iter().collect();
        let of = |part: &[Given]| (part[0].purpose, ForPurpose::new(part, lifts, tick));
        let purposes: Vec<_> = all.chunk_by(|one, other| one.purpose == other.purpose).map(of).collect();
        let next = purposes.iter().fold(None, |next, (_, of)| sooner(next, of.said.next));
        Self { at: tick, next, purposes }
    }
}

impl ForPurpose {
    fn new(all: &[Given], lifts: bool, tick: i64) -> Self {
        let said = say(|| all.iter().copied(), lifts, tick);
        let ends = all.iter().filter(|given| given.state.prohibits());
        let mut ends: Vec<_> = ends.map(|end| (end.consent.birth, *end)).collect();
        ends.sort_unstable();
        let mut steps: Vec<(u64, i64)> = Vec::new();
        for given in all.iter().rev().filter(|given| has_begun(given, tick)) {
            if steps.last().is_none_or(|(_, at)| given.at > *at) {
                steps.push((given.order, given.at));
            }
        }
        Self { said, ends, steps }
    }
}

/// Whether it is a consent that counts from now on or did before.
fn has_begun(given: &Given, tick: i64) -> bool {
    given.state.is_valid() && given.from <= tick
}

/// What consents on one identifier for one purpose come to.
fn say<I: Iterator<Item = Given>>(events: impl Fn() -> I, lifts: bool, tick: i64) -> Said {
    let mut said = Said::default();
    let ends = || events().filter(|given| !given.state.is_valid());
    let (order, at) = ends().fold((None, None), |(order, at), end| (order.max(Some(end.order)), at.max(Some(end.at))));
    let mut lifted = false;
    for given in events().filter(|given| given.state.is_valid()) {
        said.note_time(tick, given.from);
        // What was over before something ended it here says nothing more, whenever its own time is up.
        if !has_begun(&given, tick) || Some(given.order) <= order || Some(given.at) <= at {
            continue;
        }
        lifted = true;
        if given.until > tick {
            said.note_time(tick, given.until);
            said.grant(&Said { granted: Some(given), ..Said::default() });
        } else {
            said.ended = last(said.ended, Some(Given { state: ConsentState::Expired, ..given }));
        }
    }
    for end in ends() {
        said.ended = last(said.ended, Some(end));
        if end.state.prohibits() && !(lifted && lifts) {
            said.prohibit(end);
        }
    }
    if said.withdrawn.is_some() || said.objected.is_some() {
        said.granted = None;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::sorted::ITEMS_READ;
    use super::*;
    use proptest::prelude::*;

    const TIMES: i64 = 8;
    const PURPOSES: u8 = 3;

    fn given() -> impl Strategy<Value = Given> {
        use ConsentState::{Given as Valid, Objected, Refused, Renewed, Withdrawn};
        let state = proptest::sample::select(vec![Valid, Valid, Valid, Renewed, Withdrawn, Objected, Refused]);
        let until = prop_oneof![Just(i64::MAX), 0..TIMES + 2];
        let flags = (any::<bool>(), any::<bool>());
        (0..PURPOSES, 0..12u64, (0..TIMES, 0..TIMES, until), state, flags, 0..60u64).prop_map(
            |(purpose, order, (at, received, until), state, (explicit, parental), consent)| {
                let identifiers = Vec::new();
                let purposes = vec![PurposeId(purpose)];
                let facts =
                    ConsentFacts { identifiers, purposes, state, explicit, parental, at, received, order, until };
                Given::new(&facts, PurposeId(purpose), Named { rank: consent * 7 % 60, birth: Birth(consent) })
            },
        )
    }

    /// What each way to ask gives, by reading everything.
    fn check(channel: &Channel, tick: i64) {
        let all: Vec<Given> = channel.given.iter().collect();
        for purpose in (0..PURPOSES).map(PurposeId) {
            let of = || all.iter().copied().filter(|given| given.purpose == purpose);
            assert_eq!(channel.say(purpose, tick), say(of, channel.lifts, tick));
            assert_eq!(channel.purposes(tick) >> purpose.0 & 1 == 1, of().next().is_some());
            for consent in (0..60).map(Birth) {
                let mut ends = of().filter(|given| given.consent.birth == consent && given.state.prohibits());
                // Of one consent there is one at a time; here there may be more.
                let found = channel.end_of(consent, purpose, tick);
                assert!(if found.is_some() { ends.any(|end| Some(end) == found) } else { ends.next().is_none() });
            }
            for (order, at) in (0..12).flat_map(|order| (0..TIMES).map(move |at| (order, at))) {
                let Some(end) = all.first().map(|end| Given { purpose, order, at, ..*end }) else { continue };
                let is_after = |given: Given| has_begun(&given, tick) && given.order > order && given.at > at;
                assert_eq!(channel.lifts(&end, tick), channel.lifts && of().any(is_after));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_many_come_to_is_what_each_says(
            lifts: bool,
            come in proptest::collection::vec(given(), 0..50),
            ticks in proptest::collection::vec(0..3i64, 50),
            gone in proptest::collection::vec(0..50usize, 0..30),
        ) {
            let mut channel = Channel::default();
            let mut tick = -1;
            for (given, more) in come.iter().zip(ticks) {
                channel.give(*given, true, lifts);
                tick += i64::from(more == 2);
                check(&channel, tick);
            }
            for place in gone {
                let Some(given) = come.get(place) else { continue };
                channel.give(*given, false, lifts);
                check(&channel, tick);
            }
            for tick in tick..TIMES + 3 {
                check(&channel, tick);
            }
        }

        #[test]
        fn nothing_changes_before_it_is_said_to(lifts: bool, come in proptest::collection::vec(given(), 1..12)) {
            let mut channel = Channel::default();
            come.iter().for_each(|given| channel.give(*given, true, lifts));
            for (purpose, tick) in (0..PURPOSES).map(PurposeId).flat_map(|of| (-1..TIMES + 2).map(move |tick| (of, tick))) {
                let said = channel.say(purpose, tick);
                let later = channel.say(purpose, tick + 1);
                prop_assert!(said == later || said.next == Some(tick + 1), "{said:?} {later:?}");
            }
        }
    }

    #[test]
    fn many_consents_are_read_once_whoever_asks() {
        const MANY: u64 = 10_000;
        let mut channel = Channel::default();
        for n in 0..MANY {
            let (order, consent) = (n, Named { rank: n, birth: Birth(n) });
            let state = if n % 2 == 0 { ConsentState::Withdrawn } else { ConsentState::Given };
            let at = i64::try_from(n).unwrap();
            let (purpose, from, until, explicit, parental) = (PurposeId(0), at, i64::MAX, false, false);
            channel.give(Given { purpose, order, at, from, until, state, explicit, parental, consent }, true, true);
        }
        ITEMS_READ.set(0);
        for tick in (0..1_000).map(|second| i64::try_from(MANY).unwrap() + second) {
            assert!(channel.say(PurposeId(0), tick).granted.is_some());
            let end = channel.end_of(Birth(4), PurposeId(0), tick).unwrap();
            assert!(channel.lifts(&end, tick));
            assert_eq!(channel.purposes(tick), 1);
        }
        assert_eq!(ITEMS_READ.get(), usize::try_from(MANY).unwrap());
    }
}
