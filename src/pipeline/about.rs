//! What a record says of the person, as far as decisions ask: how old they are, which law governs, whether a signal came.
//!
//! The age is that of the day on which the record was received: who was a child then stays one until the record comes
//! again. It errs on the side of the child, and no date of birth has to be kept outside the ledger.
//!
//! INVARIANT: a function of the record's standardised values and of when it was received.

use crate::model::{About, AgeBand, AttributeId, Regime, Schema};

/// Member states of the European Union and the other states of the European Economic Area, ISO 3166-1.
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// The attributes that decisions ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    born: Option<AttributeId>,
    age: Option<AttributeId>,
    jurisdiction: Option<AttributeId>,
    country: Option<AttributeId>,
    state: Option<AttributeId>,
    gpc: Option<AttributeId>,
}

/// What a record has of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found<'v> {
    born: Option<&'v str>,
    age: Option<&'v str>,
    jurisdiction: Option<&'v str>,
    country: Option<&'v str>,
    state: Option<&'v str>,
    gpc: bool,
}

impl Asked {
    /// Those of a schema.
    pub fn new(schema: &Schema) -> Self {
        Self {
            born: schema.attribute("date_of_birth"),
            age: schema.attribute("age_band"),
            jurisdiction: schema.attribute("jurisdiction"),
            country: schema.attribute("country"),
            state: schema.attribute("state"),
            gpc: schema.attribute("gpc"),
        }
    }

    /// Takes one value.
    pub fn take<'v>(&self, found: &mut Found<'v>, attribute: AttributeId, text: &'v str) {
        let places = [
            (self.born, &mut found.born),
            (self.age, &mut found.age),
            (self.jurisdiction, &mut found.jurisdiction),
            (self.country, &mut found.country),
            (self.state, &mut found.state),
        ];
        for (asked, place) in places {
            if asked == Some(attribute) && place.is_none() {
                *place = Some(text);
            }
        }
        found.gpc |= self.gpc == Some(attribute) && text == "true";
    }
}

impl Found<'_> {
    /// What it comes to on this day.
    pub fn about(&self, received_s: u32) -> About {
        let bands = [self.age.and_then(band), self.born.and_then(|born| band_of(born, received_s))];
        let regime = self.jurisdiction.and_then(regime).or_else(|| regime_of(self.country?, self.state));
        About::new(bands.into_iter().flatten().min(), regime.unwrap_or_default(), self.gpc)
    }
}

/// The band that a word means; a word that nobody knows says nothing.
fn band(word: &str) -> Option<AgeBand> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "under_13" | "child" => AgeBand::Under13,
        "13_to_15" => AgeBand::From13To15,
        "16_to_17" | "teen" => AgeBand::From16To17,
        "adult" | "18_or_more" => AgeBand::Adult,
        _ => return None,
    })
}

/// The band of who was born on this day. A day to come is no date of birth.
fn band_of(born: &str, received_s: u32) -> Option<AgeBand> {
    let born: jiff::civil::Date = born.parse().ok()?;
    let received = jiff::Timestamp::from_second(received_s.into()).ok()?;
    let received = jiff::tz::Offset::UTC.to_datetime(received).date();
    let passed = (received.month(), received.day()) >= (born.month(), born.day());
    let years = i32::from(received.year()) - i32::from(born.year()) - i32::from(!passed);
    Some(match years {
        0..13 => AgeBand::Under13,
        13..16 => AgeBand::From13To15,
        16..18 => AgeBand::From16To17,
        18..130 => AgeBand::Adult,
        _ => return None,
    })
}

/// The law that a word means: a name of the law, or where it holds. What nobody knows may be the strictest.
fn regime(word: &str) -> Option<Regime> {
    let word = word.trim().to_ascii_uppercase();
    Some(match word.as_str() {
        "" => return None,
        "GDPR" | "EU" | "EEA" | "EU-GDPR" | "DSGVO" | "RGPD" => Regime::Eu,
        "UK" | "GB" | "UK-GDPR" | "UK GDPR" => Regime::Uk,
        "CCPA" | "CPRA" | "US-CA" | "CALIFORNIA" => Regime::UsCalifornia,
        "OTHER" | "NONE" => Regime::Other,
        state if EEA.contains(&state) => Regime::Eu,
        "US" => Regime::UsCalifornia,
        state if state.starts_with("US-") || (state.len() == 2 && state.bytes().all(|b| b.is_ascii_uppercase())) => {
            Regime::Other
        }
        _ => return None,
    })
}

/// The law that governs in a country; somebody in the United States of whom no more is known may live in California.
fn regime_of(country: &str, state: Option<&str>) -> Option<Regime> {
    let elsewhere =
        |state: &str| !matches!(state.trim().to_ascii_uppercase().as_str(), "" | "CA" | "US-CA" | "CALIFORNIA");
    if country == "US" && state.is_some_and(elsewhere) { Some(Regime::Other) } else { regime(country) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-01T00:00:00Z.
    const DAY: u32 = 1_772_323_200;

    #[test]
    fn bands_change_on_the_birthday() {
        for (born, expected) in [
            ("2013-03-01", Some(AgeBand::From13To15)),
            ("2013-03-02", Some(AgeBand::Under13)),
            ("2010-03-01", Some(AgeBand::From16To17)),
            ("2008-03-02", Some(AgeBand::From16To17)),
            ("2008-03-01", Some(AgeBand::Adult)),
            // Who was born on a leap day is a year older on the first of March.
            ("2008-02-29", Some(AgeBand::Adult)),
            ("2026-03-02", None),
            ("1890-01-01", None),
            ("soon", None),
        ] {
            assert_eq!(band_of(born, DAY), expected, "{born}");
        }
    }

    #[test]
    fn laws_are_known_by_name_and_by_place() {
        for (country, state, expected) in [
            ("DE", None, Some(Regime::Eu)),
            ("GB", None, Some(Regime::Uk)),
            ("US", None, Some(Regime::UsCalifornia)),
            ("US", Some("ca"), Some(Regime::UsCalifornia)),
            ("US", Some("New York"), Some(Regime::Other)),
            ("BR", None, Some(Regime::Other)),
        ] {
            assert_eq!(regime_of(country, state), expected, "{country} {state:?}");
        }
        assert_eq!(regime("GDPR"), Some(Regime::Eu));
        assert_eq!(regime("US-TX"), Some(Regime::Other));
        assert_eq!(regime("some law"), None);
    }
}
