//! `sources.toml`: which systems there are, in what form their records arrive and what their fields mean.
//!
//! INVARIANT: the sources of a bundle without problems stand in the order of the file, so that ids resolve.

use super::bundle::{Known, check_name};
use super::codes;
use super::identity::attribute_id;
use super::pattern::check_patterns;
use super::problem::printable;
use super::section::{Diagnosis, Located, Section};
use super::source_fields::{check_path, fields};
use super::vocabulary::{FORMATS, ROLES, RoleWord, meaning, names};
use crate::model::{EmbeddedConsents, Format, PurposeId, Role, Source, SourceId};
use std::collections::{HashMap, HashSet};

/// Sources of a bundle.
const SOURCES_MAX: usize = 1_000;

/// Parts of a key, and patterns of a source.
const PARTS_MAX: usize = 32;

const KEYS: [&str; 15] = [
    "name",
    "files",
    "format",
    "role",
    "reference",
    "key",
    "accumulate",
    "time",
    "order",
    "trust",
    "trust_half_life_days",
    "region",
    "fields",
    "embedded_consents",
    "one_record_a_person",
];

/// What another source may want to know of a source before all are read.
struct Declared {
    id: SourceId,
    /// `None` when the role could not be read.
    role: Option<RoleWord>,
}

/// The sources. Those that could not be read are left out, which is reported.
pub(super) fn sources(part: &Section<'_>, known: &Known, out: &mut Diagnosis) -> Vec<Source> {
    part.only(&["source"], out);
    let sections = part.sections("source", "a source", out);
    if sections.is_empty() && !part.has("source") {
        let help = "add `[[source]]` with `name`, `files`, `format`, `key` and `fields`";
        out.report(&part.place, "no source is declared".to_owned(), help);
    }
    if let Some(section) = sections.get(SOURCES_MAX) {
        let message = format!("{} sources are too many", sections.len());
        out.report(&section.place, message, format!("keep at most {SOURCES_MAX}"));
    }
    let sections: Vec<Section<'_>> = sections.into_iter().take(SOURCES_MAX).collect();
    let declared = declare(&sections, out);
    let mut patterns = Vec::new();
    let mut sources = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let files = section.need_texts("files", "[\"people*.csv\"]", out);
        bounded("files", &files, out);
        patterns.extend(files.iter().take(PARTS_MAX).map(|file| (index, file.clone())));
        sources.extend(source(section, &files, &declared, known, out));
    }
    check_patterns(&patterns, out);
    sources
}

/// Names first: a source may refer to one further down.
fn declare<'f>(sections: &[Section<'f>], out: &mut Diagnosis) -> HashMap<&'f str, Declared> {
    let mut declared = HashMap::new();
    let mut seen = HashSet::new();
    for (section, id) in sections.iter().zip(0u16..) {
        let Some(name) = section.need_text("name", "\"crm\"", out) else { continue };
        check_name("source", name.value, |message, help| out.report(&name.place, message, help));
        if !seen.insert(name.value) {
            let message = format!("source `{}` is declared twice", printable(name.value));
            out.report(&name.place, message, "remove or rename one of them");
            continue;
        }
        let role = role_word(section, out);
        declared.insert(name.value, Declared { id: SourceId(id), role });
    }
    declared
}

fn role_word(section: &Section<'_>, out: &mut Diagnosis) -> Option<RoleWord> {
    if !section.has("role") {
        return Some(RoleWord::People);
    }
    let found = section.text("role", "\"people\"", out)?;
    let word = meaning(ROLES, found.value);
    if word.is_none() {
        out.unknown(&found.place, "role", found.value, names(ROLES), "");
    }
    word
}

fn source(
    section: &Section<'_>,
    files: &[Located<'_, &str>],
    declared: &HashMap<&str, Declared>,
    known: &Known,
    out: &mut Diagnosis,
) -> Option<Source> {
    section.only(&KEYS, out);
    let name = section.text("name", "", &mut Diagnosis::default());
    let word = name.as_ref().and_then(|name| declared.get(name.value)).and_then(|declared| declared.role);
    let format = section.need_text("format", "\"csv\"", out).and_then(|found| {
        let format = meaning(FORMATS, found.value);
        if format.is_none() {
            out.unknown(&found.place, "format", found.value, names(FORMATS), "");
        }
        format
    });
    let key = key(section, out);
    let role = role(section, word, &key, known, out);
    let fields = fields(section, word, known, out);
    let accumulate = section.flag("accumulate", out).unwrap_or(false);
    let time = path(section, "time", out);
    let order = path(section, "order", out);
    let trust = section.number("trust", 0..=100, out).and_then(|number| u8::try_from(number).ok());
    let trust_half_life_days = section.number("trust_half_life_days", 1..=36_500, out);
    let region = region(section, out);
    let embedded_consents = embedded_consents(section, format, declared, known, out);
    Some(Source {
        name: name?.value.to_owned(),
        files: files.iter().map(|file| file.value.to_owned()).collect(),
        format: format?,
        role: role?,
        key: key.iter().map(|part| part.value.to_owned()).collect(),
        accumulate,
        time,
        order,
        trust: trust.unwrap_or(50),
        trust_half_life_days,
        region,
        single: section.flag("one_record_a_person", out).unwrap_or(false),
        fields,
        embedded_consents,
    })
}

/// Reports the first entry past the bound.
fn bounded(key: &str, list: &[Located<'_, &str>], out: &mut Diagnosis) {
    if let Some(entry) = list.get(PARTS_MAX) {
        let message = format!("{} entries of `{key}` are too many", list.len());
        out.report(&entry.place, message, format!("keep at most {PARTS_MAX}"));
    }
}

fn key<'f>(section: &Section<'f>, out: &mut Diagnosis) -> Vec<Located<'f, &'f str>> {
    let key = section.need_texts("key", "\"id\"", out);
    bounded("key", &key, out);
    for part in &key {
        check_path(part.value, &part.place, out);
    }
    key
}

fn path(section: &Section<'_>, key: &str, out: &mut Diagnosis) -> Option<String> {
    let found = section.text(key, "\"updated_at\"", out)?;
    check_path(found.value, &found.place, out);
    Some(found.value.to_owned())
}

fn region(section: &Section<'_>, out: &mut Diagnosis) -> Option<String> {
    let found = section.text("region", "\"DE\"", out)?;
    if !codes::is_region(found.value) {
        let message = format!("`{}` is not a region", printable(found.value));
        let capitals = found.value.to_ascii_uppercase();
        let help = match (capitals.as_str(), codes::is_region(&capitals)) {
            ("UK", _) => "the United Kingdom is `GB`".to_owned(),
            (_, true) => format!("write it in capitals: `{capitals}`"),
            _ => "use the two letters of ISO 3166-1, such as `DE`, `GB` or `US`".to_owned(),
        };
        out.report(&found.place, message, help);
    }
    Some(found.value.to_owned())
}

fn role(
    section: &Section<'_>,
    word: Option<RoleWord>,
    key: &[Located<'_, &str>],
    known: &Known,
    out: &mut Diagnosis,
) -> Option<Role> {
    let word = word?;
    if word != RoleWord::Reference {
        if section.has("reference") {
            let help = "remove it, or add `role = \"reference\"`";
            out.report(&section.place_of("reference"), "`reference` has no effect in this role".to_owned(), help);
        }
        if word == RoleWord::Consents && known.purposes && known.schema.purposes.is_empty() {
            let help = "declare in `purposes.toml` the purposes that the consents name";
            out.report(&section.place, "a source of consents, but the bundle has no purpose".to_owned(), help);
        }
        return Some(if word == RoleWord::Consents { Role::Consents } else { Role::People });
    }
    if let Some(second) = key.get(1) {
        let help = "name the one field whose value the attribute of the person has";
        out.report(&second.place, "the key of a reference source has more than one part".to_owned(), help);
    }
    let found = section.need_text("reference", "\"company_domain\"", out)?;
    attribute_id(&found, known, out).map(Role::Reference)
}

fn embedded_consents(
    section: &Section<'_>,
    format: Option<Format>,
    declared: &HashMap<&str, Declared>,
    known: &Known,
    out: &mut Diagnosis,
) -> Option<EmbeddedConsents> {
    let embedded = section.section("embedded_consents", "`embedded_consents`", out)?;
    embedded.only(&["into", "categories"], out);
    if format.is_some_and(|format| format != Format::Segment) {
        let message = "`embedded_consents` in a source that is not of format `segment`";
        out.report(&embedded.place, message.to_owned(), "remove it: only Segment calls carry `context.consent`");
    }
    let into = embedded.need_text("into", "\"consents\"", out).and_then(|found| {
        let Some(target) = declared.get(found.value) else {
            let help = "it names the source of role `consents` that takes them";
            out.unknown(
                &found.place,
                "source",
                found.value,
                declared.keys().copied().collect::<std::collections::BTreeSet<_>>(),
                help,
            );
            return None;
        };
        if target.role.is_some_and(|role| role != RoleWord::Consents) {
            let message = format!("source `{}` is not of role `consents`", printable(found.value));
            out.report(&found.place, message, "name a source with `role = \"consents\"`");
        }
        Some(target.id)
    });
    let reported = out.count();
    let categories = match embedded.section("categories", "`categories`", out) {
        Some(table) => consent_categories(&table, known, out),
        None => Vec::new(),
    };
    if categories.is_empty() && known.purposes && out.count() == reported {
        let help = "add `[source.embedded_consents.categories]` with lines such as `\"Advertising\" = \"marketing\"`";
        out.report(&embedded.place, "`embedded_consents` maps no category to a purpose".to_owned(), help);
    }
    Some(EmbeddedConsents { into: into?, categories })
}

fn consent_categories(table: &Section<'_>, known: &Known, out: &mut Diagnosis) -> Vec<(String, PurposeId)> {
    let mut categories: Vec<(String, PurposeId)> = Vec::new();
    for (category, purpose) in table.leaves("\"Advertising\" = \"marketing\"", out) {
        match known.schema.purpose(purpose.value) {
            Some(id) => categories.push((category.value, id)),
            None if known.purposes => {
                let all = known.schema.purposes.iter().map(|purpose| purpose.name.as_str());
                out.unknown(&purpose.place, "purpose", purpose.value, all, "or declare it in `purposes.toml`");
            }
            None => {}
        }
    }
    categories
}
