//! `onefold policy`: nothing here opens a data directory.

mod check;
pub mod diff;
mod explain;
mod prove;
mod test;

use super::load_bundle;
use crate::cli::args::{Global, PolicyCommand};
use crate::cli::failure::USAGE;
use crate::cli::output;
use crate::model::Category;
use crate::policy::decision::{Citation, Verdict};
use crate::policy::{Bundle, Problems, category_name};
use serde_json::{Value, json};
use std::path::Path;

/// Checks, tests, proves, compares or asks.
pub fn run(global: &Global, command: &PolicyCommand) -> anyhow::Result<u8> {
    match command {
        PolicyCommand::Check { bundle } => with(global, bundle, |bundle| check::run(global, bundle)),
        PolicyCommand::Test { bundle: path } => with(global, path, |bundle| test::run(global, path, bundle)),
        PolicyCommand::Prove { bundle } => with(global, bundle, |bundle| prove::run(global, bundle)),
        PolicyCommand::Diff { old, new } => {
            with(global, old, |old| with(global, new, |new| diff::run(global, old, new)))
        }
        PolicyCommand::Explain(asked) => with(global, &asked.bundle, |bundle| explain::run(global, asked, bundle)),
    }
}

/// Loads a bundle and goes on with it; tells scripts in their way what is wrong with it.
fn with(global: &Global, path: &Path, go_on: impl FnOnce(&Bundle) -> anyhow::Result<u8>) -> anyhow::Result<u8> {
    match load_bundle(path) {
        Ok(bundle) => go_on(&bundle),
        Err(error) if global.json => match error.downcast_ref::<Problems>() {
            Some(problems) => {
                output::json(&unsound(problems))?;
                Ok(USAGE)
            }
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// What is wrong with a bundle, for scripts.
fn unsound(problems: &Problems) -> Value {
    let listed = problems.iter().map(|problem| {
        json!({
            "file": problem.file, "line": problem.line, "column": problem.column,
            "message": problem.message, "help": problem.help,
        })
    });
    json!({ "sound": false, "count": problems.count(), "problems": listed.collect::<Vec<_>>() })
}

/// A verdict, for scripts.
fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "allowed": verdict.allowed, "reason": verdict.reason.name(), "law": verdict.reason.law(),
        "policies": verdict.policies.iter().map(citation_json).collect::<Vec<_>>(),
        "errored": verdict.errored(), "errors": verdict.errors,
    })
}

fn citation_json(citation: &Citation) -> Value {
    json!({ "id": citation.id, "law": citation.law, "effect": citation.effect.name(), "file": citation.file })
}

/// What a cell is about, in words.
fn about(purpose: &str, category: Option<Category>) -> String {
    match category {
        Some(category) => format!("{} for {purpose}", category_name(category)),
        None => format!("joining records for {purpose}"),
    }
}

/// The ids of policies, in words.
fn cited(policies: &[Citation]) -> String {
    let cited = policies.iter().map(|policy| format!("{} ({}; {})", policy.id, policy.law, policy.file));
    cited.collect::<Vec<_>>().join(" and ")
}
