//! `onefold quarantine`.

use super::open;
use crate::cli::args::{Global, QuarantineCommand};
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::pipeline::{Onefold, OpenOptions};

/// Lists quarantine or tries it again.
pub fn run(global: &Global, command: &QuarantineCommand) -> anyhow::Result<u8> {
    match command {
        QuarantineCommand::List { values: false, limit } => list_records(global, *limit),
        QuarantineCommand::List { values: true, limit } => list_values(global, *limit),
        QuarantineCommand::Retry => retry(global),
    }
}

fn list_records(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let records = archive.reader()?.quarantined_records(limit)?;
    if global.json {
        output::json(&records)?;
    } else if records.is_empty() {
        output::line("No record is in quarantine.")?;
    } else {
        let mut table = output::table(&["entry", "source", "line", "key", "size", "reason", ""]);
        for record in &records {
            table.add_row([
                format!("#{}", record.entry),
                record.source.clone().unwrap_or_else(|| "-".to_owned()),
                if record.line == 0 { "-".to_owned() } else { record.line.to_string() },
                record.key.as_deref().map_or_else(|| "-".to_owned(), output::shown),
                output::bytes(record.size_bytes),
                record.reason.clone(),
                if record.resolved { "taken since" } else { "" }.to_owned(),
            ]);
        }
        output::line(table)?;
    }
    Ok(SUCCESS)
}

fn list_values(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let values = archive.reader()?.quarantined_values(limit)?;
    if global.json {
        output::json(&values)?;
    } else if values.is_empty() {
        output::line("No value is in quarantine.")?;
    } else {
        let mut table = output::table(&["record", "field", "value", "reason"]);
        for value in &values {
            let record = format!("{}:{}", value.source, output::shown(&value.key));
            table.add_row([record, value.field.clone(), output::shown(&value.raw), value.reason.clone()]);
        }
        output::line(table)?;
    }
    Ok(SUCCESS)
}

fn retry(global: &Global) -> anyhow::Result<u8> {
    let mut onefold = Onefold::open(&global.data, OpenOptions::default())?;
    let retried = onefold.retry_quarantine()?;
    if global.json {
        output::json(&retried)?;
    } else {
        output::line(format!(
            "{} of {} records taken; {} of {} records with unusable values changed.",
            output::count(retried.records_resolved),
            output::count(retried.records),
            output::count(retried.values_resolved),
            output::count(retried.values)
        ))?;
    }
    Ok(SUCCESS)
}
