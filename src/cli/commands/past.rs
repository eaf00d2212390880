//! `onefold profile --at` and `explain --at`: the state as of an epoch.

use super::{access_of, open, record_name};
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, counted, line};
use crate::pipeline::PastProfile;

/// Shows a profile as it was.
pub fn profile(global: &Global, id: &str, epoch: u64, on: &OnRequest) -> anyhow::Result<u8> {
    let past = open(global)?.profile_as_of(id, epoch, &access_of(global, None, on))?;
    if global.json {
        output::json(&past)?;
        return Ok(SUCCESS);
    }
    heading(&past)?;
    let mut values = Grid::new(&["attribute!", "value", "from", "as of (UTC)!", "entry!"]);
    for value in &past.values {
        let (from, at) = (record_name(&value.record), output::time_in_table(value.record.at_us));
        values.row([&value.attribute, &value.value, &from, &at, &format!("#{}", value.values)]);
    }
    values.print(0)?;
    line("\nMade of")?;
    for member in &past.members {
        line(format!("  {}, {}", output::shown(&record_name(member)), output::as_of(member.at_us)))?;
    }
    if past.erased > 0 {
        line(format!("  and {} erased since", counted(past.erased, "record that is", "records that are")))?;
    }
    line("\nWhat it might be used for")?;
    let mut table = Grid::new(&["purpose!", "answer!", "why"]);
    for permission in &past.permissions {
        let answer = if permission.allowed { "allowed" } else { "denied" };
        let entry = permission.decision.map_or_else(String::new, |entry| format!("; entry #{entry}"));
        table.row([&permission.purpose, answer, &format!("{}{entry}", permission.why)]);
    }
    table.print(0)?;
    Ok(SUCCESS)
}

/// Explains the values of a profile as it was.
pub fn explain(global: &Global, id: &str, attribute: Option<&str>, epoch: u64, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let mut past = archive.profile_as_of(id, epoch, &access_of(global, None, on))?;
    if let Some(name) = attribute {
        let finder = archive.finder()?;
        let schema = finder.schema();
        if schema.attribute(name).is_none() {
            let known = schema.attributes.iter().map(|attribute| attribute.name.as_str());
            return Err(Usage::unknown("attribute", name, known).into());
        }
        past.values.retain(|value| value.attribute == name);
    }
    if global.json {
        output::json(&past.values)?;
        return Ok(SUCCESS);
    }
    heading(&past)?;
    for value in &past.values {
        line(format!("{} = {}", value.attribute, output::shown(&value.value)))?;
        let record = output::shown(&record_name(&value.record));
        line(format!("  from    {record}, {}", output::as_of(value.record.at_us)))?;
        line(format!("  ledger  entry #{} holds the record, entry #{} made the choice", value.received, value.values))?;
        for other in &value.others {
            let record = output::shown(&record_name(&other.record));
            line(format!("  other   {} from {record}, entry #{}", output::shown(&other.value), other.received))?;
        }
    }
    Ok(SUCCESS)
}

fn heading(past: &PastProfile) -> anyhow::Result<()> {
    let id = past.id.as_deref().unwrap_or("whose oldest record is erased since");
    let at = output::time(Some(i64::from(past.at_s) * 1_000_000));
    line(format!("Profile {id}, as of epoch {} ({at} UTC), under bundle {}\n", past.epoch, past.bundle))
}
