//! `onefold init`.

use super::load_bundle;
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::pipeline::{InitOptions, Onefold};
use std::path::{Path, PathBuf};

/// Makes a data directory.
pub fn run(global: &Global, policy: &Path, identity_from: Option<PathBuf>) -> anyhow::Result<u8> {
    let bundle = load_bundle(policy)?;
    let (name, version) = (bundle.name.clone(), bundle.version.clone());
    Onefold::init(&global.data, bundle, InitOptions { identity_from, ..InitOptions::default() })?;
    let data = global.data.display();
    if global.json {
        output::json(&serde_json::json!({ "data": data.to_string(), "bundle": name, "version": version }))?;
    } else if !global.quiet {
        output::line(format!(
            "{data} is ready under bundle {name} {version}.\n\
             Keep a copy of {data}/keys/kek somewhere safe: without it nothing in there can be read again.\n\
             Next: onefold ingest --data {data} FILE..."
        ))?;
    }
    Ok(SUCCESS)
}
