//! Circumstances in words: how cases and commands name them, and how people read them.
//!
//! INVARIANT: what is not known is taken for the strictest: no consent, a child, a law that nobody knows.

use crate::model::{AgeBand, Circumstances, ConsentState, Context, Regime};
use crate::policy::vocabulary::{AGES, CONSENTS, FLAGS, REGIMES, meaning, name_of};

/// A circumstance that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstance {
    /// `consent`.
    Consent,
    /// `age`.
    Age,
    /// `regime`.
    Regime,
    /// `explicit`, `parental` and the others that hold or do not, by their place among them.
    Flag(usize),
}

/// What a circumstance is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'w> {
    /// A state, an age band, a regime.
    Text(&'w str),
    /// Holds or does not.
    Flag(bool),
}

impl Circumstance {
    /// All of them, with their names.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        let first = [("consent", Self::Consent), ("age", Self::Age), ("regime", Self::Regime)];
        first.into_iter().chain(FLAGS.into_iter().enumerate().map(|(place, name)| (name, Self::Flag(place))))
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|(known, _)| *known == name).map(|(_, circumstance)| circumstance)
    }

    /// The words that it can be set to; none where it holds or does not.
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Consent => consent_states().map(|(word, _)| word).collect(),
            Self::Age => ages().map(|(word, _)| word).collect(),
            Self::Regime => regimes().map(|(word, _)| word).collect(),
            Self::Flag(_) => Vec::new(),
        }
    }
}

/// The states of a consent, by the words of cases.
pub fn consent_states() -> impl Iterator<Item = (&'static str, ConsentState)> {
    CONSENTS.iter().map(|(word, _, state)| (*word, *state))
}

/// The age bands, by their words.
pub fn ages() -> impl Iterator<Item = (&'static str, AgeBand)> {
    AGES.iter().copied()
}

/// The regimes, by their words.
pub fn regimes() -> impl Iterator<Item = (&'static str, Regime)> {
    REGIMES.iter().copied()
}

/// The state of this word or DPV term.
pub(super) fn consent_state(word: &str) -> Option<ConsentState> {
    let word = word.strip_prefix("dpv:").unwrap_or(word);
    CONSENTS.iter().find(|(short, term, _)| word == *short || word == *term).map(|(_, _, state)| *state)
}

/// Nothing is known, but that the value is within its retention period.
pub(super) fn nothing_known() -> Circumstances {
    Circumstances { retained: true, ..Circumstances::default() }
}

/// Sets a circumstance; `false` when there is no such word. A consent that is withdrawn, or against which somebody objected,
/// is so for the person, too.
pub fn set_circumstance(of: &mut Circumstances, circumstance: Circumstance, word: Word<'_>) -> bool {
    match (circumstance, word) {
        (Circumstance::Consent, Word::Text(text)) => {
            let Some(state) = consent_state(text) else { return false };
            of.consent = state;
            of.withdrawn |= state == ConsentState::Withdrawn;
            of.objected |= state == ConsentState::Objected;
        }
        (Circumstance::Age, Word::Text(text)) => match meaning(AGES, text) {
            Some(age) => of.age = age,
            None => return false,
        },
        (Circumstance::Regime, Word::Text(text)) => match meaning(REGIMES, text) {
            Some(regime) => of.regime = regime,
            None => return false,
        },
        (Circumstance::Flag(place), Word::Flag(value)) => {
            let flags = [
                &mut of.explicit,
                &mut of.parental,
                &mut of.withdrawn,
                &mut of.objected,
                &mut of.restricted,
                &mut of.gpc,
                &mut of.retained,
            ];
            match flags.into_iter().nth(place) {
                Some(flag) => *flag = value,
                None => return false,
            }
        }
        _ => return false,
    }
    true
}

/// Every circumstance of a context in words, such as `consent given, adult, law of eu, not explicit, …`.
pub fn describe(context: Context) -> String {
    let of = context.circumstances();
    let consent = CONSENTS.iter().find(|(_, _, state)| *state == of.consent).map_or("", |(word, _, _)| *word);
    let age = match of.age {
        AgeBand::Under13 => "under 13 or of unknown age".to_owned(),
        age => name_of(AGES, &age).replace('_', " "),
    };
    let regime = match of.regime {
        Regime::Unknown => "law unknown".to_owned(),
        Regime::Other => "another law".to_owned(),
        regime => format!("law of {}", name_of(REGIMES, &regime)),
    };
    let flag = |holds: bool, yes: &str, no: &str| (if holds { yes } else { no }).to_owned();
    [
        format!("consent {consent}"),
        flag(of.explicit, "explicit", "not explicit"),
        flag(of.parental, "by a parent", "not by a parent"),
        age,
        regime,
        flag(of.withdrawn, "withdrawn", "not withdrawn"),
        flag(of.objected, "objected", "not objected"),
        flag(of.restricted, "restricted", "not restricted"),
        flag(of.gpc, "with Global Privacy Control", "no Global Privacy Control"),
        flag(of.retained, "within retention", "kept too long"),
    ]
    .join(", ")
}

/// How unusual circumstances are: of several cells the plainest is the best example.
pub(super) fn oddness(context: Context) -> u32 {
    let of = context.circumstances();
    let flags = [of.withdrawn, of.objected, of.restricted, of.gpc, !of.retained, of.explicit, of.parental];
    let odd = u32::try_from(flags.into_iter().filter(|flag| *flag).count()).unwrap_or(0) * 8;
    let consent = if matches!(of.consent, ConsentState::Given | ConsentState::Unknown) { 0 } else { 4 };
    let age = if of.age == AgeBand::Adult { 0 } else { 2 };
    odd + consent + age + u32::from(of.regime != Regime::Eu)
}

/// The names of the flags, for those who list circumstances.
pub(super) fn circumstance_names() -> Vec<&'static str> {
    ["consent", "age", "regime"].into_iter().chain(FLAGS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_can_be_set() {
        for (name, circumstance) in Circumstance::all() {
            assert_eq!(Circumstance::named(name), Some(circumstance));
            let mut of = nothing_known();
            for word in circumstance.words() {
                assert!(set_circumstance(&mut of, circumstance, Word::Text(word)), "{word}");
                assert!(!set_circumstance(&mut of, circumstance, Word::Flag(true)));
            }
            if let Circumstance::Flag(_) = circumstance {
                assert!(set_circumstance(&mut of, circumstance, Word::Flag(true)));
            }
        }
        assert_eq!(consent_state("dpv:RenewedConsentGiven"), Some(ConsentState::Renewed));
    }

    #[test]
    fn a_withdrawn_consent_is_withdrawn_by_the_person() {
        let mut of = nothing_known();
        assert!(set_circumstance(&mut of, Circumstance::Consent, Word::Text("withdrawn")));
        assert!(of.withdrawn && !of.objected);
    }
}
