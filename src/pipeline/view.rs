//! The shapes of answers. They hold values of persons: they are made to be shown to whoever asked, not kept.

use crate::model::{AttributeId, Category, Criterion, ProfileId, Sequence};
use serde::Serialize;
use std::collections::BTreeMap;

/// A record as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordView {
    /// Name of the source.
    pub source: String,
    /// Key in the source.
    pub key: String,
    /// Event time, microseconds since 1970 in UTC.
    pub at_us: Option<i64>,
    /// How much the source is trusted, 0 to 100.
    pub trust: u8,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileView {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub id: ProfileId,
    /// The records that it is made of, oldest first.
    pub members: Vec<MemberView>,
    /// The winning values, in the order of attributes.
    pub values: Vec<ValueView>,
    /// Facts about things that the values name.
    pub references: Vec<ReferenceView>,
    /// What may be done with it, by purpose.
    pub permissions: Vec<PermissionView>,
}

/// A record of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// The record.
    #[serde(flatten)]
    pub record: RecordView,
    /// The entry of what it last was.
    pub entry: Sequence,
}

/// A winning value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueView {
    /// Name of the attribute.
    pub attribute: String,
    /// Index of the attribute in the bundle.
    #[serde(skip)]
    pub attribute_id: AttributeId,
    /// Category of data.
    #[serde(serialize_with = "as_debug")]
    pub category: Category,
    /// In standard form.
    pub value: String,
    /// As the source wrote it.
    pub raw: String,
    /// Path of the field that it stood in.
    pub field: String,
    /// The record that it came from.
    pub record: RecordView,
    /// The entry that holds the record.
    pub received: Sequence,
    /// The entry that made it the profile's value.
    pub values: Sequence,
}

/// A record of a reference source that a value leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferenceView {
    /// The record.
    pub record: RecordView,
    /// The attribute whose value is its key.
    pub by: String,
    /// What it says, by attribute.
    pub facts: BTreeMap<String, String>,
    /// The entry that holds the record.
    pub received: Sequence,
}

/// What may be done for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionView {
    /// Name of the purpose.
    pub purpose: String,
    /// Whether it is permitted at the time of the answer.
    pub allowed: bool,
    /// Why, with the law.
    pub why: &'static str,
    /// When the permission ends, microseconds since 1970 in UTC.
    pub until_us: Option<i64>,
    /// The consent that decides.
    pub consent: Option<RecordView>,
    /// The entry that records the decision; none where nothing but the default decides.
    pub decision: Option<Sequence>,
}

/// Why an attribute has the value it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The winner.
    #[serde(flatten)]
    pub value: ValueView,
    /// The criteria in their order.
    #[serde(serialize_with = "criteria_as_text")]
    pub rule: Vec<Criterion>,
    /// The others, latest first.
    pub losers: Vec<Candidate>,
}

/// A value that did not win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The record that has it.
    pub record: RecordView,
    /// In standard form.
    pub value: String,
    /// As the source wrote it.
    pub raw: String,
    /// The entry that holds the record.
    pub received: Sequence,
    /// The criterion on which it lost; none: all tied, and the keyed hash of the records' names decided.
    #[serde(serialize_with = "criterion_as_text")]
    pub lost_by: Option<Criterion>,
}

/// Why two records are one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The profile that they are in.
    #[serde(serialize_with = "as_text")]
    pub profile: ProfileId,
    /// From the first to the second record; empty when they are the same record.
    pub steps: Vec<Step>,
}

/// One link of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The nearer record.
    pub from: RecordView,
    /// The farther record.
    pub to: RecordView,
    /// The kind of identifier that they share.
    pub kind: String,
    /// Its value in standard form.
    pub value: String,
    /// The entry that merged them.
    pub merge: Sequence,
}

/// A criterion in the bundle's words.
pub fn criterion_name(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::Recency => "recency",
        Criterion::Trust => "trust",
        Criterion::Completeness => "completeness",
        Criterion::Frequency => "frequency",
    }
}

fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn as_debug<S: serde::Serializer>(value: &impl std::fmt::Debug, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:?}").to_lowercase())
}

fn criteria_as_text<S: serde::Serializer>(criteria: &[Criterion], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(criteria.iter().map(|criterion| criterion_name(*criterion)))
}

fn criterion_as_text<S: serde::Serializer>(criterion: &Option<Criterion>, serializer: S) -> Result<S::Ok, S::Error> {
    match criterion {
        Some(criterion) => serializer.serialize_str(criterion_name(*criterion)),
        None => serializer.serialize_str("tie"),
    }
}
