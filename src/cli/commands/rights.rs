//! `onefold hold`, `restrict` and `object`.

use super::request::{Asked, opened};
use super::{actor, one_profile, open, purpose};
use crate::cli::args::{Global, MarkCommand, Marked, ObjectCommand};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, counted, line};
use crate::pipeline::{Access, Mark, Onefold, Statement};
use serde_json::json;

/// Holds against erasure.
pub fn hold(global: &Global, command: &MarkCommand) -> anyhow::Result<u8> {
    if let MarkCommand::Set(Marked { law: None, .. }) = command {
        let help = "such as --law \"GDPR Art. 17(3)(e)\", for legal claims, or (b), for an obligation to keep";
        return Err(Usage::new("a hold must name the law that it rests on").help(help).into());
    }
    mark(global, command, Mark::Hold)
}

/// Restrictions.
pub fn restrict(global: &Global, command: &MarkCommand) -> anyhow::Result<u8> {
    mark(global, command, Mark::Restriction)
}

fn mark(global: &Global, command: &MarkCommand, mark: Mark) -> anyhow::Result<u8> {
    match command {
        MarkCommand::Set(marked) => set(global, &mut opened(global)?, marked, mark, true),
        MarkCommand::Release(marked) => set(global, &mut opened(global)?, marked, mark, false),
        MarkCommand::List => list(global, mark),
    }
}

/// Objections.
pub fn object(global: &Global, command: &ObjectCommand) -> anyhow::Result<u8> {
    let (objection, came) = match command {
        ObjectCommand::Set(objection) => (objection, true),
        ObjectCommand::Withdraw(objection) => (objection, false),
        ObjectCommand::List => return list(global, Mark::Objection(None)),
    };
    let mut onefold = opened(global)?;
    let purpose = purpose(&onefold.finder()?, objection.purpose.as_deref())?;
    set(global, &mut onefold, &objection.marked, Mark::Objection(purpose), came)
}

fn set(global: &Global, onefold: &mut Onefold, marked: &Marked, mark: Mark, came: bool) -> anyhow::Result<u8> {
    let root = one_profile(&onefold.finder()?, &marked.subject)?;
    let asked = Asked::new(onefold, marked.on.request.as_deref(), mark.right(), root)?;
    let law = marked.law.as_ref().map_or_else(String::new, |law| format!("{law}: "));
    let statement = Statement { by: actor(global), reason: format!("{law}{}", marked.reason) };
    let entries =
        if came { onefold.set_mark(root, mark, &statement)? } else { onefold.end_mark(root, mark, &statement)? };
    let verb = if came { "set" } else { "ended" };
    asked.done(onefold, &format!("the {} was {verb}", mark.name()), &statement.by)?;
    if global.json {
        output::json(&json!({ "mark": mark.name(), "set": came, "entries": entries }))?;
    } else if !global.quiet {
        let records = counted(entries.len() as u64, "record", "records");
        line(format!("The {} is {verb} for {records}.", mark.name()))?;
        asked.say()?;
    }
    Ok(SUCCESS)
}

fn list(global: &Global, of: Mark) -> anyhow::Result<u8> {
    let archive = open(global)?;
    // Keys of records name persons: it is an inspection like any other.
    archive.read_as(&Access::inspection(actor(global)))?.decisions()?;
    let marks: Vec<_> = archive.marks()?.into_iter().filter(|mark| mark.mark == of.name()).collect();
    if global.json {
        output::json(&marks)?;
        return Ok(SUCCESS);
    }
    if marks.is_empty() {
        line(format!("No {} holds.", of.name()))?;
        return Ok(SUCCESS);
    }
    let mut table = Grid::new(&["entry!", "since (UTC)!", "record", "profile", "purpose", "by", "why"]);
    for mark in &marks {
        let (entry, since) = (format!("#{}", mark.entry), output::day(i64::from(mark.at_s) * 1_000_000));
        let purpose = match (of, &mark.purpose) {
            (Mark::Objection(_), None) => "all",
            (_, purpose) => purpose.as_deref().unwrap_or(""),
        };
        let profile = mark.profile.as_deref().unwrap_or("");
        table.row([&entry, &since, &mark.record, profile, purpose, &mark.by, &mark.reason]);
    }
    table.print(0)?;
    Ok(SUCCESS)
}
