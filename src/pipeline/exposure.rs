//! Exposure windows: a consent that was ended earlier, as its sender says, than the end was received (design section 7,
//! rule 5). The end acts from its receipt, for nobody knew before; what was done in between was done without consent.
//!
//! It is computed from the two times of a consent and kept nowhere. A consent that was sent again in other words counts
//! from then: the window is never told shorter than it was.

use super::Error;
use super::export::{column, text};
use super::read::Reader;
use crate::ledger::Operation;
use crate::model::{Basis, Birth, ConsentFacts, ConsentState, IdentifierHash, PurposeId, Timestamp};
use crate::report::{self, ColumnKind, Format, Value};
use crate::store::RecordBody;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;

const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
/// So many carriers of an identifier are named in the record of a read.
const CARRIERS_MAX: usize = 10_000;

/// The time between the end of a consent and its receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// `withdrawn` or `objected`.
    pub end: &'static str,
    /// When it was ended, as its sender says, microseconds since 1970 in UTC.
    pub claimed_us: i64,
    /// When that was received.
    pub received_us: i64,
    /// The same in plain words.
    pub says: String,
}

impl Exposure {
    /// That of a consent; `None` when it is not ended by the person, or was received by the time of its end.
    pub(super) fn of(facts: &ConsentFacts) -> Option<Self> {
        let end = match facts.state {
            ConsentState::Withdrawn => "withdrawn",
            ConsentState::Objected => "objected",
            _ => return None,
        };
        let (claimed_us, received_us) = (facts.at, facts.received);
        let says = says(end, claimed_us, received_us);
        (received_us > claimed_us).then_some(Self { end, claimed_us, received_us, says })
    }

    /// Whether it is one for a purpose on this basis: what rests on something else than consent needs none.
    pub(super) fn is_of(&self, basis: Basis) -> bool {
        self.end == "objected" || basis == Basis::Consent
    }
}

/// An exposure for who has to account for it.
fn says(end: &str, claimed_us: i64, received_us: i64) -> String {
    let seconds = received_us.saturating_sub(claimed_us) / SECOND_US;
    let (count, unit) = match seconds {
        DAY_S.. => (seconds / DAY_S, "day"),
        3_600.. => (seconds / 3_600, "hour"),
        60.. => (seconds / 60, "minute"),
        _ => (seconds.max(1), "second"),
    };
    let form = if seconds >= DAY_S { "%-d %B %Y" } else { "%-d %B %Y %H:%M:%S UTC" };
    let written = |us: i64| {
        let stamp = jiff::Timestamp::from_microsecond(us).ok();
        stamp.map_or_else(|| "an unknown day".to_owned(), |stamp| stamp.strftime(form).to_string())
    };
    let these = if count == 1 { format!("this {unit}") } else { format!("these {count} {unit}s") };
    let without = if end == "objected" { "against the objection" } else { "without consent" };
    format!(
        "{end} on {}, received on {}: uses in {these} were made {without}",
        written(claimed_us),
        written(received_us)
    )
}

impl Reader<'_> {
    /// Writes the ends of consents that were received late, a row for each purpose.
    pub(super) fn export_exposures(
        &self,
        format: Format,
        purpose: Option<PurposeId>,
        out: impl Write + Send,
    ) -> Result<(), Error> {
        let columns = vec![
            text("source"),
            text("record_id"),
            text("purpose"),
            text("end"),
            column("claimed", ColumnKind::Timestamp),
            column("received", ColumnKind::Timestamp),
        ];
        let mut table = report::Table::new(format, columns, out)?;
        for row in self.exposed() {
            let (birth, facts, exposure) = row?;
            let record = self.name_of(birth)?;
            for of in facts.purposes.iter().filter(|of| purpose.is_none_or(|purpose| purpose == **of)) {
                let name = self.schema.purposes.get(usize::from(of.0)).map_or("", |of| of.name.as_str());
                table.row(&[
                    Value::Text(&record.source),
                    Value::Text(&record.key),
                    Value::Text(name),
                    Value::Text(exposure.end),
                    Value::Timestamp(Timestamp(exposure.claimed_us)),
                    Value::Timestamp(Timestamp(exposure.received_us)),
                ])?;
            }
        }
        table.finish()?.flush().map_err(|source| Error::Output { source })
    }

    /// Records that these are read: of everybody who carries an identifier that such a consent was given on.
    pub(super) fn note_exposures(&self) -> Result<(), Error> {
        let mut identifiers: BTreeSet<IdentifierHash> = BTreeSet::new();
        for row in self.exposed() {
            identifiers.extend(row?.1.identifiers.iter().map(|(_, identifier)| *identifier));
        }
        let mut carriers = BTreeSet::new();
        for identifier in identifiers {
            carriers.extend(self.index.carriers(identifier, CARRIERS_MAX)?);
        }
        self.note_several(Operation::Consents, self.roots_of(carriers.into_iter())?, &[])
    }

    /// The consents that were ended before that was received, oldest record first.
    fn exposed(&self) -> impl Iterator<Item = Result<(Birth, ConsentFacts, Exposure), Error>> + '_ {
        self.index.records().filter_map(|row| match row {
            Ok((birth, row)) => match row.body {
                RecordBody::Consent(facts) => Exposure::of(&facts).map(|exposure| Ok((birth, facts, exposure))),
                _ => None,
            },
            Err(error) => Some(Err(error.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_said_in_words() {
        // 2026-05-03T00:00:00Z.
        let from = 1_777_766_400 * SECOND_US;
        for (end, seconds, expected) in [
            (
                "withdrawn",
                7 * DAY_S + 5,
                "withdrawn on 3 May 2026, received on 10 May 2026: uses in these 7 days were made without consent",
            ),
            (
                "objected",
                DAY_S,
                "objected on 3 May 2026, received on 4 May 2026: uses in this day were made against the objection",
            ),
            (
                "withdrawn",
                7_261,
                "withdrawn on 3 May 2026 00:00:00 UTC, received on 3 May 2026 02:01:01 UTC: uses in these 2 hours were \
                 made without consent",
            ),
        ] {
            assert_eq!(says(end, from, from + seconds * SECOND_US), expected);
        }
    }
}
