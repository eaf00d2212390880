//! `onefold ledger`.

use super::describe;
use crate::cli::args::{Global, LedgerCommand};
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, line};
use crate::encoding::hex;
use crate::ledger::{self, Report};
use indicatif::{ProgressBar, ProgressDrawTarget};

/// Verifies the ledger or shows entries.
pub fn run(global: &Global, command: &LedgerCommand) -> anyhow::Result<u8> {
    match command {
        LedgerCommand::Verify => verify(global),
        LedgerCommand::Show { from, count } => show(global, *from, *count),
    }
}

fn verify(global: &Global) -> anyhow::Result<u8> {
    let bar = ProgressBar::no_length();
    if global.quiet || global.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let report = ledger::verify(&global.data.join("ledger"), |bytes| bar.set_message(output::bytes(bytes)));
    bar.finish_and_clear();
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
        "The ledger is intact: {} entries in {} ({} segments), {} epochs.",
        output::count(report.entries),
        output::bytes(report.size_bytes),
        report.segments,
        output::count(report.epoch.0)
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
    line(format!("kinds   {}", counts.join(", ")))?;
    if report.uncommitted > 0 {
        line(format!("{} entries stand after the last commit.", output::count(report.uncommitted)))?;
    }
    line(
        "Checked: every frame, the chain of hashes, the Merkle root of every commit. Not checked, for want of a checkpoint: whether\nthe ledger was cut back to an earlier commit.",
    )
}

fn json(report: &Report) -> serde_json::Value {
    let kinds: serde_json::Map<String, serde_json::Value> =
        report.kinds.iter().map(|(kind, count)| (kind.to_string(), (*count).into())).collect();
    serde_json::json!({
        "ledger": report.ledger.to_string(), "entries": report.entries, "size_bytes": report.size_bytes,
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
            line(describe::text(&reader, entry))?;
        }
    }
    Ok(SUCCESS)
}
