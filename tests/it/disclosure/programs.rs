//! Packages under the program itself, under a verifier of another language, under another party's library, and under the
//! commands of the guide. Where Python or a module is missing this says so; in CI it fails.

use super::files::unpack;
use super::{Run, place, run, with, with_list};
use crate::program::{ok, run as onefold, text};
use onefold::ledger::Kind;
use onefold::pipeline::{ErasureRequest, Scope};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Whether a program is there, and what it needs.
fn has(program: &str, arguments: &[&str]) -> bool {
    let ran = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if ran.is_ok_and(|status| status.success()) {
        return true;
    }
    let missing = format!("`{program} {}` does not run", arguments.join(" "));
    assert!(std::env::var_os("CI").is_none(), "{missing}, and CI must have it");
    eprintln!("SKIPPED: {missing}");
    false
}

fn python(script: &str, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new("python3").arg(Path::new(ROOT).join(script)).args(arguments).output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// A package of a profile in a file, and the key to check it with.
fn package(run: &Run) -> (PathBuf, String) {
    let path = run.path("ada.zip");
    let earlier = run.path("earlier");
    std::fs::write(&earlier, &run.earlier).unwrap();
    let (data, path_text) = (text(&run.data), text(&path).to_owned());
    ok(&["ledger", "disclose", "--data", data, "--profile", "crm:17", "--since", text(&earlier), "-o", &path_text]);
    let key = run.entries([0]).vkeys[0].to_string();
    (path, key)
}

#[test]
fn the_program_packs_and_verifies() {
    let run = run();
    let data = text(&run.data);
    let path = run.path("ada.zip");
    let pack = ["ledger", "disclose", "--data", data, "--profile", "email:ada@example.com", "-o", text(&path)];
    let out = ok(&pack);
    let key = run.entries([0]).vkeys[0].to_string();
    for part in [" entries.\n", "with its key", "shows the rules of the others", &key] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    let again = onefold(&pack);
    assert_eq!((again.code, again.err.contains("exists already")), (2, true), "{}", again.err);
    let out = ok(&["verify", text(&path), "--key", &key]);
    for part in [
        "The package verifies. It is of ledger ",
        &key,
        "crm:17 email=\"ada@example.com\"",
        "Not proved\n",
        "while bundle test 1 was in force",
    ] {
        assert!(out.replace("\n    ", " ").contains(part), "{part:?} is not in\n{out}");
    }
    let unkeyed = "only against the key that it brings itself";
    assert!(!out.replace("\n    ", " ").contains(unkeyed));
    assert!(ok(&["verify", text(&path)]).replace("\n    ", " ").contains(unkeyed));
    let keys = run.path("keys.vkey");
    std::fs::write(&keys, format!("\n{key}\n")).unwrap();
    let found: Value = serde_json::from_str(&ok(&["verify", text(&path), "--key", text(&keys), "--json"])).unwrap();
    assert_eq!((&found["sound"], &found["keys_given"], &found["problems"]), (&json!(true), &json!(true), &json!([])));
    let received = found["entries"].as_array().unwrap().iter().find(|entry| entry["kind"] == "received").unwrap();
    assert_eq!((&received["record"]["source"], &received["state"]), (&json!("crm"), &json!("open")));
    assert_eq!(received["record"]["raw"]["email"], "ada@example.com");
}

#[test]
fn the_program_tells_what_is_wrong() {
    let run = run();
    let data = text(&run.data);
    let new = run.path("new.zip");
    let disclose =
        |arguments: &[&str]| onefold(&[&["ledger", "disclose", "--data", data, "-o", text(&new)], arguments].concat());
    for (arguments, code, says) in [
        (&["--entries", "1,x"][..], 2, "error: `x` is no list of entries\nhelp: write sequences and ranges"),
        (&["--entries", "9-3"], 2, "error: `9-3` is no list"),
        (&["--entries", "0-99999999"], 2, "error: a package has at most 16,384 entries\n"),
        (&["--entries", "3,5000"], 3, "error: the ledger has no entry 5000\nhelp: "),
        (&["--profile", "crm:99"], 3, "error: source `crm` has sent no record of this key\n"),
        (&["--profile", "crm:17", "--since", "/no/such"], 2, "error: cannot read `/no/such`"),
        (&[], 2, "error: the following required arguments were not provided"),
    ] {
        let ran = disclose(arguments);
        assert_eq!((ran.code, ran.err.starts_with(says)), (code, true), "{arguments:?}\n{}", ran.err);
        assert!(!new.exists() && ran.out.is_empty());
    }
    let (path, key) = package(&run);
    let bytes = std::fs::read(&path).unwrap();
    let received = run.first(Kind::Received);
    let tampered = with(&bytes, |files| files.get_mut(&format!("entries/{received}.body")).unwrap()[3] ^= 1);
    std::fs::write(&new, tampered).unwrap();
    let ran = onefold(&["verify", text(&new), "--key", &key]);
    assert_eq!((ran.code, ran.err.as_str()), (5, "error: the package does not verify\n"));
    assert!(ran.out.starts_with("THE PACKAGE DOES NOT VERIFY: 1 thing in it does not."), "{}", ran.out);
    assert!(ran.out.contains(&format!("entries/{received}.body: ")), "{}", ran.out);
    std::fs::write(&new, &bytes[..bytes.len() - 1]).unwrap();
    let ran = onefold(&["verify", text(&new), "--json"]);
    assert_eq!(
        (ran.code, ran.err.starts_with("error: `the package` does not verify: byte ")),
        (5, true),
        "{}",
        ran.err
    );
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["sound"], false);
    let other = super::run().entries([0]).vkeys[0].to_string();
    let ran = onefold(&["verify", text(&path), "--key", &other]);
    assert_eq!((ran.code, ran.err.contains("no known key has signed")), (5, true), "{}", ran.err);
    let ran = onefold(&["verify", text(&path), "--key", "nonsense"]);
    assert_eq!((ran.code, ran.err.contains("--key: malformed verifier key")), (2, true), "{}", ran.err);
    // A head that the reader holds: this one, and one that the package says nothing of.
    let earlier = run.path("earlier");
    assert_eq!(onefold(&["verify", text(&path), "--key", &key, "--since", text(&earlier)]).code, 0);
    std::fs::write(&earlier, &super::run().earlier).unwrap();
    let ran = onefold(&["verify", text(&path), "--key", &key, "--since", text(&earlier)]);
    assert!(ran.code == 5 && ran.out.replace("\n    ", " ").contains("goes on from the checkpoint that you hold"));
}

#[test]
fn the_program_shows_a_certificate() {
    let run = run();
    let mut engine = crate::support::open(&run.data);
    let root = engine.finder().unwrap().profiles_of("crm:17").unwrap()[0];
    let request = ErasureRequest { request: "DSR-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 1 };
    let erased = engine.erase(Scope::Person(root), &request).unwrap();
    let path = run.path("certificate.zip");
    engine.certificate(&erased, 1_800_000_000, &path).unwrap();
    let key = engine.vkeys().unwrap()[0].to_string();
    let out = ok(&["verify", text(&path), "--key", &key]);
    for part in [
        "Certificate, as the ledger signed it\n",
        "  request: DSR-1\n",
        "  records: 4\n",
        "on request DSR-1 is recorded",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    if has("python3", &["-c", "import cryptography"]) {
        let (code, says) = python("examples/verify/verify.py", &[text(&path), &key]);
        assert_eq!((code, says.contains("request: DSR-1")), (0, true), "{says}");
    }
    if has("python3", &["-c", "import aics_tlog"]) {
        let (code, says) = python("tests/it/disclosure/third_party.py", &[text(&path), &key]);
        assert_eq!(code, 0, "{says}");
    }
}

#[test]
fn a_verifier_of_another_language_agrees() {
    if !has("python3", &["-c", "import cryptography"]) {
        return;
    }
    let run = run();
    let (path, key) = package(&run);
    let check = |path: &Path, key: &str| python("examples/verify/verify.py", &[text(path), key]);
    let (code, says) = check(&path, &key);
    assert_eq!((code, says.ends_with("verified\n")), (0, true), "{says}");
    assert!(says.contains("ada@example.com") && says.contains("goes on from the head over "), "{says}");
    let bytes = std::fs::read(&path).unwrap();
    let of = run.profile("crm:17", Some(&run.earlier));
    assert_eq!(of.bytes, bytes);
    let (received, merge) = (run.first(Kind::Received), run.first(Kind::Merge));
    let (at, merge_at) = (place(&of, received), place(&of, merge));
    let flip = |name: &str, at: usize| with(&bytes, |files| files.get_mut(name).unwrap()[at] ^= 1);
    let line = |name: &str| unpack(&bytes)[name].iter().position(|byte| *byte == b'\n').unwrap();
    let cases = [
        ("body", flip(&format!("entries/{received}.body"), 0)),
        ("logical entry", flip(&format!("entries/{received}.logical"), 5)),
        (
            "proof",
            flip(&format!("entries/{received}.tlog-proof"), line(&format!("entries/{received}.tlog-proof")) + 12),
        ),
        ("checkpoint", flip("checkpoint", line("checkpoint") + 1)),
        ("earlier checkpoint", flip("earlier-checkpoint", line("earlier-checkpoint") + 1)),
        ("consistency", flip("consistency", 3)),
        (
            "swapped keys",
            with_list(&bytes, |list| {
                list["entries"][at]["key"] = list["entries"][merge_at]["key"].clone();
            }),
        ),
        ("kind", with_list(&bytes, |list| list["entries"][at]["kind"] = json!("consent"))),
        ("extra file", with(&bytes, |files| drop(files.insert("more".into(), Vec::new())))),
        ("missing file", with(&bytes, |files| drop(files.remove(&format!("entries/{received}.body"))))),
        ("cut", bytes[..bytes.len() / 2].to_vec()),
    ];
    let tampered = run.path("tampered.zip");
    for (what, bytes) in cases {
        std::fs::write(&tampered, bytes).unwrap();
        let (code, says) = check(&tampered, &key);
        assert_eq!((code, says.contains("FAILED"), says.contains("Traceback")), (1, true, false), "{what}: {says}");
    }
    let other = super::run().entries([0]).vkeys[0].to_string();
    let (code, says) = check(&path, &other);
    assert_eq!((code, says.contains("none of the keys has signed it")), (1, true), "{says}");
}

#[test]
fn another_partys_library_agrees() {
    if !has("python3", &["-c", "import aics_tlog"]) {
        return;
    }
    let run = run();
    let (path, key) = package(&run);
    let script = "tests/it/disclosure/third_party.py";
    let (code, says) = python(script, &[text(&path), &key]);
    assert_eq!((code, says.ends_with(" entries are in the tree\n")), (0, true), "{says}");
    let bytes = std::fs::read(&path).unwrap();
    let tampered = run.path("tampered.zip");
    let name = format!("entries/{}.logical", run.first(Kind::Received));
    for (file, at) in [(name.as_str(), 9), ("checkpoint", 60), ("consistency", 3)] {
        std::fs::write(&tampered, with(&bytes, |files| files.get_mut(file).unwrap()[at] ^= 1)).unwrap();
        assert_eq!(python(script, &[text(&tampered), &key]).0, 1, "{file}");
    }
}

/// The commands of the guide, one block after the other.
fn guide() -> String {
    let guide = std::fs::read_to_string(Path::new(ROOT).join("src/report/disclosure/VERIFY.md")).unwrap();
    let blocks: Vec<&str> = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 5, "the guide has lost a step");
    blocks.join("\n")
}

#[test]
fn the_guide_can_be_followed() {
    if !has("python3", &["-c", "import cryptography"]) || !has("openssl", &["version"]) {
        return;
    }
    let run = run();
    let (path, key) = package(&run);
    let follow = |bytes: &[u8], entry: u64, name: &str| {
        let folder = run.path(name);
        for (file, content) in unpack(bytes) {
            let file = folder.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        let entry = entry.to_string();
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &guide()]).current_dir(&folder).env("KEY", &key).env("N", entry);
        let ran = shell.output().unwrap();
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let bytes = std::fs::read(&path).unwrap();
    let received = run.first(Kind::Received);
    let (success, says) = follow(&bytes, received, "sound");
    assert!(success, "{says}");
    let lines: Vec<&str> = says.lines().collect();
    assert_eq!((lines[0], lines[1]), ("Signature Verified Successfully", lines[2]));
    assert_eq!(lines[4], format!("entry {received} stands in the tree under the checkpoint"));
    assert!(lines[5].contains("ada@example.com"), "{says}");
    let policy = run.profile("crm:17", None).entries.iter().find(|e| e.kind == Kind::Policy).unwrap().sequence.0;
    assert!(follow(&bytes, policy, "clear").0);
    let altered = with(&bytes, |files| files.get_mut(&format!("entries/{received}.logical")).unwrap()[0] ^= 1);
    assert!(!follow(&altered, received, "altered").0);
    let forged = with(&bytes, |files| files.get_mut("checkpoint").unwrap()[10] ^= 1);
    assert!(!follow(&forged, received, "forged").0);
}
