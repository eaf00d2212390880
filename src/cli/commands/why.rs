//! `onefold why`.

use super::{name, open};
use crate::cli::args::Global;
use crate::cli::failure::{NOT_FOUND, SUCCESS};
use crate::cli::output;
use crate::pipeline::Evidence;

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
            None => output::line(format!("{first} and {second} are not in one profile: no evidence joins them."))?,
        }
    }
    Ok(if evidence.is_some() { SUCCESS } else { NOT_FOUND })
}

/// Writes the evidence for people.
pub fn print(evidence: &Evidence) -> anyhow::Result<()> {
    output::line(format!("Both are in profile {}, because", evidence.profile))?;
    if evidence.steps.is_empty() {
        output::line("  they are the same record")?;
    }
    for step in &evidence.steps {
        output::line(format!(
            "  {} and {} share the {} {} (merged in ledger entry #{})",
            name(&step.from),
            name(&step.to),
            step.kind,
            output::shown(&step.value),
            step.merge
        ))?;
    }
    Ok(())
}
