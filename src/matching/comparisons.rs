//! From a record to its comparable form: which attributes a schema has that can be compared, and how each is folded.
//!
//! A value that the standardiser refused is taken from the raw field where a slip of the hand may have made it what it
//! is: an impossible date is still a near miss of the right one. Placeholders and blocked values are not taken.
//!
//! INVARIANT: depends on the schema, the source and the record alone, never on a model.

use super::birth::{birth_digits, birth_of_parts};
use super::comparable::{Comparable, NICKNAMES, SEPARATOR, VALUES_MAX};
use super::fold;
use super::kind::{IDENTIFIERS_MAX, Kind, Part, SLOTS, part_of};
use super::{nicknames, organisation, street};
use crate::model::{AttributeId, CellKind, Fields, Schema, SourceId};

/// What people and software write where there is nothing, folded. The standardiser refuses these, and more, as
/// placeholders; here they only have to be kept from coming back as slips of the hand.
const PLACEHOLDERS: &[&str] = &[
    "",
    "anonymous",
    "blank",
    "dummy",
    "empty",
    "missing",
    "n a",
    "na",
    "nan",
    "nil",
    "no name",
    "none",
    "noname",
    "not available",
    "not given",
    "not known",
    "not provided",
    "null",
    "tba",
    "tbd",
    "test",
    "test test",
    "undefined",
    "unknown",
    "unnamed",
    "void",
    "withheld",
    "xx",
    "xxx",
    "xxxx",
];

/// The comparisons of a schema.
pub struct Comparisons {
    /// By attribute: its part, and for identifiers the slot.
    parts: Vec<Option<(Part, u8)>>,
    /// By source: the attribute of each field, and whether dates are written with the month first.
    sources: Vec<(Vec<Option<AttributeId>>, bool)>,
    /// By slot; empty where the schema has nothing for it.
    names: Vec<String>,
    /// Patterns that never identify, by attribute.
    blocked: Vec<(AttributeId, Vec<String>)>,
}

/// The values of a record before they are packed.
#[derive(Default)]
struct Draft {
    values: Vec<(u8, String)>,
    birth: [Option<String>; 3],
    street: String,
    number: String,
    postcode: String,
    city: String,
    region: String,
    full_name: String,
}

impl Comparisons {
    /// What of this schema can be compared.
    pub fn new(schema: &Schema) -> Self {
        let used = |id: usize| {
            let is = |role| matches!(role, crate::model::FieldRole::Attribute(a) if usize::from(a.0) == id);
            schema.sources.iter().any(|source| source.fields.iter().any(|field| is(field.role)))
        };
        let mut names = vec![String::new(); SLOTS];
        let mut parts = Vec::with_capacity(schema.attributes.len());
        let mut identifiers = 0usize;
        for (id, attribute) in schema.attributes.iter().enumerate() {
            parts.push(match part_of(attribute) {
                Some(Part::Whole(Kind::Identifier)) => {
                    if used(id) && identifiers < IDENTIFIERS_MAX {
                        let slot = Kind::Identifier as usize + identifiers;
                        identifiers += 1;
                        names[slot].clone_from(&attribute.name);
                        u8::try_from(slot).ok().map(|slot| (Part::Whole(Kind::Identifier), slot))
                    } else {
                        None
                    }
                }
                Some(part) => {
                    for kind in kinds_of(part) {
                        kind.name().clone_into(&mut names[*kind as usize]);
                    }
                    Some((part, kinds_of(part)[0] as u8))
                }
                None => None,
            });
        }
        let fields = |source: &crate::model::Source| {
            let attribute = |role| match role {
                crate::model::FieldRole::Attribute(id) => Some(id),
                crate::model::FieldRole::Consent(_) => None,
            };
            let month_first = source.region.as_deref().is_some_and(|code| matches!(code, "US" | "PR" | "GU" | "VI"));
            (source.fields.iter().map(|field| attribute(field.role)).collect(), month_first)
        };
        Self {
            parts,
            sources: schema.sources.iter().map(fields).collect(),
            names,
            blocked: schema.kinds.iter().map(|kind| (kind.attribute, kind.blocked.clone())).collect(),
        }
    }

    /// The name of the comparison at a slot; empty where there is none.
    pub(super) fn name(&self, slot: usize) -> &str {
        self.names.get(slot).map_or("", String::as_str)
    }

    /// The comparable form of a record from its raw fields and standardised values; `None` when nothing can be compared.
    pub fn comparable<'v>(
        &self,
        source: SourceId,
        fields: &Fields,
        values: impl Iterator<Item = (AttributeId, &'v str)>,
    ) -> Option<Comparable> {
        let mut draft = Draft::default();
        let mut seen: Vec<AttributeId> = Vec::new();
        let (mapped, month_first) = self.sources.get(usize::from(source.0)).map_or((&[][..], false), |(m, f)| (m, *f));
        for (attribute, value) in values {
            seen.push(attribute);
            // A steward took it away: what the source says instead is not compared either.
            if value.is_empty() {
                continue;
            }
            if let Some(Some((part, slot))) = self.parts.get(usize::from(attribute.0)) {
                draft.take(*part, *slot, value, month_first);
            }
        }
        for (field, kind, raw) in fields.iter() {
            let Some(Some(attribute)) = mapped.get(usize::from(field.0)) else { continue };
            let readable = matches!(kind, CellKind::Text | CellKind::Number);
            if !readable || seen.contains(attribute) || raw.len() > 256 || self.is_junk(*attribute, raw) {
                continue;
            }
            if let Some(Some((part, slot))) = self.parts.get(usize::from(attribute.0)) {
                draft.take_refused(*part, *slot, raw, month_first);
            }
        }
        draft.pack()
    }

    fn is_junk(&self, attribute: AttributeId, raw: &str) -> bool {
        let lower = raw.trim().to_lowercase();
        let blocks = |patterns: &[String]| patterns.iter().any(|pattern| crate::model::matches(pattern, &lower));
        PLACEHOLDERS.contains(&fold::folded(raw).as_str())
            || self.blocked.iter().any(|(of, patterns)| *of == attribute && blocks(patterns))
    }
}

/// The kinds that a part may end up in.
fn kinds_of(part: Part) -> &'static [Kind] {
    match part {
        Part::Whole(kind) => Kind::ALL.get(kind as usize..=kind as usize).unwrap_or(&[Kind::Identifier]),
        Part::BirthYear | Part::BirthMonth | Part::BirthDay => &[Kind::BirthDate],
        Part::StreetName => &[Kind::Street, Kind::AddressExtra],
        Part::StreetNumber => &[Kind::Street],
        Part::City | Part::Postcode | Part::Region => &[Kind::Place],
        Part::FullName => &[Kind::GivenName, Kind::MiddleName, Kind::FamilyName],
    }
}

/// Keeps the first of several values.
fn keep(place: &mut String, value: &str) {
    if place.is_empty() {
        fold::fold(value, place);
    }
}

impl Draft {
    fn push(&mut self, kind: Kind, value: String) {
        self.push_slot(kind as u8, value);
    }

    fn push_slot(&mut self, slot: u8, value: String) {
        if !value.is_empty() {
            self.values.push((slot, value));
        }
    }

    fn take(&mut self, part: Part, slot: u8, value: &str, month_first: bool) {
        match part {
            Part::Whole(Kind::GivenName) => self.given(value),
            Part::Whole(Kind::BirthDate) => {
                if let Some(digits) = birth_digits(value, month_first) {
                    self.push(Kind::BirthDate, digits);
                }
            }
            Part::Whole(Kind::Email) => self.push(Kind::Email, any_ascii::any_ascii(value).to_ascii_lowercase()),
            Part::Whole(Kind::Phone) => {
                let mut digits = String::new();
                fold::digits(value, &mut digits);
                self.push(Kind::Phone, digits);
            }
            Part::Whole(Kind::Gender) => {
                let first = fold::folded(value).chars().take(1).map(|c| if c == 'w' { 'f' } else { c }).collect();
                self.push(Kind::Gender, first);
            }
            Part::Whole(Kind::GovernmentId) => self.push(Kind::GovernmentId, fold::folded(value).replace(' ', "")),
            Part::Whole(Kind::Organisation) => self.push(Kind::Organisation, organisation::words(value)),
            Part::Whole(Kind::Identifier) => self.push_slot(slot, value.to_owned()),
            Part::Whole(kind) => self.push(kind, fold::folded(value)),
            Part::BirthYear => self.birth[0] = Some(value.to_owned()),
            Part::BirthMonth => self.birth[1] = Some(value.to_owned()),
            Part::BirthDay => self.birth[2] = Some(value.to_owned()),
            Part::StreetName => keep(&mut self.street, value),
            Part::StreetNumber => keep(&mut self.number, value),
            Part::City => keep(&mut self.city, value),
            Part::Postcode => keep(&mut self.postcode, value),
            Part::Region => keep(&mut self.region, value),
            Part::FullName => keep(&mut self.full_name, value),
        }
    }

    /// Takes a raw value that the standardiser refused, where it may be a slip.
    fn take_refused(&mut self, part: Part, slot: u8, raw: &str, month_first: bool) {
        let count = |test: fn(&char) -> bool| raw.chars().filter(test).count();
        let wanted = match part {
            Part::Whole(Kind::Email) => raw.contains('@'),
            Part::Whole(Kind::Phone) => count(char::is_ascii_digit) >= 7 && !is_one_digit(raw),
            Part::Whole(Kind::GivenName | Kind::FamilyName) => count(|c| c.is_alphabetic()) >= 2,
            Part::Whole(Kind::BirthDate) => !is_one_digit(raw),
            Part::City | Part::Postcode | Part::StreetName => count(|c| c.is_alphanumeric()) >= 3 && !is_one_digit(raw),
            _ => false,
        };
        if wanted {
            self.take(part, slot, raw, month_first);
        }
    }

    /// A given name: its first word, and what follows as middle names.
    fn given(&mut self, value: &str) {
        let folded = fold::folded(value);
        let (first, rest) = folded.split_once(' ').unwrap_or((&folded, ""));
        self.push(Kind::GivenName, first.to_owned());
        self.push(Kind::MiddleName, rest.to_owned());
    }

    /// A whole name that the standardiser did not divide.
    fn divide(&mut self) {
        let has = |kind: Kind| self.values.iter().any(|(slot, _)| *slot == kind as u8);
        let (given, family) = (has(Kind::GivenName), has(Kind::FamilyName));
        if self.full_name.is_empty() || given && family && self.full_name.split(' ').count() < 3 {
            return;
        }
        let name = std::mem::take(&mut self.full_name);
        let mut words: Vec<&str> = name.split(' ').collect();
        if !family && words.len() > 1 {
            let last = words.pop().unwrap_or_default().to_owned();
            self.push(Kind::FamilyName, last);
        }
        if !given {
            let first = words.remove(0).to_owned();
            self.push(Kind::GivenName, first);
            self.push(Kind::MiddleName, words.join(" "));
        }
    }

    fn pack(mut self) -> Option<Comparable> {
        self.divide();
        if let Some(digits) = birth_of_parts(&self.birth) {
            self.push(Kind::BirthDate, digits);
        }
        let separator = char::from(SEPARATOR);
        let address = street::read(&self.street, &self.number);
        if !address.street.is_empty() || !address.number.is_empty() {
            self.push(Kind::Street, format!("{}{separator}{}", address.number, address.street));
        }
        self.push(Kind::AddressExtra, address.extra);
        let postcode = self.postcode.replace(' ', "");
        if !postcode.is_empty() || !self.city.is_empty() || !self.region.is_empty() {
            let place = format!("{postcode}{separator}{}{separator}{}", self.city, self.region);
            self.push(Kind::Place, place);
        }
        self.values.sort();
        self.values.dedup();
        let mut packed = Comparable::default();
        let mut groups = Vec::new();
        let mut before = (u8::MAX, 0usize);
        for (slot, value) in &self.values {
            before = if before.0 == *slot { (*slot, before.1 + 1) } else { (*slot, 1) };
            if before.1 <= VALUES_MAX {
                packed.push(*slot, value.as_bytes());
            }
            if *slot == Kind::GivenName as u8 {
                groups.extend(nicknames::groups(value).iter().flat_map(|group| group.to_be_bytes()));
            }
        }
        packed.push(NICKNAMES, &groups);
        (!packed.is_empty()).then_some(packed)
    }
}

/// Whether all digits are the same one: what is typed where a form insists.
fn is_one_digit(raw: &str) -> bool {
    let mut digits = raw.bytes().filter(u8::is_ascii_digit);
    digits.next().is_some_and(|first| digits.all(|digit| digit == first))
}
