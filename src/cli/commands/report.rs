//! `onefold report`.

use super::request::opened;
use super::{access_of, actor, one_profile, open};
use crate::cli::args::{CopyFormat, CopyOf, Global, ReportCommand};
use crate::cli::failure::{NotFound, SUCCESS, Usage};
use crate::cli::output::{self, line};
use crate::encoding::hex;
use crate::model::Birth;
use crate::pipeline::{Archive, RequestView, Statement, save_new};
use serde_json::json;

/// Writes a person's copy.
pub fn run(global: &Global, command: &ReportCommand) -> anyhow::Result<u8> {
    match command {
        ReportCommand::Access(copy) => write(global, copy, "access", &|archive, root| {
            let report = archive.access_report(root, &access_of(global, None, &copy.on))?;
            Ok(text(serde_json::to_vec_pretty(&report)?))
        }),
        ReportCommand::Portability { copy, format } => write(global, copy, "portability", &|archive, root| {
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
    right: &str,
    make: &dyn Fn(&Archive, Birth) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<u8> {
    if copy.output.exists() {
        let what = format!("`{}` exists already", copy.output.display());
        return Err(Usage::new(what).help("name a new file with -o: copies are not overwritten").into());
    }
    let archive = open(global)?;
    let root = one_profile(&archive.finder()?, &copy.subject)?;
    if let Some(reference) = &copy.on.request {
        let (request, _) = archive.request(reference)?;
        check(&request, right, &archive.finder()?.id(root)?.to_string())?;
    }
    let bytes = make(&archive, root)?;
    drop(archive);
    save_new(&copy.output, &bytes)?;
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
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

/// Whether a request is for this copy of this person.
fn check(request: &RequestView, right: &str, profile: &str) -> anyhow::Result<()> {
    if request.right != right {
        let what = format!("request {} is for {}, not for {right}", request.reference, request.right);
        return Err(Usage::new(what).into());
    }
    if request.ended.is_some() {
        return Err(Usage::new(format!("request {} has ended", request.reference)).into());
    }
    if request.profile.as_deref() != Some(profile) {
        let what = format!("request {} is not of this person", request.reference);
        return Err(NotFound::new(what).into());
    }
    Ok(())
}
