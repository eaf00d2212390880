//! `onefold rectify`.

use super::request::{Asked, opened};
use super::{actor, inspection, one_profile, open};
use crate::cli::args::{Global, RectifyCommand, Rectifying, Right as Rectify};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, counted, line};
use crate::ledger::Right;
use crate::model::AttributeId;
use crate::pipeline::{DecisionView, Onefold, Rectified, Statement};
use serde_json::json;
use std::io::Read;

/// Bytes of the longest value that is read.
const VALUE_BYTES_MAX: u64 = 4_096;

/// Sets right what sources say.
pub fn run(global: &Global, command: &RectifyCommand) -> anyhow::Result<u8> {
    match command {
        RectifyCommand::Set(right) => set(global, right),
        RectifyCommand::Withdraw(said) => withdraw(global, said),
        RectifyCommand::List => list(global),
    }
}

fn set(global: &Global, right: &Rectify) -> anyhow::Result<u8> {
    let said = &right.said;
    let value = match right.value.as_deref() {
        Some("-") => Some(from_stdin()?),
        value => value.map(str::to_owned),
    };
    let mut onefold = opened(global)?;
    let attribute = attribute(&onefold, &said.attribute)?;
    let root = one_profile(&onefold.finder()?, &said.subject)?;
    let named = onefold.finder()?.record(&said.subject).ok();
    let asked = Asked::new(&onefold, said.on.request.as_deref(), Some(Right::Rectification), root)?;
    let statement = Statement { by: actor(global), reason: said.reason.clone() };
    let wanted = value.as_deref().map_or(Rectified::None, Rectified::Value);
    let done = onefold.rectify(root, named, attribute, wanted, &statement)?;
    asked.done(&mut onefold, &format!("`{}` was rectified", said.attribute), &statement.by)?;
    if global.json {
        output::json(&json!({
            "rectified": said.attribute, "value": done.value, "entries": done.entries, "recipients": done.recipients,
        }))?;
    } else if !global.quiet {
        let records = counted(done.records as u64, "record", "records");
        let is = if done.value.is_empty() { "none".to_owned() } else { output::shown(&done.value) };
        match done.records {
            0 => line(format!("It was so before: `{}` is {is}.", said.attribute))?,
            _ => line(format!("`{}` is {is} from now on, in {records}.", said.attribute))?,
        }
        if !done.recipients.is_empty() && done.records > 0 {
            let recipients = done.recipients.join(", ");
            line(format!("To be told of it, who received what it was (GDPR Art. 19): {recipients}."))?;
        }
        asked.say()?;
    }
    Ok(SUCCESS)
}

fn withdraw(global: &Global, said: &Rectifying) -> anyhow::Result<u8> {
    let mut onefold = opened(global)?;
    let attribute = attribute(&onefold, &said.attribute)?;
    let root = one_profile(&onefold.finder()?, &said.subject)?;
    let asked = Asked::new(&onefold, said.on.request.as_deref(), Some(Right::Rectification), root)?;
    let statement = Statement { by: actor(global), reason: said.reason.clone() };
    let done = onefold.end_rectification(root, attribute, &statement)?;
    asked.done(&mut onefold, &format!("the rectification of `{}` was withdrawn", said.attribute), &statement.by)?;
    if global.json {
        output::json(&json!({ "withdrawn": said.attribute, "entries": done.entries }))?;
    } else if !global.quiet {
        let records = counted(done.records as u64, "record", "records");
        line(format!("`{}` is again what the sources say, in {records}.", said.attribute))?;
        asked.say()?;
    }
    Ok(SUCCESS)
}

fn list(global: &Global) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let decisions = archive.read_as(&inspection(global))?.decisions()?;
    let rectified: Vec<DecisionView> = decisions.into_iter().filter(|view| view.ruling == "rectified").collect();
    if global.json {
        output::json(&rectified)?;
        return Ok(SUCCESS);
    }
    if rectified.is_empty() {
        line("Nothing is rectified.")?;
        return Ok(SUCCESS);
    }
    let mut table = Grid::new(&["entry!", "since (UTC)!", "record", "attribute!", "value", "by", "why"]);
    for view in &rectified {
        let (entry, since) = (format!("#{}", view.entry), output::day(i64::from(view.at_s) * 1_000_000));
        let record = view.records.first().map_or_else(String::new, |record| record.name());
        let attribute = view.kind.as_deref().unwrap_or_default();
        let value = view.value.as_deref().filter(|value| !value.is_empty()).unwrap_or("none");
        table.row([&entry, &since, &record, attribute, value, &view.by, &view.reason]);
    }
    table.print(0)?;
    Ok(SUCCESS)
}

/// The attribute of a name.
fn attribute(onefold: &Onefold, name: &str) -> anyhow::Result<AttributeId> {
    let schema = onefold.schema();
    let known = schema.attributes.iter().map(|attribute| attribute.name.as_str());
    Ok(schema.attribute(name).ok_or_else(|| Usage::unknown("attribute", name, known))?)
}

/// A value on standard input: one line.
fn from_stdin() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(VALUE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > VALUE_BYTES_MAX {
        return Err(Usage::new(format!("the value has more than {VALUE_BYTES_MAX} bytes")).into());
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Usage::new("the value on standard input is not UTF-8")
            .help("convert it first, for instance with `iconv -t UTF-8`")
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
