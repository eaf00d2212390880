//! `onefold ledger`.

use super::{describe, disclose};
use crate::cli::args::{Global, LedgerCommand};
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, counted, line};
use crate::encoding::hex;
use crate::ledger::{self, Report};
use crate::pipeline;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Verifies the ledger or shows entries.
pub fn run(global: &Global, command: &LedgerCommand) -> anyhow::Result<u8> {
    match command {
        LedgerCommand::Verify => verify(global),
        LedgerCommand::Show { from, count } => show(global, *from, *count),
        LedgerCommand::Disclose { entries, profile, since, output } => {
            disclose::run(global, entries.as_deref(), profile.as_deref(), since.as_deref(), output)
        }
    }
}

fn verify(global: &Global) -> anyhow::Result<u8> {
    let folder = global.data.join("ledger");
    if !folder.exists() && !global.data.join("keys").exists() {
        return Err(pipeline::Error::NotInitialised { path: global.data.clone() }.into());
    }
    let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
    if global.quiet || global.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let report = ledger::verify(&folder, &[], |bytes| {
        bar.set_message(format!("{} verified", output::bytes(bytes)));
    });
    bar.finish_and_clear();
    if let (Err(error), true) = (&report, global.json) {
        output::json(&serde_json::json!({ "intact": false, "problem": error.to_string() }))?;
    }
    let report = report?;
    if global.json {
        output::json(&json(&report))?;
    } else {
        print(&report)?;
    }
    Ok(SUCCESS)
}

/// Writes a report for people.
fn print(report: &Report) -> anyhow::Result<()> {
    line(format!(
        "The ledger is intact: {} in {} ({}), {}.",
        counted(report.entries, "entry", "entries"),
        output::bytes(report.size_bytes),
        counted(u64::from(report.segments), "segment", "segments"),
        counted(report.epoch.0, "epoch", "epochs")
    ))?;
    line(format!(
        "ledger  {}\nhead    {}\nroot    {}",
        report.ledger,
        hex::encode(&report.head),
        hex::encode(&report.root)
    ))?;
    line(format!("bundle  {}", hex::encode(&report.policy)))?;
    let counts = report.kinds.iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(kind, count)| format!("{} {kind}", output::count(*count))).collect();
    output::wrapped(&format!("kinds   {}", counts.join(", ")), 8)?;
    if report.uncommitted > 0 {
        let entries = counted(report.uncommitted, "entry stands", "entries stand");
        line(format!("{entries} after the last commit: received, not yet resolved."))?;
    }
    line("Checked: every frame, the chain of hashes, the Merkle root of every commit.")?;
    line("Not checked, for want of a checkpoint: whether it was cut back to an earlier commit.")
}

fn json(report: &Report) -> serde_json::Value {
    let kinds: serde_json::Map<String, serde_json::Value> =
        report.kinds.iter().map(|(kind, count)| (kind.to_string(), (*count).into())).collect();
    serde_json::json!({
        "intact": true, "ledger": report.ledger.to_string(), "entries": report.entries, "size_bytes": report.size_bytes,
        "segments": report.segments, "epoch": report.epoch.0, "head": hex::encode(&report.head),
        "root": hex::encode(&report.root), "bundle": hex::encode(&report.policy), "kinds": kinds,
        "uncommitted": report.uncommitted,
    })
}

/// Shows entries in clear.
fn show(global: &Global, from: u64, count: u64) -> anyhow::Result<u8> {
    let archive = super::open(global)?;
    let reader = archive.reader()?;
    let shown = reader.entries(from, count)?;
    if global.json {
        let values = shown.iter().map(|entry| describe::json(&reader, entry)).collect::<Vec<_>>();
        output::json(&values)?;
    } else {
        for entry in &shown {
            output::wrapped(&describe::text(&reader, entry), describe::INDENT)?;
        }
        if shown.is_empty() && count > 0 {
            eprintln!("note: the ledger ends before entry #{from}");
        }
    }
    Ok(SUCCESS)
}
