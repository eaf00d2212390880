//! `onefold policy check`.

use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, Grid};
use crate::encoding::hex;
use crate::policy::decision::{Proof, prove};
use crate::policy::{Bundle, basis_name, category_name, data_category, data_use, personal_data_term};
use serde_json::{Value, json};

pub fn run(global: &Global, bundle: &Bundle) -> anyhow::Result<u8> {
    let proof = prove(bundle);
    if global.json {
        output::json(&as_json(bundle, &proof))?;
    } else {
        print(bundle, &proof)?;
    }
    Ok(SUCCESS)
}

fn print(bundle: &Bundle, proof: &Proof) -> anyhow::Result<()> {
    let schema = &bundle.schema;
    output::line(format!(
        "Bundle {} {} is sound: {}, {}, {}, {}.\nDigest {}",
        bundle.name,
        bundle.version,
        output::counted(schema.sources.len() as u64, "source", "sources"),
        output::counted(schema.kinds.len() as u64, "kind of identifier", "kinds of identifier"),
        output::counted(schema.purposes.len() as u64, "purpose", "purposes"),
        output::counted(bundle.policies.iter().count() as u64, "policy", "policies"),
        hex::encode(&bundle.digest)
    ))?;
    if bundle.policies.iter().next().is_some() {
        output::line("")?;
        let mut grid = Grid::new(&["policy!", "effect!", "law", "file"]);
        for policy in &bundle.policies {
            grid.row([policy.id.as_str(), policy.effect.name(), policy.law.as_str(), policy.file.as_str()]);
        }
        grid.print(0)?;
    }
    for purpose in &proof.unpermitted {
        output::wrapped(&format!("Note: no policy ever permits anything for `{purpose}`."), 2)?;
    }
    for policy in proof.dead.iter().filter(|policy| !policy.is_of_library()) {
        let at = format!("{}:{}", policy.file, policy.line);
        output::wrapped(&format!("Note: policy `{}` ({at}) never determines a decision.", policy.id), 2)?;
    }
    for found in proof.never_alone.iter().filter(|found| !found.policy.is_of_library()) {
        let at = format!("{}:{}", found.policy.file, found.policy.line);
        let what = format!("Note: policy `{}` ({at}) never decides alone: {}.", found.policy.id, found.why.sentence());
        output::wrapped(&what, 2)?;
    }
    let of_libraries = proof.never_alone.iter().filter(|found| found.policy.is_of_library());
    let of_libraries: Vec<&str> = of_libraries.map(|found| found.policy.id.as_str()).collect();
    if !of_libraries.is_empty() {
        let ids = of_libraries.join(", ");
        let what = format!("Note: of the libraries, these never decide alone: {ids}. `onefold policy prove` says why.");
        output::wrapped(&what, 2)?;
    }
    if !proof.holds() {
        output::wrapped("Note: not all that must never be allowed is denied; `onefold policy prove` shows it.", 2)?;
    }
    Ok(())
}

fn as_json(bundle: &Bundle, proof: &Proof) -> Value {
    let schema = &bundle.schema;
    let policies = bundle.policies.iter().map(|policy| {
        json!({
            "id": policy.id, "law": policy.law, "effect": policy.effect.name(), "file": policy.file, "line": policy.line,
        })
    });
    let declarations = schema.purposes.iter().map(|purpose| {
        let categories = purpose.categories.iter().map(|category| {
            json!({
                "name": category_name(*category), "dpv": personal_data_term(*category),
                "fideslang": data_category(*category), "special": category.is_special(),
                "retention_days": purpose.retention_days_of(*category),
            })
        });
        json!({
            "name": purpose.name, "dpv": purpose.dpv, "fideslang": data_use(&purpose.dpv),
            "basis": basis_name(purpose.basis), "categories": categories.collect::<Vec<_>>(),
        })
    });
    json!({
        "sound": true, "name": bundle.name, "version": bundle.version, "digest": hex::encode(&bundle.digest),
        "sources": schema.sources.iter().map(|source| &source.name).collect::<Vec<_>>(),
        "identifiers": schema.kinds.iter().map(|kind| &kind.name).collect::<Vec<_>>(),
        "purposes": schema.purposes.iter().map(|purpose| &purpose.name).collect::<Vec<_>>(),
        "combining": schema.combining.and_then(|id| schema.purposes.get(usize::from(id.0))).map(|of| &of.name),
        "declarations": declarations.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "never_permitted": proof.unpermitted,
        "dead_policies": proof.dead.iter().map(|policy| &policy.id).collect::<Vec<_>>(),
        "never_alone_policies": proof.never_alone.iter().map(|found| &found.policy.id).collect::<Vec<_>>(),
        "proved": proof.holds(),
    })
}
