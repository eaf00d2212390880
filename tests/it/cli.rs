//! Goal: what the README and the help promise is what the program does, and every failure that a user can meet says what
//! is wrong, on standard error, with the right exit code.
//! Method: the README's own commands are run from a fresh folder; failures stand in a table with their exact words.

use super::program::{Ran, command, ok, run, run_with_input, text};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Commands that the README shows to fail, and how.
const SHOWN_TO_FAIL: [(&str, i32); 1] = [("onefold profile --data DATA crm:crm-615 --purpose marketing", 4)];

/// The lines of the fenced `sh` blocks of a document, without comments.
fn shell_lines(document: &str) -> Vec<String> {
    let (mut lines, mut inside) = (Vec::new(), false);
    for line in document.lines() {
        match line.trim_end() {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line.split(" #").next().unwrap_or_default().trim().to_owned()),
            _ => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The words of a command, with `{a,b}` expanded as a shell does.
fn words(line: &str) -> Vec<String> {
    let expand = |word: &str| match (word.split_once('{'), word.split_once('}')) {
        (Some((before, _)), Some((inside, after))) => {
            let choices = inside.split_once('{').map_or("", |(_, choices)| choices);
            choices.split(',').map(|choice| format!("{before}{choice}{after}")).collect()
        }
        _ => vec![word.to_owned()],
    };
    line.split_whitespace().flat_map(expand).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of the repository")
}

/// Runs the program in a folder.
fn run_in(folder: &Path, arguments: &[String]) -> Ran {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = command(&arguments).current_dir(folder).stdin(Stdio::null()).output().expect("the program starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A fresh folder that shows the repository's examples and bundles.
fn fresh() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["examples", "policies"] {
        std::os::unix::fs::symlink(Path::new(ROOT).join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A data directory with the contacts that come as an example.
fn contacts(folder: &Path) -> String {
    let data = text(&folder.join("data")).to_owned();
    ok(&["init", "--quiet", "--policy", "contacts", "--data", &data]);
    ok(&["ingest", "--quiet", "--data", &data, &format!("{ROOT}/examples/contacts/contacts.csv")]);
    data
}

fn parsed(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let folder = fresh();
    let lines = shell_lines(&read("README.md"));
    assert!(lines.iter().any(|line| line == "cargo run --release -- demo"));
    assert!(lines.iter().any(|line| line == "cargo test"));
    let commands: Vec<&String> = lines.iter().filter(|line| line.starts_with("onefold ")).collect();
    assert!(commands.len() > 10, "the README has lost its commands");
    for line in commands {
        let ran = run_in(folder.path(), &words(line)[1..]);
        let expected = SHOWN_TO_FAIL.iter().find(|(shown, _)| shown == line).map_or(0, |(_, code)| *code);
        assert_eq!(ran.code, expected, "{line}\n{}{}", ran.out, ran.err);
        assert_eq!(ran.err.is_empty(), expected == 0, "{line}\n{}", ran.err);
    }
    for (line, _) in SHOWN_TO_FAIL {
        assert!(lines.iter().any(|shown| shown == line), "the README does not show `{line}`");
    }
    assert!(std::fs::metadata(folder.path().join("profiles.parquet")).unwrap().len() > 1000);
}

#[test]
fn the_bundle_of_the_tutorial_works_as_written() {
    let folder = fresh();
    let guide = read("policies/README.md");
    let members = folder.path().join("members");
    std::fs::create_dir(&members).unwrap();
    for name in ["bundle.toml", "sources.toml", "identity.toml"] {
        std::fs::copy(Path::new(ROOT).join("policies/contacts").join(name), members.join(name)).unwrap();
    }
    let mut blocks = 0;
    for block in guide.split("```toml\n# ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        std::fs::write(members.join(name), rest.split("```").next().unwrap()).unwrap();
        blocks += 1;
    }
    assert_eq!(blocks, 6, "the tutorial has lost a file");
    let table = guide.split("```csv\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    std::fs::write(folder.path().join("members-2026.csv"), table).unwrap();
    let commands = shell_lines(&guide).into_iter().filter(|line| line.starts_with("onefold "));
    for line in commands.collect::<Vec<_>>() {
        let line = line.replace("policies/members", "members");
        let ran = run_in(folder.path(), &words(&line)[1..]);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.out, ran.err);
    }
    let data = text(&folder.path().join("data")).to_owned();
    let profile = parsed(&ok(&["profile", "--json", "--data", &data, "phone:020 7946 0018"]));
    let values = profile["values"].as_array().unwrap();
    let phone = values.iter().find(|value| value["attribute"] == "phone").unwrap();
    assert_eq!((&phone["value"], &phone["raw"]), (&"+442079460018".into(), &"020 7946 0018".into()));
}

/// What a user does wrong, the exit code, and exactly what standard error says of it.
const FAILURES: &[(&[&str], i32, &str)] = &[
    (
        &["profile", "nonsense"],
        2,
        "error: this is neither a profile id nor SOURCE:KEY nor KIND:VALUE\nhelp: kinds of identifier: email, phone; \
         sources: contacts; a profile id is 32 hexadecimal digits\n",
    ),
    (
        &["profile", "emial:ada@example.com"],
        2,
        "error: what stands before the `:` is neither a source nor a kind of identifier of the bundle\nhelp: did you \
         mean `email:…`? kinds of identifier: email, phone; sources: contacts; a profile id is 32 hexadecimal digits\n",
    ),
    (&["profile", "contacts:"], 2, "error: the key is missing: write `contacts:KEY`\n"),
    (&["profile", "contacts:99"], 3, "error: source `contacts` has sent no record of this key\n"),
    (&["profile", "email:zoe@example.com"], 3, "error: no record that is live carries this `email`\n"),
    (
        &["profile", "email:info@example.com"],
        2,
        "error: no profile can have this `email`: the bundle blocks this value, so it neither identifies nor counts: see \
         `blocked` of the kind\n",
    ),
    (
        &["profile", "email:at-home"],
        2,
        "error: no profile can have this `email`: not an e-mail address: expected `name@example.com`\n",
    ),
    (&["explain", "00000000000000000000000000000000"], 3, "error: no profile has or had this id\n"),
    (
        &["why", "contacts:1", "email:ada.lovelace@example.com"],
        2,
        "error: this names a person, not a record: name a record as SOURCE:KEY\nhelp: kinds of identifier: email, phone; \
         sources: contacts; a profile id is 32 hexadecimal digits\n",
    ),
    (
        &["ingest", "/no/such/file.csv"],
        2,
        "error: cannot read `/no/such/file.csv`: No such file or directory (os error 2)\n",
    ),
    (
        &["ingest", "--source", "contact", "x.csv"],
        2,
        "error: the bundle has no source `contact`\nhelp: did you mean `contacts`? it has contacts\n",
    ),
    (
        &["ingest", "-"],
        2,
        "error: standard input has no name by which to know its source\nhelp: name its source with --source NAME, or give \
         --mixed when each line names its own\n",
    ),
    (
        &["export", "profiles", "-o", "/no/such/folder/x.csv"],
        1,
        "error: cannot write `/no/such/folder/x.csv`: No such file or directory (os error 2)\n",
    ),
    (
        &["init", "--policy", "no-such-bundle"],
        2,
        "error: `no-such-bundle` does not exist\nhelp: give the folder of a bundle, or `retail` or `contacts`, which come \
         with the program\n",
    ),
    (
        &["profil", "contacts:1"],
        2,
        "error: unrecognized subcommand 'profil'\n\n  tip: a similar subcommand exists: 'profile'\n\nUsage: onefold \
         [OPTIONS] <COMMAND>\n\nFor more information, try '--help'.\n",
    ),
];

#[test]
fn each_failure_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    for (arguments, code, says) in FAILURES {
        let mut all = arguments.to_vec();
        all.extend(["--data", &data]);
        let ran = run(&all);
        assert_eq!((ran.code, ran.err.as_str()), (*code, *says), "{arguments:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[test]
fn a_missing_data_directory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = text(folder.path());
    for arguments in [&["profile", "contacts:1"][..], &["ledger", "verify"], &["quarantine", "list"]] {
        let ran = run(&[arguments, &["--data", path]].concat());
        let says = format!(
            "error: `{path}` is not a data directory\nhelp: make one with `onefold init --policy BUNDLE --data DIR`\n"
        );
        assert_eq!((ran.code, ran.err), (2, says), "{arguments:?}");
    }
}

#[test]
fn blocked_mailboxes_join_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let why = run(&["why", "--data", &data, "contacts:7", "contacts:8"]);
    assert_eq!(why.code, 3, "two people share `info@`, which is no evidence\n{}", why.out);
    assert!(why.out.starts_with("No evidence joins contacts:7 and contacts:8.\n"), "{}", why.out);
    assert_eq!(run(&["why", "--data", &data, "contacts:1", "contacts:2"]).code, 0);
}

#[test]
fn a_deleted_record_is_in_no_profile() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data")).to_owned();
    ok(&["init", "--quiet", "--policy", "retail", "--data", &data]);
    let event = |op: &str, before: &str, after: &str, lsn: u32| {
        format!(
            "{{\"source\":\"crm\",\"event\":{{\"op\":\"{op}\",\"before\":{before},\"after\":{after},\"ts_ms\":1735689600000,\
             \"source\":{{\"connector\":\"postgresql\",\"lsn\":{lsn},\"ts_ms\":1735689600000}}}}}}\n"
        )
    };
    let row = "{\"id\":\"1\",\"email\":\"ada@example.com\"}";
    let stream = event("c", "null", row, 1) + &event("d", row, "null", 2);
    let ran = run_with_input(&["ingest", "--quiet", "--mixed", "--data", &data, "-"], stream.as_bytes());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let ran = run(&["profile", "--data", &data, "crm:1"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (3, "error: this record of source `crm` was deleted: it is in no profile\n")
    );
}

#[test]
fn json_is_complete_and_stable() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let ask = |arguments: &[&str]| {
        let all = [arguments, &["--json", "--data", &data]].concat();
        let (first, second) = (run(&all), run(&all));
        assert_eq!(first.out, second.out, "{arguments:?}");
        parsed(&first.out)
    };
    let profile = ask(&["profile", "contacts:1"]);
    let expected = ["id", "members", "permissions", "references", "values"].map(str::to_owned);
    assert_eq!(keys(&profile), expected.into());
    let explanation = &ask(&["explain", "contacts:1", "--attribute", "email"])[0];
    for key in ["attribute", "value", "raw", "field", "record", "received", "values", "rule", "losers"] {
        assert!(!explanation[key].is_null(), "an explanation has no `{key}`");
    }
    assert_eq!(explanation["losers"][0]["lost_by"].as_str().map(str::is_empty), Some(false));
    let why = ask(&["why", "contacts:1", "contacts:2"]);
    assert_eq!(why["steps"][0]["kind"], "email");
    assert!(ask(&["why", "contacts:1", "contacts:4"]).is_null());
    let report = ask(&["ledger", "verify"]);
    assert_eq!(report["intact"], true);
    let entries = ask(&["ledger", "show", "0", "-n", "1000"]);
    assert_eq!(report["entries"].as_u64().unwrap() as usize, entries.as_array().unwrap().len());
    let kinds = ["open", "policy", "record", "merge", "values", "commit"];
    for kind in kinds {
        assert!(entries.as_array().unwrap().iter().any(|entry| entry[kind].is_object()), "no entry tells its `{kind}`");
    }
    let values = ask(&["quarantine", "list", "--values"]);
    assert_eq!(values[0]["raw"], "info@example.com");
    assert_eq!(ask(&["quarantine", "list"]), Value::Array(vec![]));
    assert_eq!(ask(&["policy", "check", "retail"])["sound"], true);
}

#[test]
fn a_broken_bundle_tells_everything_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    for name in ["bundle.toml", "sources.toml", "identity.toml"] {
        let whole = read(&format!("policies/contacts/{name}"));
        let broken = whole.replace("format = \"csv\"", "format = \"cvs\"").replace("priority = ", "priority = 9");
        std::fs::write(bundle.join(name), broken).unwrap();
    }
    let ran = run(&["policy", "check", text(&bundle)]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    for part in [
        "unknown format `cvs`",
        "sources.toml:",
        "did you mean `csv`?",
        "out of bounds",
        "identity.toml:",
        "problems\n",
    ] {
        assert!(ran.err.contains(part), "{part:?} is missing in\n{}", ran.err);
    }
    let json = run(&["policy", "check", "--json", text(&bundle)]);
    let problems = parsed(&json.out);
    assert_eq!((json.code, problems["sound"].as_bool()), (2, Some(false)));
    assert_eq!(problems["count"].as_u64().unwrap() as usize, problems["problems"].as_array().unwrap().len());
}

#[test]
fn a_flipped_bit_has_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let ledger = Path::new(&data).join("ledger");
    let segment = std::fs::read_dir(&ledger).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let ran = run(&["ledger", "verify", "--json", "--data", &data]);
    assert_eq!((ran.code, parsed(&ran.out)["intact"].as_bool()), (5, Some(false)));
    assert!(ran.err.starts_with("error: the ledger is damaged: segment 00000000, byte "), "{}", ran.err);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let cases: [&[&str]; 5] = [
        &["export", "members"],
        &["export", "profiles", "--format", "ndjson"],
        &["ledger", "show"],
        &["ledger", "show", "--json"],
        &["completions", "bash"],
    ];
    for arguments in cases {
        let mut child = command(&[arguments, &["--data", &data]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn values_cannot_act_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data")).to_owned();
    ok(&["init", "--quiet", "--policy", "contacts", "--data", &data]);
    let csv = folder.path().join("contacts.csv");
    let head = read("examples/contacts/contacts.csv").lines().next().unwrap().to_owned();
    std::fs::write(&csv, format!("{head}\n1,not\u{1b}[2Jmail,,\u{202e}Eve,,\n")).unwrap();
    ok(&["ingest", "--quiet", "--data", &data, text(&csv)]);
    for arguments in [&["quarantine", "list", "--values"][..], &["explain", "contacts:1"], &["ledger", "show"]] {
        let out = ok(&[arguments, &["--data", &data]].concat());
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {out:?}");
    }
}

#[test]
fn every_help_teaches_by_example() {
    let help = ok(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names: Vec<&str> =
        names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let help = ok(&[name, "--help"]);
        assert!(help.contains(&format!("  onefold {name}")), "`{name} --help` shows no example");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "`{name} --help` is too wide");
    }
}

/// Rows of `bench ledger` for each size of payload, and those that come once.
const LEDGER_ROWS: [&str; 12] = [
    "seal_ns",
    "hash_ns",
    "disk_ns",
    "limit",
    "append",
    "append_cpu",
    "append_wall",
    "sha256",
    "verify",
    "verify_open",
    "replay",
    "read_us",
];
const LEDGER_ROWS_ONCE: [&str; 16] = [
    "disk_mib_per_s",
    "open_tail_s",
    "open_tail_wall_s",
    "proof_tree_s",
    "proof_p50_us",
    "proof_p99_us",
    "proof_cpu_us",
    "key_in_order_ns",
    "key_at_random_ns",
    "key_in_order_erased_ns",
    "key_at_random_erased_ns",
    "erase_all_s",
    "seeds_an_erasure",
    "erase_one_s",
    "erase_one_durable_s",
    "keys_open_s",
];

#[test]
fn the_ledger_is_measured_beside_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let work = text(folder.path());
    let report =
        parsed(&ok(&["bench", "--json", "ledger", "--entries", "2000", "--proof-entries", "2000", "--work", work]));
    assert_eq!(report["entries"], 2000);
    let rows = report["rows"].as_array().unwrap();
    let sized = LEDGER_ROWS.iter().flat_map(|name| [200, 1024].map(|size| format!("{name}_{size}")));
    for name in sized.chain(LEDGER_ROWS_ONCE.map(str::to_owned)) {
        let row = rows.iter().find(|row| row["name"] == name.as_str()).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(row["value"].as_f64().is_some_and(|value| value > 0.0), "{row}");
        assert_eq!(row["ratio"].is_null(), row["beside"].is_null(), "{row}");
        assert_eq!(row["met"].is_boolean(), row["target"].is_string(), "{row}");
    }
    let out = ok(&["bench", "ledger", "--entries", "500", "--proof-entries", "500", "--work", work]);
    for row in rows {
        // What begins with a size depends on how many entries there are.
        let words = row["what"].as_str().unwrap().split(',').next().unwrap();
        assert!(words.starts_with(|c: char| c.is_ascii_digit()) || out.contains(words), "{words} is not in\n{out}");
    }
    assert!(out.contains(" of L, target ≥ 0.35: "), "{out}");
    assert_eq!(out.contains("--features sqlite"), cfg!(not(feature = "sqlite")), "{out}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
    for wrong in [&["--records", "5", "ledger"][..], &["--work", work, "ledger"], &["ledger", "--entries", "0"]] {
        assert_eq!(run(&[&["bench"], wrong].concat()).code, 2, "{wrong:?}");
    }
}

/// Figures of `bench policy`.
const POLICY_FIGURES: [&str; 11] = [
    "load_us",
    "withdrawal_p50_us",
    "withdrawal_p99_us",
    "withdrawal_mean_us",
    "open_cpu_s",
    "diff_cpu_s",
    "diff_wall_s",
    "activate_cpu_s",
    "activate_ratio",
    "activate_wall_ratio",
    "memory_bytes",
];

#[test]
fn withdrawals_and_a_new_policy_are_measured_beside_the_load() {
    let report = parsed(&ok(&["bench", "--json", "policy", "--records", "2000", "--withdrawals", "20"]));
    assert_eq!(report.as_object().unwrap().len(), POLICY_FIGURES.len(), "{report}");
    for name in POLICY_FIGURES {
        assert!(report[name].as_f64().is_some_and(|value| value > 0.0), "{name}: {report}");
    }
}

#[test]
fn completions_are_for_the_common_shells() {
    for (shell, part) in [("bash", "_onefold()"), ("zsh", "#compdef onefold"), ("fish", "complete -c onefold")] {
        assert!(ok(&["completions", shell]).contains(part), "{shell}");
    }
}

#[test]
fn the_demo_tells_its_story() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("demo");
    let out = ok(&["demo", "--keep", text(&kept)]);
    let mut rest = out.as_str();
    for sentence in [
        "1. Eight systems become one set of profiles",
        "records and consents taken, 0 refused",
        "2. Changes stream in",
        "The same file once more: 0 changes taken.",
        "3. One person",
        "denied  no consent is known; without a legal basis everything is denied (GDPR Art. 6(1))",
        "4. Where does a value come from?",
        "  rule    ",
        "  ledger  entry #",
        "5. Why are these records one person?",
        " share the ",
        "before: they are two profiles",
        "crm:crm-9001 is inserted: they are one profile",
        "crm:crm-9001 is deleted: they are two profiles",
        "before: marketing is denied",
        "consent given: marketing is allowed",
        "consent withdrawn: marketing is denied",
        "the consent was withdrawn (GDPR Art. 7(3))",
        " cites\n    gdpr-withdrawn, which forbids: Art. 7(3) GDPR (gdpr/rights.cedar)",
        "8. What would another policy change?",
        "policies added: shop-marketing-in-europe",
        "contact for marketing: allow to deny, in ",
        "  now: 19 of 1,067 profiles",
        "Head-count: of 1,067 profiles, the answer changes for 19. Nothing was changed yet.",
        "9. A person asks what is known of her",
        "Request R-",
        // On the day of the story, whatever day it is.
        " for access: received 2025-01-03, due 2025-02-03.",
        "access.json, ",
        "  2 consents given or withdrawn",
        " is fulfilled, due ",
        "10. A person is erased",
        ": 5 records erased in epoch ",
        "The certificate, erasure.zip, ",
        ", verifies: ",
        "  onefold erasure certificate v1",
        "The newsletter sends her row again: 1 change refused, nothing of it kept.",
        "Asked for newsletter:sub-139: ",
        "Intact: ",
        "Caught: a copy in which one bit",
        "the ledger is damaged",
        "Done in ",
    ] {
        let at = rest.find(sentence).unwrap_or_else(|| panic!("{sentence:?} is missing, or too early, in\n{out}"));
        rest = &rest[at + sentence.len()..];
    }
    let headings: Vec<&str> = out.lines().filter(|line| line.starts_with("──")).collect();
    assert!(headings.len() == 11 && headings.iter().all(|line| line.chars().count() == 90), "{headings:?}");
    ok(&["ledger", "verify", "--data", text(&kept.join("data"))]);
    assert_eq!(run(&["demo", "--keep", text(&kept)]).code, 2);
}

#[test]
fn the_example_runs_and_fits_on_a_page() {
    assert!(read("examples/embed.rs").lines().count() <= 50);
    // `cargo test` has built it already; asked by its name, cargo sees to it that it is not an older one.
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.current_dir(ROOT).args(["run", "--quiet", "--offline", "--locked", "--example", "embed"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "epoch 1 changed 1 profiles",
            "email = ada@example.com, from crm:7",
            "phone = +353851234567, from web:m1",
            "given_name = Ada, from crm:7",
            "family_name = Lovelace, from crm:7",
            "device_id = d1, from web:m1",
            "7 and m1 share the email ada@example.com",
        ]
    );
}
