//! Guards (design stage 2): whether an identifier may link, judged by who carries it.
//!
//! Rule:   quarantined(i) :- more than `records_max` carriers, or more than `names_max` given names among them.
//!         weak(i) :- not quarantined, two given names or more, or the bundle calls the value weak.
//!         ordinary(i) :- neither, or a steward allowed it.
//! It keeps nothing: a standing is a function of the carriers alone, so that it comes and goes with their count.
//! Beyond `records_max` carriers nobody is looked at.

use super::sorted::SortedSet;
use crate::model::{KindId, NameMark, Named};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What guards need of a kind of identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// A value on more live records than this is quarantined.
    pub records_max: u32,
    /// A value whose carriers have more given names than this is quarantined; 0: names do not matter.
    pub names_max: u32,
}

/// A record that carries an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Carrier {
    /// The record.
    pub named: Named,
    /// Its given name.
    pub given: NameMark,
}

/// The carriers of an identifier.
pub type Carriers = SortedSet<[Carrier; 2]>;

/// The carriers of one given name, and the one of them that the others are linked to.
type Group = (NameMark, Carrier);

/// What an identifier may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It links nobody.
    Quarantined,
    /// It links carriers of one given name, which are in ascending order.
    Weak(SmallVec<[Group; 4]>),
    /// It links all carriers to this one; there is none where nobody carries it.
    Ordinary(Option<Carrier>),
}

impl Standing {
    /// The standing of an identifier; `weak` when the bundle calls it so, `allowed` when a steward overruled the guards.
    pub fn new(carriers: &Carriers, guard: Guard, weak: bool, allowed: bool) -> Self {
        if allowed {
            return Self::Ordinary(carriers.first());
        }
        if !u32::try_from(carriers.count()).is_ok_and(|count| count <= guard.records_max) {
            return Self::Quarantined;
        }
        if guard.names_max == 0 && !weak {
            return Self::Ordinary(carriers.first());
        }
        let groups = groups(carriers);
        match u32::try_from(groups.len()) {
            Ok(0 | 1) if !weak => Self::Ordinary(carriers.first()),
            Ok(names) if guard.names_max == 0 || names <= guard.names_max => Self::Weak(groups),
            _ => Self::Quarantined,
        }
    }

    /// The carrier that this one is linked to, if there is another.
    pub fn hub_of(&self, carrier: Carrier) -> Option<Carrier> {
        let hub = match self {
            Self::Quarantined => None,
            Self::Ordinary(hub) => *hub,
            Self::Weak(groups) => group_of(carrier.given, groups).map(|(_, hub)| *hub),
        };
        hub.filter(|hub| *hub != carrier)
    }

    /// Whether it says of all its carriers that they are one person.
    pub fn is_ordinary(&self) -> bool {
        matches!(self, Self::Ordinary(_))
    }

    /// Whether consents that are given on it reach its carriers.
    pub fn reaches(&self) -> bool {
        !matches!(self, Self::Quarantined | Self::Ordinary(None))
    }
}

/// The given names among the carriers, in ascending order, each with its first carrier.
fn groups(carriers: &Carriers) -> SmallVec<[Group; 4]> {
    let mut groups: SmallVec<[Group; 4]> = SmallVec::new();
    let mut initials: SmallVec<[Group; 4]> = SmallVec::new();
    for carrier in carriers.iter().filter(|carrier| carrier.given != NameMark::NONE) {
        let names = if carrier.given.is_initial() { &mut initials } else { &mut groups };
        if let Err(place) = names.binary_search_by_key(&carrier.given, |(given, _)| *given) {
            names.insert(place, (carrier.given, carrier));
        }
    }
    for (initial, carrier) in initials {
        let same = |(given, _): &&mut Group| given.initial() == initial;
        let mut fitting = groups.iter_mut().filter(same);
        match (fitting.next(), fitting.next()) {
            // An initial that fits one name stands for it.
            (Some((_, hub)), None) => *hub = carrier.min(*hub),
            (None, _) => {
                let place = groups.partition_point(|(given, _)| *given < initial);
                groups.insert(place, (initial, carrier));
            }
            // One that fits several says too little.
            (Some(_), Some(_)) => {}
        }
    }
    groups
}

/// The group that a given name belongs to.
fn group_of(given: NameMark, groups: &[Group]) -> Option<&Group> {
    if !given.is_initial() {
        return groups.binary_search_by_key(&given, |(name, _)| *name).ok().and_then(|place| groups.get(place));
    }
    let mut fitting = groups.iter().filter(|(name, _)| name.initial() == given);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// By kind of identifier; a kind that is not known links nobody.
pub fn guard(guards: &[Guard], kind: KindId) -> Guard {
    guards.get(usize::from(kind.0)).copied().unwrap_or(Guard { records_max: 0, names_max: 0 })
}
