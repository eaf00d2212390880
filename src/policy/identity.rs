//! `identity.toml` and `survivorship.toml`: what links records, and which of several values wins.
//!
//! INVARIANT: there is one rule of survivorship for each attribute, and a kind is made only from an attribute whose
//! values can tell persons apart.

use super::bundle::{Known, check_name};
use super::defaults;
use super::parts::MODEL;
use super::problem::printable;
use super::section::{Diagnosis, Located, Section};
use super::vocabulary::{CRITERIA, REACHES, may_identify, meaning, names};
use crate::encoding::{hex, sha256};
use crate::matching::Model;
use crate::model::{AttributeId, Criterion, IdentifierKind, Reach, Semantic, SurvivorshipRule};
use std::collections::{HashMap, HashSet};

/// `KindId` is a byte.
const KINDS_MAX: usize = 256;

/// What is blocked is compared one by one for each identifier of each record.
const BLOCKED_MAX: usize = 1_000;

/// `records_max` where the bundle says none.
const RECORDS_MAX_DEFAULT: u32 = 50;

/// The most records of a profile where the bundle says nothing.
const PROFILE_RECORDS_MAX_DEFAULT: u32 = 500;

/// Links of kinds of this priority or more are strong where the bundle says nothing.
const STRONG_PRIORITY: u8 = 90;

/// How a winner is chosen where the bundle says nothing.
const CRITERIA_DEFAULT: [Criterion; 2] = [Criterion::Recency, Criterion::Trust];

/// The kinds, and whether all of them could be read.
pub(super) fn kinds(part: &Section<'_>, known: &Known, out: &mut Diagnosis) -> (Vec<IdentifierKind>, bool) {
    part.only(&["identifier", "profile", "matching", "consent"], out);
    let sections = part.sections("identifier", "an identifier", out);
    if sections.is_empty() && !part.has("identifier") && !part.has("matching") {
        let help = "add `[[identifier]]` with `attribute = \"email\"` and `priority = 80`: without one nothing links";
        out.report(&part.place, "no identifier is declared".to_owned(), help);
    }
    if let Some(section) = sections.get(KINDS_MAX) {
        let message = format!("{} identifiers are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {KINDS_MAX}"));
    }
    let mut whole = sections.len() <= KINDS_MAX;
    let mut seen = HashSet::new();
    let mut made_from = HashMap::new();
    let mut kinds = Vec::new();
    for section in sections.iter().take(KINDS_MAX) {
        let read = kind(section, known, &mut seen, &mut made_from, out);
        whole &= read.is_some();
        kinds.extend(read);
    }
    (kinds, whole && (part.has("matching") || !sections.is_empty()))
}

fn kind<'f>(
    section: &Section<'f>,
    known: &Known,
    seen: &mut HashSet<&'f str>,
    made_from: &mut HashMap<&'f str, &'f str>,
    out: &mut Diagnosis,
) -> Option<IdentifierKind> {
    section.only(
        &["kind", "attribute", "priority", "records_max", "names_max", "unique", "blocked", "weak", "defaults"],
        out,
    );
    let attribute = section.need_text("attribute", "\"email\"", out);
    let name = section.text("kind", "\"email\"", out).or_else(|| attribute.clone());
    let id = attribute.as_ref().and_then(|found| attribute_id(found, known, out));
    let semantic = id.and_then(|id| known.schema.attributes.get(usize::from(id.0))).map(|a| a.semantic);
    if let (Some(found), Some(semantic)) = (&attribute, semantic)
        && !may_identify(semantic)
    {
        let message = format!("attribute `{}` cannot identify: many people share a value", printable(found.value));
        let help = "choose an attribute of semantic `email`, `phone`, `opaque`, `government_id`, `handle`, `text` or `integer`";
        out.report(&found.place, message, help);
    }
    if let Some(name) = &name {
        check_name("kind", name.value, |message, help| out.report(&name.place, message, help));
        if !seen.insert(name.value) {
            let message = format!("kind `{}` is declared twice", printable(name.value));
            out.report(&name.place, message, "remove or rename one of them");
        } else if let Some(found) = &attribute
            && let Some(other) = made_from.insert(found.value, name.value)
        {
            let message =
                format!("attribute `{}` already makes the kind `{}`", printable(found.value), printable(other));
            out.report(&found.place, message, "keep one of the two: equal values link only once");
        }
    }
    if !section.has("priority") {
        let help = "add `priority = 50`: from 1 to 100, higher is a stronger link";
        out.report(&section.place, "an identifier has no `priority`".to_owned(), help);
    }
    let priority = section.number("priority", 1..=100, out).and_then(|number| u8::try_from(number).ok());
    let records_max = section.number("records_max", 2..=1_000_000, out).unwrap_or(RECORDS_MAX_DEFAULT);
    let names_max = section.number("names_max", 0..=1_000, out).unwrap_or(names_max_default(semantic));
    let mut blocked = patterns(section, "blocked", semantic, out);
    let mut weak = patterns(section, "weak", semantic, out);
    if let Some(semantic) = semantic.filter(|_| section.flag("defaults", out).unwrap_or(true)) {
        add_defaults(&mut blocked, defaults::blocked(semantic));
        // What the bundle blocks itself is blocked, and not just weak.
        add_defaults(&mut weak, defaults::weak(semantic));
    }
    Some(IdentifierKind {
        name: name?.value.to_owned(),
        attribute: id?,
        priority: priority.unwrap_or(1),
        records_max,
        names_max,
        unique: section.flag("unique", out).unwrap_or(false),
        blocked,
        weak,
    })
}

/// Adds what every bundle gets to what the bundle says itself.
fn add_defaults(own: &mut Vec<String>, defaults: Vec<String>) {
    let new: Vec<String> = defaults.into_iter().filter(|value| !own.contains(value)).collect();
    own.extend(new);
}

/// `names_max` where the bundle says none: what people give as their own, others do not share under many names.
fn names_max_default(semantic: Option<Semantic>) -> u32 {
    if matches!(semantic, Some(Semantic::Email | Semantic::Phone)) { 4 } else { 0 }
}

/// How many records a profile may have.
pub(super) fn profile_records_max(part: &Section<'_>, out: &mut Diagnosis) -> u32 {
    let section = part.section("profile", "the profile", out);
    section
        .and_then(|section| {
            section.only(&["records_max"], out);
            section.number("records_max", 1..=100_000, out)
        })
        .unwrap_or(PROFILE_RECORDS_MAX_DEFAULT)
}

/// How far a given consent reaches, and from which priority on links are strong.
pub(super) fn consent(part: &Section<'_>, out: &mut Diagnosis) -> (Reach, u8) {
    let Some(section) = part.section("consent", "`consent`", out) else { return (Reach::default(), STRONG_PRIORITY) };
    section.only(&["reach", "strong_priority_min"], out);
    let reach = section.text("reach", "\"strong\"", out).and_then(|found| {
        let reach = meaning(REACHES, found.value);
        if reach.is_none() {
            out.unknown(&found.place, "reach", found.value, names(REACHES), "");
        }
        reach
    });
    let priority = section.number("strong_priority_min", 1..=100, out).and_then(|number| u8::try_from(number).ok());
    (reach.unwrap_or_default(), priority.unwrap_or(STRONG_PRIORITY))
}

/// The text of the match model, when the bundle has the one that it names.
pub(super) fn match_model(part: &Section<'_>, text: Option<&str>, out: &mut Diagnosis) -> Option<String> {
    let pin = part.section("matching", "the matching", out).and_then(|section| {
        section.only(&["model"], out);
        section.need_text("model", "\"SHA-256 of model.json\"", out)
    });
    match (pin, text) {
        (Some(pin), Some(text)) => {
            let found = hex::encode(&sha256::digest(text.as_bytes()));
            if let Err(error) = Model::read(text.as_bytes()) {
                out.report_file(MODEL, error.to_string(), "train one with `onefold match train`");
            } else if found != pin.value {
                let help = format!("write `model = \"{found}\"` when this is the model that you mean");
                out.report(&pin.place, format!("`{MODEL}` is not the model that is named here"), help);
            } else {
                return Some(text.to_owned());
            }
        }
        (Some(pin), None) => {
            let help = "train one with `onefold match train`, or remove `[matching]`";
            out.report(&pin.place, format!("the bundle has no `{MODEL}`"), help);
        }
        (None, Some(text)) if !part.has("matching") => {
            let found = hex::encode(&sha256::digest(text.as_bytes()));
            let help = format!("add `[matching]` with `model = \"{found}\"` to `identity.toml`, or remove the file");
            out.report_file(MODEL, "nothing says that records are to be scored by this model", help);
        }
        (None, _) => {}
    }
    None
}

/// Values of a kind, with `*` for any run of characters and `?` for one.
fn patterns(section: &Section<'_>, key: &'static str, semantic: Option<Semantic>, out: &mut Diagnosis) -> Vec<String> {
    let values = section.distinct_texts(key, "[\"nobody@example.com\"]", out);
    if let Some(value) = values.get(BLOCKED_MAX) {
        let message = format!("{} `{key}` values are too many", values.len());
        out.report(
            &value.place,
            message,
            format!("keep at most {BLOCKED_MAX}; `*` stands for any run of characters, `?` for one"),
        );
    }
    for found in &values {
        let value = found.value;
        if value.bytes().all(|b| matches!(b, b'*' | b'?')) {
            let message = format!("`{key}` value `{}` stands for every value", printable(value));
            out.report(&found.place, message, "narrow it, or remove the identifier when it shall link nobody");
        } else if let Some(form) = form_missed(value, semantic) {
            let message = format!("`{key}` value `{}` is not in standardised form", printable(value));
            out.report(&found.place, message, format!("it would never match: write {form}"));
        }
    }
    values.iter().map(|found| found.value.to_owned()).collect()
}

/// The form in which values of this semantic are compared, when this one cannot be of it.
fn form_missed(value: &str, semantic: Option<Semantic>) -> Option<&'static str> {
    let (good, form) = match semantic {
        Some(Semantic::Email) => (is_email_form(value), "a lowercase address, such as `info@*`"),
        Some(Semantic::Phone) => (
            is_phone_form(value),
            "`+` and digits; what is no valid number, such as `0000000000`, never identifies anyway",
        ),
        Some(Semantic::Handle) => {
            (!value.starts_with('@') && value.to_lowercase() == value, "a lowercase handle without the leading `@`")
        }
        _ => (value.trim() == value, "the value without white space around it"),
    };
    (!good).then_some(form)
}

fn is_email_form(value: &str) -> bool {
    let plain = value.to_lowercase() == value && !value.contains(char::is_whitespace);
    plain && (value.matches('@').count() == 1 || (value.contains('*') && !value.contains('@')))
}

fn is_phone_form(value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'?'));
    value.strip_prefix('+').is_some_and(digits) || (value.starts_with('*') && digits(value))
}

/// One rule for each attribute.
pub(super) fn survivorship(part: Option<&Section<'_>>, known: &Known, out: &mut Diagnosis) -> Vec<SurvivorshipRule> {
    let mut default = CRITERIA_DEFAULT.to_vec();
    let mut chosen: HashMap<AttributeId, Vec<Criterion>> = HashMap::new();
    if let Some(part) = part {
        part.only(&["default", "rule"], out);
        if part.has("default") {
            default = criteria(part, "default", out);
        }
        for section in part.sections("rule", "a rule", out) {
            section.only(&["attribute", "prefer"], out);
            let attributes = section.need_texts("attribute", "\"email\"", out);
            let prefer = criteria(&section, "prefer", out);
            for found in attributes {
                let Some(id) = attribute_id(&found, known, out) else { continue };
                if chosen.insert(id, prefer.clone()).is_some() {
                    let message = format!("attribute `{}` has two rules", printable(found.value));
                    out.report(&found.place, message, "keep one of them");
                }
            }
        }
    }
    let ids = 0..u16::try_from(known.schema.attributes.len()).unwrap_or(u16::MAX);
    let rule = |id| SurvivorshipRule { criteria: chosen.remove(&AttributeId(id)).unwrap_or_else(|| default.clone()) };
    ids.map(rule).collect()
}

fn criteria(section: &Section<'_>, key: &str, out: &mut Diagnosis) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    for found in section.need_texts(key, "[\"recency\", \"trust\"]", out) {
        match meaning(CRITERIA, found.value) {
            Some(criterion) => criteria.push(criterion),
            None => out.unknown(&found.place, "criterion", found.value, names(CRITERIA), ""),
        }
    }
    criteria
}

/// The attribute of this name. One that is not known is reported, unless the file that may declare it is broken.
pub(super) fn attribute_id(
    found: &Located<'_, impl AsRef<str>>,
    known: &Known,
    out: &mut Diagnosis,
) -> Option<AttributeId> {
    let id = known.schema.attribute(found.value.as_ref());
    if id.is_none() && known.attributes {
        let all = known.schema.attributes.iter().map(|attribute| attribute.name.as_str());
        let otherwise = "or declare it in `attributes.toml`";
        out.unknown(&found.place, "attribute", found.value.as_ref(), all, otherwise);
    }
    id
}
