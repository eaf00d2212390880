//! `onefold policy activate`.

use super::diff;
use crate::cli::args::Global;
use crate::cli::commands::progress;
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, counted, line};
use crate::cli::{access, terminal};
use crate::pipeline::Onefold;
use crate::policy::Bundle;
use crate::policy::decision::Diff;
use serde_json::json;

pub fn run(global: &Global, new: &Bundle, yes: bool) -> anyhow::Result<u8> {
    if !yes && (global.json || !terminal::is_there()) {
        let what = "nobody is there to be asked whether to put the bundle in force";
        return Err(Usage::new(what).help("give --yes to do it without a question").into());
    }
    let bar = progress(global);
    bar.set_message("opening");
    let mut onefold = Onefold::open(&global.data, access::open_options(global)?)?;
    let old = onefold.bundle().clone();
    bar.set_message("looking at everything under the new bundle");
    let foresight = onefold.foresee(new.clone())?;
    bar.finish_and_clear();
    let diff = Diff::new(&old, new);
    if !global.json && !global.quiet {
        diff::print(&diff, (&old, new), |group| Some(diff::heads(&foresight, group)))?;
        diff::print_sum(&foresight)?;
    }
    if !yes && !terminal::confirm("Put this bundle in force?")? {
        line("Nothing was changed.")?;
        return Ok(SUCCESS);
    }
    let committed = onefold.activate(new.clone())?;
    if global.json {
        let mut told = diff::as_json(&diff, (&old, new), |group| diff::heads_json(&foresight, group));
        if let Some(fields) = told.as_object_mut() {
            fields.insert("sum".to_owned(), diff::sum_json(&foresight));
            fields.insert(
                "activated".to_owned(),
                json!({
                    "epoch": committed.epoch.0, "profiles_changed": committed.profiles, "merges": committed.merges,
                    "unmerges": committed.unmerges,
                }),
            );
        }
        output::json(&told)?;
    } else if !global.quiet {
        line(format!(
            "Bundle {} {} is in force since epoch {}: {} changed, {} made, {} ended.",
            new.name,
            new.version,
            committed.epoch.0,
            counted(committed.profiles, "profile", "profiles"),
            counted(committed.merges, "link", "links"),
            counted(committed.unmerges, "link", "links"),
        ))?;
    }
    Ok(SUCCESS)
}
