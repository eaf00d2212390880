//! `attributes.toml` and `purposes.toml`: what data there is and what it may be used for.
//!
//! INVARIANT: a purpose has a legal basis, and data only of categories that it names.

use super::bundle::check_name;
use super::dpv;
use super::problem::printable;
use super::section::{Diagnosis, Located, Section};
use super::vocabulary::{BASES, CATEGORIES, SEMANTICS, meaning, names};
use crate::model::{Attribute, Category, Purpose, PurposeId};
use std::collections::HashSet;

/// Attributes that a bundle may add.
const ATTRIBUTES_MAX: usize = 1_000;

/// Bits of a purpose mask; the last one says that nobody asked.
const PURPOSES_MAX: usize = 63;

/// How long data may be kept, in days.
const RETENTION_DAYS: std::ops::RangeInclusive<u32> = 1..=36_500;

/// Keys of a purpose.
const KEYS: [&str; 8] =
    ["name", "dpv", "description", "basis", "categories", "recipients", "retention_days", "retention_days_by_category"];

/// Adds the attributes of the bundle to the built-in ones; `false` when some could not be read.
pub(super) fn attributes(part: &Section<'_>, attributes: &mut Vec<Attribute>, out: &mut Diagnosis) -> bool {
    part.only(&["attribute"], out);
    let built_in: HashSet<String> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
    let mut seen = HashSet::new();
    let mut whole = true;
    let sections = part.sections("attribute", "an attribute", out);
    if let Some(section) = sections.get(ATTRIBUTES_MAX) {
        let message = format!("{} attributes are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {ATTRIBUTES_MAX}"));
        whole = false;
    }
    for section in sections.iter().take(ATTRIBUTES_MAX) {
        section.only(&["name", "semantic", "category"], out);
        let name = section.need_text("name", "\"loyalty_tier\"", out);
        let semantic = section.need_text("semantic", "\"text\"", out).and_then(|found| {
            let semantic = meaning(SEMANTICS, found.value);
            if semantic.is_none() {
                out.unknown(&found.place, "semantic", found.value, names(SEMANTICS), "");
            }
            semantic
        });
        let category = section.need_text("category", "\"preference\"", out).and_then(|found| category(&found, out));
        let Some(name) = name else {
            whole = false;
            continue;
        };
        check_name("attribute", name.value, |message, help| out.report(&name.place, message, help));
        if built_in.contains(name.value) {
            let message = format!("attribute `{}` is built in", printable(name.value));
            out.report(&name.place, message, "remove it, or choose another name when something else is meant");
        } else if !seen.insert(name.value) {
            let message = format!("attribute `{}` is declared twice", printable(name.value));
            out.report(&name.place, message, "remove or rename one of them");
        } else if let (Some(semantic), Some(category)) = (semantic, category) {
            attributes.push(Attribute { name: name.value.to_owned(), semantic, category });
        } else {
            whole = false;
        }
    }
    whole
}

/// What `purposes.toml` says.
#[derive(Default)]
pub(super) struct Purposes {
    /// In the order of the file.
    pub list: Vec<Purpose>,
    /// The purpose that joining records has to be permitted for.
    pub combining: Option<PurposeId>,
    /// Whether all of them could be read.
    pub whole: bool,
}

/// The purposes.
pub(super) fn purposes(part: &Section<'_>, out: &mut Diagnosis) -> Purposes {
    part.only(&["combining", "purpose"], out);
    let combining = part.text("combining", "\"unified_profile\"", out);
    let sections = part.sections("purpose", "a purpose", out);
    if let Some(section) = sections.get(PURPOSES_MAX) {
        let message = format!("{} purposes are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {PURPOSES_MAX}"));
    }
    let mut whole = sections.len() <= PURPOSES_MAX;
    let mut seen = HashSet::new();
    let mut purposes = Vec::new();
    for section in sections.iter().take(PURPOSES_MAX) {
        let read = purpose(section, combining.as_ref().map(|found| found.value), &mut seen, out);
        whole &= read.is_some();
        purposes.extend(read);
    }
    let id_of = |name: &str| purposes.iter().position(|purpose| purpose.name == name);
    let id = combining.as_ref().and_then(|found| id_of(found.value)).and_then(|index| u8::try_from(index).ok());
    if let (Some(found), None, true) = (&combining, id, whole) {
        let known: Vec<&str> = purposes.iter().map(|purpose| purpose.name.as_str()).collect();
        out.unknown(&found.place, "purpose", found.value, known, "or declare it below");
    }
    Purposes { list: purposes, combining: id.map(PurposeId), whole }
}

fn purpose<'f>(
    section: &Section<'f>,
    combining: Option<&str>,
    seen: &mut HashSet<&'f str>,
    out: &mut Diagnosis,
) -> Option<Purpose> {
    section.only(&KEYS, out);
    let name = section.need_text("name", "\"marketing\"", out);
    if let Some(name) = &name {
        check_name("purpose", name.value, |message, help| out.report(&name.place, message, help));
        if !seen.insert(name.value) {
            let message = format!("purpose `{}` is declared twice", printable(name.value));
            out.report(&name.place, message, "remove or rename one of them");
        }
    }
    let dpv = section.need_text("dpv", "\"dpv:Marketing\"", out);
    if let Some(dpv) = &dpv {
        let term = dpv.value.strip_prefix("dpv:");
        if !term.is_some_and(|term| dpv::purposes().any(|known| known == term)) {
            let known = dpv::purposes().map(|term| format!("dpv:{term}")).collect::<Vec<_>>();
            let where_listed = "all stand below `dpv:Purpose` in the W3C Data Privacy Vocabulary 2.3";
            out.unknown(&dpv.place, "DPV purpose", dpv.value, known.iter().map(String::as_str), where_listed);
        }
    }
    let description = section.need_text("description", "\"newsletters about our own shop\"", out);
    let basis = section.need_text("basis", "\"consent\"", out).and_then(|found| {
        let basis = meaning(BASES, found.value);
        if basis.is_none() {
            out.unknown(&found.place, "basis", found.value, names(BASES), "they are those of Art. 6(1) GDPR");
        }
        basis
    });
    // Joining records reads no value: only the purpose of that may name none.
    let joins = name.as_ref().is_some_and(|name| Some(name.value) == combining);
    let listed = match joins {
        true => section.distinct_texts("categories", "[]", out),
        false => section.need_texts("categories", "[\"contact\"]", out),
    };
    let categories: Vec<Category> = listed.iter().filter_map(|found| category(found, out)).collect();
    let recipients = section.need_texts("recipients", "[\"our marketing team\"]", out);
    let retention_days = section.number("retention_days", RETENTION_DAYS, out);
    Some(Purpose {
        name: name?.value.to_owned(),
        dpv: dpv.map(|dpv| dpv.value.to_owned()).unwrap_or_default(),
        description: description.map(|text| text.value.to_owned()).unwrap_or_default(),
        basis: basis.unwrap_or_default(),
        category_retention_days: retention_by_category(section, &categories, out),
        categories,
        recipients: recipients.iter().map(|text| text.value.to_owned()).collect(),
        retention_days,
    })
}

/// `[purpose.retention_days_by_category]`.
fn retention_by_category(section: &Section<'_>, listed: &[Category], out: &mut Diagnosis) -> Vec<(Category, u32)> {
    let Some(table) = section.section("retention_days_by_category", "`retention_days_by_category`", out) else {
        return Vec::new();
    };
    let mut days = Vec::new();
    for (key, _) in table.entries() {
        let Some(category) = category(&key, out) else { continue };
        if !listed.is_empty() && !listed.contains(&category) {
            let message = format!("the purpose does not use category `{}`", printable(key.value));
            out.report(&key.place, message, "add it to `categories`, or remove this line");
        }
        days.extend(table.number(key.value, RETENTION_DAYS, out).map(|number| (category, number)));
    }
    days
}

fn category(found: &Located<'_, &str>, out: &mut Diagnosis) -> Option<Category> {
    let category = meaning(CATEGORIES, found.value);
    if category.is_none() {
        out.unknown(&found.place, "category", found.value, names(CATEGORIES), "");
    }
    category
}
