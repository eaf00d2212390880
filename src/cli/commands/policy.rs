//! `onefold policy`.

use super::load_bundle;
use crate::cli::args::{Global, PolicyCommand};
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::encoding::hex;

/// Checks a bundle.
pub fn run(global: &Global, command: &PolicyCommand) -> anyhow::Result<u8> {
    let PolicyCommand::Check { bundle: path } = command;
    let bundle = load_bundle(path)?;
    let schema = &bundle.schema;
    if global.json {
        output::json(&serde_json::json!({
            "name": bundle.name, "version": bundle.version, "digest": hex::encode(&bundle.digest),
            "sources": schema.sources.len(), "identifiers": schema.kinds.len(), "purposes": schema.purposes.len(),
        }))?;
    } else {
        output::line(format!(
            "Bundle {} {} is sound: {} sources, {} kinds of identifier, {} purposes.\nDigest {}",
            bundle.name,
            bundle.version,
            schema.sources.len(),
            schema.kinds.len(),
            schema.purposes.len(),
            hex::encode(&bundle.digest)
        ))?;
    }
    Ok(SUCCESS)
}
