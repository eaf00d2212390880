//! `onefold report`.

use super::request::opened;
use super::{access_of, actor, one_profile, open};
use crate::cli::args::{CopyFormat, CopyOf, Global, ReportCommand};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, line};
use crate::encoding::hex;
use crate::ledger::Right;
use crate::model::Birth;
use crate::pipeline::{Archive, Statement, save_new};
use serde_json::json;

/// Writes a person's copy.
pub fn run(global: &Global, command: &ReportCommand) -> anyhow::Result<u8> {
    match command {
        ReportCommand::Access(copy) => write(global, copy, Right::Access, &|archive, root| {
            let report = archive.access_report(root, &access_of(global, None, &copy.on))?;
            Ok(text(serde_json::to_vec_pretty(&report)?))
        }),
        ReportCommand::Portability { copy, format } => write(global, copy, Right::Portability, &|archive, root| {
            let report = archive.portability_report(root, &access_of(global, None, &copy.on))?;
            match format {
                CopyFormat::Json => Ok(text(serde_json::to_vec_pretty(&report)?)),
                CopyFormat::Csv => Ok(report.to_csv()?),
            }
        }),
    }
}

fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(b'\n');
    bytes
}

fn write(
    global: &Global,
    copy: &CopyOf,
    right: Right,
    make: &dyn Fn(&Archive, Birth) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<u8> {
    if copy.output.exists() {
        let what = format!("`{}` exists already", copy.output.display());
        return Err(Usage::new(what).help("name a new file with -o: copies are not overwritten").into());
    }
    let archive = open(global)?;
    let root = one_profile(&archive.finder()?, &copy.subject)?;
    if let Some(reference) = &copy.on.request {
        archive.finder()?.check_request(reference, right, root)?;
    }
    let bytes = make(&archive, root)?;
    drop(archive);
    save_new(&copy.output, &bytes)?;
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
    let right = right.name();
    if let Some(reference) = &copy.on.request {
        let statement = Statement { by: actor(global), reason: format!("{right} report was made") };
        opened(global)?.advance_request(reference, digest, &statement)?;
    }
    let sha256 = hex::encode(&digest);
    if global.json {
        output::json(&json!({ "report": right, "file": copy.output, "bytes": bytes.len(), "sha256": sha256 }))?;
    } else if !global.quiet {
        line(format!("The copy is {}, SHA-256 {sha256}.", copy.output.display()))?;
    }
    Ok(SUCCESS)
}
