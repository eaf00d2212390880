//! What a decision rests on, packed into a number: the circumstances of a value and of the person it is about.
//!
//! A context and a purpose and a category are one cell of the decision space, which is finite: every cell can be decided,
//! compared and proved about. INVARIANT: a context holds no personal data and no clock: time enters it as the end of
//! something (a consent that has expired, a value that is no longer retained).

use serde::{Deserialize, Serialize};

/// The state of a consent, as in the W3C Data Privacy Vocabulary 2.3 (`dpv:ConsentStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ConsentState {
    /// Nothing is known.
    #[default]
    Unknown = 0,
    /// It was asked for.
    Requested = 1,
    /// The answer was put off.
    RequestDeferred = 2,
    /// The person said no.
    Refused = 3,
    /// The person said yes.
    Given = 4,
    /// The person said yes again.
    Renewed = 5,
    /// The person took it back.
    Withdrawn = 6,
    /// Somebody else than the person ended it.
    Revoked = 7,
    /// It never was, or no longer is, a valid one.
    Invalidated = 8,
    /// Its time is over.
    Expired = 9,
    /// The person objected to the processing (Art. 21 GDPR); DPV has it beside the states of consent.
    Objected = 10,
}

impl ConsentState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Unknown,
        Self::Requested,
        Self::RequestDeferred,
        Self::Refused,
        Self::Given,
        Self::Renewed,
        Self::Withdrawn,
        Self::Revoked,
        Self::Invalidated,
        Self::Expired,
        Self::Objected,
    ];

    /// The state of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether it permits: only these two do, all others do not.
    pub fn is_valid(self) -> bool {
        matches!(self, Self::Given | Self::Renewed)
    }

    /// Whether it prohibits, for everybody whom the person turns out to be: the person ended it, or objects.
    pub fn prohibits(self) -> bool {
        matches!(self, Self::Withdrawn | Self::Objected)
    }
}

/// How old a person is, as far as laws ask (Art. 8 GDPR, Cal. Civ. Code 1798.120(c)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum AgeBand {
    /// Under 13, and whoever's age is not known.
    #[default]
    Under13 = 0,
    /// 13 to 15.
    From13To15 = 1,
    /// 16 and 17.
    From16To17 = 2,
    /// 18 or more.
    Adult = 3,
}

impl AgeBand {
    /// All of them, youngest first.
    pub const ALL: [Self; 4] = [Self::Under13, Self::From13To15, Self::From16To17, Self::Adult];
}

/// Which law governs a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Regime {
    /// Not known: the strictest holds.
    #[default]
    Unknown = 0,
    /// European Union and European Economic Area.
    Eu = 1,
    /// United Kingdom.
    Uk = 2,
    /// California.
    UsCalifornia = 3,
    /// Anywhere else.
    Other = 4,
}

impl Regime {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Eu, Self::Uk, Self::UsCalifornia, Self::Other];
}

/// The circumstances of a decision.
///
/// ```text
/// bits 0-3 consent | 4-5 age | 6-8 regime | 9 explicit | 10 parental | 11 withdrawn | 12 objected | 13 restricted
///    | 14 gpc | 15 retained
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Context(u16);

/// The circumstances of a decision, one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Circumstances {
    /// State of the consent that reaches the value's record, for the purpose.
    pub consent: ConsentState,
    /// How old the person is.
    pub age: AgeBand,
    /// Which law governs.
    pub regime: Regime,
    /// Whether the consent is explicit (Art. 9(2)(a) GDPR).
    pub explicit: bool,
    /// Whether who holds parental responsibility gave it.
    pub parental: bool,
    /// Whether the person withdrew consent for the purpose, on any of the merged records.
    pub withdrawn: bool,
    /// Whether the person objected to the purpose, on any of the merged records.
    pub objected: bool,
    /// Whether processing of the person's data is restricted (Art. 18 GDPR).
    pub restricted: bool,
    /// Whether the person sent a Global Privacy Control signal.
    pub gpc: bool,
    /// Whether the value is within its retention period for the purpose.
    pub retained: bool,
}

impl Context {
    /// All numbers of contexts are below this.
    pub const COUNT: usize = 1 << 16;

    /// Packs circumstances.
    pub fn new(of: Circumstances) -> Self {
        let flags = [of.explicit, of.parental, of.withdrawn, of.objected, of.restricted, of.gpc, of.retained];
        let flags = (9..).zip(flags).fold(0, |bits, (place, flag)| bits | u16::from(flag) << place);
        Self(of.consent as u16 | (of.age as u16) << 4 | (of.regime as u16) << 6 | flags)
    }

    /// The context of this number; `None` when there is none.
    pub fn from_number(number: u16) -> Option<Self> {
        let consent = ConsentState::from_number(u8::try_from(number & 0xf).ok()?);
        let regime = Regime::ALL.get(usize::from(number >> 6 & 7));
        (consent.is_some() && regime.is_some()).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// What it is made of.
    pub fn circumstances(self) -> Circumstances {
        let flag = |place: u16| self.0 >> place & 1 == 1;
        // INVARIANT: what was packed unpacks; the defaults are never taken.
        let consent = ConsentState::from_number(u8::try_from(self.0 & 0xf).unwrap_or_default());
        Circumstances {
            consent: consent.unwrap_or_default(),
            age: AgeBand::ALL[usize::from(self.0 >> 4 & 3)],
            regime: Regime::ALL.get(usize::from(self.0 >> 6 & 7)).copied().unwrap_or_default(),
            explicit: flag(9),
            parental: flag(10),
            withdrawn: flag(11),
            objected: flag(12),
            restricted: flag(13),
            gpc: flag(14),
            retained: flag(15),
        }
    }

    /// Every context that there is, in ascending order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u16::MAX).filter_map(Self::from_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks() {
        for context in Context::all() {
            assert_eq!(Context::new(context.circumstances()), context);
        }
        assert_eq!(Context::all().count(), 11 * 4 * 5 * 128);
    }
}
