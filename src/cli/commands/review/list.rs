//! `onefold review list` and `identifiers`.

use crate::cli::args::Global;
use crate::cli::commands::{inspection, open, record_name};
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, Grid, counted, line};
use crate::pipeline::{DecisionView, Held, QuestionView, SCORED, STEWARD};
use serde_json::json;

/// Lists links that do not join their records.
pub fn questions(global: &Global, limit: usize, all: bool) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let questions = archive.read_as(&inspection(global))?.questions(limit, all)?;
    if global.json {
        output::json(&questions)?;
        return Ok(SUCCESS);
    }
    if questions.count == 0 {
        line("Nothing is to be reviewed; for values that too many share see `onefold review identifiers`.")?;
    }
    for (place, view) in questions.open.iter().enumerate() {
        if place > 0 {
            line("")?;
        }
        question(view)?;
    }
    if questions.count > questions.open.len() as u64 {
        eprintln!(
            "note: the {limit} strongest of {} are listed; give a higher --limit",
            output::count(questions.count)
        );
    }
    if questions.decided > 0 {
        let others = counted(questions.decided, "other is", "others are");
        eprintln!("note: {others} decided already; --all lists them, too");
    }
    Ok(SUCCESS)
}

/// Writes a link that does not join its records.
pub fn question(view: &QuestionView) -> anyhow::Result<()> {
    let (from, to) = (record_name(&view.from), record_name(&view.to));
    let write = |text: String| output::wrapped(&output::shown(&text), 10);
    write(format!("{from} and {to} {}", ties(&view.ground.kind, &view.ground.value)))?;
    write(format!("  in      profile {} and profile {}", view.from_profile, view.to_profile))?;
    write(format!("  but     {}", view.reason))?;
    write(format!("  remedy  {}", view.remedy))
}

/// What ties two records, after their names.
pub fn ties(kind: &str, value: &str) -> String {
    match kind {
        SCORED => format!("look like one person (weight {value})"),
        STEWARD => "are one person by a steward's decision".to_owned(),
        kind => format!("share the {kind} {value}"),
    }
}

/// Lists the decisions that hold.
pub fn decisions(global: &Global) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let decisions = archive.read_as(&inspection(global))?.decisions()?;
    if global.json {
        output::json(&decisions)?;
        return Ok(SUCCESS);
    }
    if decisions.is_empty() {
        line("Nothing was decided, or all of it was withdrawn.")?;
    }
    for view in &decisions {
        output::wrapped(&output::shown(&decision(view)), 2)?;
    }
    Ok(SUCCESS)
}

/// A decision in a sentence.
pub fn decision(view: &DecisionView) -> String {
    let what = match view.records.as_slice() {
        [one] => {
            let one = record_name(one);
            match view.ruling {
                "restricted" => format!("{one} is kept and not used"),
                "held" => format!("{one} must not be erased"),
                _ => format!("the person of {one} objects to {}", view.value.as_deref().unwrap_or("all")),
            }
        }
        [one, other] => {
            let are = if view.ruling == "same" { "are one person" } else { "are different persons" };
            format!("{} and {} {are}", record_name(one), record_name(other))
        }
        _ => {
            let value = view.value.as_deref().unwrap_or("that no live record carries now");
            format!("the {} {value} joins all who carry it", view.kind.as_deref().unwrap_or("identifier"))
        }
    };
    let day = output::day(i64::from(view.at_s) * 1_000_000);
    format!("entry #{}, {day}: {} decided that {what}: {}", view.entry, view.by, view.reason)
}

/// Lists identifiers that are held back or let through.
pub fn identifiers(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let (guarded, count) = archive.read_as(&inspection(global))?.guarded(limit)?;
    if global.json {
        output::json(&json!({ "identifiers": guarded, "count": count }))?;
        return Ok(SUCCESS);
    }
    if count == 0 {
        line("No identifier is held back, and none was allowed.")?;
        return Ok(SUCCESS);
    }
    let mut table = Grid::new(&["kind!", "value", "records!", "given names!", "state!", "why"]);
    for view in &guarded {
        let state = match view.state {
            Held::Quarantined => "quarantined".to_owned(),
            Held::Weak => "weak".to_owned(),
            Held::Allowed => view.decision.map_or_else(|| "allowed".to_owned(), |entry| format!("allowed, #{entry}")),
        };
        let (records, names) = (output::count(view.records), output::count(view.names));
        table.row([&view.kind, view.value.as_deref().unwrap_or("-"), &records, &names, &state, &view.why]);
    }
    table.print(0)?;
    if count > guarded.len() as u64 {
        eprintln!("note: {} of {} are listed; give a higher --limit", guarded.len(), output::count(count));
    }
    Ok(SUCCESS)
}
