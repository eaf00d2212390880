//! `onefold review`.

pub mod list;

use super::{inspection, open, record_name};
use crate::cli::args::{Decide, Global, Overrule, Pair, ReviewCommand, Said};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, counted, line};
use crate::cli::{access, terminal};
use crate::model::Ruling;
use crate::pipeline::{
    Contradiction, Decided, Error, Group, Hypothesis, Onefold, PairView, Preview, Reader, RecordView, Statement,
};
use serde_json::json;

/// Records of a profile that are named to people.
const NAMED_MAX: usize = 20;

/// Lists, shows and decides.
pub fn run(global: &Global, command: &ReviewCommand) -> anyhow::Result<u8> {
    match command {
        ReviewCommand::List { decisions: true, .. } => list::decisions(global),
        ReviewCommand::List { limit, all, .. } => list::questions(global, *limit, *all),
        ReviewCommand::Identifiers { limit } => list::identifiers(global, *limit),
        ReviewCommand::Show(pair) => show(global, pair),
        ReviewCommand::Same(options) => decide(global, &options.said, Verb::Decide, &|reader| {
            let (one, other) = records(reader, &options.pair)?;
            Ok(Ruling::same(one, other))
        }),
        ReviewCommand::Different(options) => decide(global, &options.said, Verb::Decide, &|reader| {
            let (one, other) = records(reader, &options.pair)?;
            Ok(Ruling::different(one, other))
        }),
        ReviewCommand::Withdraw(options) => withdraw(global, options),
        ReviewCommand::Allow(Overrule { identifier, said }) => {
            decide(global, said, Verb::Decide, &|reader| Ok(reader.allowing(identifier)?))
        }
        ReviewCommand::Disallow(Overrule { identifier, said }) => {
            decide(global, said, Verb::Withdraw, &|reader| Ok(reader.allowing(identifier)?))
        }
    }
}

/// Whether something is decided or taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Decide,
    Withdraw,
}

fn records(reader: &Reader<'_>, pair: &Pair) -> anyhow::Result<(crate::model::Birth, crate::model::Birth)> {
    Ok((reader.record(&pair.first)?, reader.record(&pair.second)?))
}

fn withdraw(global: &Global, options: &Decide) -> anyhow::Result<u8> {
    decide(global, &options.said, Verb::Withdraw, &|reader| {
        let (one, other) = records(reader, &options.pair)?;
        let missing = || Error::NotFound { what: "no decision about these two records holds".to_owned() };
        Ok(reader.ruling_between(one, other)?.ok_or_else(missing)?)
    })
}

/// Decides or withdraws, after it has shown what would happen.
fn decide(
    global: &Global,
    said: &Said,
    verb: Verb,
    ruling: &dyn Fn(&Reader<'_>) -> anyhow::Result<Ruling>,
) -> anyhow::Result<u8> {
    let statement = statement(said)?;
    if !said.yes && (global.json || !terminal::is_there()) {
        let what = "nobody is there to be asked whether to decide";
        return Err(Usage::new(what).help("give --yes to decide without a question").into());
    }
    let mut onefold = Onefold::open(&global.data, access::open_options(global)?)?;
    let reader = onefold.read_as(&inspection(global))?;
    let ruling = ruling(&reader)?;
    let standing = reader.decision(ruling)?.filter(|found| found.ruling == word(ruling));
    if let (Verb::Withdraw, None) = (verb, &standing) {
        return Err(Error::NotFound { what: "no such decision holds".to_owned() }.into());
    }
    if let (Verb::Decide, Some(found)) = (verb, &standing) {
        return unchanged(global, found.entry);
    }
    if let Some(contradiction) = onefold.contradiction(ruling).filter(|_| verb == Verb::Decide) {
        return Err(contradicts(&reader, &contradiction)?.into());
    }
    let hypothesis = if verb == Verb::Decide { Hypothesis::Decide(ruling) } else { Hypothesis::Withdraw(ruling) };
    let preview = match reader.preview(hypothesis) {
        Err(error @ Error::TooManyTouched { .. }) if said.yes => {
            eprintln!("note: {error}");
            None
        }
        preview => Some(preview?),
    };
    if let Some(preview) = preview.as_ref().filter(|_| !global.json && !global.quiet) {
        print_preview(preview)?;
    }
    if !said.yes {
        let question = if verb == Verb::Decide { "Decide this?" } else { "Withdraw the decision?" };
        if !terminal::confirm(question)? {
            line("Nothing was decided.")?;
            return Ok(SUCCESS);
        }
    }
    let entry = match verb {
        Verb::Withdraw => onefold.withdraw(ruling, &statement)?,
        Verb::Decide => match onefold.decide(ruling, &statement)? {
            Decided::Taken(entry) => entry,
            Decided::Unchanged(entry) => return unchanged(global, entry),
        },
    };
    let committed = onefold.commit()?.unwrap_or_default();
    if global.json {
        let outcome = if verb == Verb::Decide { "taken" } else { "withdrawn" };
        output::json(&json!({
            "outcome": outcome, "entry": entry, "preview": preview, "merges": committed.merges,
            "unmerges": committed.unmerges, "profiles_new": committed.new, "profiles_retired": committed.retired,
        }))?;
    } else if !global.quiet {
        let what = if verb == Verb::Decide { "Decided" } else { "Withdrawn" };
        line(format!(
            "{what}: entry #{entry}; {}, {}.",
            counted(committed.merges, "merge", "merges"),
            counted(committed.unmerges, "un-merge", "un-merges")
        ))?;
    }
    Ok(SUCCESS)
}

fn unchanged(global: &Global, entry: crate::model::Sequence) -> anyhow::Result<u8> {
    if global.json {
        output::json(&json!({ "outcome": "unchanged", "entry": entry }))?;
    } else if !global.quiet {
        line(format!("That is decided already, by entry #{entry}; nothing was changed."))?;
    }
    Ok(SUCCESS)
}

fn statement(said: &Said) -> anyhow::Result<Statement> {
    let Some(by) = said.by.clone() else {
        let help = "name who decides with --by NAME: it is kept with the decision";
        return Err(Usage::new("it is not known who decides").help(help).into());
    };
    let statement = Statement { by, reason: said.reason.clone() };
    statement.check()?;
    Ok(statement)
}

/// A ruling by its word in views.
fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Same(..) => "same",
        Ruling::Different(..) => "different",
        Ruling::Allowed { .. } => "allowed",
        Ruling::Restricted { .. } => "restricted",
        Ruling::Objected { .. } => "objected",
        Ruling::Held { .. } => "held",
        Ruling::Rectified { .. } => "rectified",
    }
}

/// The refusal of a decision, with the names of all that is involved.
fn contradicts(reader: &Reader<'_>, contradiction: &Contradiction) -> anyhow::Result<Usage> {
    let says = |ruling: Ruling| -> anyhow::Result<String> {
        let (one, other) = ruling.records();
        let name = |birth| reader.name_of(birth).map(|record| output::shown(&record_name(&record)));
        let other = other.map_or_else(|| Ok(String::new()), name)?;
        let are = if matches!(ruling, Ruling::Same(..)) { "are one person" } else { "are different persons" };
        Ok(format!("{} and {other} {are}", name(one)?))
    };
    let mut decided = Vec::new();
    for (entry, ruling) in &contradiction.decided {
        decided.push(format!("{} (entry #{entry})", says(*ruling)?));
    }
    let what = format!("that {} contradicts what was decided: {}", says(contradiction.asked)?, decided.join(", "));
    Ok(Usage::new(what).help("withdraw the earlier decision first: `onefold review withdraw A B --reason TEXT`"))
}

/// Shows two records side by side.
fn show(global: &Global, pair: &Pair) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&inspection(global))?;
    let (one, other) = records(&reader, pair)?;
    let view = reader.pair(one, other)?;
    if global.json {
        output::json(&view)?;
        return Ok(SUCCESS);
    }
    print_pair(&view)?;
    Ok(SUCCESS)
}

fn print_pair(view: &PairView) -> anyhow::Result<()> {
    for (record, profile) in [(&view.first, view.first_profile), (&view.second, view.second_profile)] {
        let place = profile.map_or_else(|| "in no profile".to_owned(), |id| format!("profile {id}"));
        line(format!("{}: {place}", output::shown(&record_name(record))))?;
    }
    if let Some(decision) = &view.decision {
        line("")?;
        output::wrapped(&output::shown(&list::decision(decision)), 2)?;
    }
    if !view.questions.is_empty() {
        line("\nWhat ties their profiles and does not join them:")?;
        view.questions.iter().try_for_each(list::question)?;
    }
    let holds = |ruling: &str| view.decision.as_ref().is_some_and(|decision| decision.ruling == ruling);
    for (ruling, preview, what) in
        [("same", &view.same, "one person"), ("different", &view.different, "different persons")]
    {
        line(format!("\nIf they were decided to be {what}:"))?;
        match preview {
            Some(preview) => print_preview(preview)?,
            None if holds(ruling) => line("  That is what holds.")?,
            None => line("  What was decided before stands against it; `onefold review list --decisions` shows it.")?,
        }
    }
    Ok(())
}

/// Writes what would happen.
pub fn print_preview(preview: &Preview) -> anyhow::Result<()> {
    if preview.before.is_empty() && preview.after.is_empty() {
        return line("  No profile would change now.");
    }
    line("  As it is:")?;
    preview.before.iter().try_for_each(print_group)?;
    line("  As it would be:")?;
    preview.after.iter().try_for_each(print_group)
}

/// Writes a profile by its records.
pub fn print_group(group: &Group) -> anyhow::Result<()> {
    let names: Vec<String> =
        group.records.iter().take(NAMED_MAX).map(|record: &RecordView| output::shown(&record_name(record))).collect();
    let more = group.records.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {} more", output::count(more as u64)) } else { String::new() };
    let count = counted(group.records.len() as u64, "record", "records");
    output::wrapped(&format!("    profile {}, {count}: {}{more}", group.profile, names.join(", ")), 6)
}
