//! `onefold policy`.

use super::load_bundle;
use crate::cli::args::{Global, PolicyCommand};
use crate::cli::failure::{SUCCESS, USAGE};
use crate::cli::output;
use crate::encoding::hex;
use crate::policy::{Bundle, Problems};
use serde_json::{Value, json};

/// Checks a bundle.
pub fn run(global: &Global, command: &PolicyCommand) -> anyhow::Result<u8> {
    let PolicyCommand::Check { bundle: path } = command;
    let bundle = match load_bundle(path) {
        Err(error) if global.json => match error.downcast_ref::<Problems>() {
            Some(problems) => {
                output::json(&unsound(problems))?;
                return Ok(USAGE);
            }
            None => return Err(error),
        },
        loaded => loaded?,
    };
    if global.json {
        output::json(&sound(&bundle))?
    } else {
        print(&bundle)?
    }
    Ok(SUCCESS)
}

fn print(bundle: &Bundle) -> anyhow::Result<()> {
    let schema = &bundle.schema;
    output::line(format!(
        "Bundle {} {} is sound: {}, {}, {}.\nDigest {}",
        bundle.name,
        bundle.version,
        output::counted(schema.sources.len() as u64, "source", "sources"),
        output::counted(schema.kinds.len() as u64, "kind of identifier", "kinds of identifier"),
        output::counted(schema.purposes.len() as u64, "purpose", "purposes"),
        hex::encode(&bundle.digest)
    ))
}

fn sound(bundle: &Bundle) -> Value {
    let schema = &bundle.schema;
    json!({
        "sound": true, "name": bundle.name, "version": bundle.version, "digest": hex::encode(&bundle.digest),
        "sources": schema.sources.iter().map(|source| &source.name).collect::<Vec<_>>(),
        "identifiers": schema.kinds.iter().map(|kind| &kind.name).collect::<Vec<_>>(),
        "purposes": schema.purposes.iter().map(|purpose| &purpose.name).collect::<Vec<_>>(),
    })
}

fn unsound(problems: &Problems) -> Value {
    let listed = problems.iter().map(|problem| {
        json!({
            "file": problem.file, "line": problem.line, "column": problem.column,
            "message": problem.message, "help": problem.help,
        })
    });
    json!({ "sound": false, "count": problems.count(), "problems": listed.collect::<Vec<_>>() })
}
