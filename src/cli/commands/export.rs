//! `onefold export`.

use super::{access_of, open, purpose};
use crate::cli::args::{ExportFormat, ExportTable, Global, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::pipeline::Table;
use anyhow::Context;
use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

/// Writes a table.
pub fn run(
    global: &Global,
    table: ExportTable,
    format: ExportFormat,
    purpose_name: Option<&str>,
    output: Option<&Path>,
    on: &OnRequest,
) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let purpose = purpose(&archive.finder()?, purpose_name)?;
    let reader = archive.read_as(&access_of(global, purpose_name, on))?;
    let table = match table {
        ExportTable::Members => Table::Members,
        ExportTable::Profiles => Table::Profiles,
        ExportTable::Consents => Table::Consents,
        ExportTable::Exposures => Table::Exposures,
    };
    let format = match format {
        ExportFormat::Csv => crate::report::Format::Csv,
        ExportFormat::Ndjson => crate::report::Format::Ndjson,
        ExportFormat::Parquet => crate::report::Format::Parquet,
    };
    if output.is_none() && format == crate::report::Format::Parquet && std::io::stdout().is_terminal() {
        return Err(Usage::new("Parquet is not text for a terminal")
            .help("give -o FILE, or redirect the output")
            .into());
    }
    match output {
        None => reader.export(table, format, purpose, BufWriter::new(std::io::stdout()))?,
        Some(path) => {
            // Written beside its place and moved there when it is whole, so that a half table never stands there.
            let mut partial = path.as_os_str().to_owned();
            partial.push(".partial");
            let partial = PathBuf::from(partial);
            let file = File::create(&partial).with_context(|| format!("cannot write `{}`", path.display()))?;
            let written = reader.export(table, format, purpose, BufWriter::new(file));
            if let Err(error) = written {
                let _ = std::fs::remove_file(&partial);
                return Err(error.into());
            }
            std::fs::rename(&partial, path).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    Ok(SUCCESS)
}
