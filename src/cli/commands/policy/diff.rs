//! `onefold policy diff`, and how a difference is shown.

use super::{about, verdict_json};
use crate::cli::args::Global;
use crate::cli::commands::{open, progress};
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::encoding::hex;
use crate::pipeline::Foresight;
use crate::policy::decision::{Diff, Group, Verdict, describe};
use crate::policy::{Bundle, category_name};
use serde_json::{Value, json};

pub fn run(global: &Global, old: &Bundle, new: &Bundle) -> anyhow::Result<u8> {
    let diff = Diff::new(old, new);
    if global.json {
        output::json(&as_json(&diff, (old, new), |_| Value::Null))?;
    } else {
        print(&diff, (old, new), |_| None)?;
    }
    Ok(SUCCESS)
}

/// Compares with the bundle in force, on the live data.
pub fn run_on_data(global: &Global, new: &Bundle) -> anyhow::Result<u8> {
    let bar = progress(global);
    bar.set_message("looking at everything under the new bundle");
    let (old, foresight) = open(global)?.foresee(new.clone())?;
    bar.finish_and_clear();
    let diff = Diff::new(&old, new);
    if global.json {
        let mut told = as_json(&diff, (&old, new), |group| heads_json(&foresight, group));
        if let Some(fields) = told.as_object_mut() {
            fields.insert("sum".to_owned(), sum_json(&foresight));
        }
        output::json(&told)?;
    } else {
        print(&diff, (&old, new), |group| Some(heads(&foresight, group)))?;
        print_sum(&foresight)?;
    }
    Ok(SUCCESS)
}

/// How much of the live data a group touches, in words.
pub fn heads(foresight: &Foresight, group: &Group) -> String {
    let heads = foresight.heads(&group.purpose, group.category, group.flip);
    let (one, many) = if group.category.is_some() { ("value", "values") } else { ("link", "links") };
    let profiles = output::counted(heads.profiles, "profile", "profiles");
    format!("on the live data: {profiles}, {}", output::counted(heads.values, one, many))
}

/// The same for scripts.
pub fn heads_json(foresight: &Foresight, group: &Group) -> Value {
    json!(foresight.heads(&group.purpose, group.category, group.flip))
}

/// What becomes of profiles, whatever it is that changes them.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_sum(foresight: &Foresight) -> anyhow::Result<()> {
    output::line(format!(
        "\nOn the live data: {} would be {}; {} made, {} ended.",
        output::counted(foresight.profiles_before, "profile", "profiles"),
        output::count(foresight.profiles_after),
        output::counted(foresight.links_made, "link", "links"),
        output::counted(foresight.links_ended, "link", "links"),
    ))
}

/// The same for scripts.
pub fn sum_json(foresight: &Foresight) -> Value {
    json!({
        "profiles_before": foresight.profiles_before, "profiles_after": foresight.profiles_after,
        "links_made": foresight.links_made, "links_ended": foresight.links_ended,
    })
}

/// Shows a difference to people. `heads` says, in words, how much of the live data a group touches.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(
    diff: &Diff,
    (old, new): (&Bundle, &Bundle),
    heads: impl Fn(&Group) -> Option<String>,
) -> anyhow::Result<()> {
    output::line(format!("From {} {} to {} {}:", old.name, old.version, new.name, new.version))?;
    let (removed, added) = diff.policies_changed();
    for (word, ids) in [("removed", removed), ("added", added)] {
        if !ids.is_empty() {
            output::wrapped(&format!("policies {word}: {}", ids.join(", ")), 2)?;
        }
    }
    for (purpose, from, to) in diff.terms_changed() {
        output::wrapped(&format!("purpose {purpose} was {from} and is {to}: other policies speak of it"), 2)?;
    }
    if diff.is_empty() {
        return output::line("No decision changes.");
    }
    for group in diff.groups() {
        let cells = output::counted(group.cells, "circumstance", "circumstances");
        output::line("")?;
        output::wrapped(&format!("{}: {}, in {cells}", about(&group.purpose, group.category), group.flip.name()), 2)?;
        if let Some(heads) = heads(group) {
            output::wrapped(&format!("  {heads}"), 4)?;
        }
        output::wrapped(&format!("  such as: {}", describe(group.example)), 4)?;
        output::wrapped(&format!("  before: {}", side(group, group.old.as_ref())), 4)?;
        output::wrapped(&format!("  after:  {}", side(group, group.new.as_ref())), 4)?;
    }
    Ok(())
}

fn side(group: &Group, verdict: Option<&Verdict>) -> String {
    match (verdict, group.category) {
        (Some(verdict), _) => verdict.sentence(),
        (None, Some(_)) => "there is no such purpose".to_owned(),
        (None, None) => "joining is not governed, so it is allowed".to_owned(),
    }
}

/// A difference for scripts. `heads` gives how much of the live data a group touches.
pub fn as_json(diff: &Diff, (old, new): (&Bundle, &Bundle), heads: impl Fn(&Group) -> Value) -> Value {
    let named = |bundle: &Bundle| json!({ "name": bundle.name, "version": bundle.version, "digest": hex::encode(&bundle.digest) });
    let groups = diff.groups().iter().map(|group| {
        json!({
            "purpose": group.purpose, "category": group.category.map(category_name), "flip": group.flip.name(),
            "contexts": group.cells, "example": group.example.number(), "circumstances": describe(group.example),
            "before": group.old.as_ref().map(verdict_json), "after": group.new.as_ref().map(verdict_json),
            "heads": heads(group),
        })
    });
    let terms = diff.terms_changed();
    let terms = terms.iter().map(|(purpose, old, new)| json!({ "purpose": purpose, "before": old, "after": new }));
    let (removed, added) = diff.policies_changed();
    json!({
        "old": named(old), "new": named(new), "policies_removed": removed, "policies_added": added,
        "terms_changed": terms.collect::<Vec<_>>(), "flips": groups.collect::<Vec<_>>(),
    })
}
