//! What policies have to do with the demo's story: those that a decision cites, and what another policy would change.

use super::{CONSENTING, HEADING_CHARS, heading};
use crate::cli::commands::policy::diff;
use crate::cli::output::{self, counted, line};
use crate::ledger::Content;
use crate::pipeline::{Access, Finder, Onefold};
use crate::policy::decision::{Diff, Flip, Group};
use crate::policy::{self, Bundle};
use anyhow::Context;

/// The purpose of the story.
const PURPOSE: &str = "marketing";
/// What the shop thinks of deciding.
const CHANGE: &str = r#"
@id("shop-marketing-in-europe")
@law("Decision of the board, 2026-05")
forbid (principal == Purpose::"marketing", action, resource)
unless { ["eu", "uk"].contains(context.regime) };
"#;

/// Says by which policies and laws the last decision about the consenting person was made, from its ledger entry.
pub fn cite(onefold: &Onefold) -> anyhow::Result<()> {
    let finder = onefold.read_as(&Access::inspection("demo"))?;
    let root = *finder.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let purpose = onefold.schema().purpose(PURPOSE).context("the bundle has no purpose `marketing`")?;
    let entry = finder.permission(root, purpose)?.decision.context("the decision stands in no entry")?;
    let decider = Bundle::compile(policy::retail())?.decider();
    line(format!("  entry #{entry} cites"))?;
    for entry in finder.entries(entry.0, 1)? {
        let Content::Permissions(permissions) = entry.content else { continue };
        let answers = permissions.answers.iter().filter(|answer| answer.purpose == purpose);
        for id in answers.flat_map(|answer| &answer.policies) {
            let known =
                decider.policies().get(id).context("the decision cites a policy that the bundle does not have")?;
            let text = format!("    {id}, which {}s: {} ({})", known.effect.name(), known.law, known.file);
            output::wrapped_at(&text, 6, HEADING_CHARS)?;
        }
    }
    Ok(())
}

/// Shows what a changed bundle would decide otherwise, and for how many of the profiles that there are.
pub fn compare(onefold: &Onefold) -> anyhow::Result<()> {
    heading(
        8,
        "What would another policy change?",
        "The shop thinks of limiting marketing to people under the laws of the EU and the UK. Before\n\
         anything is put in force, each kind of decision that would flip is shown, and for how many\n\
         of the profiles that there are now.",
    )?;
    let (old, new) = (Bundle::compile(policy::retail())?, Bundle::compile(changed())?);
    let diff = Diff::new(&old, &new);
    let finder = onefold.finder()?;
    let (all, flipped) = heads(&finder, &diff, None)?;
    let of = |group: &Group| {
        let (all, flipped) = heads(&finder, &diff, Some(group)).ok()?;
        Some(format!("now: {} of {}", output::count(flipped), counted(all, "profile", "profiles")))
    };
    diff::print(&diff, (&old, &new), of)?;
    line("")?;
    let all = counted(all, "profile", "profiles");
    line(format!("Head-count: of {all}, the answer changes for {}. Nothing was changed yet.", output::count(flipped)))
}

/// The retail bundle with one policy more.
fn changed() -> Vec<(String, String)> {
    let mut files = policy::retail();
    for (name, text) in &mut files {
        match name.as_str() {
            "shop.cedar" => text.push_str(CHANGE),
            "bundle.toml" => *text = text.replace("version = \"2.0.0\"", "version = \"2.1.0\""),
            _ => {}
        }
    }
    files
}

/// How many profiles there are, and how many would be decided otherwise, in one group or in any.
fn heads(finder: &Finder<'_>, diff: &Diff, only: Option<&Group>) -> anyhow::Result<(u64, u64)> {
    let groups: Vec<&Group> = diff.groups().iter().filter(|group| only.is_none_or(|only| only == *group)).collect();
    let (mut all, mut flipped) = (0, 0);
    for row in finder.profiles() {
        let (_, row) = row?;
        let flips = groups.iter().any(|group| {
            let Some(purpose) = finder.schema().purpose(&group.purpose) else { return false };
            row.permissions.iter().filter(|(permission, _)| permission.purpose == purpose).any(|(permission, _)| {
                // What is allowed now tells the categories that the profile has.
                let has = group.flip == Flip::Allows
                    || group.category.is_none_or(|category| permission.categories & category.bit() != 0);
                has && diff.flips(&group.purpose, group.category, permission.context) == Some(group.flip)
            })
        });
        all += 1;
        flipped += u64::from(flips);
    }
    Ok((all, flipped))
}
