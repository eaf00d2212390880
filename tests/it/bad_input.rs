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
    check(&[text(&empty)], 2, &["social.csv", "empty", "help: "]);
    let nothing = place.file("crm-nothing.ndjson", b"");
    check(&[text(&nothing)], 2, &["crm-nothing.ndjson", "empty"]);
    // Those between and after them are read all the same, and none is passed over in silence.
    let first = place.file("crm-1.ndjson", crm("1", "one@example.com").as_bytes());
    let last = place.file("crm-2.ndjson", crm("2", "two@example.com").as_bytes());
    check(&[text(&empty), text(&first), text(&nothing), text(&last)], 2, &["social.csv", "crm-nothing.ndjson"]);
    ok(&["profile", "--data", place.data(), "crm:1"]);
    ok(&["profile", "--data", place.data(), "crm:2"]);
}

#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let path = place.file("crm.ndjson", crm("1", "one@example.com").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read every file, so that no file is unreadable");
        return;
    }
    let ran = run(&["ingest", "--data", place.data(), text(&path)]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no permission to read") && ran.err.contains("help: "), "{}", ran.err);
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_only_itself() {
    let place = Place::new();
    let path = place.folder.path().join("crm.ndjson");
    {
        use std::io::Write;
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        writeln!(file, "{}", crm("1", "one@example.com")).unwrap();
        for _ in 0..100 {
            file.write_all(&[b'x'; 1 << 20]).unwrap();
        }
        write!(file, "\n{}", crm("2", "two@example.com")).unwrap();
    }
    assert_eq!(place.ingest(&path), (2, 1));
    let listed = place.quarantine();
    assert_eq!((listed[0]["line"].as_u64(), listed[0]["size_bytes"].as_u64()), (Some(2), Some(100 << 20)));
    assert!(listed[0]["reason"].as_str().unwrap().contains("longer than"));
}

#[test]
fn a_record_that_fits_a_message_but_no_entry_is_refused_alone() {
    let place = Place::new();
    let wide = crm("wide", &"x".repeat(100_000));
    let lines = format!("{}\n{wide}\n{}\n", crm("1", "one@example.com"), crm("2", "two@example.com"));
    assert_eq!(place.ingest(&place.file("crm.ndjson", lines.as_bytes())), (2, 1));
    let listed = place.quarantine();
    assert_eq!((&listed[0]["source"], &listed[0]["key"]), (&"crm".into(), &"wide".into()));
    assert!(listed[0]["reason"].as_str().unwrap().contains("at most"), "{listed:?}");
    // It is not lost for good: corrected, it is taken.
    assert_eq!(place.ingest(&place.file("crm-2.ndjson", crm("wide", "w@example.com").as_bytes())), (1, 0));
}

#[test]
fn the_same_bad_line_of_two_sources_is_kept_for_both() {
    let place = Place::new();
    assert_eq!(place.ingest(&place.file("crm.ndjson", b"broken\n")), (0, 1));
    assert_eq!(place.ingest(&place.file("shop.ndjson", b"broken\n")), (0, 1));
    let sources: Vec<_> = place.quarantine().iter().map(|record| record["source"].clone()).collect();
    assert_eq!(sources, ["crm", "shop"]);
}

#[test]
fn a_named_pipe_is_read_as_a_stream() {
    let place = Place::new();
    let pipe = place.folder.path().join("crm.ndjson");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let lines = crm("1", "one@example.com") + "\n" + &crm("2", "two@example.com") + "\n";
    let writing = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, lines)
    });
    assert_eq!(place.ingest(&pipe), (2, 0));
    writing.join().unwrap().unwrap();
}

#[test]
fn values_do_not_steer_the_terminal() {
    let place = Place::new();
    let line = "{\"op\":\"c\",\"after\":{\"id\":\"k\\u001b[2J\",\"email\":\"a@example.com\",\
                \"first_name\":\"A\\u001b[31mda\",\"date_of_birth\":\"\\u001b[1m\"},\
                \"source\":{\"lsn\":1,\"ts_ms\":1735689600000}}\n";
    assert_eq!(place.ingest(&place.file("crm.ndjson", line.as_bytes())), (1, 0));
    for command in [
        &["profile", "email:a@example.com"][..],
        &["explain", "email:a@example.com"],
        &["quarantine", "list", "--values"],
        &["ledger", "show", "-n", "100"],
    ] {
        let out = ok(&[command, &["--data", place.data()]].concat());
        assert!(!out.contains('\u{1b}'), "{command:?}: {out:?}");
    }
}

#[test]
fn an_empty_stream_changes_nothing_and_wide_tables_are_read() {
    let place = Place::new();
    let ran = run_with_input(&["ingest", "--json", "--source", "crm", "--data", place.data(), "-"], b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ok(&["export", "members", "--data", place.data()]).lines().count() == 1);
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
    let entries = serde_json::from_str::<serde_json::Value>(&entries()).unwrap()["entries"].as_u64();
    assert!(entries.unwrap() > 4, "the ledger verifies and has grown");
}

#[test]
fn a_last_line_that_is_still_being_written_is_read_again_when_it_is_whole() {
    let place = Place::new();
    let (one, two) = (crm("1", "one@example.com") + "\n", crm("2", "two@example.com"));
    let path = place.file("crm.ndjson", (one.clone() + &two[..50]).as_bytes());
    assert_eq!(place.ingest(&path), (1, 1));
    assert_eq!(place.ingest(&path), (0, 0), "nothing is new");
    std::fs::write(&path, one.clone() + &two).unwrap();
    assert_eq!(place.ingest(&path), (1, 0));
    std::fs::write(&path, one + &two + "\n" + &crm("3", "three@example.com")).unwrap();
    assert_eq!(place.ingest(&path), (1, 0));
    assert_eq!(place.quarantine()[0]["line"], 2);
    // A row of a table can be cut where what is left of it is a row.
    let rows = "subscriber_id,email,name,language,opens,clicks\n\ns1,a@example.com,Ada,en,1,1";
    let path = place.file("newsletter.csv", rows.as_bytes());
    assert_eq!(place.ingest(&path), (1, 0));
    std::fs::write(&path, rows.to_owned() + "7\ns2,b@example.com,Bob,en,1,1\nshort\n").unwrap();
    assert_eq!(place.ingest(&path), (2, 1));
    assert_eq!(place.quarantine()[1]["line"], 3);
    let shown = ok(&["explain", "newsletter:s1", "--attribute", "newsletter_clicks", "--data", place.data()]);
    assert!(shown.contains("newsletter_clicks = 17"), "{shown}");
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
    let sealed = place.data.join("keys/state.key");
    let whole = std::fs::read(&sealed).unwrap();
    let mut damaged = whole.clone();
    damaged[60] ^= 1;
    std::fs::write(&sealed, &damaged).unwrap();
    fails(1, "state.key` are damaged");
    fails(1, "help: put DIR/keys back");
    std::fs::remove_file(&sealed).unwrap();
    fails(1, "state.key` are missing");
    ok(&["ledger", "verify", "--data", place.data()]);
    std::fs::write(&sealed, &whole).unwrap();
    std::fs::set_permissions(&sealed, std::fs::Permissions::from_mode(0o600)).unwrap();
    let identity = place.data.join("policy/identity.toml");
    let text_before = std::fs::read_to_string(&identity).unwrap();
    std::fs::write(&identity, text_before.clone() + "\n# changed\n").unwrap();
    fails(2, "is not the one in force");
    std::fs::write(&identity, "records_max = \n").unwrap();
    fails(2, "identity.toml");
    std::fs::remove_file(&identity).unwrap();
    fails(2, "identity.toml");
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
    let listed = place.quarantine();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["source"], &listed[0]["key"]), (&"consents".into(), &"c1".into()));
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

#[test]
fn what_the_caller_got_wrong_is_told_as_that() {
    let place = Place::new();
    assert_eq!(place.ingest(&place.file("crm.ndjson", crm("1", "a@example.com").as_bytes())), (1, 0));
    let missing = "cannot read `/no/such/file`: No such file or directory (os error 2)\nhelp: name a file that exists";
    for arguments in [
        &["verify", "/no/such/file"][..],
        &["verify", "/no/such/file", "--since", "/no/such/file"],
        &["match", "evaluate", "--truth", "/no/such/file"],
        &["ledger", "disclose", "--profile", "crm:1", "-o", "/tmp/never.zip", "--since", "/no/such/file"],
        &["ledger", "verify", "--since", "/no/such/file"],
    ] {
        let ran = run(&[arguments, &["--data", place.data()]].concat());
        assert!(ran.code == 2 && ran.err.contains(missing), "{arguments:?}: {} {}", ran.code, ran.err);
    }
    for arguments in [
        &["ledger", "reads", "list", "--since", "2026-02-30"][..],
        &["request", "open", "access", "crm:1", "--law", "gdpr", "--received", "2026-02-30"],
        &["tick", "--until", "2026-02-30"],
    ] {
        let ran = run(&[arguments, &["--data", place.data()]].concat());
        let says = "error: there is no day `2026-02-30` in the calendar\n";
        assert_eq!((ran.code, ran.err.as_str()), (2, says), "{arguments:?}");
    }
    let rectify = ["rectify", "set", "crm:1", "city", "-", "--reason", "letter", "--data", place.data()];
    let ran = run_with_input(&rectify, b"Z\xfcrich\n");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.starts_with("error: the value on standard input is not UTF-8\nhelp: "), "{}", ran.err);
    let ran = run(&["policy", "check", "/no/such\u{1b}[31m\u{202e}"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: `/no/such\\u{1b}[31m\\u{202e}` does not exist\n"), "{:?}", ran.err);
}
