//! From the fields of a record to its standardised values: which rule reads which field, and what else a value implies.
//!
//! INVARIANT: what comes out depends on the schema, the source and the fields alone; nothing is kept between records but
//! memory.

use super::consent::Parts;
use super::full_name::Split;
use super::name::Part;
use super::standardized::Draft;
use super::{
    Consent, ConsentProblem, Reason, Standardized, address, calendar, country, domain, email, full_name, name,
};
use super::{number, opaque, phone, text};
use crate::model::{
    AttributeId, CellKind, ConsentField, FieldIndex, FieldRole, Fields, Schema, Semantic, SourceId, Timestamp, matches,
};
use rlibphonenumber::Region;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Standardises records of one schema. Cheap to use again and again, one for each thread.
pub struct Standardizer {
    schema: Arc<Schema>,
    sources: Vec<SourcePlan>,
    /// Standardised values that never identify, by attribute.
    blocked: HashMap<AttributeId, Blocked>,
    derived: Derived,
    draft: Draft,
    scratch: Scratch,
}

/// How the fields of a source are read.
struct SourcePlan {
    region: Option<Region>,
    /// By `FieldIndex`.
    fields: Vec<Plan>,
    /// Whether a field gives the record's country.
    has_country: bool,
}

/// How a field is read.
#[derive(Clone, Copy)]
enum Plan {
    Value { attribute: AttributeId, semantic: Semantic, identifies: bool, blocks: bool },
    Consent(ConsentField),
    Skip,
}

/// Attributes that a whole name has values for.
struct Derived {
    given: Option<AttributeId>,
    family: Option<AttributeId>,
    suffix: Option<AttributeId>,
}

/// Buffers that are used again, and what is known of the record being read.
#[derive(Default)]
struct Scratch {
    work: String,
    split: Split,
    /// Parts of names, set aside until it is known whether the record has its own; their texts stand in `parts_text`.
    parts: Vec<(AttributeId, FieldIndex, Range<usize>)>,
    parts_text: String,
    suffix: Option<&'static str>,
}

/// The record's country, and the region by which its phone numbers are read.
#[derive(Clone, Copy)]
struct Place {
    country: Option<&'static str>,
    region: Option<Region>,
}

/// Values of an attribute that the bundle blocks.
#[derive(Default)]
struct Blocked {
    exact: HashSet<String>,
    /// With `*` for any run of characters.
    patterns: Vec<String>,
}

impl Blocked {
    fn insert(&mut self, value: &str) {
        if value.contains('*') {
            self.patterns.push(value.to_owned());
        } else {
            self.exact.insert(value.to_owned());
        }
    }

    fn holds(&self, value: &str) -> bool {
        self.exact.contains(value) || self.patterns.iter().any(|pattern| matches(pattern, value))
    }
}

impl Standardizer {
    /// A standardiser for the records of a schema. The first in a process loads the phone numbers' metadata (15 ms).
    pub fn new(schema: &Arc<Schema>) -> Self {
        phone::prepare();
        country::prepare();
        let mut this = Self {
            schema: Arc::clone(schema),
            sources: Vec::new(),
            blocked: HashMap::new(),
            derived: Derived {
                given: schema.attribute("given_name"),
                family: schema.attribute("family_name"),
                suffix: schema.attribute("name_suffix"),
            },
            draft: Draft::default(),
            scratch: Scratch::default(),
        };
        this.block();
        this.sources = schema.sources.iter().map(|source| this.plan(source)).collect();
        this
    }

    /// Takes the blocked values as they stand and as they are when standardised, however the bundle wrote them.
    fn block(&mut self) {
        let schema = Arc::clone(&self.schema);
        for kind in schema.kinds.iter().filter(|kind| !kind.blocked.is_empty()) {
            let Some(attribute) = schema.attributes.get(usize::from(kind.attribute.0)) else { continue };
            for value in &kind.blocked {
                let place = Place { country: None, region: None };
                let mut canonical = String::new();
                let read = read(attribute.semantic, CellKind::Text, value, place, &mut self.scratch, &mut canonical);
                let values = self.blocked.entry(kind.attribute).or_default();
                values.insert(value);
                if read.is_ok() {
                    values.insert(&canonical);
                }
            }
        }
    }

    fn plan(&self, source: &crate::model::Source) -> SourcePlan {
        let plan = |role| match role {
            FieldRole::Consent(part) => Plan::Consent(part),
            FieldRole::Attribute(attribute) => match self.schema.attributes.get(usize::from(attribute.0)) {
                Some(known) => Plan::Value {
                    attribute,
                    semantic: known.semantic,
                    identifies: self.schema.kinds.iter().any(|kind| kind.attribute == attribute),
                    blocks: self.blocked.contains_key(&attribute),
                },
                None => Plan::Skip,
            },
        };
        let fields: Vec<Plan> = source.fields.iter().map(|field| plan(field.role)).collect();
        let has_country = fields.iter().any(|plan| matches!(plan, Plan::Value { semantic: Semantic::Country, .. }));
        SourcePlan { region: source.region.as_deref().and_then(phone::region), fields, has_country }
    }

    /// Values of a record of a person or of reference. Never fails: a bad value becomes an issue and costs only itself.
    /// Empty fields, nulls and fields that the source does not have are passed over.
    pub fn record(&mut self, source: SourceId, fields: &Fields, out: &mut Standardized) {
        out.clear();
        self.values(source, fields, out);
        out.fill(&mut self.draft);
    }

    /// Reads a consent: its subject's identifiers as values, and what was consented to. `at` is the event's time, for
    /// records that have none of their own.
    ///
    /// # Errors
    /// Where the record cannot be taken as a whole; `out` then holds what was read all the same.
    pub fn consent(
        &mut self,
        source: SourceId,
        fields: &Fields,
        at: Option<Timestamp>,
        out: &mut Standardized,
    ) -> Result<Consent, ConsentProblem> {
        out.clear();
        let identified = self.values(source, fields, out);
        out.fill(&mut self.draft);
        let mut parts = Parts::default();
        if let Some(plan) = self.sources.get(usize::from(source.0)) {
            for (field, kind, raw) in fields.iter().filter(|(_, kind, raw)| is_present(*kind, raw)) {
                if let Some(Plan::Consent(part)) = plan.fields.get(usize::from(field.0)) {
                    parts.take(*part, field, kind, raw);
                }
            }
        }
        let consent = parts.consent(&self.schema, at, out)?;
        if identified { Ok(consent) } else { Err(ConsentProblem::SubjectMissing) }
    }

    /// A part of a name in standard form, wherever it comes from.
    ///
    /// # Errors
    /// Why it is none.
    pub fn part(&mut self, semantic: Semantic, raw: &str) -> Result<String, Reason> {
        let mut text = String::new();
        read(semantic, CellKind::Text, raw, Place { country: None, region: None }, &mut self.scratch, &mut text)?;
        if text.is_empty() { Err(Reason::Placeholder) } else { Ok(text) }
    }

    /// Fills the draft and the issues; says whether any value identifies a person.
    fn values(&mut self, source: SourceId, fields: &Fields, out: &mut Standardized) -> bool {
        let Self { sources, blocked, derived, draft, scratch, .. } = self;
        draft.clear();
        scratch.parts.clear();
        scratch.parts_text.clear();
        let Some(source) = sources.get(usize::from(source.0)) else { return false };
        let place = place(source, fields);
        let mut identified = false;
        for (field, kind, raw) in fields.iter() {
            let Some(Plan::Value { attribute, semantic, identifies, blocks }) =
                source.fields.get(usize::from(field.0)).copied()
            else {
                continue;
            };
            if !is_present(kind, raw) {
                continue;
            }
            let start = draft.text.len();
            scratch.suffix = None;
            let mut result = read(semantic, kind, raw, place, scratch, &mut draft.text);
            let value = &draft.text[start..];
            if result.is_ok() && value.is_empty() {
                result = Err(Reason::Placeholder);
            } else if result.is_ok() && value.len() > text::VALUE_SIZE_MAX {
                result = Err(Reason::TooLong);
            } else if result.is_ok() && blocks && blocked.get(&attribute).is_some_and(|values| values.holds(value)) {
                result = Err(Reason::Blocked);
            }
            match result {
                Ok(()) => {
                    draft.keep(attribute, field, start);
                    identified |= identifies;
                    derived.collect(semantic, field, scratch);
                }
                Err(reason) => {
                    draft.text.truncate(start);
                    out.refuse(field, reason);
                }
            }
        }
        keep_parts(draft, scratch, blocked);
        identified
    }
}

impl Derived {
    /// Sets aside what a name implies for other attributes.
    fn collect(&self, semantic: Semantic, field: FieldIndex, scratch: &mut Scratch) {
        let Scratch { split, suffix, parts, parts_text, .. } = scratch;
        let mut push = |attribute: Option<AttributeId>, value: &str| {
            if let Some(attribute) = attribute
                && !value.is_empty()
            {
                let start = parts_text.len();
                parts_text.push_str(value);
                parts.push((attribute, field, start..parts_text.len()));
            }
        };
        match semantic {
            Semantic::FullName => {
                push(self.given, &split.given);
                push(self.family, &split.family);
                push(self.suffix, split.suffix.unwrap_or(""));
            }
            Semantic::GivenName | Semantic::FamilyName => push(self.suffix, suffix.unwrap_or("")),
            _ => {}
        }
    }
}

/// Keeps the parts of names for attributes that the record has no value of its own for.
fn keep_parts(draft: &mut Draft, scratch: &Scratch, blocked: &HashMap<AttributeId, Blocked>) {
    // What is kept here must not count as the record's own, so all are judged by the values read from fields.
    let own = draft.count();
    for (attribute, field, range) in &scratch.parts {
        let value = &scratch.parts_text[range.clone()];
        if draft.has(*attribute, own) || blocked.get(attribute).is_some_and(|values| values.holds(value)) {
            continue;
        }
        let start = draft.text.len();
        draft.text.push_str(value);
        draft.keep(*attribute, *field, start);
    }
}

/// Whether a field has anything to be read.
fn is_present(kind: CellKind, raw: &str) -> bool {
    !matches!(kind, CellKind::Null | CellKind::Unavailable) && !raw.trim_ascii().is_empty()
}

/// The first country of the record that is one, and the region that follows.
fn place(source: &SourcePlan, fields: &Fields) -> Place {
    let country = if source.has_country {
        fields.iter().find_map(|(field, kind, raw)| match source.fields.get(usize::from(field.0)) {
            Some(Plan::Value { semantic: Semantic::Country, .. }) if kind == CellKind::Text => {
                country::find(raw.trim())
            }
            _ => None,
        })
    } else {
        None
    };
    Place { country, region: country.and_then(phone::region).or(source.region) }
}

/// Appends one value in canonical form; what stands behind `out`'s former end after an error is to be cut off.
fn read(
    semantic: Semantic,
    kind: CellKind,
    raw: &str,
    place: Place,
    scratch: &mut Scratch,
    out: &mut String,
) -> Result<(), Reason> {
    if raw.len() > text::RAW_SIZE_MAX {
        return Err(Reason::TooLong);
    }
    check_kind(semantic, kind)?;
    let Scratch { work, split, suffix, .. } = scratch;
    match semantic {
        Semantic::Email => email::email(raw, out),
        Semantic::Phone if kind == CellKind::Number && !raw.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Reason::PhoneSyntax)
        }
        Semantic::Phone => phone::phone(raw, place.region, out),
        Semantic::GivenName => name::name(raw, Part::Given, work, out).map(|found| *suffix = found),
        Semantic::FamilyName => name::name(raw, Part::Family, work, out).map(|found| *suffix = found),
        Semantic::FullName => full_name::full_name(raw, place.country, split, out),
        Semantic::Date => calendar::date(kind, raw, place.country, out),
        Semantic::Time => calendar::instant(kind, raw).map(|at| calendar::write_instant(at, out)),
        Semantic::Country => country::country(raw, out),
        Semantic::Street => address::street(raw, place.country, work, out),
        Semantic::City => address::city(raw, work, out),
        Semantic::Postcode => address::postcode(kind, raw, place.country, work, out),
        Semantic::Opaque | Semantic::GovernmentId => opaque::opaque(raw, out),
        Semantic::Handle => opaque::handle(raw, out),
        Semantic::Domain => domain::domain(raw, out),
        Semantic::Text
        | Semantic::MiddleName
        | Semantic::Gender
        | Semantic::OrganisationName
        | Semantic::Region
        | Semantic::StreetNumber
        | Semantic::AddressExtra => text::text(raw, out),
        Semantic::Integer | Semantic::BirthYear | Semantic::BirthMonth | Semantic::BirthDay => {
            number::integer(raw, out)
        }
        Semantic::Decimal => number::decimal(raw, out),
        Semantic::Boolean => number::boolean(raw, out),
    }
}

/// Refuses what was written as something that no such value is.
fn check_kind(semantic: Semantic, kind: CellKind) -> Result<(), Reason> {
    let fits = match kind {
        CellKind::Text => true,
        CellKind::Number => !matches!(
            semantic,
            Semantic::Email
                | Semantic::GivenName
                | Semantic::FamilyName
                | Semantic::FullName
                | Semantic::Country
                | Semantic::City
                | Semantic::Domain
        ),
        CellKind::Boolean => matches!(semantic, Semantic::Boolean | Semantic::Text),
        CellKind::Json | CellKind::Null | CellKind::Unavailable => return Err(Reason::NotScalar),
    };
    if fits { Ok(()) } else { Err(Reason::WrongType) }
}
