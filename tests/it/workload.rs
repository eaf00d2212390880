//! Goal: the workload that `onefold bench` invents is the same on every run, reads back as what it claims to be, has the
//! shape of the shared generator's, and its final state is the load with the changes applied.
//! Method: write small ones into temporary folders, read every line with independent parsers, apply the changes to the
//! load with hash maps, and compare counts with those of the shared generator where it and Python are there.

#![allow(clippy::unwrap_used)]

use onefold::cli::bench::workload::{Summary, Workload};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const TABLES: [(&str, &str); 3] = [("crm", "id"), ("shop", "order_id"), ("support", "ticket_id")];

fn written(records: u64, changes: u64, seed: u64) -> (tempfile::TempDir, Summary) {
    let directory = tempfile::tempdir().unwrap();
    let summary = Workload::new(records, changes, seed).write(directory.path()).unwrap();
    (directory, summary)
}

fn bytes(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    files.map(|f| (f.file_name().into_string().unwrap(), fs::read(f.path()).unwrap())).collect()
}

fn documents(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let texts = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = texts(reader.headers().unwrap());
    (header, reader.records().map(|row| texts(&row.unwrap())).collect())
}

#[test]
fn same_arguments_give_the_same_bytes() {
    let (first, summary) = written(3_000, 700, 11);
    let (second, again) = written(3_000, 700, 11);
    let (other, _) = written(3_000, 700, 12);
    assert_eq!(summary, again);
    let first = bytes(first.path());
    assert_eq!(first.len(), 12);
    assert!(first == bytes(second.path()), "the same seed gave other bytes");
    for (name, content) in bytes(other.path()) {
        assert!(first[&name] != content, "another seed gave the same `{name}`");
    }
}

#[test]
fn the_summary_counts_what_is_in_the_files() {
    let (directory, summary) = written(5_000, 1_000, 3);
    let path = |name: &str| directory.path().join(name);
    let lines = |name: &str| fs::read_to_string(path(name)).unwrap().lines().count() as u64;
    assert_eq!(summary.consents, lines("consents.ndjson"));
    assert_eq!((summary.changes, 1_000), (lines("changes.ndjson"), summary.changes));
    assert_eq!(summary.changes, summary.inserts + summary.updates + summary.deletes + summary.consent_changes);
    let ndjson: u64 = ["crm", "shop", "support", "web", "app"].map(|s| lines(&format!("{s}.ndjson"))).iter().sum();
    assert_eq!(summary.records, ndjson + lines("newsletter.csv") - 1 + lines("social.csv") - 1);
    assert_eq!(summary.records, lines("truth.csv") - 1);
    assert_eq!(summary.records + summary.inserts - summary.deletes, lines("truth_after.csv") - 1);
    let size = |name: &str| fs::metadata(path(name)).unwrap().len();
    let all: u64 = bytes(directory.path()).values().map(|content| content.len() as u64).sum();
    assert_eq!(summary.changes_bytes, size("changes.ndjson"));
    assert_eq!(summary.load_bytes, all - size("changes.ndjson") - size("truth.csv") - size("truth_after.csv"));
}

/// Live rows of the tables, other documents by source and key, and consents, after the load and the changes.
fn apply(directory: &Path) -> BTreeMap<(String, String), Value> {
    let mut live = BTreeMap::new();
    let mut take = |source: &str, event: &Value| {
        if let Some((_, key)) = TABLES.iter().find(|(name, _)| *name == source) {
            let row = |side: &str| event[side].as_object().cloned().map(Value::Object);
            let id = |row: &Value| (source.to_owned(), row[*key].as_str().unwrap().to_owned());
            let before = row("before").and_then(|row| live.remove(&id(&row)));
            assert_eq!(row("before"), before.map(|before: Value| before["row"].clone()), "`before` is what was stored");
            if let Some(row) = row("after") {
                let place = serde_json::json!({"row": row, "source": event["source"], "ts_ms": event["ts_ms"]});
                assert!(live.insert(id(&row), place).is_none(), "a record arrives once");
            }
        } else {
            let key = if source == "consents" { "consent_id" } else { "messageId" };
            let id = (source.to_owned(), event[key].as_str().unwrap().to_owned());
            assert!(live.insert(id, event.clone()).is_none(), "an event has a key of its own");
        }
    };
    for source in ["crm", "shop", "support", "web", "app", "consents"] {
        documents(&directory.join(format!("{source}.ndjson"))).iter().for_each(|event| take(source, event));
    }
    let changes = directory.join("changes.ndjson");
    if changes.exists() {
        documents(&changes).iter().for_each(|line| take(line["source"].as_str().unwrap(), &line["event"]));
    }
    for source in ["newsletter", "social"] {
        for row in table(&directory.join(format!("{source}.csv"))).1 {
            assert!(live.insert((source.to_owned(), row[0].clone()), serde_json::json!(row)).is_none());
        }
    }
    live
}

#[test]
fn the_final_state_is_the_load_with_the_changes_applied() {
    let workload = Workload::new(3_000, 2_500, 5);
    let (run, last) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let summary = workload.write(run.path()).unwrap();
    let final_summary = workload.write_final(last.path()).unwrap();
    assert!(summary.updates > 500 && summary.deletes > 80 && summary.inserts > 900, "{summary:?}");

    assert!(apply(run.path()) == apply(last.path()), "final state and applied changes differ");
    assert!(documents(&last.path().join("crm.ndjson")).iter().all(|event| event["op"] == "c"));
    let truth = |directory: &Path, name| fs::read_to_string(directory.join(name)).unwrap();
    assert_eq!(truth(run.path(), "truth_after.csv"), truth(last.path(), "truth.csv"));
    assert_eq!(final_summary.records, summary.records + summary.inserts - summary.deletes);
    assert_eq!(final_summary.consents, summary.consents + summary.consent_changes);
    assert_eq!(fs::read(run.path().join("firms.csv")).unwrap(), fs::read(last.path().join("firms.csv")).unwrap());
}

#[test]
fn the_smallest_workloads_end() {
    for seed in 0..20 {
        let (_directory, summary) = written(1, 30, seed);
        assert_eq!((summary.records, summary.people, summary.changes), (1, 1, 30));
    }
    assert_eq!(written(0, 0, 1).1.records, 1);
}

/// What is compared with the shared generator: counts, in all or of those that match, over the files of one run.
fn shape(directory: &Path) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut carriers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let people: BTreeMap<(String, String), String> = table(&directory.join("truth.csv"))
        .1
        .into_iter()
        .map(|row| ((row[0].clone(), row[1].clone()), row[2].clone()))
        .collect();
    let mut add = |name: String| *counts.entry(name).or_default() += 1;
    for source in ["crm", "shop", "support", "web", "app"] {
        for event in documents(&directory.join(format!("{source}.ndjson"))) {
            add(format!("records of {source}"));
            let row = if event["after"].is_object() { &event["after"] } else { &event };
            let key = TABLES.iter().find(|(name, _)| *name == source).map_or("messageId", |(_, key)| key);
            let person = &people[&(source.to_owned(), row[key].as_str().unwrap().to_owned())];
            let fields = row.as_object().unwrap().iter().chain(row["traits"].as_object().into_iter().flatten());
            for (name, value) in fields.filter(|(_, value)| value.is_string()) {
                let text = value.as_str().unwrap();
                let canonical: String = text.trim().to_lowercase().chars().filter(|c| !" ()-".contains(*c)).collect();
                if name.ends_with("email") {
                    add(format!("email: {}", email_form(text)));
                    carriers.entry(canonical).or_default().insert(person.clone());
                } else if name.ends_with("phone") {
                    add(format!("phone: {}", phone_form(text)));
                    let canonical = canonical.strip_prefix("00").map_or(canonical.clone(), |rest| format!("+{rest}"));
                    carriers.entry(canonical).or_default().insert(person.clone());
                } else if ["account_id", "userId", "company", "country", "jurisdiction", "type"]
                    .contains(&name.as_str())
                {
                    add(format!("{source} has {name}"));
                }
            }
        }
    }
    for row in table(&directory.join("social.csv")).1 {
        add("records of social".to_owned());
        add(format!("social: email {}, phone {}", !row[2].is_empty(), !row[3].is_empty()));
    }
    for row in table(&directory.join("newsletter.csv")).1 {
        add(format!("newsletter: {}", row[3]));
    }
    for consent in documents(&directory.join("consents.ndjson")) {
        add(format!("consents {} {}", consent["status"], consent["expires_at"].is_string()));
        add(format!("consents for {}", consent["purpose"]));
        add(format!("consents by {}", consent["subject"].as_object().unwrap().keys().next().unwrap()));
    }
    for change in documents(&directory.join("changes.ndjson")) {
        let event = &change["event"];
        add(format!("changes {} {}", change["source"], event.get("op").unwrap_or(&event["status"])));
    }
    let of = |n: std::ops::Range<usize>| carriers.values().filter(|people| n.contains(&people.len())).count();
    let shared = [("two people", of(2..3)), ("more people", of(3..usize::MAX)), ("one person", of(1..2))];
    counts.extend(shared.map(|(name, n)| (format!("identifiers of {name}"), n)));
    for (entity, n) in [(1, "once"), (10, "ten times")] {
        let mut per: BTreeMap<&String, usize> = BTreeMap::new();
        people.values().for_each(|person| *per.entry(person).or_default() += 1);
        counts.insert(format!("people seen {n} or more"), per.values().filter(|count| **count >= entity).count());
    }
    counts
}

fn email_form(text: &str) -> &'static str {
    match text {
        _ if text.starts_with(' ') => "with spaces",
        "test@test.com" | "none@none.com" | "noreply@example.com" => "junk",
        _ if text.starts_with("info@firm") => "role",
        _ if text == text.to_uppercase() => "upper case",
        _ if text != text.to_lowercase() => "title case",
        _ => "plain",
    }
}

fn phone_form(text: &str) -> &'static str {
    match text {
        "0000000000" | "1111111111" | "123456789" => "junk",
        _ if text.starts_with("00") => "with 00",
        _ if text.contains('(') => "with brackets",
        _ if text.contains(' ') => "with spaces",
        _ => "plain",
    }
}

#[test]
fn the_shape_is_that_of_the_shared_generator() {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/workload/generate.py"));
    let theirs = tempfile::tempdir().unwrap();
    let generated = std::process::Command::new("python3")
        .arg(script)
        .args(["--records", "20000", "--changes", "4000", "--seed", "1", "--out"])
        .arg(theirs.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !script.exists() || generated.is_err() {
        eprintln!("SKIPPED: python3 and ../shared/workload are needed to compare the workloads");
        return;
    }
    assert!(generated.unwrap().success());
    let (directory, _) = written(20_000, 4_000, 1);
    let (ours, theirs_shape) = (shape(directory.path()), shape(theirs.path()));
    let mut off = Vec::new();
    for name in ours.keys().chain(theirs_shape.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (ours.get(name).copied().unwrap_or(0) as f64, theirs_shape.get(name).copied().unwrap_or(0) as f64);
        // Both are draws of the same distribution: their difference is within four standard deviations.
        if (a - b).abs() > 4.0 * (a + b).sqrt().max(2.0) {
            off.push(format!("{name}: {a} here, {b} there"));
        }
    }
    assert!(off.is_empty(), "{off:#?}");
    assert!(ours.len() > 60, "few things were compared: {}", ours.len());
    let keys = |directory: &Path, name: &str, line: usize| -> Vec<String> {
        let text = fs::read_to_string(directory.join(name)).unwrap();
        let document = text.lines().nth(line).unwrap();
        document
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|w| document.contains(&format!("\"{w}\":")))
            .map(str::to_owned)
            .collect()
    };
    for name in ["crm.ndjson", "shop.ndjson", "support.ndjson"] {
        assert_eq!(keys(directory.path(), name, 0), keys(theirs.path(), name, 0), "fields of `{name}`");
    }
    for name in ["newsletter.csv", "social.csv", "firms.csv", "truth.csv"] {
        assert_eq!(table(&directory.path().join(name)).0, table(&theirs.path().join(name)).0, "columns of `{name}`");
    }
}
