//! `onefold ledger audit`.

use super::super::progress;
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, TAMPERED};
use crate::cli::output::{self, Grid, count, counted, line};
use crate::pipeline::{Audit, Breach, Finder};
use serde_json::{Value, json};

/// Breaches that are shown to people; `--json` has all.
const SHOWN_MAX: usize = 100;

/// Compares ledger and state.
pub fn run(global: &Global) -> anyhow::Result<u8> {
    let archive = super::super::open(global)?;
    let finder = archive.finder()?;
    let bar = progress(global);
    let audit = finder.audit(|entries| {
        bar.set_message(format!("{} read", counted(entries, "entry", "entries")));
        bar.tick();
    });
    bar.finish_and_clear();
    let audit = audit?;
    if global.json {
        output::json(&to_json(&finder, &audit)?)?;
    } else {
        print(&finder, &audit)?;
    }
    Ok(if audit.breaches.is_empty() { SUCCESS } else { TAMPERED })
}

fn print(finder: &Finder<'_>, audit: &Audit) -> anyhow::Result<()> {
    let breaches = audit.breaches.len();
    if breaches == 0 {
        line("Ledger and profiles account for each other.")?;
    } else {
        let found = counted(breaches as u64, "breach", "breaches");
        line(format!("Ledger and profiles do not account for each other: {found}."))?;
    }
    line(format!(
        "  {} read, {} of them about erased records",
        counted(audit.entries, "entry", "entries"),
        count(audit.erased)
    ))?;
    line(format!("  {} compared", counted(audit.profiles, "profile", "profiles")))?;
    let each = if breaches == 0 { ", each with the one entry that justifies it" } else { "" };
    line(format!(
        "  {}, {} and {}{each}",
        counted(audit.links, "link", "links"),
        counted(audit.values, "value", "values"),
        counted(audit.permissions, "permission", "permissions")
    ))?;
    if audit.decisions > 0 {
        line(format!("  {} of stewards", counted(audit.decisions, "decision", "decisions")))?;
    }
    if breaches == 0 {
        return Ok(());
    }
    let mut table = Grid::new(&["entry!", "profile!", "what is wrong"]);
    for breach in audit.breaches.iter().take(SHOWN_MAX) {
        let entry = breach.entry.map_or_else(|| "-".to_owned(), |entry| format!("#{entry}"));
        table.row([&entry, profile(finder, breach)?.as_deref().unwrap_or("none any more"), breach.what]);
    }
    table.print(0)?;
    if breaches > SHOWN_MAX {
        line(format!("… and {} more: --json lists all.", count((breaches - SHOWN_MAX) as u64)))?;
    }
    line("Remove DIR/index and audit again: it is rebuilt from the ledger. What is wrong then stands in the ledger.")
}

fn to_json(finder: &Finder<'_>, audit: &Audit) -> anyhow::Result<Value> {
    let mut breaches = Vec::with_capacity(audit.breaches.len());
    for breach in &audit.breaches {
        breaches.push(json!({
            "entry": breach.entry.map(|entry| entry.0), "profile": profile(finder, breach)?, "what": breach.what,
        }));
    }
    let mut value = serde_json::to_value(audit)?;
    value["accounted"] = audit.breaches.is_empty().into();
    value["breaches"] = breaches.into();
    Ok(value)
}

/// The profile that a breach is about.
fn profile(finder: &Finder<'_>, breach: &Breach) -> anyhow::Result<Option<String>> {
    Ok(finder.profile_at(breach.birth)?.map(|id| id.to_string()))
}
