//! Standardising against public conformance sets, with the share that has to be reached.
//!
//! Goal: the figures that the documentation states are true. Method: every case of a set is read as a record of one
//! field; disagreements are printed. The sets lie in a folder beside the repository; where it is missing the tests say so.

use super::standardize::{SEMANTICS, Single, schema};
use onefold::model::{CellKind, FieldIndex, Fields, SourceId};
use onefold::standardize::{Standardized, Standardizer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;

/// A file of the conformance sets, which lie beside the repository.
fn conformance(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance")).join(path);
    if !full.exists() {
        eprintln!("SKIPPED: no conformance data `{path}`");
        return None;
    }
    Some(full)
}

fn report(name: &str, good: usize, all: usize, percent_min: usize, bad: &[String]) {
    eprintln!("{name}: {good} of {all}");
    for line in bad.iter().take(40) {
        eprintln!("  {line}");
    }
    assert!(all > 0 && good * 100 >= all * percent_min, "{name}: {good} of {all} is below {percent_min} %");
}

#[test]
fn conformance_phone() {
    let Some(path) = conformance("phone/cases.csv.gz") else { return };
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()));
    // The region is the source's here; it is overridden by a record's country in other tests.
    let mut by_region: BTreeMap<String, (Standardizer, Standardized)> = BTreeMap::new();
    let (mut good, mut all, mut bad) = (0, 0, Vec::new());
    for row in reader.records() {
        let row = row.unwrap();
        let (input, region, valid, e164) = (&row[1], row[2].to_owned(), &row[6] == "1", &row[7]);
        let (standardizer, out) = by_region.entry(region.clone()).or_insert_with(|| {
            let mut schema = schema(&[("phone", "phone")]);
            schema.sources[0].region = (!region.is_empty()).then(|| region.clone());
            (Standardizer::new(&Arc::new(schema)), Standardized::default())
        });
        let mut fields = Fields::default();
        fields.push(FieldIndex(0), CellKind::Text, input);
        standardizer.record(SourceId(0), &fields, out);
        let found = out.values().next().map(|(_, _, text)| text);
        all += 1;
        if found == valid.then_some(e164) {
            good += 1;
        } else {
            bad.push(format!("{} {input} in {region:?}: {found:?}, expected {e164:?}; {:?}", &row[0], out.issues()));
        }
    }
    report("phone", good, all, 99, &bad);
}

#[test]
fn conformance_email_normalisation() {
    let Some(path) = conformance("email_normalisation/cases.jsonl") else { return };
    let mut email = Single::new("email");
    let (mut good, mut all, mut bad) = (0, 0, Vec::new());
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let input = case["input"].as_str().unwrap();
        // The set does no Unicode normalisation, we write NFC: two spellings of one address are one mailbox here.
        let expected = case["default"].as_str().filter(|_| case["is_email"] == true);
        let expected = expected.map(|text| text.nfc().collect::<String>());
        let found = email.read(CellKind::Text, input, "");
        all += 1;
        if found.as_ref().ok() == expected.as_ref() {
            good += 1;
        } else {
            bad.push(format!("{input}: {found:?}, expected {expected:?}"));
        }
    }
    report("email_normalisation", good, all, 95, &bad);
}

#[test]
fn conformance_email_validity() {
    let Some(path) = conformance("email_validity/cases.csv") else { return };
    let mut email = Single::new("email");
    let (mut good, mut all, mut bad) = (0, 0, Vec::new());
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let address: String = serde_json::from_str(&row[1]).unwrap();
        let (rfc_valid, web_valid) = (&row[4] == "1", &row[5] == "1");
        let found = email.read(CellKind::Text, &address, "");
        all += 1;
        if (found.is_ok() || !web_valid) && (found.is_err() || rfc_valid) {
            good += 1;
        } else {
            bad.push(format!("{} {address:?}: {found:?}", &row[0]));
        }
    }
    report("email_validity", good, all, 95, &bad);
}

#[test]
fn conformance_naughty_strings() {
    let Some(path) = conformance("naughty_strings/blns.json") else { return };
    let strings: Vec<String> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(strings.len(), 515);
    for (name, _) in SEMANTICS {
        let mut single = Single::new(name);
        for raw in &strings {
            for kind in [CellKind::Text, CellKind::Number, CellKind::Json, CellKind::Boolean] {
                if let Ok(once) = single.read(kind, raw, "US") {
                    assert_eq!(single.read(CellKind::Text, &once, "US"), Ok(once.clone()), "{raw:?} as {name}");
                }
            }
        }
    }
}

/// How well whole names are split, against hand-labelled names: of those that have both one given name (or initial) and
/// a surname, how many are split rightly, and how many wrongly, which is the worse.
#[test]
fn conformance_name_parsing() {
    let Some(path) = conformance("name_parsing/person.xml") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let schema = Arc::new(schema(&[("name", "full_name")]));
    let mut standardizer = Standardizer::new(&schema);
    let mut out = Standardized::default();
    let (mut right, mut wrong, mut unsplit, mut all, mut bad) = (0, 0, 0, 0, Vec::new());
    let (mut suffix_right, mut suffix_all) = (0, 0);
    for line in text.lines().filter(|line| line.starts_with("<Name>")) {
        let labelled = labels(line);
        let whole: Vec<&str> = labelled.iter().map(|(_, token)| token.as_str()).collect();
        let of = |label: &str| -> Vec<&str> {
            labelled.iter().filter(|(found, _)| found == label).map(|(_, token)| token.as_str()).collect()
        };
        let plain = |token: &str| token.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let given = [of("GivenName"), of("FirstInitial")].concat();
        let family = of("Surname");
        if given.is_empty() || family.is_empty() {
            continue;
        }
        let mut fields = Fields::default();
        fields.push(FieldIndex(0), CellKind::Text, &whole.join(" "));
        standardizer.record(SourceId(0), &fields, &mut out);
        let first = |name: &str| out.first(schema.attribute(name).unwrap()).map(plain);
        if let [suffix] = of("SuffixGenerational")[..] {
            suffix_all += 1;
            let known = |text: &str| matches!(plain(text).as_str(), "2nd" | "3rd" | "4th");
            suffix_right +=
                usize::from(first("name_suffix").is_some_and(|found| found == plain(suffix) || known(suffix)));
        }
        all += 1;
        match (first("given_name"), first("family_name")) {
            (Some(g), Some(f)) if g == plain(given[0]) && f == plain(&family.concat()) => right += 1,
            (None, None) => unsplit += 1,
            (g, f) => {
                wrong += 1;
                bad.push(format!("{}: {g:?} {f:?}", whole.join(" ")));
            }
        }
    }
    eprintln!(
        "name_parsing: of {all}: {right} right, {unsplit} not split, {wrong} wrong; suffixes {suffix_right} of {suffix_all}"
    );
    report("name_parsing", right, all, 80, &bad);
    assert!(suffix_right * 100 >= suffix_all * 90, "suffixes {suffix_right} of {suffix_all}");
}

/// The (label, token) of one line of XML without nesting.
fn labels(line: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = line.trim_start_matches("<Name>");
    while let Some((label, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let Some((token, after)) = after.split_once(&format!("</{label}>")) else { break };
        labels.push((label.to_owned(), token.replace("&amp;", "&")));
        rest = after.trim_start();
    }
    labels
}
