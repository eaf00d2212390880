//! `onefold policy prove`.

use super::{about, citation_json, cited};
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, USAGE};
use crate::cli::output;
use crate::policy::decision::{Checked, Proof, Why, describe, prove};
use crate::policy::{Bundle, category_name};
use serde_json::{Value, json};

pub fn run(global: &Global, bundle: &Bundle) -> anyhow::Result<u8> {
    let proof = prove(bundle);
    if global.json {
        output::json(&as_json(&proof))?;
    } else {
        print(bundle, &proof)?;
    }
    Ok(if proof.holds() { SUCCESS } else { USAGE })
}

fn print(bundle: &Bundle, proof: &Proof) -> anyhow::Result<()> {
    for checked in &proof.checked {
        let invariant = &checked.invariant;
        let (word, cells) = match (checked.broken, checked.cells) {
            (0, 0) => ("void  ", "no purpose of this bundle is concerned".to_owned()),
            (0, cells) => ("proved", output::counted(cells, "cell", "cells")),
            (_, cells) => ("BROKEN", output::counted(cells, "cell", "cells")),
        };
        output::wrapped(&format!("{word}  {} ({}; {cells})", invariant.name, invariant.law), 8)?;
        print_breach(checked)?;
    }
    for disagreement in &proof.disagreements {
        output::wrapped(
            &format!("BROKEN  two ways to decide disagree, which is a defect of onefold: {disagreement}"),
            8,
        )?;
    }
    for policy in proof.dead.iter().filter(|policy| !policy.is_of_library()) {
        let what =
            format!("dead    policy `{}` ({}:{}) never determines a decision", policy.id, policy.file, policy.line);
        output::wrapped(&what, 8)?;
    }
    let unused: Vec<&str> = proof.dead.iter().filter(|of| of.is_of_library()).map(|of| of.id.as_str()).collect();
    if !unused.is_empty() {
        output::wrapped(&format!("unused  of the libraries, this bundle has no use for {}", unused.join(", ")), 8)?;
    }
    for found in &proof.never_alone {
        let at = format!("{}:{}", found.policy.file, found.policy.line);
        let what = format!("note    policy `{}` ({at}) never decides alone: {}", found.policy.id, found.why.sentence());
        output::wrapped(&what, 8)?;
    }
    for purpose in &proof.unpermitted {
        output::wrapped(&format!("note    no policy ever permits anything for `{purpose}`"), 8)?;
    }
    let broken = proof.checked.iter().filter(|checked| checked.broken > 0).count();
    let verdict = match proof.holds() {
        true => "everything is proved".to_owned(),
        false => format!("{broken} of {} are broken", proof.checked.len()),
    };
    output::line(format!(
        "Bundle {} {}: {verdict}. {} looked at, by {} put to Cedar; {} of them compared.",
        bundle.name,
        bundle.version,
        output::counted(proof.cells, "cell", "cells"),
        output::counted(proof.evaluations, "question", "questions"),
        output::count(proof.compared)
    ))
}

fn print_breach(checked: &Checked) -> anyhow::Result<()> {
    let Some(breach) = &checked.breach else { return Ok(()) };
    let of = output::counted(checked.broken, "cell", "cells");
    let cell = about(&breach.purpose, breach.category);
    output::wrapped(&format!("        in {of}, such as {cell}: {}", describe(breach.context)), 10)?;
    output::wrapped(&format!("        permitted by {}", cited(&breach.policies)), 10)
}

fn as_json(proof: &Proof) -> Value {
    let checked = proof.checked.iter().map(|checked| {
        let breach = checked.breach.as_ref().map(|breach| {
            json!({
                "purpose": breach.purpose, "category": breach.category.map(category_name),
                "context": breach.context.number(), "circumstances": describe(breach.context),
                "policies": breach.policies.iter().map(citation_json).collect::<Vec<_>>(),
            })
        });
        json!({
            "name": checked.invariant.name, "law": checked.invariant.law, "of_bundle": checked.invariant.of_bundle,
            "cells": checked.cells, "broken": checked.broken, "breach": breach,
        })
    });
    let dead = proof.dead.iter().map(|policy| {
        json!({ "id": policy.id, "file": policy.file, "line": policy.line, "of_library": policy.is_of_library() })
    });
    let never_alone = proof.never_alone.iter().map(|found| {
        let (by, always) = match &found.why {
            Why::Same { id, always } => (Some(id), Some(always)),
            Why::Overruled | Why::DefaultDeny | Why::NotDeclared => (None, None),
        };
        json!({
            "id": found.policy.id, "file": found.policy.file, "line": found.policy.line,
            "of_library": found.policy.is_of_library(), "reason": found.why.name(), "by": by, "always": always,
        })
    });
    json!({
        "proved": proof.holds(), "cells": proof.cells, "contexts": proof.contexts, "questions": proof.evaluations,
        "compared": proof.compared, "disagreements": proof.disagreements, "invariants": checked.collect::<Vec<_>>(),
        "dead_policies": dead.collect::<Vec<_>>(), "never_alone_policies": never_alone.collect::<Vec<_>>(),
        "never_permitted": proof.unpermitted,
    })
}
