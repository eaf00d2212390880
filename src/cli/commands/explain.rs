//! `onefold explain`.

use super::{name, one_profile, open};
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output;
use crate::pipeline::{Explanation, criterion_name};

/// Explains the values of a profile.
pub fn run(global: &Global, id: &str, attribute: Option<&str>) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.reader()?;
    let attribute = match attribute {
        None => None,
        Some(name) => {
            let missing = || Usage(format!("the bundle has no attribute `{name}`"));
            Some(reader.schema().attribute(name).ok_or_else(missing)?)
        }
    };
    let root = one_profile(&reader, id)?;
    let explanations = reader.explain(root, attribute)?;
    if global.json {
        output::json(&explanations)?;
        return Ok(SUCCESS);
    }
    output::line(format!("Profile {}", reader.id(root)?))?;
    if explanations.is_empty() {
        output::line("\nIt has no value for this.")?;
    }
    for explanation in &explanations {
        print(explanation)?;
    }
    Ok(SUCCESS)
}

/// Writes one explanation for people.
pub fn print(explanation: &Explanation) -> anyhow::Result<()> {
    let value = &explanation.value;
    let rule: Vec<&str> = explanation.rule.iter().map(|criterion| criterion_name(*criterion)).collect();
    output::line(format!("\n{} = {}", value.attribute, output::shown(&value.value)))?;
    output::line(format!(
        "  from    {}, field `{}`, written there as `{}`",
        name(&value.record),
        value.field,
        output::shown(&value.raw)
    ))?;
    output::line(format!("  time    {} (UTC); trust {}", output::time(value.record.at_us), value.record.trust))?;
    output::line(format!("  rule    {}, then the keyed hash of the record's name", rule.join(", then ")))?;
    output::line(format!("  ledger  record received in entry #{}, chosen in entry #{}", value.received, value.values))?;
    for loser in &explanation.losers {
        let lost = match loser.lost_by {
            Some(criterion) => format!("lost by {}", criterion_name(criterion)),
            None => "tied, decided by the keyed hash of the record's name".to_owned(),
        };
        let same = if loser.value == value.value { " (the same value)" } else { "" };
        output::line(format!(
            "  beaten  {}{same} from {}, {}, trust {}: {lost}; entry #{}",
            output::shown(&loser.value),
            name(&loser.record),
            output::time(loser.record.at_us),
            loser.record.trust,
            loser.received
        ))?;
    }
    Ok(())
}
