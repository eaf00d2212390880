//! `onefold quarantine`.

use super::{inspection, open};
use crate::cli::access;
use crate::cli::args::{Global, QuarantineCommand};
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, Grid, line};
use crate::pipeline::{Onefold, written_key};

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
    // One more than is shown says whether there are more.
    let mut records = archive.read_as(&inspection(global))?.quarantined_records(limit.saturating_add(1))?;
    let more = records.len() > limit;
    records.truncate(limit);
    if global.json {
        output::json(&records)?;
    } else if records.is_empty() && !more {
        line("No record is in quarantine; for single values see `onefold quarantine list --values`.")?;
    } else {
        let mut table = Grid::new(&["entry!", "source!", "line!", "key", "size!", "state!", "reason"]);
        for record in &records {
            table.row([
                &format!("#{}", record.entry),
                record.source.as_deref().unwrap_or("-"),
                &if record.line == 0 { "-".to_owned() } else { record.line.to_string() },
                record.key.as_deref().unwrap_or("-"),
                &output::bytes(record.size_bytes),
                if record.resolved { "taken" } else { "kept" },
                &record.reason,
            ]);
        }
        table.print(0)?;
    }
    tell_of_more(more, limit);
    Ok(SUCCESS)
}

fn list_values(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let mut values = archive.read_as(&inspection(global))?.quarantined_values(limit.saturating_add(1))?;
    let more = values.len() > limit;
    values.truncate(limit);
    if global.json {
        output::json(&values)?;
    } else if values.is_empty() && !more {
        line("No value is in quarantine.")?;
    } else {
        let mut table = Grid::new(&["record", "field", "value", "reason"]);
        for value in &values {
            table.row([
                &format!("{}:{}", value.source, written_key(&value.key)),
                &value.field,
                &value.raw,
                &value.reason,
            ]);
        }
        table.print(0)?;
    }
    tell_of_more(more, limit);
    Ok(SUCCESS)
}

/// The list was cut: said beside the data, so that a script is not misled either.
fn tell_of_more(more: bool, limit: usize) {
    if more {
        eprintln!("note: only the first {limit} are listed; give a higher --limit");
    }
}

fn retry(global: &Global) -> anyhow::Result<u8> {
    let mut onefold = Onefold::open(&global.data, access::open_options(global)?)?;
    let retried = onefold.retry_quarantine()?;
    if global.json {
        output::json(&retried)?;
    } else {
        line(format!(
            "{} tried, {} taken; {} with unusable values tried, {} changed",
            output::counted(retried.records, "refused record", "refused records"),
            output::count(retried.records_resolved),
            output::counted(retried.values, "record", "records"),
            output::count(retried.values_resolved)
        ))?;
    }
    Ok(SUCCESS)
}
