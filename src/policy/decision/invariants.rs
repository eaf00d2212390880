//! What can never be allowed: `invariants.toml`, and the form that the law's own rules have, too.
//!
//! INVARIANT: an invariant speaks of at least one cell, or of a purpose that the bundle does not have yet.

use super::space::{CATEGORIES, COMBINE};
use super::words::{Circumstance, Word, circumstance_names, set_circumstance};
use crate::model::{Basis, Category, ConsentState, Context, Purpose};
use crate::policy::bundle::Known;
use crate::policy::dpv;
use crate::policy::section::{Diagnosis, Located, Section};
use crate::policy::vocabulary::{BASES, CATEGORIES as CATEGORY_WORDS, meaning, names};

/// Invariants of a bundle.
const INVARIANTS_MAX: usize = 1_000;

/// Something that is never allowed: for these purposes and categories, where one of the conditions holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// What it says, for people.
    pub name: String,
    /// Why.
    pub law: String,
    /// Whether it stands in the bundle, and is not one of those that are always checked.
    pub of_bundle: bool,
    /// The bit of each purpose that it speaks of.
    pub(super) purposes: u64,
    /// The bits of categories, and that of joining records.
    pub(super) subjects: u32,
    /// One of these has to hold.
    pub(super) when: Vec<Condition>,
}

/// Circumstances that have to hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// One of these states of consent; empty: any.
    pub(super) consent: Vec<ConsentState>,
    /// Whether the consent is valid.
    pub(super) valid: Option<bool>,
    /// Circumstances of one name: one of these words; any where there are none.
    pub(super) one_of: Vec<(Circumstance, Vec<&'static str>)>,
    /// Circumstances that hold, or do not.
    pub(super) flags: Vec<(Circumstance, bool)>,
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, context: Context) -> bool {
        let of = context.circumstances();
        // Setting what is set changes nothing.
        let is = |circumstance: Circumstance, word: Word<'_>| {
            let mut same = of;
            set_circumstance(&mut same, circumstance, word) && same == of
        };
        (self.consent.is_empty() || self.consent.contains(&of.consent))
            && self.valid.is_none_or(|valid| valid == of.consent.is_valid())
            && self.flags.iter().all(|(flag, holds)| is(*flag, Word::Flag(*holds)))
            && self
                .one_of
                .iter()
                .all(|(circumstance, words)| words.iter().any(|word| is(*circumstance, Word::Text(word))))
    }

    /// With a flag that holds or does not.
    pub(super) fn flag(mut self, name: &str, holds: bool) -> Self {
        self.flags.extend(Circumstance::named(name).map(|flag| (flag, holds)));
        self
    }

    /// With one of these words.
    pub(super) fn one_of(mut self, name: &str, words: &[&'static str]) -> Self {
        self.one_of.extend(Circumstance::named(name).map(|circumstance| (circumstance, words.to_vec())));
        self
    }

    /// With a consent that is valid, or is not.
    pub(super) fn valid(mut self, valid: bool) -> Self {
        self.valid = Some(valid);
        self
    }
}

impl Invariant {
    /// Whether it speaks of these circumstances.
    pub fn speaks_of(&self, context: Context) -> bool {
        self.when.iter().any(|condition| condition.holds(context))
    }
}

/// The bits of the purposes that are so.
pub(super) fn purposes_where(purposes: &[Purpose], is: impl Fn(&Purpose) -> bool) -> u64 {
    purposes.iter().take(64).zip(0..).filter(|(purpose, _)| is(purpose)).map(|(_, place)| 1 << place).sum()
}

/// Whether a purpose lies below a term of DPV.
pub(super) fn is_within(purpose: &Purpose, ancestor: &str) -> bool {
    dpv::is_within(purpose.dpv.strip_prefix("dpv:").unwrap_or(&purpose.dpv), ancestor)
}

/// Reads `invariants.toml`.
pub(in crate::policy) fn read(part: &Section<'_>, known: &Known, out: &mut Diagnosis) -> Vec<Invariant> {
    part.only(&["never"], out);
    let sections = part.sections("never", "an invariant", out);
    if let Some(section) = sections.get(INVARIANTS_MAX) {
        let message = format!("{} invariants are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {INVARIANTS_MAX}"));
    }
    sections.iter().take(INVARIANTS_MAX).filter_map(|section| invariant(section, known, out)).collect()
}

fn invariant(section: &Section<'_>, known: &Known, out: &mut Diagnosis) -> Option<Invariant> {
    section.only(&["name", "law", "purpose", "purpose_in", "basis", "category", "special", "when"], out);
    let name = section.need_text("name", "\"no marketing to children\"", out);
    let law = section.need_text("law", "\"Art. 5(1)(c) GDPR\"", out);
    let purposes = purposes(section, known, out);
    let subjects = subjects(section, out);
    let when = match section.section("when", "`when`", out) {
        Some(when) => condition(&when, out),
        None => Condition::default(),
    };
    let (name, law) = (name?.value.to_owned(), law?.value.to_owned());
    Some(Invariant { name, law, of_bundle: true, purposes, subjects, when: vec![when] })
}

fn purposes(section: &Section<'_>, known: &Known, out: &mut Diagnosis) -> u64 {
    let all = &known.schema.purposes;
    let named = section.distinct_texts("purpose", "[\"marketing\"]", out);
    for found in named.iter().filter(|found| known.purposes && known.schema.purpose(found.value).is_none()) {
        let names = all.iter().map(|purpose| purpose.name.as_str());
        out.unknown(&found.place, "purpose", found.value, names, "or declare it in `purposes.toml`");
    }
    let terms = section.distinct_texts("purpose_in", "[\"dpv:Marketing\"]", out);
    for found in &terms {
        if !found.value.strip_prefix("dpv:").is_some_and(|term| dpv::purposes().any(|known| known == term)) {
            let terms: Vec<String> = dpv::purposes().map(|term| format!("dpv:{term}")).collect();
            out.unknown(&found.place, "DPV purpose", found.value, terms.iter().map(String::as_str), "");
        }
    }
    let bases: Vec<Basis> = read_words(
        &section.distinct_texts("basis", "[\"consent\"]", out),
        "basis",
        |word| meaning(BASES, word),
        || names(BASES).collect(),
        out,
    );
    purposes_where(all, |purpose| {
        let is_named = named.iter().any(|found| found.value == purpose.name);
        let is_below =
            terms.iter().any(|found| is_within(purpose, found.value.strip_prefix("dpv:").unwrap_or(found.value)));
        let anyone = named.is_empty() && terms.is_empty();
        (anyone || is_named || is_below) && (bases.is_empty() || bases.contains(&purpose.basis))
    })
}

fn subjects(section: &Section<'_>, out: &mut Diagnosis) -> u32 {
    let reported = out.count();
    let found = section.distinct_texts("category", "[\"health\"]", out);
    let listed: Vec<Category> =
        read_words(&found, "category", |word| meaning(CATEGORY_WORDS, word), || names(CATEGORY_WORDS).collect(), out);
    let bits = |is: &dyn Fn(&Category) -> bool| {
        Category::ALL.iter().filter(|category| is(category)).map(|category| category.bit()).fold(0, |a, b| a | b)
    };
    let special = section.flag("special", out);
    let subjects = match (special, section.has("category")) {
        (Some(special), false) => bits(&|category| category.is_special() == special),
        (special, true) => bits(&|category| {
            listed.contains(category) && special.is_none_or(|special| category.is_special() == special)
        }),
        (None, false) => CATEGORIES | COMBINE,
    };
    if subjects == 0 && out.count() == reported {
        let place = section.place_of("category");
        if listed.is_empty() {
            let help = "name one at least, or leave `category` out: then it speaks of everything, joining included";
            out.report(&place, "`category` is empty, so the invariant speaks of nothing".to_owned(), help);
        } else {
            let which = if special == Some(true) { "a special one" } else { "other than special" };
            let message = format!("no category that is named is {which}, so the invariant speaks of nothing");
            out.report(&place, message, "leave `special` out, or name categories that it fits");
        }
    }
    subjects
}

/// The meanings of words; those that are not known are reported.
fn read_words<'k, T>(
    found: &[Located<'_, &str>],
    what: &str,
    meaning: impl Fn(&str) -> Option<T>,
    known: impl Fn() -> Vec<&'k str>,
    out: &mut Diagnosis,
) -> Vec<T> {
    let mut meanings = Vec::new();
    for word in found {
        match meaning(word.value) {
            Some(meaning) => meanings.push(meaning),
            None => out.unknown(&word.place, what, word.value, known(), ""),
        }
    }
    meanings
}

fn condition(when: &Section<'_>, out: &mut Diagnosis) -> Condition {
    let mut keys = circumstance_names();
    keys.push("valid");
    when.only(&keys, out);
    let reported = out.count();
    let mut condition = Condition { valid: when.flag("valid", out), ..Condition::default() };
    for (name, circumstance) in Circumstance::all() {
        match circumstance {
            Circumstance::Flag(_) => {
                condition.flags.extend(when.flag(name, out).map(|holds| (circumstance, holds)));
            }
            Circumstance::Consent => {
                let found = when.distinct_texts(name, "[\"withdrawn\"]", out);
                condition.consent = read_words(&found, name, super::words::consent_state, || circumstance.words(), out);
            }
            Circumstance::Age | Circumstance::Regime => {
                let found = when.distinct_texts(name, "[\"unknown\"]", out);
                let word = |word: &str| circumstance.words().into_iter().find(|known| *known == word);
                let words = read_words(&found, name, word, || circumstance.words(), out);
                if !words.is_empty() {
                    condition.one_of.push((circumstance, words));
                }
            }
        }
    }
    // Consent and `valid` are the only two that can exclude each other: all else is independent.
    if let Some(valid) = condition.valid
        && !condition.consent.is_empty()
        && condition.consent.iter().all(|state| state.is_valid() != valid)
        && out.count() == reported
    {
        let which = if valid { "valid" } else { "other than valid" };
        let message = format!("no consent that is named is {which}, so the invariant speaks of nothing");
        out.report(&when.place_of("consent"), message, "leave `valid` out, or name consents that it fits");
    }
    condition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgeBand, Circumstances};

    #[test]
    fn conditions_hold_where_all_of_them_do() {
        let condition = Condition::default().valid(true).flag("gpc", true).one_of("age", &["13_to_15", "adult"]);
        let good = Circumstances { consent: ConsentState::Given, gpc: true, age: AgeBand::Adult, ..Default::default() };
        assert!(condition.holds(Context::new(good)));
        for bad in [
            Circumstances { consent: ConsentState::Refused, ..good },
            Circumstances { gpc: false, ..good },
            Circumstances { age: AgeBand::Under13, ..good },
        ] {
            assert!(!condition.holds(Context::new(bad)));
        }
        assert!(Condition::default().holds(Context::new(good)));
    }
}
