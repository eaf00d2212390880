//! `onefold policy explain`.

use super::{about, verdict_json};
use crate::cli::args::{Explain, Global};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output;
use crate::encoding::hex;
use crate::model::{Category, Circumstances, Context, Purpose, PurposeId};
use crate::policy::decision::{Circumstance, Word, describe, set_circumstance};
use crate::policy::{Bundle, basis_name, category_name, category_named, data_category, data_use, personal_data_term};
use serde_json::json;

pub fn run(global: &Global, asked: &Explain, bundle: &Bundle) -> anyhow::Result<u8> {
    let (id, purpose) = purpose(bundle, &asked.purpose)?;
    let category = asked.category.as_deref().map(category).transpose()?;
    let context = Context::new(circumstances(asked)?);
    let decider = bundle.decider();
    let verdict = match category {
        Some(category) => decider.verdict(id, category, context),
        None if decider.combining() == Some(id) => match decider.combining_verdict(context) {
            Some(verdict) => verdict,
            None => return Err(Usage::new("joining records is not governed".to_owned()).into()),
        },
        None => {
            let what = format!("`{}` is not the purpose of joining records", asked.purpose);
            return Err(Usage::new(what).help("name a category with --category, such as contact").into());
        }
    };
    if global.json {
        output::json(&json!({
            "purpose": purpose.name, "dpv": purpose.dpv, "basis": basis_name(purpose.basis),
            "fideslang_use": data_use(&purpose.dpv), "category": category.map(category_name),
            "dpv_category": category.map(personal_data_term), "fideslang_category": category.map(data_category),
            "context": context.number(), "circumstances": describe(context), "bundle": bundle.name,
            "version": bundle.version, "digest": hex::encode(&bundle.digest), "verdict": verdict_json(&verdict),
        }))?;
        return Ok(SUCCESS);
    }
    let word = if verdict.allowed { "Allowed" } else { "Denied" };
    output::wrapped(&format!("{word}: {}", about(&purpose.name, category)), 2)?;
    output::wrapped(&format!("  because it is {}", verdict.sentence()), 4)?;
    output::wrapped(&format!("  where: {}", describe(context)), 4)?;
    let basis = basis_name(purpose.basis).replace('_', " ");
    let terms = format!("{}, in fideslang {}", purpose.dpv, data_use(&purpose.dpv));
    output::wrapped(&format!("  purpose: {} ({terms}; rests on {basis})", purpose.description), 4)?;
    if let Some(category) = category {
        let special = if category.is_special() { "; a special category of Art. 9 GDPR" } else { "" };
        let terms = format!("{}, in fideslang {}", personal_data_term(category), data_category(category));
        output::wrapped(&format!("  category: {} ({terms}{special})", category_name(category)), 4)?;
    }
    output::line(format!("  bundle: {} {}, {}", bundle.name, bundle.version, hex::encode(&bundle.digest)))?;
    Ok(SUCCESS)
}

fn purpose<'b>(bundle: &'b Bundle, name: &str) -> anyhow::Result<(PurposeId, &'b Purpose)> {
    let id = bundle.schema.purpose(name);
    let known = bundle.schema.purposes.iter().map(|purpose| purpose.name.as_str());
    let found = id.and_then(|id| Some((id, bundle.schema.purposes.get(usize::from(id.0))?)));
    found.ok_or_else(|| Usage::unknown("purpose", name, known).into())
}

fn category(name: &str) -> anyhow::Result<Category> {
    let known = Category::ALL.into_iter().map(category_name);
    category_named(name).ok_or_else(|| Usage::unknown("category", name, known).into())
}

fn circumstances(asked: &Explain) -> anyhow::Result<Circumstances> {
    let mut of = Circumstances {
        explicit: asked.explicit,
        parental: asked.parental,
        withdrawn: asked.withdrawn,
        objected: asked.objected,
        restricted: asked.restricted,
        gpc: asked.gpc,
        retained: !asked.kept_too_long,
        ..Circumstances::default()
    };
    let words = [
        ("consent", Circumstance::Consent, &asked.consent),
        ("age", Circumstance::Age, &asked.age),
        ("regime", Circumstance::Regime, &asked.regime),
    ];
    for (name, circumstance, word) in words {
        let Some(word) = word else { continue };
        if !set_circumstance(&mut of, circumstance, Word::Text(word)) {
            return Err(Usage::unknown(name, word, circumstance.words().into_iter()).into());
        }
    }
    Ok(of)
}
