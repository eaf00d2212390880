//! Tables of all members, profiles, permissions and exposures, in the order of births, row by row with bounded memory.

use super::Error;
use super::read::Reader;
use crate::ledger::Operation;
use crate::model::{AttributeId, Birth, PurposeId, Role, Timestamp};
use crate::report::{self, Column, ColumnKind, Format, Value};
use crate::store::{ProfileRow, RecordBody};
use std::collections::HashMap;
use std::io::Write;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `source, record_id, profile_id` of every live record of a person.
    Members,
    /// `profile_id, records` and a column for each attribute.
    Profiles,
    /// `profile_id, purpose, decision, until, reason` of every profile and purpose.
    Consents,
    /// `source, record_id, purpose, end, claimed, received` of every consent whose end was received late.
    Exposures,
}

impl Reader<'_> {
    /// Writes a table. With `purpose`, only profiles and values that may be used for it.
    ///
    /// # Errors
    /// When the index, the ledger or the output cannot be used.
    pub fn export(
        &self,
        table: Table,
        format: Format,
        purpose: Option<PurposeId>,
        out: impl Write + Send,
    ) -> Result<(), Error> {
        let purpose = self.purpose_of(purpose);
        if self.recording.is_some() && table == Table::Exposures {
            self.note_exposures()?;
        } else if self.recording.is_some() {
            let permitted = |row: &ProfileRow| purpose.is_none_or(|purpose| self.permitted(row, purpose));
            let mut roots = Vec::new();
            for row in self.profiles() {
                let (root, row) = row?;
                if table == Table::Consents || permitted(&row) {
                    roots.push(root);
                }
            }
            let (operation, attributes) = match table {
                Table::Members => (Operation::Members, Vec::new()),
                Table::Profiles => (Operation::Profiles, self.exported_attributes(purpose)),
                Table::Consents | Table::Exposures => (Operation::Consents, Vec::new()),
            };
            self.note_several(operation, roots, &attributes)?;
        }
        match table {
            Table::Members => self.export_members(format, purpose, out),
            Table::Profiles => self.export_profiles(format, purpose, out),
            Table::Consents => self.export_consents(format, purpose, out),
            Table::Exposures => self.export_exposures(format, purpose, out),
        }
    }

    fn export_members(&self, format: Format, purpose: Option<PurposeId>, out: impl Write + Send) -> Result<(), Error> {
        let columns = vec![text("source"), text("record_id"), text("profile_id")];
        let mut table = report::Table::new(format, columns, out)?;
        let mut permitted: HashMap<Birth, bool> = HashMap::new();
        for row in self.index.records() {
            let (birth, row) = row?;
            if !matches!(row.body, RecordBody::Person(_)) {
                continue;
            }
            let Some(root) = self.index.root(birth)? else { continue };
            if let Some(purpose) = purpose {
                let known = match permitted.get(&root) {
                    Some(known) => *known,
                    None => self.index.profile(root)?.is_some_and(|profile| self.permitted(&profile, purpose)),
                };
                permitted.insert(root, known);
                if !known {
                    continue;
                }
            }
            let received = self.received(row.position)?;
            let source = self.schema.sources.get(usize::from(row.source.0)).map_or("", |source| source.name.as_str());
            let id = self.id(root)?.to_string();
            table.row(&[Value::Text(source), Value::Text(&received.key), Value::Text(&id)])?;
        }
        table.finish()?.flush().map_err(|source| Error::Output { source })
    }

    fn export_profiles(&self, format: Format, purpose: Option<PurposeId>, out: impl Write + Send) -> Result<(), Error> {
        let attributes = self.exported_attributes(purpose);
        let mut columns = vec![text("profile_id"), column("records", ColumnKind::Integer)];
        columns.extend(attributes.iter().map(|attribute| text(self.attribute(*attribute))));
        let mut table = report::Table::new(format, columns, out)?;
        for row in self.profiles() {
            let (root, row) = row?;
            if purpose.is_some_and(|purpose| !self.permitted(&row, purpose)) {
                continue;
            }
            let mut values: HashMap<AttributeId, String> = HashMap::new();
            for (winner, _) in row.winners.iter().filter(|(winner, _)| winner.is_for(purpose)) {
                let text = self.winning_text(winner)?;
                values.insert(winner.attribute, text);
            }
            let id = self.id(root)?.to_string();
            let records = i64::try_from(row.members.len()).unwrap_or(i64::MAX);
            let mut cells = vec![Value::Text(&id), Value::Integer(records)];
            let value = |attribute| values.get(attribute).map_or(Value::Null, |text| Value::Text(text));
            cells.extend(attributes.iter().map(value));
            table.row(&cells)?;
        }
        table.finish()?.flush().map_err(|source| Error::Output { source })
    }

    /// The attributes that some source of persons fills and that the purpose may use.
    fn exported_attributes(&self, purpose: Option<PurposeId>) -> Vec<AttributeId> {
        let all = (0..self.schema.attributes.len()).filter_map(|place| u16::try_from(place).ok()).map(AttributeId);
        let role = crate::model::FieldRole::Attribute;
        let filled = |attribute: &AttributeId| {
            let people = self.schema.sources.iter().filter(|source| source.role == Role::People);
            people.flat_map(|source| &source.fields).any(|field| field.role == role(*attribute))
        };
        let from_full_name = |attribute: &AttributeId| {
            use crate::model::Semantic;
            let semantic = self.schema.attributes[usize::from(attribute.0)].semantic;
            matches!(semantic, Semantic::GivenName | Semantic::FamilyName)
        };
        all.filter(|attribute| filled(attribute) || from_full_name(attribute))
            .filter(|attribute| self.usable(*attribute, purpose))
            .collect()
    }

    fn export_consents(&self, format: Format, purpose: Option<PurposeId>, out: impl Write + Send) -> Result<(), Error> {
        let columns = vec![
            text("profile_id"),
            text("purpose"),
            text("decision"),
            column("until", ColumnKind::Timestamp),
            text("reason"),
        ];
        let mut table = report::Table::new(format, columns, out)?;
        for row in self.profiles() {
            let (root, row) = row?;
            let id = self.id(root)?.to_string();
            for (place, of) in self.schema.purposes.iter().enumerate() {
                let combining = self.schema.combining.is_some_and(|combining| usize::from(combining.0) == place);
                if combining || purpose.is_some_and(|purpose| usize::from(purpose.0) != place) {
                    continue;
                }
                let found = row.permissions.iter().find(|(p, _)| usize::from(p.purpose.0) == place).map(|(p, _)| p);
                let (allowed, why) = self.policies.decide(of, found, self.now_us);
                let until = found.map(|permission| permission.until).filter(|until| *until != i64::MAX);
                table.row(&[
                    Value::Text(&id),
                    Value::Text(&of.name),
                    Value::Text(if allowed { "allowed" } else { "denied" }),
                    until.map_or(Value::Null, |until| Value::Timestamp(Timestamp(until))),
                    Value::Text(&why),
                ])?;
            }
        }
        table.finish()?.flush().map_err(|source| Error::Output { source })
    }
}

pub(super) fn text(name: &str) -> Column {
    column(name, ColumnKind::Text)
}

pub(super) fn column(name: &str, kind: ColumnKind) -> Column {
    Column { name: name.to_owned(), kind }
}
