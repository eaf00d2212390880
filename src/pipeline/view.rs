//! The shapes of answers. They hold values of persons: they are made to be shown to whoever asked, not kept.

use super::exposure::Exposure;
use crate::dataflow::profiles::LostBy;
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

impl RecordView {
    /// Its name as people write it: `SOURCE:KEY`, with `|` between the parts of a key.
    pub fn name(&self) -> String {
        format!("{}:{}", self.source, written_key(&self.key))
    }
}

/// A key as people write it: its parts with `|` between them.
pub fn written_key(key: &str) -> String {
    key.replace('\u{1f}', "|")
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
    /// As the source wrote it, also where a steward rectified that; empty where it wrote nothing.
    pub raw: String,
    /// Path of the field that it stood in; empty where it wrote nothing.
    pub field: String,
    /// By which decision it stands there instead of what the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rectified: Option<RectifiedView>,
    /// The record that it came from.
    pub record: RecordView,
    /// The entry that holds the record.
    pub received: Sequence,
    /// The entry that made it the profile's value.
    pub values: Sequence,
}

/// A steward's decision by which a value is another one than its source says (GDPR Art. 16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RectifiedView {
    /// Its entry.
    pub entry: Sequence,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, seconds since 1970.
    pub at_s: u32,
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
    pub why: String,
    /// When the permission ends, microseconds since 1970 in UTC.
    pub until_us: Option<i64>,
    /// The consent that decides.
    pub consent: Option<RecordView>,
    /// Where it was ended before that was received: what was done in between was done without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
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
    /// Why it lost; `tie`: the keyed hash of the records' names decided.
    #[serde(serialize_with = "lost_by_as_text")]
    pub lost_by: LostBy,
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
    /// The kind of identifier that they share; [`STEWARD`] or [`SCORED`] when it is none.
    pub kind: String,
    /// Its value in standard form; the weight of their score; what the steward decided.
    pub value: String,
    /// The entry of the steward's decision that the link rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Sequence>,
    /// The entry that merged them.
    pub merge: Sequence,
}

/// The kind of evidence of a scored match.
pub const SCORED: &str = "score";
/// The kind of evidence of a steward's decision.
pub const STEWARD: &str = "steward";

/// What ties two records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ground {
    /// The kind of identifier that they share; [`STEWARD`] or [`SCORED`] when it is none.
    pub kind: String,
    /// The value that they share, in standard form; the weight of their score; what the steward decided.
    pub value: String,
    /// The weight of their score, thousandths of a bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_millibits: Option<i32>,
    /// The entry of the steward's decision that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Sequence>,
}

/// A profile, or what would be one, by its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The id that it has, or would have.
    #[serde(serialize_with = "as_text")]
    pub profile: ProfileId,
    /// Its records, oldest first.
    pub records: Vec<RecordView>,
}

/// What would happen: the profiles that would change, as they are and as they would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// As they are; empty when nothing would change.
    pub before: Vec<Group>,
    /// As they would be.
    pub after: Vec<Group>,
}

/// A link that does not join its records, for a steward to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuestionView {
    /// One record.
    pub from: RecordView,
    /// The other.
    pub to: RecordView,
    /// The profile of the one.
    #[serde(serialize_with = "as_text")]
    pub from_profile: ProfileId,
    /// The profile of the other.
    #[serde(serialize_with = "as_text")]
    pub to_profile: ProfileId,
    /// What ties them.
    #[serde(flatten)]
    pub ground: Ground,
    /// What hinders it: `different`, `unique`, `source`, `size`, `bridge` or `uncertain`.
    pub obstacle: &'static str,
    /// The same in plain words.
    pub reason: String,
    /// What would resolve it.
    pub remedy: String,
    /// The entry by which a steward has decided that they are different persons.
    pub decided: Option<Sequence>,
}

/// Links for stewards to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Questions {
    /// The strongest first.
    pub open: Vec<QuestionView>,
    /// How many there are in all, of those that are asked for.
    pub count: u64,
    /// How many others a steward has decided already.
    pub decided: u64,
}

/// A steward's decision that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionView {
    /// Its entry.
    pub entry: Sequence,
    /// `same`, `different`, `allowed`, `restricted`, `objected`, `held` or `rectified`.
    pub ruling: &'static str,
    /// The record or the two records that it is about; none when it is about an identifier.
    pub records: Vec<RecordView>,
    /// The kind of the identifier that it is about; `purpose` of an objection; the attribute of a rectification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its value, where a live record carries it; the purpose, or `all`; what a rectification sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, seconds since 1970.
    pub at_s: u32,
}

/// Two records, side by side, for who has to decide about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairView {
    /// One.
    pub first: RecordView,
    /// Its profile; none when it was deleted.
    #[serde(serialize_with = "as_text_or_null")]
    pub first_profile: Option<ProfileId>,
    /// The other.
    pub second: RecordView,
    /// Its profile.
    #[serde(serialize_with = "as_text_or_null")]
    pub second_profile: Option<ProfileId>,
    /// The decision about the two that holds.
    pub decision: Option<DecisionView>,
    /// The links between their profiles that do not join them.
    pub questions: Vec<QuestionView>,
    /// What would happen if they were decided to be one person; none where that holds already, or cannot beside what was
    /// decided.
    pub same: Option<Preview>,
    /// What would happen if they were decided to be different persons; likewise.
    pub different: Option<Preview>,
}

/// How an identifier is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// It joins nobody.
    Quarantined,
    /// It joins only records whose given names agree.
    Weak,
    /// It would be held back, or might be, and a steward allowed it.
    Allowed,
}

/// An identifier that guards hold back or a steward let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuardedView {
    /// Its kind.
    pub kind: String,
    /// Its value in standard form; none when no live record carries it.
    pub value: Option<String>,
    /// Live records that carry it.
    pub records: u64,
    /// Different given names among them.
    pub names: u64,
    /// How it stands.
    pub state: Held,
    /// Why, in plain words.
    pub why: String,
    /// The entry of the decision that allows it.
    pub decision: Option<Sequence>,
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

fn as_text_or_null<S: serde::Serializer>(profile: &Option<ProfileId>, serializer: S) -> Result<S::Ok, S::Error> {
    profile.map(|id| id.to_string()).serialize(serializer)
}

fn as_debug<S: serde::Serializer>(value: &impl std::fmt::Debug, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:?}").to_lowercase())
}

fn criteria_as_text<S: serde::Serializer>(criteria: &[Criterion], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(criteria.iter().map(|criterion| criterion_name(*criterion)))
}

fn lost_by_as_text<S: serde::Serializer>(lost_by: &LostBy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match lost_by {
        LostBy::Rectified => "rectified",
        LostBy::Criterion(criterion) => criterion_name(*criterion),
        LostBy::Tie => "tie",
    })
}
