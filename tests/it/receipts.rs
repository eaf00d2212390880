//! Goal: consent records in the way of ISO/IEC TS 27560, written in JSON-LD with terms of DPV, become consents or are
//! refused with a reason that names what is missing, and none gives a permission that nobody gave.
//! Method: the sources that `policies/README.md` shows, in a small bundle; the published examples, as they are and each
//! laid over a whole receipt, go in by `onefold ingest`, and all of them are accounted for.

use super::program::{ok, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILES: [(&str, &str); 3] = [
    ("bundle.toml", "name = \"receipts\"\nversion = \"1\"\ndescription = \"Consents alone\"\n"),
    (
        "identity.toml",
        "[[identifier]]\nattribute = \"customer_id\"\npriority = 100\n\n[[identifier]]\nattribute = \"email\"\npriority = 90\n",
    ),
    (
        "purposes.toml",
        r#"
[[purpose]]
name = "newsletter"
dpv = "dpv:DirectMarketing"
description = "The letter"
basis = "consent"
categories = ["contact"]
recipients = ["us"]
[[purpose]]
name = "messages"
dpv = "dpv:CommunicationManagement"
description = "Messages about an order"
basis = "consent"
categories = ["contact"]
recipients = ["us"]
[[purpose]]
name = "identity"
dpv = "dpv:IdentityVerification"
description = "Who somebody is"
basis = "consent"
categories = ["contact"]
recipients = ["us"]
"#,
    ),
];

/// A data directory under the sources that the guide shows for consents.
fn directory(folder: &Path) -> String {
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/README.md")).unwrap();
    let section =
        guide.split("### Consents from elsewhere\n").nth(1).and_then(|rest| rest.split("\n### ").next()).unwrap();
    let blocks = section.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let sources: Vec<&str> = blocks.filter(|block| block.contains("role = \"consents\"")).collect();
    assert_eq!(sources.len(), 2, "the guide has lost a source of consents");
    let bundle = folder.join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    let sources = ("sources.toml", sources.concat());
    for (name, text) in FILES.map(|(name, text)| (name, text.to_owned())).into_iter().chain([sources]) {
        std::fs::write(bundle.join(name), text).unwrap();
    }
    let data = text(&folder.join("data")).to_owned();
    ok(&["init", "--quiet", "--policy", text(&bundle), "--data", &data]);
    data
}

/// Ingests receipts, one a line, and says how many were taken and how many refused for each reason.
fn ingest(data: &str, lines: &[String]) -> (u64, BTreeMap<String, usize>) {
    let file = Path::new(data).with_file_name(format!("receipts-{}.ndjson", lines.len()));
    std::fs::write(&file, lines.join("\n")).unwrap();
    let done: Value = serde_json::from_str(&ok(&["ingest", "--json", "--data", data, text(&file)])).unwrap();
    let listed: Value =
        serde_json::from_str(&ok(&["quarantine", "list", "--json", "--limit", "1000", "--data", data])).unwrap();
    let mut reasons = BTreeMap::new();
    for refused in listed.as_array().unwrap() {
        *reasons.entry(refused["reason"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(done["quarantined"].as_u64().unwrap() as usize, reasons.values().sum::<usize>());
    (done["taken"].as_u64().unwrap(), reasons)
}

/// The published examples and the Kantara receipt, where they are.
fn published() -> Option<(Vec<String>, String)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance/consent_receipts"));
    let Ok(examples) = std::fs::read_to_string(folder.join("dpv_27560_examples.jsonl")) else {
        eprintln!("SKIPPED: no conformance data `consent_receipts`");
        return None;
    };
    let example = |line: &str| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    let kantara = std::fs::read_to_string(folder.join("kantara_mvcr_newinput.json")).unwrap();
    Some((examples.lines().map(example).collect(), kantara))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A receipt that has all it needs.
fn whole(number: usize) -> Value {
    json!({
        "@id": format!("https://example.com/receipts/{number}"), "@type": "dpv:ConsentRecord",
        "dpv:hasDataSubject": format!("https://example.com/persons/{number}"),
        "dpv:hasProcess": { "@type": "dpv:Process", "dpv:hasPurpose": "dpv:DirectMarketing" },
        "dpv:hasConsentStatus": { "@type": "dpv:ConsentGiven", "dpv:isIndicatedAtTime": "2023-11-05T16:18:25Z" },
    })
}

#[test]
fn published_examples_are_read_or_refused_with_a_reason() {
    let Some((examples, kantara)) = published() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path());
    // All have one name; what is refused twice for the same reason under it would be kept once.
    let own = |(number, example): (usize, &String)| {
        one_line(example).replacen("example.com/", &format!("example.com/{number}/"), 1)
    };
    let mut lines: Vec<String> = examples.iter().enumerate().map(own).collect();
    lines.push(one_line(&kantara));
    let (taken, reasons) = ingest(&data, &lines);
    println!("as they are: {taken} taken, {reasons:#?}");
    // None is a whole receipt: each shows one thing.
    assert_eq!((lines.len(), taken, reasons.values().sum::<usize>()), (37, 0, 37));
    let whole = lines.iter().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!(whole, 29);
}

#[test]
fn published_examples_laid_over_a_whole_receipt() {
    let Some((examples, _)) = published() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path());
    let examples: Vec<Value> = examples.iter().filter_map(|example| serde_json::from_str(example).ok()).collect();
    let laid = |(number, example): (usize, &Value)| {
        let mut receipt = whole(number);
        for (name, value) in example.as_object().unwrap().iter().filter(|(name, _)| *name != "@id") {
            receipt[name] = value.clone();
        }
        receipt.to_string()
    };
    let lines: Vec<String> = examples.iter().enumerate().map(laid).collect();
    let (taken, reasons) = ingest(&data, &lines);
    println!("laid over: {taken} taken, {reasons:#?}");
    assert_eq!((lines.len(), taken, reasons.values().sum::<usize>()), (29, 16, 13));
    let refused =
        |part: &str| reasons.iter().filter(|(reason, _)| reason.contains(part)).map(|(_, count)| count).sum::<usize>();
    for (part, count) in [
        ("in several states at once", 2),
        ("the end of the consent cannot be read", 1),
        ("without a time", 1),
        ("without a purpose", 8),
        ("a purpose that the bundle does not have", 1),
    ] {
        assert_eq!(refused(part), count, "{part}: {reasons:#?}");
    }
}

#[test]
fn a_plain_table_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = directory(folder.path());
    let file = folder.path().join("consents-2026.csv");
    let rows = "No,E-Mail,Purpose,Status,Date,Valid until\n1,ada@example.com,newsletter,given,2026-01-31,2027-01-31\n\
                2,ada@example.com,dpv:CommunicationManagement,opt-out,2026-02-01,\n3,,newsletter,given,2026-01-31,\n";
    std::fs::write(&file, rows).unwrap();
    let done: Value = serde_json::from_str(&ok(&["ingest", "--json", "--data", &data, text(&file)])).unwrap();
    assert_eq!((&done["taken"], &done["quarantined"]), (&2.into(), &1.into()));
}
