//! `onefold why`.

use super::{open, record_name};
use crate::cli::args::Global;
use crate::cli::failure::{NOT_FOUND, SUCCESS};
use crate::cli::output::{self, line};
use crate::pipeline::{Evidence, Reader, SCORED, STEWARD};

/// Shows the evidence between two records.
pub fn run(global: &Global, first: &str, second: &str) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.reader()?;
    let evidence = reader.why(reader.record(first)?, reader.record(second)?)?;
    if global.json {
        output::json(&evidence)?;
    } else {
        match &evidence {
            Some(evidence) => print(evidence)?,
            None => {
                line(format!("No evidence joins {} and {}.", output::shown(first), output::shown(second)))?;
                for record in [first, second] {
                    line(format!("  {}: {}", output::shown(record), place(&reader, record)?))?;
                }
            }
        }
    }
    Ok(if evidence.is_some() { SUCCESS } else { NOT_FOUND })
}

/// Where a record is.
fn place(reader: &Reader<'_>, record: &str) -> anyhow::Result<String> {
    match reader.profiles_of(record) {
        Ok(roots) => match roots.first() {
            Some(root) => Ok(format!("profile {}", reader.id(*root)?)),
            None => Ok("in no profile".to_owned()),
        },
        Err(crate::pipeline::Error::NotFound { what }) => Ok(what),
        Err(error) => Err(error.into()),
    }
}

/// Writes the evidence for people, each link with the ledger entry of its merge.
pub fn print(evidence: &Evidence) -> anyhow::Result<()> {
    line(format!("Both are in profile {}, because", evidence.profile))?;
    if evidence.steps.is_empty() {
        line("  they are the same record")?;
    }
    for step in &evidence.steps {
        let reason = match step.kind.as_str() {
            SCORED => format!("look like one person (weight {})", step.value),
            STEWARD => "are one person by a steward's decision".to_owned(),
            kind => format!("share the {kind} {}", step.value),
        };
        let (from, to) = (record_name(&step.from), record_name(&step.to));
        let text = format!("  {from} and {to} {reason} (entry #{})", step.merge);
        output::wrapped(&output::shown(&text), 4)?;
    }
    Ok(())
}
