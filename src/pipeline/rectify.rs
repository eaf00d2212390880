//! Rectification (GDPR Art. 16): what a source says of a person is wrong or lacking, and a steward sets it right.
//!
//! A rectification is a decision about an attribute of a record. It stands in the ledger with its reason, sealed under the
//! record's key, and the record is received once more with the value in the place of what its source says: so it goes
//! where the record goes, identifies as any value does, and ends when it is withdrawn or the record is erased. What the
//! source sends from then on changes the record's fields, and not this. The source's own field stays beside it.
//!
//! INVARIANT: a live record whose attribute is rectified has the value of the decision that holds, after every commit.

use super::facts::identifier_hash;
use super::read::Reader;
use super::{Decided, Error, Onefold, Outcome, Statement};
use crate::ledger::{self, Content, Position, Review};
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
    /// The entries that are new, one for each record that was not so before.
    pub entries: Vec<Sequence>,
    /// Who received what was wrong under a purpose of the bundle, and is to be told (GDPR Art. 19).
    pub recipients: Vec<String>,
}

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
        for record in &records {
            self.check_records(Ruling::Rectified { record: *record, attribute })?;
            self.check_room(*record, &set)?;
        }
        let recipients = self.recipients(root, attribute)?;
        let mut entries = Vec::new();
        for record in records {
            // Parts that a full name had before, and has no longer.
            for part in self.set_together(record, attribute)? {
                if set.iter().all(|(of, _)| *of != part) {
                    self.withdraw(Ruling::Rectified { record, attribute: part }, statement)?;
                }
            }
            for (of, value) in &set {
                if let Decided::Taken(entry) = self.rectify_record(record, *of, value, statement)? {
                    entries.push(entry);
                }
            }
        }
        self.commit()?;
        let value = set.iter().find(|(of, _)| *of == attribute).map_or_else(String::new, |(_, value)| value.clone());
        Ok(Rectification { value, entries, recipients })
    }

    /// Whether a record has room for values beside its own: found out before anything is written.
    fn check_room(&self, record: Birth, set: &[(AttributeId, String)]) -> Result<(), Error> {
        let Some(known) = self.records.get(record).filter(|known| known.live) else { return Ok(()) };
        let mut received = self.received(known.position)?;
        for (attribute, value) in set {
            received.values.push(*attribute, FieldIndex::RECTIFIED, value, &received.fields);
        }
        match ledger::fits(&received) {
            true => Ok(()),
            false => Err(Error::BadName { what: "a record is too large to hold this value beside its own".to_owned() }),
        }
    }

    /// What is set: the value in standard form, and of a full name its parts as well.
    fn set_right(&mut self, attribute: AttributeId, right: Rectified<'_>) -> Result<Vec<(AttributeId, String)>, Error> {
        let name = self.attribute_name(attribute);
        let refuse = |why: &str| Err(Error::BadName { what: format!("this cannot be a value of `{name}`: {why}") });
        let set = match right {
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

    /// Withdraws the rectifications of an attribute of a person, and commits: its sources are believed again. Gives the
    /// entries of the withdrawals.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none holds; as [`rectify`](Self::rectify).
    pub fn end_rectification(
        &mut self,
        root: Birth,
        attribute: AttributeId,
        statement: &Statement,
    ) -> Result<Vec<Sequence>, Error> {
        self.commit()?;
        let mut records = self.marked(root)?;
        // Those that their sources deleted would bring it back with them.
        records.extend(self.records.departed().filter(|birth| self.living_root(*birth) == Some(root)));
        for record in &records {
            for of in self.set_together(*record, attribute)? {
                if !self.says_of_erased(*record, of)? {
                    continue;
                }
                let name = self.attribute_name(of);
                let what =
                    format!("what a source says of `{name}` identifies somebody who was erased: it stays rectified");
                return Err(Error::BadName { what });
            }
        }
        let mut entries = Vec::new();
        for record in records {
            let set = self.set_together(record, attribute)?;
            for of in &set {
                entries.push(self.withdraw(Ruling::Rectified { record, attribute: *of }, statement)?);
            }
            if !set.is_empty() {
                self.receive_again(record)?;
            }
        }
        if entries.is_empty() {
            let name = self.attribute_name(attribute);
            return Err(Error::NotFound { what: format!("`{name}` of this person was not rectified") });
        }
        self.commit()?;
        Ok(entries)
    }

    /// What one rectification of a record set: the attribute, and of a full name its parts, unless they were set again since.
    fn set_together(&self, record: Birth, attribute: AttributeId) -> Result<Vec<AttributeId>, Error> {
        let Some((_, row)) = self.decisions.find(Ruling::Rectified { record, attribute }) else {
            return Ok(Vec::new());
        };
        let mut all = vec![attribute];
        if !self.is_full_name(attribute) {
            return Ok(all);
        }
        // One act has one statement and one time.
        let act = |position: u64| {
            let entry = self.ledger.read(Position(position))?;
            let Content::Review(Review { by, reason, .. }) = entry.content else { return Err(NO_REVIEW) };
            Ok((by, reason, entry.header.time_s))
        };
        let own = act(row.position)?;
        for (part, position) in self.decisions.rectified(record) {
            if self.is_part_of_name(part) && act(position)? == own {
                all.push(part);
            }
        }
        Ok(all)
    }

    fn rectify_record(
        &mut self,
        record: Birth,
        attribute: AttributeId,
        value: &str,
        statement: &Statement,
    ) -> Result<Decided, Error> {
        let ruling = Ruling::Rectified { record, attribute };
        if let Some((entry, row)) = self.decisions.find(ruling) {
            if self.set_by(row.position)? == value {
                return Ok(Decided::Unchanged(entry));
            }
            self.withdraw(ruling, statement)?;
        }
        let entry = self.record_review(ruling, None, statement, value)?;
        match self.receive_again(record)? {
            Outcome::Quarantined | Outcome::Erased => {
                self.withdraw(ruling, statement)?;
                self.receive_again(record)?;
                self.commit()?;
                Err(Error::BadName { what: "a record cannot hold this value beside its own".to_owned() })
            }
            Outcome::Taken | Outcome::Unchanged | Outcome::Late => Ok(Decided::Taken(entry)),
        }
    }

    /// Takes a live record once more as its source left it, with what holds of it now.
    pub(super) fn receive_again(&mut self, record: Birth) -> Result<Outcome, Error> {
        let Some(known) = self.records.get(record).copied().filter(|known| known.live) else {
            return Ok(Outcome::Unchanged);
        };
        let received = self.received(known.position)?;
        let change = Change {
            source: received.source,
            key: received.key,
            operation: Operation::Upsert,
            order: received.order,
            at: received.at,
            fields: received.fields,
        };
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
        let decided = self.decisions.rectified(record);
        if decided.is_empty() {
            return Ok(());
        }
        let set = decided.into_iter().map(|(attribute, position)| Ok((attribute, self.set_by(position)?)));
        let set: Vec<(AttributeId, String)> = set.collect::<Result<_, Error>>()?;
        self.standardized.rectify(&set);
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
