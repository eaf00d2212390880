//! Goal: the story in `examples/retail` shows what its README says: two profiles that merge and come apart again, and a
//! consent that is given and withdrawn by somebody who has no other.
//! Method: connected components over the identifiers of the raw files, by a few lines that share nothing with the engine.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// Identifiers of each record by name, such as `crm:crm-1`.
type Records = BTreeMap<String, BTreeSet<String>>;

/// (source, path of the key).
const SOURCES: [(&str, &str); 5] =
    [("crm", "id"), ("shop", "order_id"), ("support", "ticket_id"), ("web", "messageId"), ("app", "messageId")];

fn file(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "examples", "retail", name].iter().collect();
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
}

/// Kind and canonical value of what identifies; values that are shared by strangers are left out.
fn identifier(name: &str, value: &str) -> Option<String> {
    let text = value.trim().to_lowercase();
    let shared = ["test@test.com", "none@none.com", "noreply@example.com"].contains(&text.as_str());
    match name {
        "email" | "requester_email" if !text.is_empty() && !shared && !text.starts_with("info@") => {
            Some(format!("email:{text}"))
        }
        "phone" | "requester_phone" => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let international = text.starts_with('+') || text.starts_with("00");
            (international && digits.len() > 10).then(|| format!("phone:{}", digits.trim_start_matches("00")))
        }
        "account_id" | "userId" => Some(format!("account:{text}")),
        "anonymousId" => Some(format!("device:{text}")),
        _ => None,
    }
}

fn apply(records: &mut Records, source: &str, event: &Value) {
    let Some((_, key)) = SOURCES.iter().find(|(name, _)| *name == source) else { return };
    let row = if event["after"].is_object() { &event["after"] } else { event };
    let Some(id) = row[*key].as_str() else {
        records.remove(&format!("{source}:{}", event["before"][*key].as_str().unwrap()));
        return;
    };
    let fields = row.as_object().unwrap().iter().chain(row["traits"].as_object().into_iter().flatten());
    let found = fields.filter_map(|(name, value)| identifier(name, value.as_str()?)).collect();
    records.insert(format!("{source}:{id}"), found);
}

fn lines(name: &str) -> Vec<Value> {
    file(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn loaded() -> Records {
    let mut records = Records::new();
    for (source, _) in SOURCES {
        lines(&format!("{source}.ndjson")).iter().for_each(|event| apply(&mut records, source, event));
    }
    for source in ["newsletter", "social"] {
        let text = file(&format!("{source}.csv"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        for row in reader.records().map(Result::unwrap) {
            let found = header.iter().zip(&row).filter_map(|(name, value)| identifier(name, value)).collect();
            records.insert(format!("{source}:{}", &row[0]), found);
        }
    }
    records
}

/// All records that are joined with this one.
fn profile(records: &Records, start: &str) -> BTreeSet<String> {
    let mut members = BTreeSet::from([start.to_owned()]);
    let mut known = records[start].clone();
    loop {
        let joined = |found: &BTreeSet<String>| !found.is_disjoint(&known);
        let next: BTreeSet<_> =
            records.iter().filter(|(_, found)| joined(found)).map(|(name, _)| name.clone()).collect();
        if next.len() <= members.len() {
            return members;
        }
        known = next.iter().flat_map(|name| records[name].clone()).collect();
        members = next;
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// Walks through the story on top of `records`.
fn check_story(mut records: Records) {
    let (mails, visits) = (["newsletter:sub-139", "support:tkt-130"], ["web:web-117", "web:web-421"]);
    let katherine = ["crm:crm-615", "shop:ord-71", "social:@katherine_borg329", "support:tkt-218", "web:web-44"];
    let story = lines("story.ndjson");
    let apart = |records: &Records| {
        assert_eq!(profile(records, "support:tkt-130"), names(&mails));
        assert_eq!(profile(records, "web:web-117"), names(&visits));
    };
    apart(&records);
    apply(&mut records, story[0]["source"].as_str().unwrap(), &story[0]["event"]);
    let together = names(&[mails[0], mails[1], visits[0], visits[1], "crm:crm-9001"]);
    assert_eq!(profile(&records, "support:tkt-130"), together);
    assert_eq!(profile(&records, "web:web-117"), together);
    apply(&mut records, story[1]["source"].as_str().unwrap(), &story[1]["event"]);
    apart(&records);

    assert_eq!(profile(&records, "crm:crm-615"), names(&katherine));
    let consents: Vec<_> = story[2..].iter().map(|line| &line["event"]).collect();
    assert_eq!(consents.len(), 2);
    assert_eq!((&consents[0]["status"], &consents[1]["status"]), (&"given".into(), &"withdrawn".into()));
    for consent in consents {
        assert_eq!(consent["purpose"], "marketing");
        let subject = format!("email:{}", consent["subject"]["email"].as_str().unwrap());
        assert!(records["crm:crm-615"].contains(&subject));
    }
}

#[test]
fn the_story_merges_and_parts() {
    check_story(loaded());
}

#[test]
fn the_story_is_the_same_after_the_changes() {
    let mut records = loaded();
    let changes = lines("changes.ndjson");
    assert_eq!(changes.len(), 300);
    for change in &changes {
        apply(&mut records, change["source"].as_str().unwrap(), &change["event"]);
    }
    check_story(records);
}

#[test]
fn katherine_has_no_other_consent() {
    let records = loaded();
    let members = profile(&records, "crm:crm-615");
    let identifiers: BTreeSet<String> = members.iter().flat_map(|name| records[name].clone()).collect();
    let changes = lines("changes.ndjson").into_iter().map(|line| line["event"].clone());
    for consent in lines("consents.ndjson").into_iter().chain(changes) {
        for (name, value) in consent["subject"].as_object().into_iter().flatten() {
            let subject = identifier(name, value.as_str().unwrap()).unwrap();
            assert!(!identifiers.contains(&subject), "`{}` is hers", consent["consent_id"]);
        }
    }
}

#[test]
fn the_truth_names_every_record() {
    let records = loaded();
    let truth = file("truth.csv");
    let named: BTreeSet<String> =
        truth.lines().skip(1).map(|line| line.split(',').take(2).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(named.len(), 3000);
    assert_eq!(named, records.into_keys().collect());
}
