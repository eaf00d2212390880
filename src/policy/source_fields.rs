//! `[source.fields]`: which path of a source holds which attribute or which part of a consent.
//!
//! INVARIANT: within a source a path is mapped once and each part of a consent comes from one path.

use super::bundle::Known;
use super::identity::attribute_id;
use super::problem::printable;
use super::section::{Diagnosis, Located, Place, Section};
use super::vocabulary::{CONSENT_FIELDS, RoleWord, meaning, names};
use crate::model::{AttributeId, ConsentField, FieldRole, Semantic, SourceField};
use std::collections::HashSet;

/// Fields that are read of a source.
const FIELDS_MAX: usize = 1_000;

/// Bytes and parts of a path.
const PATH_BYTES_MAX: usize = 255;
const PATH_PARTS_MAX: usize = 32;

/// Parts without which a consent says nothing.
const CONSENT_NEEDED: [(ConsentField, &str); 3] = [
    (ConsentField::Purpose, "consent.purpose"),
    (ConsentField::Status, "consent.status"),
    (ConsentField::At, "consent.at"),
];

/// The fields in the order of the file.
pub(super) fn fields(
    section: &Section<'_>,
    word: Option<RoleWord>,
    known: &Known,
    out: &mut Diagnosis,
) -> Vec<SourceField> {
    const EXAMPLE: &str = "\"e-mail address\" = \"email\"";
    let help =
        format!("add `[source.fields]` with lines such as `{EXAMPLE}`: field on the left, attribute on the right");
    if !section.has("fields") {
        out.report(&section.place, format!("{} has no `fields`", section.what), help);
        return Vec::new();
    }
    let Some(table) = section.section("fields", "`fields`", out) else { return Vec::new() };
    let reported = out.count();
    let leaves = table.leaves(EXAMPLE, out);
    if let Some((path, _)) = leaves.get(FIELDS_MAX) {
        let message = format!("{} fields are too many", leaves.len());
        out.report(&path.place, message, format!("keep at most {FIELDS_MAX}"));
    }
    let mut seen = HashSet::new();
    let mut fields = Vec::new();
    let mut consent = Consent::default();
    for (path, meant) in leaves.iter().take(FIELDS_MAX) {
        check_path(&path.value, &path.place, out);
        if !seen.insert(path.value.as_str()) {
            let message = format!("field `{}` is mapped twice", printable(&path.value));
            out.report(&path.place, message, "remove one of the two lines");
        }
        let role = match meaning(CONSENT_FIELDS, meant.value) {
            Some(part) => consent.part(part, meant, word, out),
            None => attribute(meant, word, known, &mut consent, out),
        };
        fields.extend(role.map(|role| SourceField { path: path.value.clone(), role }));
    }
    if leaves.is_empty() && out.count() == reported {
        out.report(&table.place, "`fields` is empty: nothing of the source would be read".to_owned(), help);
    }
    if word == Some(RoleWord::Consents) {
        consent.check_whole(&table.place, known, out);
    }
    fields
}

/// What was seen of the consent in a source of that role.
#[derive(Default)]
struct Consent {
    parts: Vec<ConsentField>,
    identifies: bool,
    /// Whether something was reported that may be what is missing.
    unclear: bool,
}

impl Consent {
    fn part(
        &mut self,
        part: ConsentField,
        meant: &Located<'_, &str>,
        word: Option<RoleWord>,
        out: &mut Diagnosis,
    ) -> Option<FieldRole> {
        if word.is_some_and(|word| word != RoleWord::Consents) {
            let message = format!("`{}` in a source that is not of role `consents`", meant.value);
            out.report(&meant.place, message, "remove it, or add `role = \"consents\"` to the source");
        }
        if self.parts.contains(&part) {
            let message = format!("`{}` comes from two fields", meant.value);
            out.report(&meant.place, message, "keep the field that decides and remove the other");
        }
        self.parts.push(part);
        Some(FieldRole::Consent(part))
    }

    fn check_whole(&self, place: &Place<'_>, known: &Known, out: &mut Diagnosis) {
        for (part, name) in CONSENT_NEEDED {
            if !self.parts.contains(&part) && !self.unclear {
                let message = format!("a source of consents has no field for `{name}`");
                out.report(place, message, format!("add a line such as `\"…\" = \"{name}\"`"));
            }
        }
        if !self.identifies && !self.unclear && known.kinds {
            let message = "a source of consents has no field that identifies who consents".to_owned();
            let help =
                "map at least one field to an attribute of `identity.toml`, such as `\"subject.email\" = \"email\"`";
            out.report(place, message, help);
        }
    }
}

fn attribute(
    meant: &Located<'_, &str>,
    word: Option<RoleWord>,
    known: &Known,
    consent: &mut Consent,
    out: &mut Diagnosis,
) -> Option<FieldRole> {
    if meant.value.starts_with("consent.") {
        out.unknown(&meant.place, "part of a consent", meant.value, names(CONSENT_FIELDS), "");
        consent.unclear = true;
        return None;
    }
    let Some(id) = attribute_id(meant, known, out) else {
        consent.unclear = true;
        return None;
    };
    let identifies = known.schema.kinds.iter().any(|kind| kind.attribute == id);
    consent.identifies |= identifies;
    // The country says how to read a phone number in national form, so it may stand beside one.
    let may_stand = identifies || is_country(id, known);
    if word == Some(RoleWord::Consents) && known.kinds && !may_stand {
        let message =
            format!("attribute `{}` does not identify, so a consent has no use for it", printable(meant.value));
        out.report(&meant.place, message, "remove the line, or declare the attribute in `identity.toml`");
    }
    Some(FieldRole::Attribute(id))
}

fn is_country(id: AttributeId, known: &Known) -> bool {
    known.schema.attributes.get(usize::from(id.0)).is_some_and(|a| a.semantic == Semantic::Country)
}

/// A path is made of names joined by dots, short, and without control characters.
pub(super) fn check_path(path: &str, place: &Place<'_>, out: &mut Diagnosis) {
    let message = |fault: &str| format!("path `{}` {fault}", printable(path));
    if path.len() > PATH_BYTES_MAX || path.split('.').count() > PATH_PARTS_MAX {
        let help = format!("use at most {PATH_BYTES_MAX} bytes and {PATH_PARTS_MAX} parts");
        out.report(place, message("is too long"), help);
    } else if path.split('.').any(str::is_empty) {
        out.report(place, message("has an empty part"), "write names joined by single dots, such as `traits.email`");
    } else if path.contains(char::is_control) {
        out.report(place, message("has a control character"), "write the name as it stands in the source");
    }
}
