//! `onefold ingest`.

use crate::cli::args::Global;
use crate::cli::failure::{INTERRUPTED, SUCCESS, Usage};
use crate::cli::output;
use crate::model::{Schema, SourceId};
use crate::pipeline::{Ingested, Input, Onefold, OpenOptions, Progress};
use crate::policy::recognise;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads files and streams.
pub fn run(global: &Global, source: Option<&str>, mixed: bool, files: &[PathBuf]) -> anyhow::Result<u8> {
    let mut onefold = Onefold::open(&global.data, OpenOptions::default())?;
    let inputs = inputs(onefold.schema(), source, mixed, files)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler cannot be set: then whoever set the first one decides what Ctrl-C does.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    let bar = bar(global);
    let done = onefold.ingest(inputs, &stop, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let done = done?;
    summary(global, &done)?;
    Ok(if done.stopped { INTERRUPTED } else { SUCCESS })
}

/// What the command line names, checked before anything is read.
fn inputs(schema: &Arc<Schema>, source: Option<&str>, mixed: bool, files: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let named = match source {
        Some(name) => {
            let known = || schema.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
            let missing = || Usage(format!("the bundle has no source `{name}`; it has {}", known()));
            Some(schema.source(name).ok_or_else(missing)?)
        }
        None => None,
    };
    files.iter().map(|file| input(schema, named, mixed, file)).collect()
}

fn input(schema: &Arc<Schema>, named: Option<SourceId>, mixed: bool, file: &Path) -> anyhow::Result<Input> {
    if file == Path::new("-") {
        return Ok(Input::Stream("standard input".to_owned(), named, Box::new(std::io::stdin())));
    }
    let usage = |what: String| anyhow::Error::from(Usage(what));
    match std::fs::metadata(file) {
        Err(error) => return Err(usage(format!("cannot read `{}`: {error}", file.display()))),
        Ok(meta) if meta.is_dir() => {
            return Err(usage(format!("`{}` is a directory; name the files in it", file.display())));
        }
        Ok(_) => {}
    }
    let source = match named {
        _ if mixed => None,
        Some(source) => Some(source),
        None => {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let source = recognise(schema, &name);
            Some(source.map_err(|error| {
                usage(format!("{error}; name its source with --source, or give --mixed when each line names its own"))
            })?)
        }
    };
    Ok(Input::File(file.to_owned(), source))
}

fn bar(global: &Global) -> ProgressBar {
    if global.quiet || global.json {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    let style = "{wide_bar} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.bytes_total);
    bar.set_position(progress.bytes_done);
    let doing = if progress.committing { "resolving" } else { "changes" };
    bar.set_message(format!("{} {doing}", output::count(progress.changes)));
}

fn summary(global: &Global, done: &Ingested) -> anyhow::Result<()> {
    if global.json {
        return output::json(&serde_json::json!({
            "taken": done.taken, "unchanged": done.unchanged, "late": done.late, "quarantined": done.quarantined,
            "epochs": done.epochs, "merges": done.merges, "unmerges": done.unmerges,
            "files_known": done.files_known, "stopped": done.stopped,
        }));
    }
    if global.quiet {
        return Ok(());
    }
    let count = output::count;
    output::line(format!(
        "{} changes taken, {} unchanged, {} late, {} quarantined; {} merges, {} un-merges in {} epochs",
        count(done.taken),
        count(done.unchanged),
        count(done.late),
        count(done.quarantined),
        count(done.merges),
        count(done.unmerges),
        count(done.epochs)
    ))?;
    if done.files_known > 0 {
        output::line(format!("{} files had nothing new", count(done.files_known)))?;
    }
    if done.quarantined > 0 {
        output::line("See what was refused, and why, with `onefold quarantine list`.")?;
    }
    if done.stopped {
        output::line("Stopped. Nothing is lost: run the same command again to go on.")?;
    }
    Ok(())
}
