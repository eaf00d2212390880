//! `onefold policy test`.

use super::verdict_json;
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, USAGE, Usage};
use crate::cli::output;
use crate::policy::decision::{Case, Outcome, read_cases, run_case};
use crate::policy::{Bundle, load_cases, retail_cases};
use serde_json::json;
use std::path::Path;

pub fn run(global: &Global, path: &Path, bundle: &Bundle) -> anyhow::Result<u8> {
    let files = match path.to_str() {
        Some("retail" | "policies/retail") if !path.exists() => retail_cases(),
        _ => load_cases(path)?,
    };
    let cases = read_cases(&files, bundle)?;
    if cases.is_empty() {
        let help = "add a file such as `cases/consent.toml` to the bundle; policies/README.md shows how";
        return Err(Usage::new(format!("`{}` has no cases", path.display())).help(help).into());
    }
    let decider = bundle.decider();
    let outcomes: Vec<(Case, Outcome)> =
        cases.into_iter().map(|case| (case.clone(), run_case(&decider, &case))).collect();
    let failed = outcomes.iter().filter(|(_, outcome)| outcome.failure.is_some()).count();
    if global.json {
        let listed = outcomes.iter().map(|(case, outcome)| {
            json!({
                "name": case.name, "file": case.file, "line": case.line, "passed": outcome.failure.is_none(),
                "failure": outcome.failure, "verdict": verdict_json(&outcome.verdict),
            })
        });
        output::json(&json!({ "failed": failed, "cases": listed.collect::<Vec<_>>() }))?;
    } else {
        for (case, outcome) in &outcomes {
            if let Some(failure) = &outcome.failure {
                output::wrapped(&format!("failed  {} ({}:{}): {failure}", case.name, case.file, case.line), 8)?;
            } else if !global.quiet {
                output::wrapped(&format!("ok      {}", case.name), 8)?;
            }
        }
        let all = output::counted(outcomes.len() as u64, "case", "cases");
        output::line(format!("{all}, {failed} failed."))?;
    }
    Ok(if failed == 0 { SUCCESS } else { USAGE })
}
