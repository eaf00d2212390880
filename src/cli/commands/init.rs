//! `onefold init`.

use super::key::provider;
use super::load_bundle;
use crate::cli::access;
use crate::cli::args::{Global, KekKind};
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::crypto::NewKek;
use crate::pipeline::{InitOptions, Onefold};
use std::path::{Path, PathBuf};

/// Makes a data directory.
pub fn run(global: &Global, policy: &Path, identity_from: Option<PathBuf>, kek: KekKind) -> anyhow::Result<u8> {
    let bundle = load_bundle(policy)?;
    let (name, version) = (bundle.name.clone(), bundle.version.clone());
    let kek = provider(kek);
    let identity_access = identity_from.as_deref().map(|other| access::access_to_other(global, other)).transpose()?;
    let options = InitOptions {
        identity_from,
        identity_access: identity_access.unwrap_or_default(),
        kek,
        access: access::access_to_make(global, kek)?,
        ..InitOptions::default()
    };
    let signing = Onefold::init(&global.data, bundle, options)?.vkeys()?;
    let signing = signing.first().map_or_else(String::new, ToString::to_string);
    let data = global.data.display();
    if global.json {
        output::json(&serde_json::json!({
            "data": data.to_string(), "bundle": name, "version": version, "kek": kek.to_string(),
            "signing_key": signing,
        }))?;
    } else if !global.quiet {
        output::line(format!("{data} is ready under bundle {name} {version}."))?;
        output::line(keep(global, kek))?;
        output::line(format!(
            "Its checkpoints are signed by {signing}\n\
             Give that key to whoever is to verify the ledger. Next: onefold ingest --data {data} FILE..."
        ))?;
    }
    Ok(SUCCESS)
}

/// What is to be kept safe.
fn keep(global: &Global, kek: NewKek) -> String {
    let without = "without it nothing in there can be read again";
    match kek {
        NewKek::File => {
            let file = super::key::kek_file(global);
            format!("Keep a copy of {} somewhere safe: {without}.", file.display())
        }
        NewKek::Passphrase => format!("Keep the passphrase somewhere safe: {without}."),
        NewKek::Command => format!("Keep the key behind the command safe: {without}."),
    }
}
