//! The same by the command line: what it prints, what it asks for, how it fails.

use crate::program::{ok, run, run_with, run_with_input, text};
use serde_json::Value;
use std::path::Path;

/// Contacts of whom two pairs share an address and one pair an account.
fn contacts(folder: &Path) -> String {
    let data = text(&folder.join("data")).to_owned();
    let policy = folder.join("policy");
    std::fs::create_dir(&policy).unwrap();
    for (name, file) in onefold::policy::contacts() {
        let file = match name.as_str() {
            "identity.toml" => "[[identifier]]\nattribute = \"email\"\npriority = 80\n\
                                [[identifier]]\nattribute = \"customer_id\"\npriority = 90\nunique = true\n"
                .to_owned(),
            "sources.toml" => file.replace("city = \"city\"", "city = \"customer_id\""),
            _ => file,
        };
        std::fs::write(policy.join(name), file).unwrap();
    }
    ok(&["init", "--quiet", "--policy", text(&policy), "--data", &data]);
    let rows = "contact_id,email,phone,name,city,country\n\
        1,ada@example.com,,Ada Lovelace,C1,\n\
        2,ada@example.com,,Ada Lovelace,C2,\n\
        3,fam@example.com,,Fred Quimby,,\n\
        4,fam@example.com,,Greta Quimby,,\n\
        5,eve@example.com,,Eve Quimby,,\n\
        6,eve@example.com,,Eve Quimby,,\n";
    let ran = run_with_input(&["ingest", "--quiet", "--source", "contacts", "--data", &data, "-"], rows.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    data
}

fn ask(data: &str, arguments: &[&str]) -> Value {
    let out = ok(&[arguments, &["--json", "--data", data]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

const SAID: [&str; 5] = ["--by", "ada", "--reason", "asked them", "--yes"];

#[test]
fn a_steward_sees_and_decides() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let out = ok(&["review", "list", "--data", &data]);
    for part in [
        "share the email ada@example.com",
        "but     the profiles have different values of customer_id, of which a person has one",
        "remedy  decide `same` if one person really has both",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    let list = ask(&data, &["review", "list"]);
    assert_eq!((list["count"].as_u64(), list["open"][0]["obstacle"].as_str()), (Some(1), Some("unique")));
    let out = ok(&["review", "show", "contacts:1", "contacts:2", "--data", &data]);
    for part in [
        "contacts:1: profile ",
        "If they were decided to be one person:",
        "As it would be:",
        "2 records: contacts:1, contacts:2",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    let out = ok(&["review", "identifiers", "--data", &data]);
    assert!(out.contains("fam@example.com") && out.contains("weak") && !out.contains("ada@"), "{out}");
    assert_eq!(ask(&data, &["review", "identifiers"])["identifiers"][0]["state"], "weak");

    let out = ok(&[&["review", "same", "contacts:1", "contacts:2", "--data", &data][..], &SAID].concat());
    assert!(
        out.contains("As it would be:") && out.contains("Decided: entry #") && out.contains("1 merge, 0 un-merges"),
        "{out}"
    );
    let out = ok(&[&["review", "same", "contacts:2", "contacts:1", "--data", &data][..], &SAID].concat());
    assert!(out.starts_with("That is decided already, by entry #"), "{out}");
    let out = ok(&["why", "contacts:1", "contacts:2", "--data", &data]);
    assert!(out.contains("are one person by a steward's decision (decision #"), "{out}");
    let out = ok(&["review", "list", "--decisions", "--data", &data]);
    assert!(out.contains("ada decided that contacts:1 and contacts:2 are one person: asked them"), "{out}");
    assert!(ok(&["review", "list", "--data", &data]).starts_with("Nothing is to be reviewed;"));

    let entry = ask(&data, &["review", "list", "--decisions"])[0]["entry"].as_u64().unwrap().to_string();
    let shown = ok(&["ledger", "show", &entry, "-n", "1", "--data", &data]);
    assert!(shown.contains("review") && shown.contains("ada decided that"), "{shown}");
    let shown = ask(&data, &["ledger", "show", &entry, "-n", "1"]);
    assert_eq!((shown[0]["kind"].as_str(), shown[0]["review"]["ruling"].as_str()), (Some("review"), Some("same")));

    let done = ask(&data, &[&["review", "allow", "email:fam@example.com"][..], &SAID].concat());
    assert_eq!((done["outcome"].as_str(), done["merges"].as_u64()), (Some("taken"), Some(1)));
    let out = ok(&["why", "contacts:3", "contacts:4", "--data", &data]);
    assert!(out.contains("share the email fam@example.com (decision #"), "{out}");
    let done = ask(&data, &[&["review", "disallow", "email:fam@example.com"][..], &SAID].concat());
    assert_eq!((done["outcome"].as_str(), done["unmerges"].as_u64()), (Some("withdrawn"), Some(1)));
    let done = ask(&data, &[&["review", "withdraw", "contacts:1", "contacts:2"][..], &SAID].concat());
    assert_eq!(done["unmerges"], 1);
    assert_eq!(ask(&data, &["ledger", "audit"])["accounted"], true);
    ok(&["ledger", "verify", "--data", &data]);
}

#[test]
fn decisions_that_cannot_be_made_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let decide = |arguments: &[&str]| run(&[arguments, &SAID, &["--data", &data]].concat());
    assert_eq!(decide(&["review", "same", "contacts:1", "contacts:3"]).code, 0);
    assert_eq!(decide(&["review", "different", "contacts:3", "contacts:5"]).code, 0);
    let ran = decide(&["review", "same", "contacts:5", "contacts:1"]);
    let entries = ask(&data, &["review", "list", "--decisions"]);
    let (first, second) = (entries[0]["entry"].as_u64().unwrap(), entries[1]["entry"].as_u64().unwrap());
    assert_eq!(
        (ran.code, ran.err),
        (
            2,
            format!(
                "error: that contacts:1 and contacts:5 are one person contradicts what was decided: contacts:1 and \
                 contacts:3 are one person (entry #{first}), contacts:3 and contacts:5 are different persons (entry \
                 #{second})\nhelp: withdraw the earlier decision first: `onefold review withdraw A B --reason TEXT`\n"
            )
        )
    );
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["review", "same", "contacts:1", "contacts:99"],
            3,
            "error: source `contacts` has sent no record of this key\n",
        ),
        (&["review", "same", "contacts:1", "contacts:1"], 2, "error: a decision is about two records: name another\n"),
        (&["review", "withdraw", "contacts:1", "contacts:2"], 3, "error: no decision about these two records holds\n"),
        (&["review", "disallow", "email:ada@example.com"], 3, "error: no such decision holds\n"),
        (&["review", "allow", "email:zoe@example.com"], 3, "error: no record that is live carries this identifier\n"),
        (
            &["review", "allow", "contacts:1"],
            2,
            "error: this names no identifier: write KIND:VALUE, such as email:info@example.com\n",
        ),
    ];
    for (arguments, code, says) in cases {
        let ran = decide(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (code, says), "{arguments:?}");
    }
    let ran = run(&["review", "same", "contacts:1", "contacts:2", "--by", "a", "--reason", "b", "--data", &data]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "error: nobody is there to be asked whether to decide\nhelp: give --yes to decide without a question\n")
    );
    let same = ["review", "same", "contacts:1", "contacts:2", "--reason", "b", "--yes", "--data", &data];
    let ran = run_with(&same, &[("USER", "zoe")]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ok(&["review", "list", "--decisions", "--data", &data]).contains("zoe decided that"));
}

#[test]
fn why_without_tells_the_parts() {
    let folder = tempfile::tempdir().unwrap();
    let data = contacts(folder.path());
    let same = |one: &str, other: &str| {
        ok(&[&["review", "same", one, other, "--quiet", "--data", &data][..], &SAID].concat());
    };
    same("contacts:1", "contacts:3");
    same("contacts:3", "contacts:4");
    let out = ok(&["why", "--without", "contacts:3", "contacts:1", "--data", &data]);
    assert!(
        out.starts_with("Without contacts:3, profile ") && out.contains(" would come apart into 2 parts:\n"),
        "{out}"
    );
    assert!(out.contains("1 record: contacts:1\n") && out.contains("1 record: contacts:4\n"), "{out}");
    let parts = ask(&data, &["why", "--without", "contacts:3", "contacts:4"]);
    assert_eq!(parts["after"].as_array().unwrap().len(), 2);
    let out = ok(&["why", "--without", "contacts:4", "contacts:1", "--data", &data]);
    assert!(out.contains(" would stay in one piece:\n"), "{out}");
    let out = ok(&["why", "--without", "contacts:2", "contacts:2", "--data", &data]);
    assert!(out.contains(" would end: it has no other record."), "{out}");
    let ran = run(&["why", "--without", "contacts:5", "contacts:1", "--data", &data]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.starts_with("error: contacts:5 is not in profile "), "{}", ran.err);
    assert_eq!(run(&["why", "contacts:1", "--data", &data]).code, 2);
    assert_eq!(run(&["why", "--without", "contacts:3", "contacts:1", "contacts:2", "--data", &data]).code, 2);
}
