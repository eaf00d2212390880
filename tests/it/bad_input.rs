//! Bad input: each has a clear error or a quarantine entry with source, record and reason, and nothing else is lost.

use super::program::{ok, run, run_with_input, text};
use std::path::{Path, PathBuf};

const GOOD: &str = "contact_id,name,email,phone,city,country\n1,Ada Lovelace,ada@example.com,,London,GB\n";

struct Place {
    folder: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        ok(&["init", "--quiet", "--policy", "retail", "--data", text(&data)]);
        Self { folder, data }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn data(&self) -> &str {
        text(&self.data)
    }

    /// Ingests a file and gives (taken, quarantined).
    fn ingest(&self, path: &Path) -> (u64, u64) {
        let out = ok(&["ingest", "--json", "--data", self.data(), text(path)]);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        (value["taken"].as_u64().unwrap(), value["quarantined"].as_u64().unwrap())
    }

    fn quarantine(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&ok(&["quarantine", "list", "--json", "--data", self.data()])).unwrap()
    }
}

fn crm(key: &str, email: &str) -> String {
    format!(
        "{{\"op\":\"c\",\"before\":null,\"after\":{{\"id\":\"{key}\",\"email\":\"{email}\"}},\
         \"source\":{{\"connector\":\"postgresql\",\"lsn\":1,\"ts_ms\":1735689600000}},\"ts_ms\":1735689600000}}"
    )
}

#[test]
fn bad_lines_go_to_quarantine_and_good_ones_do_not() {
    let place = Place::new();
    let long = format!("{{\"after\":{{\"id\":\"l\",\"email\":\"{}\"}}}}", "x".repeat(3 << 20));
    let bomb = "[".repeat(200_000);
    let deep = format!("{{\"op\":\"c\",\"after\":{{\"id\":\"d\",\"email\":{}1{}}}}}", "[".repeat(90), "]".repeat(90));
    let twice = "{\"op\":\"c\",\"after\":{\"id\":\"t\",\"email\":\"a@example.com\",\"email\":\"b@example.com\"}}";
    let truncated = &crm("x", "x@example.com")[..60];
    let mut bytes = Vec::new();
    for line in [crm("1", "one@example.com").as_str(), truncated, &long, &bomb, &deep, twice] {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(b"{\"op\":\"c\",\"after\":{\"id\":\"u\",\"email\":\"\xff\xfe\"}}\n");
    bytes.extend_from_slice(crm("2", "two@example.com").as_bytes());
    let path = place.file("crm.ndjson", &bytes);
    assert_eq!(place.ingest(&path), (2, 6));
    let listed = place.quarantine();
    let lines: Vec<u64> = listed.iter().map(|record| record["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    for record in &listed {
        assert_eq!(record["source"], "crm");
        assert!(!record["reason"].as_str().unwrap().is_empty());
    }
    assert!(listed[1]["size_bytes"].as_u64().unwrap() > 3 << 20);
    ok(&["profile", "--data", place.data(), "crm:1"]);
    ok(&["profile", "--data", place.data(), "email:two@example.com"]);
}

#[test]
fn numbers_beyond_all_bounds_cost_only_themselves() {
    let place = Place::new();
    let line = "{\"op\":\"c\",\"after\":{\"order_id\":\"1\",\"email\":\"a@example.com\",\"total_cents\":1e999999},\
                \"source\":{\"lsn\":1,\"ts_ms\":1735689600000}}\n{\"op\":\"c\",\"after\":{\"order_id\":\"2\",\"email\":\"b@example.com\",\
                \"total_cents\":99999999999999999999999999},\"source\":{\"lsn\":2,\"ts_ms\":1735689600000}}\n";
    assert_eq!(place.ingest(&place.file("shop.ndjson", line.as_bytes())), (2, 0));
    let values = ok(&["quarantine", "list", "--values", "--json", "--data", place.data()]);
    let values: Vec<serde_json::Value> = serde_json::from_str(&values).unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0]["field"], "total_cents");
    assert_eq!(values[1]["raw"], "99999999999999999999999999");
}

#[test]
fn files_that_are_none_have_clear_errors() {
    let place = Place::new();
    let check = |arguments: &[&str], code: i32, says: &[&str]| {
        let mut all = vec!["ingest", "--data", place.data()];
        all.extend(arguments);
        let ran = run(&all);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        for part in says {
            assert!(ran.err.contains(part), "{arguments:?} says {:?}, not {part:?}", ran.err);
        }
    };
    let folder = text(place.folder.path()).to_owned();
    check(&[&folder], 2, &["is a directory"]);
    check(&["/no/such/file.ndjson"], 2, &["/no/such/file.ndjson"]);
    let strange = place.file("strange.bin", b"?");
    check(&[text(&strange)], 2, &["strange.bin", "--source"]);
    check(&["--source", "nobody", text(&strange)], 2, &["no source `nobody`", "crm"]);
    let missing = place.file("newsletter.csv", b"subscriber_id,mail\n1,a@example.com\n");
    check(&[text(&missing)], 2, &["email"]);
    let empty = place.file("social.csv", b"");
    check(&[text(&empty)], 2, &["social.csv", "empty"]);
}

#[test]
fn an_empty_stream_changes_nothing_and_wide_tables_are_read() {
    let place = Place::new();
    assert_eq!(place.ingest(&place.file("crm.ndjson", b"")), (0, 0));
    let mut header: Vec<String> = (0..10_000).map(|column| format!("column{column}")).collect();
    header.extend(["subscriber_id", "email", "name", "language", "opens", "clicks"].map(str::to_owned));
    let mut row: Vec<String> = (0..10_000).map(|column| column.to_string()).collect();
    row.extend(["s1", "a@example.com", "Ada", "en", "1", "2"].map(str::to_owned));
    let text = format!("{}\n{}\nshort,row\n", header.join(","), row.join(","));
    assert_eq!(place.ingest(&place.file("newsletter.csv", text.as_bytes())), (1, 1));
}

#[test]
fn a_mixed_stream_on_standard_input() {
    let place = Place::new();
    let line = format!("{{\"source\":\"crm\",\"event\":{}}}\n", crm("9", "nine@example.com"));
    let input = format!("{line}{{\"source\":\"nobody\",\"event\":{{}}}}\nnot json\n");
    let ran = run_with_input(&["ingest", "--json", "--mixed", "--data", place.data(), "-"], input.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((value["taken"].as_u64(), value["quarantined"].as_u64()), (Some(1), Some(2)));
    assert!(place.quarantine()[0]["reason"].as_str().unwrap().contains("nobody"));
}

#[test]
fn the_same_file_again_changes_nothing_and_a_longer_one_is_read_on() {
    let place = Place::new();
    let one = crm("1", "one@example.com") + "\nbroken\n";
    let path = place.file("crm.ndjson", one.as_bytes());
    assert_eq!(place.ingest(&path), (1, 1));
    let entries = || ok(&["ledger", "verify", "--json", "--data", place.data()]);
    let before = ok(&["export", "profiles", "--data", place.data()]);
    assert_eq!(place.ingest(&path), (0, 0));
    std::fs::write(&path, one + &crm("2", "two@example.com") + "\n").unwrap();
    assert_eq!(place.ingest(&path), (1, 0));
    assert_ne!(ok(&["export", "profiles", "--data", place.data()]), before);
    let copy = place.folder.path().join("crm-copy.ndjson");
    std::fs::copy(&path, &copy).unwrap();
    let members = ok(&["export", "members", "--data", place.data()]);
    assert_eq!(place.ingest(&copy).0, 0);
    assert_eq!(ok(&["export", "members", "--data", place.data()]), members);
    assert!(entries().contains("\"size\""));
}

#[test]
fn keys_bundle_and_lock_have_clear_errors() {
    let place = Place::new();
    let fails = |code: i32, says: &str| {
        let ran = run(&["profile", "--data", place.data(), "crm:1"]);
        assert_eq!(ran.code, code, "{}", ran.err);
        assert!(ran.err.contains(says), "{:?} does not say {says:?}", ran.err);
    };
    let kek = place.data.join("keys/kek");
    let right = std::fs::read_to_string(&kek).unwrap();
    let wrong: String = right
        .chars()
        .map(|c| {
            if c == '0' {
                '1'
            } else if c == '1' {
                '0'
            } else {
                c
            }
        })
        .collect();
    std::fs::write(&kek, &wrong).unwrap();
    fails(1, "is not the one that");
    ok(&["ledger", "verify", "--data", place.data()]);
    std::fs::remove_file(&kek).unwrap();
    fails(1, "is missing");
    std::fs::write(&kek, &right).unwrap();
    fails(1, "0600");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o600)).unwrap();
    fails(3, "no record of this key");
    let identity = place.data.join("policy/identity.toml");
    let text_before = std::fs::read_to_string(&identity).unwrap();
    std::fs::write(&identity, text_before.clone() + "\n# changed\n").unwrap();
    fails(2, "is not the one in force");
    std::fs::write(&identity, text_before).unwrap();
    let held = std::fs::File::open(place.data.join("lock")).unwrap();
    held.lock().unwrap();
    fails(6, "in use by another process");
    held.unlock().unwrap();
    fails(3, "no record of this key");
    let again = run(&["init", "--policy", "retail", "--data", place.data()]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("already"), "{}", again.err);
    let nothing = run(&["profile", "--data", text(place.folder.path()), "crm:1"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("onefold init"), "{}", nothing.err);
}

#[test]
fn refused_records_can_be_tried_again() {
    let place = Place::new();
    let consent = "{\"consent_id\":\"c1\",\"subject\":{\"email\":\"a@example.com\"},\"purpose\":\"no_such_purpose\",\
                   \"status\":\"given\",\"at\":\"2025-01-01T00:00:00Z\"}\n";
    assert_eq!(place.ingest(&place.file("consents.ndjson", consent.as_bytes())), (0, 1));
    let out = ok(&["quarantine", "retry", "--json", "--data", place.data()]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((value["records"].as_u64(), value["records_resolved"].as_u64()), (Some(1), Some(0)));
    assert_eq!(place.quarantine().len(), 1);
}

#[test]
fn the_minimal_bundle_reads_a_list_of_people() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = folder.path().join("contacts.csv");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contacts/contacts.csv"), &path).unwrap();
    ok(&["init", "--quiet", "--policy", "contacts", "--data", text(&data)]);
    ok(&["ingest", "--quiet", "--data", text(&data), text(&path)]);
    let rows = std::fs::read_to_string(&path).unwrap().lines().count() - 1;
    assert_eq!(ok(&["export", "members", "--data", text(&data)]).lines().count() - 1, rows);
    assert!(GOOD.lines().next().unwrap().contains("contact_id"));
}
