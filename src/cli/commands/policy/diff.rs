//! `onefold policy diff`, and how a difference is shown.

use super::{about, verdict_json};
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::encoding::hex;
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
