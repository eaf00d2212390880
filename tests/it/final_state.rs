//! A load followed by a stream of changes gives the same partition of records and the same values as a fresh load of the
//! final state; profiles may be named differently, because another record may be the oldest. Whom the end of a consent bound
//! when it came is history that a fresh load does not have, so consents are refused here and not withdrawn.

use super::program::{ok, text};
use onefold::cli::bench::workload::{LOAD_FILES, Workload};
use std::collections::BTreeMap;
use std::path::Path;

/// By the sorted members of each profile, its values, as the exports have them.
fn profiles(data: &str) -> BTreeMap<Vec<String>, String> {
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in ok(&["export", "members", "--data", data]).lines().skip(1) {
        let (record, profile) = line.rsplit_once(',').expect("three columns");
        members.entry(profile.to_owned()).or_default().push(record.to_owned());
    }
    let mut found = BTreeMap::new();
    for line in ok(&["export", "profiles", "--data", data]).lines().skip(1) {
        let (profile, values) = line.split_once(',').expect("columns");
        let mut records = members.remove(profile).expect("each profile has members");
        records.sort();
        assert!(found.insert(records, values.to_owned()).is_none(), "a record is in one profile");
    }
    assert!(members.is_empty(), "each member's profile is exported");
    found
}

/// Makes refusals of all withdrawals in a folder of sources.
fn refuse(folder: &Path) {
    for name in ["consents.ndjson", "changes.ndjson"] {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else { continue };
        assert!(name != "consents.ndjson" || text.contains("\"withdrawn\""), "there are withdrawals");
        std::fs::write(folder.join(name), text.replace("\"withdrawn\"", "\"refused\"")).unwrap();
    }
}

fn ingest(data: &str, folder: &Path, changes: bool) {
    ok(&["init", "--quiet", "--policy", "retail", "--data", data]);
    let files: Vec<String> = LOAD_FILES.iter().map(|name| text(&folder.join(name)).to_owned()).collect();
    let mut arguments = vec!["ingest", "--quiet", "--data", data];
    arguments.extend(files.iter().map(String::as_str));
    ok(&arguments);
    if changes {
        ok(&["ingest", "--quiet", "--mixed", "--data", data, text(&folder.join("changes.ndjson"))]);
    }
}

#[test]
fn load_and_changes_equal_a_fresh_load_of_the_final_state() {
    let folder = tempfile::tempdir().unwrap();
    let (changed, last) = (folder.path().join("changed"), folder.path().join("final"));
    std::fs::create_dir_all(&changed).unwrap();
    std::fs::create_dir_all(&last).unwrap();
    let workload = Workload::new(3_000, 1_500, 11);
    workload.write(&changed).unwrap();
    workload.write_final(&last).unwrap();
    refuse(&changed);
    refuse(&last);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    ingest(text(&one), &changed, true);
    ingest(text(&other), &last, false);
    let (one, other) = (profiles(text(&one)), profiles(text(&other)));
    assert!(one.len() > 500);
    // Ties between values are decided by the keyed hash of the records' names, and the two directories have keys of
    // their own; so values are compared under one identity key below, partitions here.
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
}

#[test]
fn under_one_identity_key_the_values_are_the_same_too() {
    let folder = tempfile::tempdir().unwrap();
    let (changed, last) = (folder.path().join("changed"), folder.path().join("final"));
    std::fs::create_dir_all(&changed).unwrap();
    std::fs::create_dir_all(&last).unwrap();
    let workload = Workload::new(2_000, 1_000, 12);
    workload.write(&changed).unwrap();
    workload.write_final(&last).unwrap();
    refuse(&changed);
    refuse(&last);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    ingest(text(&one), &changed, true);
    let (one, data) = (text(&one).to_owned(), text(&other));
    ok(&["init", "--quiet", "--policy", "retail", "--identity-from", &one, "--data", data]);
    let files: Vec<String> = LOAD_FILES.iter().map(|name| text(&last.join(name)).to_owned()).collect();
    let mut arguments = vec!["ingest", "--quiet", "--data", data];
    arguments.extend(files.iter().map(String::as_str));
    ok(&arguments);
    assert_eq!(profiles(&one), profiles(data));
}

/// Pairs of records that a partition puts together, from rows of source, record and group.
fn pairs(text: &str) -> std::collections::HashSet<(String, String)> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (record, group) = line.rsplit_once(',').expect("three columns");
        groups.entry(group).or_default().push(record);
    }
    let mut pairs = std::collections::HashSet::new();
    for members in groups.values() {
        for (place, a) in members.iter().enumerate() {
            for b in &members[place + 1..] {
                pairs.insert(if a < b { (a.to_string(), b.to_string()) } else { (b.to_string(), a.to_string()) });
            }
        }
    }
    pairs
}

#[test]
fn the_retail_bundle_does_not_fuse_strangers() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/retail");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    ingest(text(&data), &examples, false);
    let found = pairs(&ok(&["export", "members", "--data", text(&data)]));
    let truth = pairs(&std::fs::read_to_string(examples.join("truth.csv")).unwrap());
    let right = found.intersection(&truth).count() as f64;
    let (precision, recall) = (right / found.len() as f64, right / truth.len() as f64);
    println!("pairwise precision {precision:.3}, recall {recall:.3}");
    assert!(precision > 0.93 && recall > 0.75, "precision {precision:.3}, recall {recall:.3}");
}
