//! `attributes.toml` and `purposes.toml`: what data there is and what it may be used for.
//!
//! INVARIANT: a purpose without a basis that this version evaluates never compiles.

use super::bundle::check_name;
use super::codes;
use super::problem::printable;
use super::section::{Diagnosis, Located, Section};
use super::vocabulary::{BASES, CATEGORIES, SEMANTICS, meaning, names};
use crate::model::{Attribute, Category, Purpose};
use std::collections::HashSet;

/// Attributes that a bundle may add.
const ATTRIBUTES_MAX: usize = 1_000;

/// Bits of a purpose mask.
const PURPOSES_MAX: usize = 64;

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

/// The purposes, and whether all of them could be read.
pub(super) fn purposes(part: &Section<'_>, out: &mut Diagnosis) -> (Vec<Purpose>, bool) {
    part.only(&["purpose"], out);
    let sections = part.sections("purpose", "a purpose", out);
    if let Some(section) = sections.get(PURPOSES_MAX) {
        let message = format!("{} purposes are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {PURPOSES_MAX}"));
    }
    let mut whole = sections.len() <= PURPOSES_MAX;
    let mut seen = HashSet::new();
    let mut purposes = Vec::new();
    for section in sections.iter().take(PURPOSES_MAX) {
        let read = purpose(section, &mut seen, out);
        whole &= read.is_some();
        purposes.extend(read);
    }
    (purposes, whole)
}

fn purpose<'f>(section: &Section<'f>, seen: &mut HashSet<&'f str>, out: &mut Diagnosis) -> Option<Purpose> {
    section.only(&["name", "dpv", "description", "basis", "categories", "recipients", "retention_days"], out);
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
        if !term.is_some_and(|term| codes::dpv_purposes().any(|known| known == term)) {
            let known = codes::dpv_purposes().map(|term| format!("dpv:{term}")).collect::<Vec<_>>();
            let where_listed = "all stand below `dpv:Purpose` in the W3C Data Privacy Vocabulary 2.3";
            out.unknown(&dpv.place, "DPV purpose", dpv.value, known.iter().map(String::as_str), where_listed);
        }
    }
    let description = section.need_text("description", "\"newsletters about our own shop\"", out);
    if let Some(basis) = section.need_text("basis", "\"consent\"", out) {
        check_basis(&basis, out);
    }
    let listed = section.need_texts("categories", "[\"contact\"]", out);
    let categories: Vec<Category> = listed.iter().filter_map(|found| category(found, out)).collect();
    let recipients = section.need_texts("recipients", "[\"our marketing team\"]", out);
    let retention_days = section.number("retention_days", 1..=36_500, out);
    Some(Purpose {
        name: name?.value.to_owned(),
        dpv: dpv.map(|dpv| dpv.value.to_owned()).unwrap_or_default(),
        description: description.map(|text| text.value.to_owned()).unwrap_or_default(),
        basis: crate::model::Basis::Consent,
        categories,
        category_retention_days: Vec::new(),
        recipients: recipients.iter().map(|text| text.value.to_owned()).collect(),
        retention_days,
    })
}

fn check_basis(basis: &Located<'_, &str>, out: &mut Diagnosis) {
    match meaning(BASES, basis.value) {
        Some(true) => {}
        Some(false) => {
            let message = format!("basis `{}` is not evaluated by this version", basis.value);
            let help = "keep purposes of this basis out of the bundle for now; one of basis `consent` is denied unless \
                        a valid consent is there";
            out.report(&basis.place, message, help);
        }
        None => out.unknown(&basis.place, "basis", basis.value, names(BASES), "only `consent` is evaluated"),
    }
}

fn category(found: &Located<'_, &str>, out: &mut Diagnosis) -> Option<Category> {
    let category = meaning(CATEGORIES, found.value);
    if category.is_none() {
        out.unknown(&found.place, "category", found.value, names(CATEGORIES), "");
    }
    category
}
