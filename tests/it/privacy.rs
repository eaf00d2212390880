//! Contract C10: no e-mail address, phone number or name of the input is found by searching every byte of the data
//! directory, of the file names in it and of the logs.

use super::program::{command, ok, text};
use onefold::cli::bench::workload::Workload;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files_under(&entry.path(), found);
        }
        found.push(entry.path());
    }
}

/// Every personal value that stands under one of these members anywhere in a line.
fn collect(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    const PERSONAL: [&str; 12] = [
        "email",
        "phone",
        "first_name",
        "last_name",
        "ship_name",
        "requester_name",
        "requester_email",
        "street",
        "requester_phone",
        "ship_street",
        "firstName",
        "lastName",
    ];
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                if let (true, Some(text)) = (PERSONAL.contains(&name.as_str()), value.as_str()) {
                    found.insert(text.trim().to_owned());
                    found.insert(text.trim().to_lowercase());
                }
                collect(value, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[test]
fn nothing_personal_is_on_disk_or_in_the_logs() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    std::fs::create_dir(&sources).unwrap();
    Workload::new(400, 100, 8).write(&sources).unwrap();
    let mut personal = BTreeSet::new();
    for name in ["crm", "shop", "support", "web", "app", "consents"] {
        for line in std::fs::read_to_string(sources.join(format!("{name}.ndjson"))).unwrap().lines() {
            collect(&serde_json::from_str(line).unwrap(), &mut personal);
        }
    }
    // Shorter texts than this may stand anywhere by chance.
    personal.retain(|text| text.len() >= 5);
    assert!(personal.len() > 300, "the search looks for something");
    let broken = sources.join("crm-broken.ndjson");
    std::fs::write(&broken, "{\"after\":{\"id\":1,\"email\":\"secret.person@example.com\"\n").unwrap();
    personal.insert("secret.person@example.com".to_owned());
    let data = folder.path().join("data");
    let data = text(&data);
    ok(&["init", "--quiet", "--policy", "retail", "--data", data]);
    let names = ["crm", "shop", "support", "web", "app", "consents", "crm-broken"].map(|name| format!("{name}.ndjson"));
    let paths: Vec<PathBuf> = names.iter().map(|name| sources.join(name)).collect();
    let mut arguments = vec!["ingest", "--data", data];
    arguments.extend(paths.iter().map(|path| text(path)));
    let output = command(&arguments).env("ONEFOLD_LOG", "trace").output().unwrap();
    assert!(output.status.success());
    let changes = sources.join("changes.ndjson");
    let streamed = command(&["ingest", "--mixed", "--data", data, text(&changes)]).env("ONEFOLD_LOG", "trace").output();
    let streamed = streamed.unwrap();
    assert!(!streamed.stderr.is_empty(), "trace logs are written");
    let mut everything: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, bytes) in [("log", output.stderr), ("out", output.stdout), ("log", streamed.stderr)] {
        everything.push((name.to_owned(), bytes));
    }
    let mut files = Vec::new();
    files_under(Path::new(data), &mut files);
    for file in files {
        let name = text(&file).to_owned();
        everything.push((format!("the name {name}"), name.clone().into_bytes()));
        // The bundle names values that are nobody's, such as test@test.com.
        if file.is_file() && !name.contains("/policy/") && !name.contains("/ledger/") {
            everything.push((name, std::fs::read(&file).unwrap()));
        } else if file.is_file() && name.contains("/ledger/") {
            everything.push((name, without_policy(&std::fs::read(&file).unwrap())));
        }
    }
    for (place, bytes) in &everything {
        for value in &personal {
            let at = memchr::memmem::find(bytes, value.as_bytes());
            assert!(at.is_none(), "a personal value of {} bytes stands in {place} at {at:?}", value.len());
        }
    }
}

/// A segment without the text of the bundle, which stands in it in clear.
fn without_policy(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (_, text) in onefold::policy::retail() {
        if let Some(at) = memchr::memmem::find(&bytes, text.as_bytes()) {
            bytes[at..at + text.len()].fill(0);
        }
    }
    bytes
}
