//! `onefold explain`.

use super::{access_of, one_profile, open, record_name};
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, line};
use crate::dataflow::profiles::LostBy;
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
    let raw = match (value.raw == value.value, field.is_empty()) {
        (_, true) => "none: the source says nothing of it".to_owned(),
        (true, false) => format!("`{field}`, as it stands there"),
        (false, false) => format!("`{field}`, where it is written `{}`", output::shown(&value.raw)),
    };
    output::wrapped(&format!("  field   {raw}"), 10)?;
    if let Some(rectified) = &value.rectified {
        let (by, reason) = (output::shown(&rectified.by), output::shown(&rectified.reason));
        let at = output::day(i64::from(rectified.at_s) * 1_000_000);
        output::wrapped(&format!("  right   rectified by {by} on {at}, entry #{}: {reason}", rectified.entry), 10)?;
    }
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
    let tied = explanation.losers.iter().any(|loser| loser.lost_by == LostBy::Tie);
    let last = if tied { ", then the keyed hash of the record's name, which favours nobody" } else { "" };
    format!("{}{last}", criteria.join(", then "))
}

/// Why a value lost, in words.
fn lost_by(loser: &Candidate, winning_trust: u8) -> &'static str {
    match loser.lost_by {
        LostBy::Rectified => "rectified",
        LostBy::Criterion(Criterion::Recency) if loser.record.at_us.is_none() => "recency: no time",
        LostBy::Criterion(Criterion::Recency) => "recency: older",
        // The bundle lets the trust of some sources decay with the age of their records.
        LostBy::Criterion(Criterion::Trust) if loser.record.trust >= winning_trust => "trust: less by age",
        LostBy::Criterion(Criterion::Trust) => "trust: less",
        LostBy::Criterion(Criterion::Completeness) => "completeness: less",
        LostBy::Criterion(Criterion::Frequency) => "frequency: rarer",
        LostBy::Tie => "a tie: the hash",
    }
}
