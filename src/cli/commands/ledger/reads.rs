//! `onefold ledger reads`.

use crate::cli::args::{Global, ReadsCommand};
use crate::cli::commands::{day, one_profile, open};
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, Grid, counted, line};
use crate::pipeline::{Clock, Day, ReadFilter, ReadView, SystemClock, prune_reads};
use serde_json::json;

/// Lists reads, or deletes the record of old ones.
pub fn run(global: &Global, command: &ReadsCommand) -> anyhow::Result<u8> {
    match command {
        ReadsCommand::List { subject, since } => list(global, subject.as_deref(), since.as_deref()),
        ReadsCommand::Prune { keep_months } => prune(global, *keep_months),
    }
}

fn list(global: &Global, subject: Option<&str>, since: Option<&str>) -> anyhow::Result<u8> {
    let since_s = since.map(day).transpose()?.map_or(0, Day::start_s);
    let archive = open(global)?;
    let subject = subject.map(|id| one_profile(&archive.finder()?, id)).transpose()?;
    let (reads, erased) = archive.reads(&ReadFilter { subject, since_s })?;
    if global.json {
        output::json(&json!({ "reads": reads, "erased": erased }))?;
        return Ok(SUCCESS);
    }
    if reads.is_empty() {
        line("No read is recorded.")?;
    } else {
        let mut table = Grid::new(&["at (UTC)!", "who", "what!", "whose", "purpose", "request", "answer!"]);
        for read in &reads {
            let at = output::time(Some(i64::from(read.at_s) * 1_000_000));
            let purpose = read.purpose.as_deref().unwrap_or("inspection");
            let answer = if read.allowed { "given" } else { "denied" };
            let request = read.request.as_deref().unwrap_or("");
            table.row([&at, &read.actor, read.operation, &whose(read), purpose, request, answer]);
        }
        table.print(0)?;
    }
    if erased > 0 {
        eprintln!("note: {} about persons who are erased cannot be read any more", counted(erased, "read", "reads"));
    }
    Ok(SUCCESS)
}

fn whose(read: &ReadView) -> String {
    match &read.profile {
        Some(profile) => format!("profile {profile}"),
        None if read.several => counted(read.count, "profile", "profiles"),
        None => "a profile that has ended".to_owned(),
    }
}

fn prune(global: &Global, keep_months: u32) -> anyhow::Result<u8> {
    let pruned = prune_reads(&global.data, keep_months, SystemClock.now_s())?;
    if global.json {
        output::json(&json!({ "pruned": pruned }))?;
    } else if !global.quiet {
        match pruned.as_slice() {
            [] => line("No month of reads is old enough.")?,
            months => line(format!("The record of the reads of {} is deleted.", months.join(", ")))?,
        }
    }
    Ok(SUCCESS)
}
