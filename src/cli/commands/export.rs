//! `onefold export`.

use super::{open, purpose};
use crate::cli::args::{ExportFormat, ExportTable, Global};
use crate::cli::failure::SUCCESS;
use crate::pipeline::Table;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Writes a table.
pub fn run(
    global: &Global,
    table: ExportTable,
    format: ExportFormat,
    purpose_name: Option<&str>,
    output: Option<&Path>,
) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.reader()?;
    let purpose = purpose(&reader, purpose_name)?;
    let table = match table {
        ExportTable::Members => Table::Members,
        ExportTable::Profiles => Table::Profiles,
        ExportTable::Consents => Table::Consents,
    };
    let format = match format {
        ExportFormat::Csv => crate::report::Format::Csv,
        ExportFormat::Ndjson => crate::report::Format::Ndjson,
        ExportFormat::Parquet => crate::report::Format::Parquet,
    };
    match output {
        None => reader.export(table, format, purpose, BufWriter::new(std::io::stdout()))?,
        Some(path) => {
            // Written beside its place and moved there when it is whole, so that a half table never stands there.
            let partial = path.with_extension("partial");
            let file = File::create(&partial)?;
            let written = reader.export(table, format, purpose, BufWriter::new(file));
            if let Err(error) = written {
                let _ = std::fs::remove_file(&partial);
                return Err(error.into());
            }
            std::fs::rename(&partial, path)?;
        }
    }
    Ok(SUCCESS)
}
