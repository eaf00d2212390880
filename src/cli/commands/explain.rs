//! `onefold explain`.

use super::{access_of, one_profile, open, record_name};
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, line};
use crate::model::Criterion;
use crate::pipeline::{Candidate, Explanation, criterion_name};

/// Explains the values of a profile.
pub fn run(global: &Global, id: &str, attribute: Option<&str>, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&access_of(global, None, on))?;
    let attribute = match attribute {
        None => None,
        Some(name) => {
            let known = reader.schema().attributes.iter().map(|attribute| attribute.name.as_str());
            let missing = || Usage::unknown("attribute", name, known);
            Some(reader.schema().attribute(name).ok_or_else(missing)?)
        }
    };
    let root = one_profile(&reader, id)?;
    let explanations = reader.explain(root, attribute)?;
    if global.json {
        output::json(&explanations)?;
        return Ok(SUCCESS);
    }
    line(format!("Profile {}", reader.id(root)?))?;
    if explanations.is_empty() {
        line("\nNo record of it has a value for this.")?;
    }
    for explanation in &explanations {
        line("")?;
        print(explanation)?;
    }
    Ok(SUCCESS)
}

/// Writes one explanation for people.
pub fn print(explanation: &Explanation) -> anyhow::Result<()> {
    let value = &explanation.value;
    line(format!("{} = {}", value.attribute, output::shown(&value.value)))?;
    let record = output::shown(&record_name(&value.record));
    output::wrapped(
        &format!("  from    {record}, {}; trust {}", output::as_of(value.record.at_us), value.record.trust),
        10,
    )?;
    let field = output::shown(&value.field);
    let raw = if value.raw == value.value {
        format!("`{field}`, as it stands there")
    } else {
        format!("`{field}`, where it is written `{}`", output::shown(&value.raw))
    };
    output::wrapped(&format!("  field   {raw}"), 10)?;
    output::wrapped(&format!("  rule    {}", rule(explanation)), 10)?;
    output::wrapped(
        &format!("  ledger  entry #{} holds the record, entry #{} made the choice", value.received, value.values),
        10,
    )?;
    if explanation.losers.is_empty() {
        return line("  lost    nothing: no other record of the profile has one");
    }
    line("  lost")?;
    let mut losers = Grid::new(&["value", "from", "as of (UTC)!", "trust!", "lost by", "entry!"]);
    for loser in &explanation.losers {
        losers.row([
            if loser.value == value.value { "the same" } else { &loser.value },
            &record_name(&loser.record),
            &output::time_in_table(loser.record.at_us),
            &loser.record.trust.to_string(),
            lost_by(loser, value.record.trust),
            &format!("#{}", loser.received),
        ]);
    }
    losers.print(10)
}

/// The rule in words.
fn rule(explanation: &Explanation) -> String {
    let criteria: Vec<&str> = explanation.rule.iter().map(|criterion| criterion_name(*criterion)).collect();
    let tied = explanation.losers.iter().any(|loser| loser.lost_by.is_none());
    let last = if tied { ", then the keyed hash of the record's name, which favours nobody" } else { "" };
    format!("{}{last}", criteria.join(", then "))
}

/// Why a value lost, in words.
fn lost_by(loser: &Candidate, winning_trust: u8) -> &'static str {
    match loser.lost_by {
        Some(Criterion::Recency) if loser.record.at_us.is_none() => "recency: no time",
        Some(Criterion::Recency) => "recency: older",
        // The bundle lets the trust of some sources decay with the age of their records.
        Some(Criterion::Trust) if loser.record.trust >= winning_trust => "trust: less by age",
        Some(Criterion::Trust) => "trust: less",
        Some(Criterion::Completeness) => "completeness: less",
        Some(Criterion::Frequency) => "frequency: rarer",
        None => "a tie: the hash",
    }
}
