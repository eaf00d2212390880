//! Cases: what people expect of a bundle, in files beside it.
//!
//! ```toml
//! [[case]]
//! name = "no newsletter after a withdrawal"
//! given = { purpose = "marketing", category = "contact", consent = "withdrawn", age = "adult", regime = "eu" }
//! expect = "deny"
//! by = ["gdpr-withdrawn"]
//! ```
//!
//! INVARIANT: what is not given is as if nothing were known; only `retained` is true.

use super::decider::{Decider, Verdict};
use super::words::{Circumstance, Word, circumstance_names, nothing_known, set_circumstance};
use crate::model::{Category, Circumstances, Context, PurposeId};
use crate::policy::bundle::{Bundle, FILE_BYTES_MAX};
use crate::policy::problem::Problems;
use crate::policy::section::{Diagnosis, File, Section, parse};
use crate::policy::vocabulary::{CATEGORIES, meaning, names};

/// Cases of a bundle.
const CASES_MAX: usize = 100_000;

/// A cell, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it says, for people.
    pub name: String,
    /// File in which it stands.
    pub file: String,
    /// Line in which it begins.
    pub line: usize,
    /// The purpose.
    pub purpose: PurposeId,
    /// The category; `None` for joining records.
    pub category: Option<Category>,
    /// The circumstances.
    pub context: Context,
    /// What is expected.
    pub expect: Expectation,
    /// Policies that have to be among those that determine it; when it is empty, none may. `None`: not looked at.
    pub by: Option<Vec<String>>,
}

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It is allowed.
    Allow,
    /// It is denied.
    Deny,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the policies said.
    pub verdict: Verdict,
    /// Why that is not what was expected; `None` when it is.
    pub failure: Option<String>,
}

/// Reads files of cases, given as name and text.
///
/// # Errors
/// Every word that the bundle does not know, and whatever else is wrong.
pub fn read_cases(files: &[(String, String)], bundle: &Bundle) -> Result<Vec<Case>, Problems> {
    let mut out = Diagnosis::default();
    let mut cases = Vec::new();
    for (name, text) in files {
        if text.len() > FILE_BYTES_MAX {
            out.report_file(name, format!("this file is larger than {FILE_BYTES_MAX} bytes"), "make it smaller");
            continue;
        }
        let file = File::new(name, text);
        let Some(table) = parse(&file, &mut out) else { continue };
        let part = Section::of_file("the file of cases", &file, &table);
        part.only(&["case"], &mut out);
        for section in part.sections("case", "a case", &mut out) {
            cases.extend(case(name, &section, bundle, &mut out));
        }
    }
    if cases.len() > CASES_MAX {
        out.report_file("cases", format!("{} cases are too many", cases.len()), format!("keep at most {CASES_MAX}"));
    }
    if out.is_clean() { Ok(cases) } else { Err(out.into_problems()) }
}

/// Puts a case to the policies.
pub fn run_case(decider: &Decider, case: &Case) -> Outcome {
    let verdict = match case.category {
        Some(category) => Some(decider.verdict(case.purpose, category, case.context)),
        None => decider.combining_verdict(case.context),
    };
    let Some(verdict) = verdict else {
        // INVARIANT: a case about joining is read only for a bundle that governs it; what can't be asked fails.
        let verdict = decider.verdict(case.purpose, Category::Identity, case.context);
        return Outcome { verdict, failure: Some("the bundle does not govern joining".to_owned()) };
    };
    let word = |allowed: bool| if allowed { "allowed" } else { "denied" };
    let expected = case.expect == Expectation::Allow;
    let determined: Vec<&str> = verdict.policies.iter().map(|policy| policy.id.as_str()).collect();
    let failure = match &case.by {
        _ if verdict.allowed != expected => {
            Some(format!("expected {}, is {}: {}", word(expected), word(verdict.allowed), verdict.sentence()))
        }
        Some(by) if by.is_empty() && !determined.is_empty() => {
            Some(format!("expected no policy to determine it, but it is {}", verdict.sentence()))
        }
        Some(by) => {
            let missing: Vec<&str> = by.iter().map(String::as_str).filter(|id| !determined.contains(id)).collect();
            let message = || format!("expected it by `{}`, but it is so: {}", missing.join("`, `"), verdict.sentence());
            (!missing.is_empty()).then(message)
        }
        None => None,
    };
    Outcome { verdict, failure }
}

fn case(file: &str, section: &Section<'_>, bundle: &Bundle, out: &mut Diagnosis) -> Option<Case> {
    section.only(&["name", "given", "expect", "by"], out);
    let name = section.need_text("name", "\"no newsletter to children\"", out);
    let expect = section.need_text("expect", "\"deny\"", out).and_then(|found| match found.value {
        "allow" => Some(Expectation::Allow),
        "deny" => Some(Expectation::Deny),
        other => {
            out.unknown(&found.place, "expectation", other, ["allow", "deny"], "");
            None
        }
    });
    let by = section.has("by").then(|| section.distinct_texts("by", "[\"gdpr-withdrawn\"]", out));
    for found in by.iter().flatten().filter(|found| bundle.policies.get(found.value).is_none()) {
        let ids = bundle.policies.iter().map(|policy| policy.id.as_str());
        out.unknown(&found.place, "policy", found.value, ids, "");
    }
    let by = by.map(|ids| ids.into_iter().map(|id| id.value.to_owned()).collect());
    if !section.has("given") {
        let help = "add `given = { purpose = \"marketing\", category = \"contact\", consent = \"given\" }`";
        out.report(&section.place, "a case has no `given`".to_owned(), help);
    }
    let given = section.section("given", "`given`", out)?;
    let (purpose, category) = cell(&given, bundle, out);
    let context = Context::new(circumstances(&given, out));
    let line = section.place.line();
    let (name, file) = (name?.value.to_owned(), file.to_owned());
    Some(Case { name, file, line, purpose: purpose?, category: category?, context, expect: expect?, by })
}

/// Purpose and category; the latter is `Some(None)` for joining.
fn cell(given: &Section<'_>, bundle: &Bundle, out: &mut Diagnosis) -> (Option<PurposeId>, Option<Option<Category>>) {
    let mut keys = vec!["purpose", "category"];
    keys.extend(circumstance_names());
    given.only(&keys, out);
    let purpose = given.need_text("purpose", "\"marketing\"", out).and_then(|found| {
        let id = bundle.schema.purpose(found.value);
        if id.is_none() {
            let names = bundle.schema.purposes.iter().map(|purpose| purpose.name.as_str());
            out.unknown(&found.place, "purpose", found.value, names, "");
        }
        id
    });
    if let Some(found) = given.text("category", "\"contact\"", out) {
        let category = meaning(CATEGORIES, found.value);
        if category.is_none() {
            out.unknown(&found.place, "category", found.value, names(CATEGORIES), "");
        }
        return (purpose, category.map(Some));
    }
    if given.has("category") {
        return (purpose, None);
    }
    if purpose.is_some() && purpose != bundle.schema.combining {
        let help = "add `category = \"contact\"`; only a case about the purpose that `combining` names has none";
        out.report(&given.place, "a case names no category".to_owned(), help);
        return (purpose, None);
    }
    (purpose, Some(None))
}

fn circumstances(given: &Section<'_>, out: &mut Diagnosis) -> Circumstances {
    let mut of = nothing_known();
    for (name, circumstance) in Circumstance::all() {
        if let Circumstance::Flag(_) = circumstance {
            if let Some(value) = given.flag(name, out) {
                set_circumstance(&mut of, circumstance, Word::Flag(value));
            }
        } else if let Some(found) = given.text(name, "\"given\"", out)
            && !set_circumstance(&mut of, circumstance, Word::Text(found.value))
        {
            out.unknown(&found.place, name, found.value, circumstance.words(), "");
        }
    }
    of
}
