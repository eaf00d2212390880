//! Goal: each case of the shared collections decodes or is refused exactly as stated. Method: the cases one by one, with
//! their outcome written out; where the collections are absent, the tests say so and pass.

use super::*;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance")).join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

/// Decodes each case and prints the table of outcomes, which must be exactly `expected`.
fn check_collection(path: &str, expected: &[&str], decode: impl Fn(&str) -> String) {
    let Some(path) = shared(path) else { return };
    let lines = std::fs::read_to_string(path).unwrap();
    let mut outcomes = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let case: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let raw: std::collections::BTreeMap<&str, &serde_json::value::RawValue> = serde_json::from_str(line).unwrap();
        let outcome = decode(raw["event"].get());
        println!("{:>2} {:<16} {outcome}", index + 1, case["origin"].as_str().unwrap());
        outcomes.push(outcome);
    }
    assert_eq!(outcomes, expected);
}

#[test]
fn every_documented_debezium_event_has_its_outcome() {
    let mut documented = (*schema()).clone();
    documented.sources[0] =
        source("crm", Format::Debezium, &["id"], &[("first_name", 2), ("last_name", 3), ("email", 0)]);
    documented.sources.push(source("pk", Format::Debezium, &["pk"], &[("aa", 0)]));
    let documented = Arc::new(documented);
    let by_pk = SourceId(u16::try_from(documented.sources.len() - 1).unwrap());
    let no_event = "refused 25: not an event of the format: `payload.op` is missing or wrong";
    let key = "refused 21: the key of a message, without its value";
    let expected = [
        "upsert pk 2 time:1580390884335451 at:1580390884335451 aa=1",
        no_event,
        key,
        "upsert crm 1 log:24023128 at:1559033904863123 first_name=Anne last_name=Kretchmar email=annek@noanswer.org",
        "upsert crm 1 log:24023128 at:1559033904863769 first_name=Anne Marie last_name=Kretchmar email=annek@noanswer.org",
        "delete crm 1 log:46523128 at:1559033904863852",
        "refused 17: a truncate of the whole table, which says nothing of single records",
        "refused 18: a logical message, not a change of a row",
        key,
        "refused 19: a schema change, not a change of a row",
        "upsert pk 2 time:1580390884335472 at:1580390884335472 aa=1",
        no_event,
        key,
        "upsert crm 1004 log:3298534883482 at:1465491411815437 first_name=Anne last_name=Kretchmar email=annek@noanswer.org",
        "upsert crm 1004 log:3298534883812 at:1465581029100000 first_name=Anne Marie last_name=Kretchmar email=annek@noanswer.org",
        "delete crm 1004 log:3298534884133 at:1465581902300000",
        "refused 17: a truncate of the whole table, which says nothing of single records",
    ];
    check_collection("cdc_events/debezium.jsonl", &expected, |event| {
        let source = if event.contains("\"pk\"") { by_pk } else { CRM };
        let mut out = Vec::new();
        let done = Decoder::new(&documented, source).decode(event.as_bytes(), &mut out);
        outcome(&documented, done, &out)
    });
}

#[test]
fn every_documented_segment_call_has_its_outcome() {
    let no_key = "refused 8: the key `userId` is missing or null";
    let expected = [
        "patch traits 97980cfea0067 - at:- traits.email=peter@example.com userId=97980cfea0067 traits.name=Peter Gibbons",
        "patch traits 97980cfea0067 time:1424730535111000 at:1424730535111000 traits.email=peter@example.com userId=97980cfea0067 anonymousId=507f191e810c19729de860ea traits.name=Peter Gibbons traits.address.city=San Francisco",
        no_key,
        "patch traits AiUGstSDIg time:1449947461249000 at:1449947461249000 userId=AiUGstSDIg anonymousId=23adfd82-aa0f-45a7-a756-24f2a7a4c895",
        "patch traits AiUGstSDIg time:1449947461249000 at:1449947461249000 userId=AiUGstSDIg anonymousId=23adfd82-aa0f-45a7-a756-24f2a7a4c895",
        no_key,
        "patch traits 97980cfea0067 time:1424730535111000 at:1424730535111000 userId=97980cfea0067 anonymousId=507f191e810c19729de860ea",
        "patch traits 97980cfea0067 time:1449720511905000 at:1449720511905000 userId=97980cfea0067 anonymousId=507f191e810c19729de860ea",
        "patch traits 507f191e81 - at:- userId=507f191e81 previousId=jen@email.com",
        "patch traits 507f191e81 time:1424730535111000 at:1424730535111000 userId=507f191e81 anonymousId=507f191e810c19729de860ea previousId=39239-239239-239239-23923",
    ];
    check_collection("customer_events/segment.jsonl", &expected, |event| decoded(TRAITS, event));
}

/// The files of an uncompressed tar archive.
fn untar(mut archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    while let Some((header, rest)) = archive.split_first_chunk::<512>().filter(|(header, _)| header[0] != 0) {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range]).trim_end_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        if header[156] == b'0' || header[156] == 0 {
            files.push((text(0..100), rest[..size].to_vec()));
        }
        archive = &rest[size.next_multiple_of(512)..];
    }
    files
}

#[test]
fn json_documents_are_read_as_rfc_8259_says() {
    let Some(path) = shared("json_parsing/cases.tar.gz") else { return };
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut archive).unwrap();
    let (schema, mut counts) = (schema(), [0; 3]);
    for (name, document) in untar(&archive) {
        let case = name.rsplit('/').next().unwrap().to_owned();
        let decode = |message: &[u8]| {
            let mut out = Vec::new();
            let single = Decoder::new(&schema, PEOPLE).decode(message, &mut out);
            let keyed = Decoder::new(&schema, CRM).decode_keyed(message, None, &mut out);
            (single, keyed, MixedDecoder::new(&schema).decode(message, &mut out))
        };
        let (single, _, mixed) = decode(&document);
        // As a member that is dropped, and as one that is mapped.
        let inside = |member: &str| [format!("{{\"id\":1,\"{member}\":").as_bytes(), &document, b"}"].concat();
        let (dropped, _, _) = decode(&inside("other"));
        let (mapped, _, _) = decode(&inside("email"));
        let event = [b"{\"source\":\"people\",\"event\":", document.as_slice(), b"}"].concat();
        let (_, _, wrapped) = decode(&event);
        // Read as JSON, and at most refused for what it says: no object, no key, a null, no member that is needed.
        let at_json_level = |done: &Result<(), Refusal>| match done {
            Ok(()) => true,
            Err(refusal) => [5, 8, 16, 25].contains(&refusal.code()),
        };
        match case.as_bytes()[0] {
            b'y' => {
                counts[0] += 1;
                assert!(
                    at_json_level(&single) && at_json_level(&mixed) && at_json_level(&wrapped),
                    "{case}: {single:?} {mixed:?} {wrapped:?}"
                );
                assert!(dropped.is_ok() && mapped.is_ok(), "{case}: {dropped:?} {mapped:?}");
            }
            b'n' => {
                counts[1] += 1;
                // Wrapping can complete a document that is broken alone; the document alone is always refused.
                assert!(!at_json_level(&single) && !at_json_level(&mixed), "{case}: {single:?} {mixed:?}");
                if !case.starts_with("n_object_trailing_comment") {
                    assert!(
                        dropped.is_err() && mapped.is_err() && wrapped.is_err(),
                        "{case}: {dropped:?} {mapped:?} {wrapped:?}"
                    );
                }
            }
            _ => counts[2] += 1,
        }
    }
    println!("accepted, refused, either way: {counts:?}");
    assert!(counts.iter().all(|&count| count > 10), "{counts:?}");
}

#[test]
fn naughty_strings_come_out_byte_for_byte() {
    let Some(path) = shared("naughty_strings/blns.json") else { return };
    let strings: Vec<String> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(strings.len() > 500);
    let schema = schema();
    let mut decoder = Decoder::new(&schema, PEOPLE);
    let escaped = |text: &str| text.encode_utf16().fold(String::new(), |all, unit| format!("{all}\\u{unit:04x}"));
    let mut csv = String::from("id,email,full name,seen,version\n");
    for text in &strings {
        for written in [serde_json::to_string(text).unwrap(), format!("\"{}\"", escaped(text))] {
            let mut out = Vec::new();
            let line =
                format!(r#"{{"id":"k","email":{written},"first_name":{written},"nested":{{"city":{written}}}}}"#);
            decoder.decode(line.as_bytes(), &mut out).unwrap();
            let fields: Vec<_> = out[0].fields.iter().collect();
            let text = text.as_str();
            assert_eq!(
                fields,
                [
                    (FieldIndex(0), CellKind::Text, text),
                    (FieldIndex(1), CellKind::Text, text),
                    (FieldIndex(4), CellKind::Text, text)
                ]
            );
        }
        writeln!(csv, "k,x,\"{}\",,", text.replace('"', "\"\"")).unwrap();
    }
    let steps = read_all(&schema, Some(COLUMNS), csv.into_bytes());
    for (text, (change, _)) in strings.iter().zip(&steps) {
        assert_eq!(change[0].fields.get(FieldIndex(1)).map_or("", |(_, text)| text), text);
    }
    assert_eq!(steps.len(), strings.len());
}
