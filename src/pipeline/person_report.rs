//! The copies that persons ask for: everything about them with where it came from and what was done with it (GDPR Art.
//! 15), and what they provided, to take elsewhere (Art. 20).
//!
//! A copy is recorded as a read before it is given out. It names no other person and nobody who works for the operator.
//!
//! INVARIANT: the same state gives the same bytes.

use super::access::births_of;
use super::carried::Versions;
use super::read::Reader;
use super::read_history::ReadFilter;
use super::wordings::Wordings;
use super::{Archive, Error, Explanation, Exposure, MarkView, PermissionView, ReadView, RecordView, RequestView};
use crate::ledger::{Content, Entry, Operation};
use crate::model::{AttributeId, Basis, Birth, FieldIndex, Purpose};
use crate::report::entry::{Words, says};
use crate::store::RecordBody;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Everything about a person.
#[derive(Clone, Debug, Serialize)]
pub struct AccessReport {
    /// What this is.
    pub kind: &'static str,
    /// The profile.
    pub profile: String,
    /// The last epoch that it knows of.
    pub epoch: u64,
    /// The values of the profile with where they came from, and those that did not win.
    pub values: Vec<Explanation>,
    /// The records that the profile is made of, with all that was received, and those that their sources deleted and that
    /// are not erased.
    pub records: Vec<ReceivedRecord>,
    /// What may be done with the data, and why.
    pub purposes: Vec<PurposeCopy>,
    /// The purpose that governs whether records are held together, where the bundle has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combining: Option<CombiningCopy>,
    /// The categories of data that there are.
    pub categories: Vec<String>,
    /// Who receives data.
    pub recipients: Vec<String>,
    /// Consents given and withdrawn.
    pub consents: Vec<ReceivedRecord>,
    /// Of these, the ends that were received later than they were made.
    pub exposures: Vec<ExposureCopy>,
    /// Holds, restrictions and objections that hold.
    pub marks: Vec<MarkCopy>,
    /// What was recorded about the person, in order.
    pub entries: Vec<EntryCopy>,
    /// Who read the person's data, by role, when and for what.
    pub reads: Vec<ReadCopy>,
    /// What the person asked for.
    pub requests: Vec<RequestView>,
}

/// What the person provided.
#[derive(Clone, Debug, Serialize)]
pub struct PortabilityReport {
    /// What this is.
    pub kind: &'static str,
    /// The profile.
    pub profile: String,
    /// The last epoch that it knows of.
    pub epoch: u64,
    /// The records as they were received.
    pub records: Vec<ReceivedRecord>,
}

/// A record as it was received.
#[derive(Clone, Debug, Serialize)]
pub struct ReceivedRecord {
    /// Where it lives, and since when it is as it is.
    #[serde(flatten)]
    pub record: RecordView,
    /// The entry that holds it.
    pub entry: u64,
    /// The entry by which its source deleted it; what is told is what it last was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at_source: Option<u64>,
    /// Its fields.
    pub fields: Vec<ReceivedField>,
}

/// A field as it was received.
#[derive(Clone, Debug, Serialize)]
pub struct ReceivedField {
    /// Its path in the source; `rectified` where a steward set it right.
    pub field: String,
    /// As the source wrote it; what is right, in standard form, and empty when there is none.
    pub value: String,
    /// The attributes that were made of it; none where it was rectified.
    pub attributes: Vec<String>,
}

/// A purpose and what was decided.
#[derive(Clone, Debug, Serialize)]
pub struct PurposeCopy {
    /// The decision.
    #[serde(flatten)]
    pub permission: PermissionView,
    /// What it is.
    #[serde(flatten)]
    pub terms: PurposeTerms,
}

/// The purpose that governs whether records are held together. It is decided for each record where they are joined, so
/// that there is no decision to name.
#[derive(Clone, Debug, Serialize)]
pub struct CombiningCopy {
    /// Its name.
    pub purpose: String,
    /// What came of it, in words.
    pub decided: String,
    /// What it is.
    #[serde(flatten)]
    pub terms: PurposeTerms,
}

/// A purpose, as the bundle has it.
#[derive(Clone, Debug, Serialize)]
pub struct PurposeTerms {
    /// Its term in the Data Privacy Vocabulary.
    pub dpv: String,
    /// What it means.
    pub description: String,
    /// On what it rests.
    pub basis: &'static str,
    /// Categories that it may use.
    pub categories: Vec<String>,
    /// Who receives the data.
    pub recipients: Vec<String>,
    /// How long data may be kept for it, in days.
    pub retention_days: Option<u32>,
    /// The same for single categories, where it is another.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub retention_days_by_category: BTreeMap<String, u32>,
}

/// The end of a consent that was received late.
#[derive(Clone, Debug, Serialize)]
pub struct ExposureCopy {
    /// The consent, `SOURCE:KEY`.
    pub consent: String,
    /// For what it was.
    pub purposes: Vec<String>,
    /// When it ended and when that was known.
    #[serde(flatten)]
    pub exposure: Exposure,
}

/// A mark that holds.
#[derive(Clone, Debug, Serialize)]
pub struct MarkCopy {
    /// `hold`, `restriction` or `objection`.
    pub mark: &'static str,
    /// The purpose of an objection; none: all.
    pub purpose: Option<String>,
    /// For which record.
    pub record: String,
    /// Why.
    pub reason: String,
    /// When, seconds since 1970.
    pub at_s: u32,
}

/// An entry about the person.
#[derive(Clone, Debug, Serialize)]
pub struct EntryCopy {
    /// Its number.
    pub entry: u64,
    /// Its kind.
    pub kind: &'static str,
    /// When, seconds since 1970.
    pub at_s: u32,
    /// What it says.
    pub says: String,
}

/// A read of the person's data.
#[derive(Clone, Debug, Serialize)]
pub struct ReadCopy {
    /// When, seconds since 1970.
    pub at_s: u32,
    /// Who, by role.
    pub by: &'static str,
    /// For what; none: an inspection by the operator.
    pub purpose: Option<String>,
    /// On which request.
    pub request: Option<String>,
    /// What was done.
    pub operation: &'static str,
    /// Whether values were given out.
    pub allowed: bool,
    /// What was read.
    pub attributes: Vec<String>,
}

/// Who works for the operator, in a copy that names nobody.
const OPERATOR: &str = "operator";

impl PortabilityReport {
    /// As RFC 4180: one row a value.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn to_csv(&self) -> Result<Vec<u8>, Error> {
        let failed = |error: csv::Error| Error::Output { source: std::io::Error::other(error) };
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(["source", "record", "field", "attributes", "value"]).map_err(failed)?;
        for record in &self.records {
            let key = super::written_key(&record.record.key);
            for field in &record.fields {
                let attributes = field.attributes.join(" ");
                let row = [&record.record.source, &key, &field.field, &attributes, &field.value];
                writer.write_record(row).map_err(failed)?;
            }
        }
        writer.into_inner().map_err(|error| Error::Output { source: std::io::Error::other(error.to_string()) })
    }
}

impl Archive {
    /// Everything about the person of this root.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such profile; when index or ledger cannot be read, or the read not recorded.
    pub fn access_report(&self, root: Birth, access: &super::Access) -> Result<AccessReport, Error> {
        let reader = self.reader()?;
        let members = reader.members_of(root)?;
        let held = self.holdings(root, &members)?;
        let births: BTreeSet<Birth> = held.records.keys().chain(held.consents.keys()).copied().collect();
        let schema = reader.schema();
        let purposes = reader.purposes_of(root)?;
        let mut values = reader.explain(root, None)?;
        let rectified = values.iter_mut().filter_map(|found| found.value.rectified.as_mut());
        rectified.for_each(|rectified| rectified.by = OPERATOR.to_owned());
        let categories: BTreeSet<String> = values.iter().map(|found| word(found.value.category)).collect();
        let recipients: BTreeSet<String> =
            schema.purposes.iter().flat_map(|purpose| purpose.recipients.iter().cloned()).collect();
        let subjects: Vec<RequestView> = self.requests()?;
        let profile = reader.id(root)?.to_string();
        let report = AccessReport {
            kind: "access (GDPR Art. 15)",
            epoch: reader.epoch()?,
            values,
            records: reader.received_of(&held.records)?,
            purposes,
            combining: reader.combining_of(members.len()),
            categories: categories.into_iter().collect(),
            recipients: recipients.into_iter().collect(),
            consents: reader.received_of(&held.consents)?,
            exposures: reader.exposures_of(held.consents.keys())?,
            marks: reader.marks_of(|birth| births.contains(&birth))?.into_iter().map(mark_copy).collect(),
            entries: self.entries_about(&births)?,
            reads: self.reads(&ReadFilter { subject: Some(root), since_s: 0 })?.0.into_iter().map(read_copy).collect(),
            requests: subjects.into_iter().filter(|request| request.profile.as_ref() == Some(&profile)).collect(),
            profile,
        };
        let attributes: Vec<AttributeId> = report.values.iter().map(|found| found.value.attribute_id).collect();
        let recorded = self.read_as(access)?;
        recorded.note_one(
            Operation::AccessReport,
            root,
            held.records.len(),
            &attributes,
            recorded.purpose_of(None),
            true,
        )?;
        Ok(report)
    }

    /// What the person of this root provided: the records of persons as their sources sent them.
    ///
    /// # Errors
    /// As [`access_report`](Self::access_report).
    pub fn portability_report(&self, root: Birth, access: &super::Access) -> Result<PortabilityReport, Error> {
        let reader = self.reader()?;
        let provided = reader.members_of(root)?;
        let report = PortabilityReport {
            kind: "portability (GDPR Art. 20)",
            profile: reader.id(root)?.to_string(),
            epoch: reader.epoch()?,
            records: reader.received_of(&provided.iter().map(|birth| (*birth, None)).collect())?,
        };
        let names: BTreeSet<&String> =
            report.records.iter().flat_map(|record| &record.fields).flat_map(|field| &field.attributes).collect();
        let attributes: Vec<AttributeId> =
            names.into_iter().filter_map(|name| reader.schema().attribute(name)).collect();
        let recorded = self.read_as(access)?;
        let (operation, purpose) = (Operation::PortabilityReport, recorded.purpose_of(None));
        recorded.note_one(operation, root, provided.len(), &attributes, purpose, true)?;
        Ok(report)
    }

    /// The entries about some records, which name no record of somebody else.
    fn entries_about(&self, births: &BTreeSet<Birth>) -> Result<Vec<EntryCopy>, Error> {
        let reader = self.reader()?;
        let named = |birth: Birth| match births.contains(&birth) {
            true => reader.name_of(birth).map_or_else(|_| "a record".to_owned(), |record| record.name()),
            false => "a record of somebody else".to_owned(),
        };
        let mut wordings = Wordings::new(&reader)?;
        let mut found = Vec::new();
        self.entries.scan(None, |mut entry: Entry| -> Result<(), Error> {
            wordings.take(&entry);
            match &mut entry.content {
                Content::Review(review) => review.by = OPERATOR.to_owned(),
                Content::Request(request) => request.by = OPERATOR.to_owned(),
                _ => {}
            }
            let words = Words { schema: wordings.of(&entry), record: &named, shown: str::to_owned };
            if births_of(&entry).iter().any(|birth| births.contains(birth)) {
                found.push(EntryCopy {
                    entry: entry.placed.sequence.0,
                    kind: entry.header.kind.name(),
                    at_s: entry.header.time_s,
                    says: says(&words, &entry.content),
                });
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl Reader<'_> {
    fn members_of(&self, root: Birth) -> Result<Vec<Birth>, Error> {
        let missing = || Error::NotFound { what: "there is no such profile".to_owned() };
        Ok(self.index.profile(root)?.ok_or_else(missing)?.members)
    }

    fn purposes_of(&self, root: Birth) -> Result<Vec<PurposeCopy>, Error> {
        let row = self.index.profile(root)?.unwrap_or_default();
        let named = |name: &str| self.schema.purposes.iter().find(|purpose| purpose.name == name);
        let copy = |permission: PermissionView| {
            let terms = named(&permission.purpose).map(terms)?;
            Some(PurposeCopy { permission, terms })
        };
        Ok(self.permissions(&row).into_iter().filter_map(copy).collect())
    }

    /// Whether so many records are one profile, and for what purpose.
    fn combining_of(&self, members: usize) -> Option<CombiningCopy> {
        let purpose = self.schema.purposes.get(usize::from(self.schema.combining?.0))?;
        let decided = match members {
            1 => "the record stands by itself: no other is held together with it".to_owned(),
            count => format!("{count} records are held together as one profile"),
        };
        Some(CombiningCopy { purpose: purpose.name.clone(), decided, terms: terms(purpose) })
    }

    /// The last epoch that the index knows of.
    fn epoch(&self) -> Result<u64, Error> {
        let bytes = self.index.meta(super::meta::EPOCH)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes))
    }

    fn exposures_of<'b>(&self, consents: impl Iterator<Item = &'b Birth>) -> Result<Vec<ExposureCopy>, Error> {
        let mut found = Vec::new();
        for consent in consents {
            let Some(RecordBody::Consent(facts)) = self.index.record(*consent)?.map(|row| row.body) else { continue };
            let Some(exposure) = Exposure::of(&facts) else { continue };
            let purposes = facts.purposes.iter().filter_map(|of| self.schema.purposes.get(usize::from(of.0)));
            let purposes = purposes.filter(|of| exposure.is_of(of.basis)).map(|of| of.name.clone());
            let purposes: Vec<String> = purposes.collect();
            if purposes.is_empty() {
                continue;
            }
            found.push(ExposureCopy { consent: self.name_of(*consent)?.name(), purposes, exposure });
        }
        Ok(found)
    }

    fn received_of(&self, versions: &Versions) -> Result<Vec<ReceivedRecord>, Error> {
        let mut records = Vec::with_capacity(versions.len());
        for (birth, last) in versions {
            let mut opened = self.open(*birth)?;
            let deleted_at_source = (!opened.row.live).then_some(opened.row.sequence.0);
            if let Some(last) = last {
                opened.received = self.received(last.position.0)?;
                opened.row.sequence = last.sequence;
            }
            let source = self.schema.sources.get(usize::from(opened.row.source.0));
            let received = &opened.received;
            let fields = received.fields.iter().map(|(index, _, text)| {
                let made = received.values.iter(&received.fields).filter(|(_, field, _)| *field == index);
                ReceivedField {
                    field: source
                        .and_then(|source| source.fields.get(usize::from(index.0)))
                        .map_or_else(String::new, |field| field.path.clone()),
                    value: text.to_owned(),
                    attributes: made.map(|(attribute, _, _)| self.attribute(attribute).to_owned()).collect(),
                }
            });
            let mut fields: Vec<ReceivedField> = fields.collect();
            // What is right is hers, too, and what a source says instead is made into nothing.
            for (attribute, field, text) in received.values.iter(&received.fields) {
                if field == FieldIndex::RECTIFIED {
                    let (field, value) = ("rectified".to_owned(), text.to_owned());
                    fields.push(ReceivedField { field, value, attributes: vec![self.attribute(attribute).to_owned()] });
                }
            }
            let (record, entry) = (self.record_view(&opened), opened.row.sequence.0);
            records.push(ReceivedRecord { record, entry, deleted_at_source, fields });
        }
        Ok(records)
    }
}

/// A word of the bundle for what stands in the code.
fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn terms(purpose: &Purpose) -> PurposeTerms {
    PurposeTerms {
        dpv: purpose.dpv.clone(),
        description: purpose.description.clone(),
        basis: basis(purpose.basis),
        categories: purpose.categories.iter().map(word).collect(),
        recipients: purpose.recipients.clone(),
        retention_days: purpose.retention_days,
        retention_days_by_category: purpose
            .category_retention_days
            .iter()
            .map(|(of, days)| (word(of), *days))
            .collect(),
    }
}

fn mark_copy(view: MarkView) -> MarkCopy {
    let MarkView { mark, purpose, record, reason, at_s, .. } = view;
    MarkCopy { mark, purpose, record, reason, at_s }
}

/// Those who work for the operator are not named: the person has a right to what was done, for what and when.
fn read_copy(view: ReadView) -> ReadCopy {
    let ReadView { at_s, purpose, request, operation, allowed, attributes, .. } = view;
    ReadCopy { at_s, by: OPERATOR, purpose, request, operation, allowed, attributes }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Consent => "consent (GDPR Art. 6(1)(a))",
        Basis::Contract => "contract (GDPR Art. 6(1)(b))",
        Basis::LegalObligation => "legal obligation (GDPR Art. 6(1)(c))",
        Basis::VitalInterests => "vital interests (GDPR Art. 6(1)(d))",
        Basis::PublicInterest => "public interest (GDPR Art. 6(1)(e))",
        Basis::LegitimateInterest => "legitimate interest (GDPR Art. 6(1)(f))",
    }
}
