//! Rectification (GDPR Art. 16): what a source says of a person is wrong or lacking, and a steward sets it right.
//!
//! A rectification is a decision about an attribute of a record. It stands in the ledger with its reason, sealed under the
//! record's key, and the record is received once more with the value in the place of what its source says: so it goes
//! where the record goes, identifies as any value does, and ends when it is withdrawn or the record is erased. What the
//! source sends from then on changes the record's fields, and not this. The source's own field stays beside it.
//!
//! INVARIANT: a live record whose attribute is rectified has the value of the decision that holds, after every commit.

use super::epoch::received;
use super::facts::identifier_hash;
use super::read::Reader;
use super::{Error, Onefold, Outcome, Statement};
use crate::ledger::{self, Content, Position, Received, Review};
use crate::model::{
    AttributeId, Birth, CellKind, Change, FieldIndex, FieldRole, Fields, Operation, Ruling, Schema, Semantic, Sequence,
};
use crate::model::{SourceId, ValueHash};
use crate::standardize::{Reason, Standardized, Standardizer};
use crate::store::RecordBody;
use std::sync::Arc;

const NO_REVIEW: Error = Error::Unaccounted { what: "a decision's entry is no review" };

/// What is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectified<'v> {
    /// This value, in any form that a source may write.
    Value(&'v str),
    /// The person has none.
    None,
}

/// What a rectification did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rectification {
    /// The value in standard form; empty: none.
    pub value: String,
    /// The entries that are new: the decisions, or their withdrawals.
    pub entries: Vec<Sequence>,
    /// How many records were not so before.
    pub records: usize,
    /// Who received what was wrong under a purpose of the bundle, and is to be told (GDPR Art. 19).
    pub recipients: Vec<String>,
}

/// What changes of the rectifications of one record.
struct Plan {
    record: Birth,
    /// Those that end.
    ends: Vec<AttributeId>,
    /// Those that are made; what it is all about comes first.
    sets: Vec<(AttributeId, String)>,
}

/// How many entries after that of a full name those of its parts may stand: given name, family name and suffix.
const PARTS_MAX: u64 = 3;

impl Onefold {
    /// Rectifies an attribute of a person in every live record that says something of it, or of a record that was named
    /// and says nothing, and commits.
    ///
    /// # Errors
    /// [`Error::BadName`] when the value cannot be one of the attribute, or no record has it and none was named;
    /// [`Error::NotFound`] when there is no such profile; else when ledger or index cannot be written.
    pub fn rectify(
        &mut self,
        root: Birth,
        named: Option<Birth>,
        attribute: AttributeId,
        right: Rectified<'_>,
        statement: &Statement,
    ) -> Result<Rectification, Error> {
        self.running()?;
        statement.check()?;
        self.commit()?;
        let set = self.set_right(attribute, right)?;
        let mut records = self.saying(root, attribute)?;
        records.extend(named.filter(|_| records.is_empty()));
        if records.is_empty() {
            let name = self.attribute_name(attribute);
            let what =
                format!("no record of this person says anything of `{name}`: name the record that it belongs to");
            return Err(Error::BadName { what });
        }
        let mut plans = Vec::new();
        for record in &records {
            self.check_records(Ruling::Rectified { record: *record, attribute })?;
            plans.extend(self.plan(*record, attribute, &set)?);
        }
        let recipients = self.recipients(root, attribute)?;
        let value = set.first().map_or_else(String::new, |(_, value)| value.clone());
        let (_, entries) = self.carry_plans(&plans, statement)?;
        Ok(Rectification { value, entries, records: plans.len(), recipients })
    }

    /// What has to change of a record; `None`: nothing.
    fn plan(
        &mut self,
        record: Birth,
        attribute: AttributeId,
        set: &[(AttributeId, String)],
    ) -> Result<Option<Plan>, Error> {
        let held = self.held(record)?;
        let mut ends = self.set_together(record, attribute)?;
        let is_apart = |of: AttributeId| held.iter().any(|(held, _)| *held == of) && !ends.contains(&of);
        let mut sets = set.to_vec();
        let without = self.parts_without(record, attribute, set)?;
        sets.extend(without.into_iter().filter(|(of, _)| !is_apart(*of)));
        let is_so = |set: &(AttributeId, String)| held.contains(set);
        if sets.iter().all(is_so) && ends.iter().all(|end| sets.iter().any(|(of, _)| of == end)) {
            return Ok(None);
        }
        let replaced = |(of, value): &(AttributeId, String)| sets.iter().any(|(set, new)| set == of && new != value);
        ends.extend(held.iter().filter(|held| replaced(held)).map(|(of, _)| *of));
        ends.sort_unstable();
        ends.dedup();
        // A part that was set so by itself stays what it is.
        sets.retain(|set| !is_so(set) || ends.contains(&set.0));
        Ok(Some(Plan { record, ends, sets }))
    }

    /// The parts that a record has of a full name by the field that is wrong, and that the right one does not give: none.
    fn parts_without(
        &mut self,
        record: Birth,
        attribute: AttributeId,
        set: &[(AttributeId, String)],
    ) -> Result<Vec<(AttributeId, String)>, Error> {
        let Some(known) = self.records.get(record).copied().filter(|known| known.live) else { return Ok(Vec::new()) };
        if !self.is_full_name(attribute) {
            return Ok(Vec::new());
        }
        let received = self.received(known.position)?;
        let mut own = Standardized::default();
        self.standardizer.record(received.source, &received.fields, &mut own);
        let source = self.schema.sources.get(usize::from(received.source.0));
        let field = |field: FieldIndex| source.and_then(|source| source.fields.get(usize::from(field.0)));
        let is_wrong = |at| field(at).is_some_and(|field| field.role == FieldRole::Attribute(attribute));
        let mut parts: Vec<(AttributeId, FieldIndex)> = own.values().map(|(of, field, _)| (of, field)).collect();
        // The first value of an attribute is the record's.
        parts.dedup_by_key(|(of, _)| *of);
        parts.retain(|(of, at)| self.is_part_of_name(*of) && is_wrong(*at) && set.iter().all(|(set, _)| set != of));
        Ok(parts.into_iter().map(|(of, _)| (of, String::new())).collect())
    }

    /// What was rectified of a record, and how.
    fn held(&self, record: Birth) -> Result<Vec<(AttributeId, String)>, Error> {
        let decided = self.decisions.rectified(record).into_iter();
        decided.map(|(attribute, position)| Ok((attribute, self.set_by(position)?))).collect()
    }

    /// Carries plans out and commits, after it was found out that all records have room for what they become. Gives the
    /// entries of the withdrawals, and those of the decisions.
    fn carry_plans(&mut self, plans: &[Plan], statement: &Statement) -> Result<(Vec<Sequence>, Vec<Sequence>), Error> {
        for plan in plans {
            self.check_room(plan)?;
        }
        let (mut ended, mut made) = (Vec::new(), Vec::new());
        for Plan { record, ends, sets } in plans {
            let record = *record;
            for attribute in ends {
                ended.push(self.withdraw(Ruling::Rectified { record, attribute: *attribute }, statement)?);
            }
            // One after another, by which they are known to be one act.
            for (attribute, value) in sets {
                let ruling = Ruling::Rectified { record, attribute: *attribute };
                made.push(self.record_review(ruling, None, statement, value)?);
            }
            let outcome = self.receive_again(record)?;
            let is_taken = !matches!(outcome, Outcome::Quarantined | Outcome::Erased);
            let unexpected = Error::Unaccounted { what: "a record that has room cannot be received again" };
            self.stop_on_error(is_taken.then_some(()).ok_or(unexpected))?;
        }
        self.commit()?;
        Ok((ended, made))
    }

    /// Whether a record has room for what it becomes.
    fn check_room(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(known) = self.records.get(plan.record).copied().filter(|known| known.live) else { return Ok(()) };
        let mut held = self.held(plan.record)?;
        held.retain(|(of, _)| !plan.ends.contains(of));
        held.extend(plan.sets.iter().cloned());
        let change = again(self.received(known.position)?);
        self.standardized.clear();
        self.standardizer.record(change.source, &change.fields, &mut self.standardized);
        if !held.is_empty() {
            self.standardized.rectify(&held);
        }
        match ledger::fits(&received(false, plan.record, &change, change.fields.clone(), &self.standardized)) {
            true => Ok(()),
            false => Err(Error::BadName { what: "a record is too large to hold this value beside its own".to_owned() }),
        }
    }

    /// What is set: the value in standard form first, and of a name what it is made of as well.
    fn set_right(&mut self, attribute: AttributeId, right: Rectified<'_>) -> Result<Vec<(AttributeId, String)>, Error> {
        let name = self.attribute_name(attribute);
        let refuse = |why: &str| Err(Error::BadName { what: format!("this cannot be a value of `{name}`: {why}") });
        let mut set = match right {
            Rectified::None if self.is_full_name(attribute) => {
                let what = format!("`{name}` is made of parts: say what it is, or take its parts away");
                return Err(Error::BadName { what });
            }
            Rectified::None => vec![(attribute, String::new())],
            Rectified::Value(text) => match standard(&self.schema, attribute, text) {
                Ok(set) => set,
                Err(reason) => {
                    return refuse(
                        reason.map_or("no source has such a field, or the value is empty", |why| why.words()),
                    );
                }
            },
        };
        set.sort_by_key(|(of, _)| *of != attribute);
        if set.iter().any(|(of, value)| self.is_of_erased(*of, value)) {
            return refuse("it identifies somebody who was erased");
        }
        Ok(set)
    }

    fn is_full_name(&self, attribute: AttributeId) -> bool {
        let of = self.schema.attributes.get(usize::from(attribute.0));
        of.is_some_and(|of| of.semantic == Semantic::FullName)
    }

    fn is_part_of_name(&self, attribute: AttributeId) -> bool {
        let of = self.schema.attributes.get(usize::from(attribute.0));
        let is_part = matches!(of.map(|of| of.semantic), Some(Semantic::GivenName | Semantic::FamilyName));
        is_part || self.schema.attribute("name_suffix") == Some(attribute)
    }

    /// Whether a value of an attribute identifies somebody who was erased.
    fn is_of_erased(&self, attribute: AttributeId, value: &str) -> bool {
        let keys = self.keys.tombstones();
        let mut kinds = self.schema.kinds.iter().filter(|kind| kind.attribute == attribute && !value.is_empty());
        kinds.any(|kind| {
            let hash = identifier_hash(&self.identity, kind, value);
            [false, true].iter().any(|weak| self.tombstones.contains(&keys.identifier(hash.marked(*weak)).number()))
        })
    }

    /// Whether what a source says of an attribute in a record identifies somebody who was erased.
    fn says_of_erased(&mut self, record: Birth, attribute: AttributeId) -> Result<bool, Error> {
        let Some(known) = self.records.get(record).copied().filter(|known| known.live) else { return Ok(false) };
        let received = self.received(known.position)?;
        let mut own = Standardized::default();
        self.standardizer.record(received.source, &received.fields, &mut own);
        Ok(own.values().any(|(of, _, text)| of == attribute && self.is_of_erased(of, text)))
    }

    /// Withdraws the rectifications of an attribute of a person, and commits: its sources are believed again. A name is
    /// withdrawn with what it is made of.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none holds; [`Error::BadName`] when what the sources say cannot be believed or held; as [`rectify`](Self::rectify).
    pub fn end_rectification(
        &mut self,
        root: Birth,
        attribute: AttributeId,
        statement: &Statement,
    ) -> Result<Rectification, Error> {
        self.commit()?;
        let mut records = self.marked(root)?;
        // Those that their sources deleted would bring it back with them.
        records.extend(self.records.departed().filter(|birth| self.living_root(*birth) == Some(root)));
        let mut plans = Vec::new();
        for record in records {
            let ends = self.set_together(record, attribute)?;
            for of in &ends {
                if self.says_of_erased(record, *of)? {
                    let name = self.attribute_name(*of);
                    let what = format!(
                        "what a source says of `{name}` identifies somebody who was erased: it stays rectified"
                    );
                    return Err(Error::BadName { what });
                }
            }
            plans.extend((!ends.is_empty()).then_some(Plan { record, ends, sets: Vec::new() }));
        }
        if plans.is_empty() {
            let name = self.attribute_name(attribute);
            return Err(Error::NotFound { what: format!("`{name}` of this person was not rectified") });
        }
        let (entries, _) = self.carry_plans(&plans, statement)?;
        Ok(Rectification { entries, records: plans.len(), ..Rectification::default() })
    }

    /// What one rectification of a record set: the attribute, and of a name what it is made of, unless that was set again
    /// since.
    fn set_together(&self, record: Birth, attribute: AttributeId) -> Result<Vec<AttributeId>, Error> {
        let find = |attribute| self.decisions.find(Ruling::Rectified { record, attribute });
        let Some((entry, row)) = find(attribute) else { return Ok(Vec::new()) };
        let mut all = vec![attribute];
        let is_full = self.is_full_name(attribute);
        if !is_full && !self.is_part_of_name(attribute) {
            return Ok(all);
        }
        // The entries of one act stand one after another. Between those of two there is at least what the first changed, and
        // its commit.
        let act = |position: u64| {
            let entry = self.ledger.read(Position(position))?;
            let Content::Review(Review { by, reason, .. }) = entry.content else { return Err(NO_REVIEW) };
            Ok((by, reason, entry.header.time_s))
        };
        let own = act(row.position)?;
        let suffix = self.schema.attribute("name_suffix");
        let reach = if is_full { PARTS_MAX } else { 1 };
        for (part, position) in self.decisions.rectified(record) {
            let Some((other, _)) = find(part) else { continue };
            let is_near = other.0 > entry.0 && other.0 - entry.0 <= reach;
            let may_be = if is_full { self.is_part_of_name(part) } else { Some(part) == suffix };
            if is_near && may_be && act(position)? == own {
                all.push(part);
            }
        }
        Ok(all)
    }

    /// Takes a live record once more as its source left it, with what holds of it now.
    pub(super) fn receive_again(&mut self, record: Birth) -> Result<Outcome, Error> {
        let Some(known) = self.records.get(record).copied().filter(|known| known.live) else {
            return Ok(Outcome::Unchanged);
        };
        let change = again(self.received(known.position)?);
        self.take_anew(&change)
    }

    /// Finishes rectifications that a stop left between the decision and the record.
    pub(super) fn finish_rectifications(&mut self) -> Result<(), Error> {
        let about = |ruling: &Ruling| match *ruling {
            Ruling::Rectified { record, .. } => Some(record),
            _ => None,
        };
        let records: Vec<Birth> = self.open.rulings.keys().filter_map(about).collect();
        records.into_iter().try_for_each(|record| self.receive_again(record).map(|_| ()))
    }

    /// Puts what was rectified of a record in the place of what its source says.
    pub(super) fn apply_rectifications(&mut self, record: Birth) -> Result<(), Error> {
        let held = self.held(record)?;
        if !held.is_empty() {
            self.standardized.rectify(&held);
        }
        Ok(())
    }

    /// The value that the rectification at a place of the ledger sets.
    fn set_by(&self, position: u64) -> Result<String, Error> {
        let Content::Review(review) = self.ledger.read(Position(position))?.content else { return Err(NO_REVIEW) };
        Ok(review.value)
    }

    /// The live records of a profile that say something of an attribute, were it unusable.
    fn saying(&self, root: Birth, attribute: AttributeId) -> Result<Vec<Birth>, Error> {
        let mut found = Vec::new();
        for record in self.marked(root)? {
            let Some(row) = self.index.record(record)? else { continue };
            let RecordBody::Person(facts) = &row.body else { continue };
            let has = facts.values.iter().any(|(of, _)| *of == attribute);
            let source = self.schema.sources.get(usize::from(row.source.0));
            let unusable = |field: &crate::model::FieldIndex| {
                let field = source.and_then(|source| source.fields.get(usize::from(field.0)));
                field.is_some_and(|field| field.role == FieldRole::Attribute(attribute))
            };
            if has || self.index.issues_of(record)?.iter().any(unusable) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// Who receives values of the attribute's category for a purpose that it is used for now.
    fn recipients(&self, root: Birth, attribute: AttributeId) -> Result<Vec<String>, Error> {
        let row = self.index.profile(root)?.unwrap_or_default();
        let uses =
            row.winners.iter().filter(|(winner, _)| winner.attribute == attribute && winner.value != ValueHash::NONE);
        let uses = uses.fold(0, |all, (winner, _)| all | winner.uses);
        let used = self.schema.purposes.iter().enumerate().filter(|(place, _)| uses >> place & 1 == 1);
        let mut recipients: Vec<String> = used.flat_map(|(_, purpose)| purpose.recipients.iter().cloned()).collect();
        recipients.sort();
        recipients.dedup();
        Ok(recipients)
    }

    fn attribute_name(&self, attribute: AttributeId) -> String {
        self.schema.attributes.get(usize::from(attribute.0)).map_or_else(String::new, |of| of.name.clone())
    }
}

/// The change that makes a record what an entry says that it is.
fn again(received: Received) -> Change {
    let Received { source, key, order, at, fields, .. } = received;
    Change { source, key, operation: Operation::Upsert, order, at, fields }
}

/// A value of an attribute in standard form, as the first source that can bring it would, with what is made of it, such
/// as the parts of a name; else why none can, if any has such a field or may be read like that.
pub(super) fn standard(
    schema: &Arc<Schema>,
    attribute: AttributeId,
    value: &str,
) -> Result<Vec<(AttributeId, String)>, Option<Reason>> {
    let mut refused = None;
    let mut standardizer = Standardizer::new(schema);
    for (place, source) in schema.sources.iter().enumerate() {
        let role = FieldRole::Attribute(attribute);
        let Some(field) = source.fields.iter().find(|field| field.role == role) else { continue };
        let (Some(field), Ok(place)) = (source.field(&field.path), u16::try_from(place)) else { continue };
        let mut fields = Fields::default();
        fields.push(field, CellKind::Text, value);
        let mut values = Standardized::default();
        standardizer.record(SourceId(place), &fields, &mut values);
        if values.first(attribute).is_some() {
            return Ok(values.values().map(|(of, _, text)| (of, text.to_owned())).collect());
        }
        refused = refused.or_else(|| values.issues().first().map(|issue| issue.reason));
    }
    // Parts of names come from no field of their own in some bundles.
    let semantic = schema.attributes.get(usize::from(attribute.0)).map(|of| of.semantic);
    let part = semantic.filter(|of| refused.is_none() && matches!(of, Semantic::GivenName | Semantic::FamilyName));
    match part.map(|semantic| standardizer.part(semantic, value)) {
        Some(Ok(text)) => Ok(vec![(attribute, text)]),
        Some(Err(reason)) => Err(Some(reason)),
        None => Err(refused),
    }
}

impl Reader<'_> {
    /// The rectification of a value, where it is one.
    pub(super) fn rectification(
        &self,
        record: Birth,
        attribute: AttributeId,
    ) -> Result<Option<super::RectifiedView>, Error> {
        let missing = || Error::Unaccounted { what: "no decision rectifies what a record says was rectified" };
        let decisions = super::decisions::Decisions::load(self.index)?;
        let (entry, row) = decisions.find(Ruling::Rectified { record, attribute }).ok_or_else(missing)?;
        let read = self.entries.read(Position(row.position))?;
        let Content::Review(review) = read.content else { return Err(NO_REVIEW) };
        Ok(Some(super::RectifiedView { entry, by: review.by, reason: review.reason, at_s: read.header.time_s }))
    }
}
