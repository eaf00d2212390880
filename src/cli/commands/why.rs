//! `onefold why`.

use super::review::{list::ties, print_group};
use super::{access_of, one_profile, open, record_name};
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{NOT_FOUND, NotFound, SUCCESS};
use crate::cli::output::{self, counted, line};
use crate::pipeline::{Evidence, Hypothesis, Reader};

/// Shows the evidence between two records.
pub fn run(global: &Global, first: &str, second: &str, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&access_of(global, None, on))?;
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

/// Tells what would come apart if a record left its profile.
pub fn without(global: &Global, record: &str, id: &str, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&access_of(global, None, on))?;
    let (birth, root) = (reader.record(record)?, one_profile(&reader, id)?);
    let profile = reader.id(root)?;
    if one_profile(&reader, record)? != root {
        let what = format!("{} is not in profile {profile}", output::shown(record));
        return Err(NotFound::new(what).help("`onefold profile ID` lists the records of a profile").into());
    }
    let preview = reader.preview(Hypothesis::Without(birth))?;
    if global.json {
        output::json(&preview)?;
        return Ok(SUCCESS);
    }
    let without = format!("Without {}, profile {profile}", output::shown(record));
    match preview.after.as_slice() {
        [] => line(format!("{without} would end: it has no other record."))?,
        [whole] => {
            line(format!("{without} would stay in one piece:"))?;
            print_group(whole)?;
        }
        parts => {
            line(format!("{without} would come apart into {}:", counted(parts.len() as u64, "part", "parts")))?;
            parts.iter().try_for_each(print_group)?;
        }
    }
    Ok(SUCCESS)
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
        let (from, to, ties) = (record_name(&step.from), record_name(&step.to), ties(&step.kind, &step.value));
        let decided = step.decision.map_or_else(String::new, |entry| format!("decision #{entry}, "));
        let text = format!("  {from} and {to} {ties} ({decided}entry #{})", step.merge);
        output::wrapped(&output::shown(&text), 4)?;
    }
    Ok(())
}
