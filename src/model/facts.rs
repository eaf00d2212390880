//! What of a record the dataflow needs: integers only, no personal data.

use super::{
    AgeBand, AttributeId, Birth, ConsentState, Context, IdentifierHash, KindId, NameHash, PurposeId, Regime, SourceId,
    ValueHash,
};
use serde::{Deserialize, Serialize};

/// The facts of a live record of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it lives.
    pub source: SourceId,
    /// Event time in microseconds; `i64::MIN` when the source says none.
    pub at: i64,
    /// Since when it is kept, microseconds: event time, or when it was received; retention counts from here.
    pub since: i64,
    /// What it says of the person that decisions ask for.
    pub about: About,
    /// What guards know of the given name.
    pub given: NameMark,
    /// Sorted, without duplicates.
    pub identifiers: Vec<(KindId, IdentifierHash)>,
    /// Sorted by attribute, one value each; [`ValueHash::NONE`] where a steward took it away.
    pub values: Vec<(AttributeId, ValueHash)>,
    /// The attributes that a steward rectified; sorted.
    pub rectified: Vec<AttributeId>,
}

/// What guards compare of a given name: in the upper 8 bits a keyed hash of its initial, in the lower 24 one of its
/// sound. No sound: only the initial is known; zero: no name is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameMark(pub u32);

impl NameMark {
    /// Nothing is known.
    pub const NONE: Self = Self(0);

    /// A mark of hashes of the initial and, where more than that is known, of the sound.
    pub fn new(initial: u64, sound: Option<u64>) -> Self {
        let part = |hash: u64, count: u32| u32::try_from(hash % u64::from(count)).unwrap_or(0) + 1;
        Self(part(initial, 0xff) << 24 | sound.map_or(0, |sound| part(sound, 0xff_ffff)))
    }

    /// Whether nothing but the initial is known.
    pub fn is_initial(self) -> bool {
        self != Self::NONE && self.0 & 0xff_ffff == 0
    }

    /// What is known of it when only the initial is.
    pub fn initial(self) -> Self {
        Self(self.0 & 0xff00_0000)
    }
}

/// What a record says of the person that it is about, as far as decisions ask, in a byte.
///
/// ```text
/// bits 0-2 age band + 1, or 0 when not known | 3-5 regime | 6 Global Privacy Control
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct About(u8);

impl About {
    /// What is known.
    pub fn new(age: Option<AgeBand>, regime: Regime, gpc: bool) -> Self {
        Self(age.map_or(0, |age| age as u8 + 1) | (regime as u8) << 3 | u8::from(gpc) << 6)
    }

    /// What this number says; `None` when it says nothing.
    pub fn from_number(number: u8) -> Option<Self> {
        let known = number & 7 <= 4 && usize::from(number >> 3 & 7) < Regime::ALL.len() && number < 0x80;
        known.then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// How old the person is; `None`: not known.
    pub fn age(self) -> Option<AgeBand> {
        usize::from(self.0 & 7).checked_sub(1).and_then(|place| AgeBand::ALL.get(place).copied())
    }

    /// Which law governs.
    pub fn regime(self) -> Regime {
        Regime::ALL.get(usize::from(self.0 >> 3 & 7)).copied().unwrap_or_default()
    }

    /// Whether a Global Privacy Control signal came with it.
    pub fn gpc(self) -> bool {
        self.0 & 0x40 != 0
    }
}

/// The facts of a live consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentFacts {
    /// The identifiers it was given on; sorted, without duplicates.
    pub identifiers: Vec<(KindId, IdentifierHash)>,
    /// What for; sorted, without duplicates. None: nothing that the bundle in force has, and it says nothing.
    pub purposes: Vec<PurposeId>,
    /// What state it is in.
    pub state: ConsentState,
    /// Whether it is explicit.
    pub explicit: bool,
    /// Whether who holds parental responsibility gave it.
    pub parental: bool,
    /// When it was given or ended, as the sender says, microseconds.
    pub at: i64,
    /// When that was received, microseconds: a consent acts from the later of the two, its end acts at once.
    pub received: i64,
    /// Its place among all that was received: of two events on one identifier the later decides.
    pub order: u64,
    /// When it ends, microseconds; `i64::MAX` when it does not.
    pub until: i64,
}

/// Evidence that two records are one person: both carry the same identifier, or they were scored as a match, or a
/// steward says so. `a` is the one of the smaller rank; of an identifier, the carrier that others are linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// The chosen carrier.
    pub a: Birth,
    /// Another carrier.
    pub b: Birth,
    /// The kind of identifier they share, or [`KindId::SCORED`] or [`KindId::STEWARD`].
    pub kind: KindId,
    /// The identifier they share; of a scored match its weight ([`Link::weight`]), of a steward's decision zero.
    pub identifier: IdentifierHash,
}

impl Link {
    /// Two records that were scored as a match, with the weight in thousandths of a bit.
    pub fn scored(one: Named, other: Named, weight: i32) -> Self {
        Self::between(one, other, KindId::SCORED, IdentifierHash(u128::from(weight.cast_unsigned())))
    }

    /// Two records that a steward says are one person.
    pub fn steward(one: Named, other: Named) -> Self {
        Self::between(one, other, KindId::STEWARD, IdentifierHash(0))
    }

    fn between(one: Named, other: Named, kind: KindId, identifier: IdentifierHash) -> Self {
        let (a, b) = if one < other { (one, other) } else { (other, one) };
        Self { a: a.birth, b: b.birth, kind, identifier }
    }

    /// The weight of a scored match in thousandths of a bit; none of any other link.
    pub fn weight(&self) -> Option<i32> {
        let bits = u32::try_from(self.identifier.0).ok().filter(|_| self.kind == KindId::SCORED);
        bits.map(u32::cast_signed)
    }
}

/// Why a link does not join its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Obstacle {
    /// A steward decided that two of the records it would join are different persons.
    Different,
    /// They have different values of an identifier of which a person has one.
    Unique(KindId),
    /// Both have a record of a source that has one record a person.
    Source(SourceId),
    /// The profile would be larger than the bundle allows.
    Size,
    /// Nothing but too little scored evidence joins two groups.
    Bridge,
    /// The weight lies between the thresholds of review and of acceptance.
    Uncertain,
    /// The records of one of the persons may not be combined.
    Combining,
}

/// A record whose value an attribute of a profile has, for some purposes or as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Winner {
    /// Of which attribute.
    pub attribute: AttributeId,
    /// The winning record.
    pub record: Birth,
    /// Its value.
    pub value: ValueHash,
    /// Bit *p*: it wins among the values that may be used for purpose *p*. [`Winner::PLAIN`]: it wins among all.
    pub uses: u64,
}

impl Winner {
    /// The use without a purpose: what the profile says, whatever may be done with it.
    pub const PLAIN: u64 = 1 << 63;

    /// Whether it is the value of its attribute for this purpose, or as such.
    pub fn is_for(&self, purpose: Option<PurposeId>) -> bool {
        let use_of = purpose.map_or(Self::PLAIN, |purpose| 1u64.checked_shl(purpose.0.into()).unwrap_or(0));
        self.uses & use_of != 0
    }
}

/// What may be done with a profile for one purpose, and on what that rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// For what.
    pub purpose: PurposeId,
    /// Bit *c*: values of category *c* of some record may be used. None: the purpose is denied.
    pub categories: u32,
    /// The circumstances under which most may be used.
    pub context: Context,
    /// Until when it holds at least, microseconds, exclusive: then it is decided anew. `i64::MAX`: for good.
    pub until: i64,
    /// The consent, or the end of one, that these rest on.
    pub consent: Option<Birth>,
}

impl Permission {
    /// Whether anything may be used, until [`until`](Self::until).
    pub fn is_allowed(&self) -> bool {
        self.categories != 0
    }
}

/// How a record takes part in ties and in the question which is the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The upper half of the record's [`NameHash`]: the smaller wins a tie.
    pub rank: u64,
    /// The smaller is the older.
    pub birth: Birth,
}

impl Named {
    /// The record of this name and birth.
    pub fn new(name: NameHash, birth: Birth) -> Self {
        Self { rank: u64::try_from(name.0 >> 64).unwrap_or(u64::MAX), birth }
    }
}
