//! Goal: no bytes make a decoder panic, leave half a message behind or carry over to the next one. Method: truncation at
//! every length, random bytes, and mutations of valid lines.

use super::*;
use proptest::prelude::*;

const LINES: [(SourceId, &str); 7] = [
    (
        CRM,
        r#"{"before":{"id":1},"after":{"id":2,"email":"a\u00e9@x","first_name":null,"nested":{"city":"Köln"}},"source":{"lsn":3,"file":"b.01","pos":4,"ts_ms":5},"op":"u","ts_ms":6}"#,
    ),
    (
        CRM,
        r#"{"schema":{"name":"x"},"payload":{"id":2,"email":"__debezium_unavailable_value","__deleted":"true","__lsn":4}}"#,
    ),
    (
        WEB,
        r#"{"type":"identify","messageId":"m","userId":"u","timestamp":"2025-01-01T00:00:00.5+01:00","traits":{"email":"e","address":{"city":"c"}},"context":{"consent":{"categoryPreferences":{"Advertising":true}}}}"#,
    ),
    (
        EVENTS,
        r#"{"specversion":"1.0","id":"e","source":"s","type":"x.deleted","subject":"k","time":"2025-01-01T00:00:00Z","data_base64":"eyJpZCI6MX0="}"#,
    ),
    (
        MAXWELL,
        r#"{"type":"update","ts":3,"position":"m.01:5","data":{"id":1,"region":"r","email":"e"},"old":{"id":0}}"#,
    ),
    (PEOPLE, r#"{"id":1,"email":"\ud834\udd1e","seen":1735689694.5,"version":3,"nested":{"city":[1,{"a":2}]}}"#),
    (TRAITS, r#"{"type":"alias","userId":"u","previousId":null,"traits":{"address":null}}"#),
];

#[test]
fn truncated_lines_are_refused_at_every_length() {
    for (source, line) in LINES {
        for size in 1..line.len() {
            assert!(
                decoded(source, &line.as_bytes()[..size]).starts_with("refused"),
                "{}",
                String::from_utf8_lossy(&line.as_bytes()[..size])
            );
        }
        assert!(!decoded(source, line).starts_with("refused"), "{line}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let schema = schema();
        for source in 0..schema.sources.len() {
            let mut out = Vec::new();
            let mut decoder = Decoder::new(&schema, SourceId(u16::try_from(source).unwrap()));
            if decoder.decode(&bytes, &mut out).is_err() {
                prop_assert!(out.is_empty());
            }
            let _ = decoder.decode_keyed(&bytes, Some(&bytes), &mut out);
        }
        read_all(&schema, None, bytes.clone());
        let mut csv = b"id,email,full name,seen,version\n".to_vec();
        csv.extend(&bytes);
        read_all(&schema, Some(COLUMNS), csv);
        if let Ok(mut feed) = Feed::reader(&schema, Some(COLUMNS), "stdin", Box::new(std::io::Cursor::new(bytes))) {
            drain(&mut feed);
        }
    }

    /// A mutated line gives the same whether or not the decoder has seen the line before, alone or in a mixed stream.
    #[test]
    fn mutated_lines_never_panic_and_depend_on_nothing_before_them(
        which in 0..LINES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4), 1..6),
    ) {
        let (schema, (source, line)) = (schema(), LINES[which]);
        let mut bytes = line.as_bytes().to_vec();
        for (at, byte, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"{}[]\",:\\ 0n"[usize::from(byte) % 11]),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => { let tail = bytes[at..].to_vec(); bytes.extend(tail.iter().take(usize::from(byte))); }
            }
        }
        let (mut fresh, mut after, mut mixed) = (Vec::new(), Vec::new(), Vec::new());
        let first = Decoder::new(&schema, source).decode(&bytes, &mut fresh);
        let mut seasoned = Decoder::new(&schema, source);
        seasoned.decode(line.as_bytes(), &mut after).unwrap();
        after.clear();
        prop_assert_eq!(&first, &seasoned.decode(&bytes, &mut after));
        prop_assert_eq!(&fresh, &after);
        if first.is_ok() && !bytes.starts_with(b"null") {
            let name = &schema.sources[usize::from(source.0)].name;
            let wrapped = [b"{\"source\":\"", name.as_bytes(), b"\",\"event\":", &bytes, b"}"].concat();
            MixedDecoder::new(&schema).decode(&wrapped, &mut mixed).unwrap();
            prop_assert_eq!(&fresh, &mixed);
        }
    }
}
