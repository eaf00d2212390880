//! Goal: every form in which changes arrive decodes to the right change or is refused for a stated reason, and no input
//! can make a decoder panic, lose a message or come out altered. Method: here, tables of hand-made messages for each
//! format with their exact outcome; the collections, files and hostile input have files of their own.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod conformance;
mod feeds;
mod hostile;

use onefold::model::*;
use onefold::sources::*;
use std::fmt::Write as _;
use std::io::Read;
use std::sync::Arc;

const CRM: SourceId = SourceId(0);
const WEB: SourceId = SourceId(1);
const CONSENTS: SourceId = SourceId(2);
const EVENTS: SourceId = SourceId(3);
const MAXWELL: SourceId = SourceId(4);
const PEOPLE: SourceId = SourceId(5);
const COLUMNS: SourceId = SourceId(6);
const TRAITS: SourceId = SourceId(8);

fn source(name: &str, format: Format, key: &[&str], fields: &[(&str, u16)]) -> Source {
    let field = |&(path, attribute): &(&str, u16)| SourceField {
        path: path.to_owned(),
        role: FieldRole::Attribute(AttributeId(attribute)),
    };
    Source {
        name: name.to_owned(),
        files: Vec::new(),
        format,
        role: Role::People,
        key: key.iter().map(|&path| path.to_owned()).collect(),
        accumulate: false,
        time: None,
        order: None,
        trust: 50,
        trust_half_life_days: None,
        region: None,
        single: false,
        fields: fields.iter().map(field).collect(),
        embedded_consents: None,
    }
}

/// One source of each format; attribute 0 is the e-mail, 1 the account.
fn schema() -> Arc<Schema> {
    let row = [("email", 0), ("first_name", 2), ("last_name", 3), ("account", 1), ("nested.city", 4)];
    let traits = [
        ("traits.email", 0),
        ("userId", 1),
        ("anonymousId", 5),
        ("traits.name", 2),
        ("traits.address.city", 4),
        ("previousId", 6),
        ("properties.value", 7),
    ];
    let web = Source {
        embedded_consents: Some(EmbeddedConsents {
            into: CONSENTS,
            categories: vec![
                ("Advertising".into(), PurposeId(1)),
                ("Analytics".into(), PurposeId(0)),
                ("ad.social".into(), PurposeId(1)),
            ],
        }),
        ..source("web", Format::Segment, &["messageId"], &traits)
    };
    let mut consents = source("consents", Format::Ndjson, &["id"], &[("subject.email", 0), ("subject.account", 1)]);
    consents.time = Some("at".into());
    for (path, field) in [
        ("purpose", ConsentField::Purpose),
        ("status", ConsentField::Status),
        ("at", ConsentField::At),
        ("collected_by", ConsentField::CollectedBy),
        ("notice", ConsentField::Notice),
    ] {
        consents.fields.push(SourceField { path: path.into(), role: FieldRole::Consent(field) });
    }
    let timed = |source| Source { time: Some("seen".into()), order: Some("version".into()), ..source };
    let purpose = |name: &str| Purpose {
        name: name.into(),
        dpv: String::new(),
        description: String::new(),
        categories: Vec::new(),
        recipients: Vec::new(),
        retention_days: None,
        category_retention_days: Vec::new(),
        basis: onefold::model::Basis::Consent,
    };
    Arc::new(Schema {
        sources: vec![
            source("crm", Format::Debezium, &["id"], &row),
            web,
            consents,
            source("events", Format::CloudEvents, &["id"], &row),
            source("maxwell", Format::Maxwell, &["id", "region"], &row),
            timed(source("people", Format::Ndjson, &["id"], &row)),
            timed(source("columns", Format::Csv, &["id"], &[("email", 0), ("full name", 2)])),
            source(
                "parquet",
                Format::Parquet,
                &["id"],
                &[("email", 0), ("address.city", 4), ("born", 2), ("seen", 3), ("spent", 5), ("tags", 6)],
            ),
            Source { accumulate: true, ..source("traits", Format::Segment, &["userId", "anonymousId"], &traits) },
        ],
        purposes: vec![purpose("analytics"), purpose("marketing")],
        ..Schema::default()
    })
}

/// Changes as text, one a line: operation, key, order, time in microseconds, fields.
fn show(schema: &Schema, changes: &[Change]) -> String {
    let mut shown = String::new();
    for change in changes {
        let operation = match change.operation {
            Operation::Upsert => "upsert",
            Operation::Patch => "patch",
            Operation::Delete => "delete",
        };
        let spec = &schema.sources[usize::from(change.source.0)];
        write!(shown, "{operation} {} {}", spec.name, change.key.replace('\u{1f}', "|")).unwrap();
        match change.order {
            Order::Arrival => shown.push_str(" -"),
            Order::Log(position) => write!(shown, " log:{position}").unwrap(),
            Order::Time(at) => write!(shown, " time:{at}").unwrap(),
        }
        write!(shown, " at:{}", change.at.map_or("-".to_owned(), |at| at.0.to_string())).unwrap();
        for (field, kind, text) in change.fields.iter() {
            let mark = match kind {
                CellKind::Text => "",
                CellKind::Number => "#",
                CellKind::Boolean => "?",
                CellKind::Json => "json:",
                CellKind::Null => "null",
                CellKind::Unavailable => "unavailable",
            };
            write!(shown, " {}={mark}{text}", spec.fields[usize::from(field.0)].path).unwrap();
        }
        shown.push('\n');
    }
    shown.trim_end().to_owned()
}

fn outcome(schema: &Schema, done: Result<(), Refusal>, changes: &[Change]) -> String {
    match done {
        Ok(()) => show(schema, changes),
        Err(refusal) => {
            assert!(changes.is_empty(), "a refusal leaves nothing behind");
            format!("refused {}: {refusal}", refusal.code())
        }
    }
}

fn decoded(source: SourceId, message: impl AsRef<[u8]>) -> String {
    let (schema, mut out) = (schema(), Vec::new());
    let done = Decoder::new(&schema, source).decode(message.as_ref(), &mut out);
    outcome(&schema, done, &out)
}

#[track_caller]
fn check(source: SourceId, message: &str, expected: &str) {
    assert_eq!(decoded(source, message), expected, "{message}");
}

#[test]
fn debezium_envelopes() {
    let event = |op: &str, before: &str, after: &str, source: &str| {
        format!(r#"{{"before":{before},"after":{after},"source":{source},"op":"{op}","ts_ms":5}}"#)
    };
    let anna = r#"{"id":7,"email":"a@x.example"}"#;
    check(CRM, &event("r", "null", anna, r#"{"lsn":"12"}"#), "upsert crm 7 log:12 at:5000 email=a@x.example");
    check(
        CRM,
        &event("u", r#"{"id":6}"#, anna, r#"{"lsn":12}"#),
        "delete crm 6 log:12 at:5000\nupsert crm 7 log:12 at:5000 email=a@x.example",
    );
    check(
        CRM,
        &event("u", r#"{"id":"7","email":"old"}"#, anna, "{}"),
        "upsert crm 7 time:5000 at:5000 email=a@x.example",
    );
    check(CRM, &event("u", r#"{"id":null}"#, anna, "null"), "upsert crm 7 time:5000 at:5000 email=a@x.example");
    check(CRM, &event("d", "null", "null", "{}"), "refused 15: a delete without a key");
    check(CRM, &event("u", "null", "null", "{}"), "refused 14: the event has no row");
    check(CRM, &event("x", "null", anna, "{}"), "refused 24: `op` names no operation that is known");
    check(
        CRM,
        &event("c", "null", r#"{"id":{"a":1}}"#, "{}"),
        "refused 9: the key `after.id` is not a text, number or boolean with at least one character",
    );
    check(CRM, &event("c", "null", r#"{"email":"x"}"#, "{}"), "refused 8: the key `after.id` is missing or null");
    check(
        CRM,
        &event("c", "null", r#"{"id":1,"email":"x","email":"y"}"#, "{}"),
        "refused 6: `after.email` stands twice",
    );
    check(
        CRM,
        &event("c", "null", r#"{"id":1,"em\u0061il":"x","other":1,"other":2}"#, "{}"),
        "upsert crm 1 time:5000 at:5000 email=x",
    );
    check(
        CRM,
        &event("c", "null", anna, r#"{"file":"mysql-bin.16777216","pos":4}"#),
        "refused 13: `source.file` does not order changes: it is neither a whole number nor a time",
    );
    check(
        CRM,
        &event("c", "null", anna, r#"{"file":"","pos":0,"lsn":null}"#),
        "upsert crm 7 time:5000 at:5000 email=a@x.example",
    );
    check(
        CRM,
        &event("c", "null", anna, r#"{"lsn":-1}"#),
        "refused 13: `source.lsn` does not order changes: it is neither a whole number nor a time",
    );
    check(CRM, &event("c", "null", anna, r#"{"ts_ms":"noon"}"#), "refused 12: `source.ts_ms` is not a time");
    check(
        CRM,
        &event(
            "u",
            "null",
            r#"{"id":7,"email":"__debezium_unavailable_value","first_name":["__debezium_unavailable_value"],"last_name":null,"account":12345678901234567890123,"nested":{"city":true}}"#,
            "{}",
        ),
        "upsert crm 7 time:5000 at:5000 email=unavailable first_name=unavailable account=#12345678901234567890123 nested.city=?true",
    );
    check(
        CRM,
        r#"{"status":"BEGIN","id":"571:53195832","ts_ms":1,"event_count":null,"data_collections":null}"#,
        "refused 20: transaction metadata, not a change of a row",
    );
    check(
        CRM,
        r#"{"schema":{"name":"x.Heartbeat"},"payload":{"ts_ms":1}}"#,
        "refused 23: a heartbeat, not a change of a row".replace("23", "22").as_str(),
    );
    check(CRM, r#"{"schema":null,"payload":null}"#, "refused 16: a tombstone without its key");
    check(CRM, "", "refused 16: a tombstone without its key");
    check(CRM, "[1]", "refused 5: not a JSON object");
}

#[test]
fn debezium_flattened() {
    let row = r#""id":7,"email":"a@x.example","before":"no","source":"shop""#;
    check(CRM, &format!("{{{row}}}"), "upsert crm 7 - at:- email=a@x.example");
    check(
        CRM,
        &format!(r#"{{{row},"__deleted":"false","__op":"u","__lsn":9,"__source_ts_ms":3}}"#),
        "upsert crm 7 log:9 at:3000 email=a@x.example",
    );
    check(CRM, &format!(r#"{{{row},"__deleted":"true","__source_ts_ms":"3"}}"#), "delete crm 7 time:3000 at:3000");
    check(CRM, r#"{"schema":{},"payload":{"id":7,"__deleted":true}}"#, "delete crm 7 - at:-");
    check(CRM, &format!(r#"{{{row},"__op":"d"}}"#), "delete crm 7 - at:-");
    check(
        CRM,
        &format!(r#"{{{row},"__op":"t"}}"#),
        "refused 17: a truncate of the whole table, which says nothing of single records",
    );
    check(CRM, r#"{"id":7,"email":"e","payload":{"id":8}}"#, "upsert crm 7 - at:- email=e");
    check(CRM, r#"{"id":7}"#, "refused 21: the key of a message, without its value");
    check(
        CRM,
        r#"{"schema":{"name":"t.Key"},"payload":{"id":7,"email":"a"}}"#,
        "refused 21: the key of a message, without its value",
    );
}

#[test]
fn keys_beside_messages_name_what_is_deleted() {
    let (schema, mut out) = (schema(), Vec::new());
    let mut decoder = Decoder::new(&schema, CRM);
    let mut check = |key: &str, value: Option<&str>, expected: &str| {
        out.clear();
        let done = decoder.decode_keyed(key.as_bytes(), value.map(str::as_bytes), &mut out);
        assert_eq!(outcome(&schema, done, &out), expected, "{key} {value:?}");
    };
    check(r#"{"id":7}"#, None, "delete crm 7 - at:-");
    check(r#"{"schema":{},"payload":{"id":"7"}}"#, Some(""), "delete crm 7 - at:-");
    check("7", Some("null"), "delete crm 7 - at:-");
    check(r#""a\"b""#, Some(r#"{"schema":null,"payload":null}"#), "delete crm a\"b - at:-");
    check(
        r#"{"id":7}"#,
        Some(r#"{"op":"d","before":null,"after":null,"source":{"lsn":3}}"#),
        "delete crm 7 log:3 at:-",
    );
    check(r#"{"id":8}"#, Some(r#"{"op":"d","before":{"id":7},"after":null}"#), "delete crm 7 - at:-");
    check(r#"{"id":8}"#, Some(r#"{"op":"c","after":{"id":7}}"#), "upsert crm 7 - at:-");
    check(r#"{"other":8}"#, None, "refused 8: the key `id` is missing or null");
    check("{", None, "refused 3: not valid JSON at byte 1");
    check("", None, "refused 16: a tombstone without its key");
}

#[test]
fn segment_calls() {
    let long = format!(r#"{{"type":"track","messageId":"{}"}}"#, "k".repeat(1_025));
    check(
        WEB,
        r#"{"type":"screen","messageId":"m1","timestamp":"1970-01-01T00:00:01Z","properties":{"value":1.50}}"#,
        "upsert web m1 time:1000000 at:1000000 properties.value=#1.50",
    );
    check(WEB, r#"{"type":"group","messageId":"m1","traits":null,"userId":null}"#, "upsert web m1 - at:-");
    check(
        WEB,
        r#"{"type":"track","messageId":"m1","timestamp":null,"sentAt":"1970-01-01 00:00:02","receivedAt":"x"}"#,
        "upsert web m1 time:2000000 at:2000000",
    );
    check(WEB, r#"{"type":"track","messageId":"m1","timestamp":"yesterday"}"#, "refused 12: `timestamp` is not a time");
    check(WEB, r#"{"type":"delete","messageId":"m1"}"#, "refused 24: `type` names no operation that is known");
    check(WEB, r#"{"messageId":"m1"}"#, "refused 25: not an event of the format: `type` is missing or wrong");
    check(
        WEB,
        r#"{"type":"track","messageId":""}"#,
        "refused 9: the key `messageId` is not a text, number or boolean with at least one character",
    );
    check(
        WEB,
        r#"{"type":"track","messageId":"a\u001fb"}"#,
        "refused 11: the key `messageId` holds the separator U+001F",
    );
    check(WEB, &long, "refused 10: the key with `messageId` is longer than 1,024 bytes");
    check(
        WEB,
        r#"{"type":"identify","messageId":"m1","traits":{"email":"\ud800"}}"#,
        "refused 7: `traits.email` holds half of a surrogate pair",
    );
    check(
        TRAITS,
        r#"{"type":"identify","anonymousId":"dev","traits":{"email":null,"name":"A","address":null}}"#,
        "patch traits dev - at:- traits.email=null anonymousId=dev traits.name=A traits.address.city=null",
    );
    check(
        TRAITS,
        r#"{"type":"identify","userId":"u","anonymousId":"dev","traits":null}"#,
        "patch traits u - at:- userId=u anonymousId=dev",
    );
}

#[test]
fn segment_consents_become_records_of_the_consent_source() {
    let call = |preferences: &str, rest: &str| {
        format!(
            r#"{{"type":"track","messageId":"m1","userId":"u","timestamp":"1970-01-01T00:00:01Z","context":{{"consent":{{"categoryPreferences":{preferences}}}}}{rest}}}"#
        )
    };
    let own = "upsert web m1 time:1000000 at:1000000 userId=u";
    let consent = |purpose: &str, status: &str| {
        format!(
            "\nupsert consents web|m1|{purpose} time:1000000 at:1000000 subject.account=u purpose={purpose} status={status} at=1970-01-01T00:00:01Z collected_by=web"
        )
    };
    check(
        WEB,
        &call(r#"{"Advertising":true,"Analytics":false,"Other":"x"}"#, ""),
        &format!("{own}{}{}", consent("analytics", "withdrawn"), consent("marketing", "given")),
    );
    check(
        WEB,
        &call(r#"{"Advertising":true,"ad.social":false}"#, ""),
        &format!("{own}{}", consent("marketing", "withdrawn")),
    );
    check(WEB, &call("{}", ""), own);
    check(WEB, &call("null", ""), own);
    check(
        WEB,
        &call(r#"{"Analytics":"yes"}"#, ""),
        "refused 27: the consent preference `context.consent.categoryPreferences.Analytics` is neither true nor false",
    );
}

#[test]
fn cloud_events() {
    let event = |rest: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"e1","source":"/s","type":"person.changed","time":"1970-01-01T00:00:01Z"{rest}}}"#
        )
    };
    check(EVENTS, &event(r#","data":{"id":1,"email":"e"}"#), "upsert events 1 time:1000000 at:1000000 email=e");
    check(
        EVENTS,
        &event(r#","data_base64":"eyJpZCI6MSwiZW1haWwiOiJlIn0=""#),
        "upsert events 1 time:1000000 at:1000000 email=e",
    );
    check(EVENTS, &event(r#","data_base64":"%%""#), "refused 26: `data_base64` is not base64");
    check(EVENTS, &event(r#","data_base64":"AAAA""#), "refused 3: not valid JSON at byte 0");
    check(EVENTS, &event(r#","data":"id=1""#), "refused 14: the event has no row");
    check(
        EVENTS,
        &event("").replace("changed", "Deleted").replace("\"id\"", "\"subject\":\"9\",\"id\""),
        "delete events 9 time:1000000 at:1000000",
    );
    check(
        EVENTS,
        &event(r#","data":{"id":1,"email":"e"}"#).replace("changed", "removed"),
        "delete events 1 time:1000000 at:1000000",
    );
    check(
        EVENTS,
        r#"{"id":1,"email":"e"}"#,
        "refused 25: not an event of the format: `specversion` is missing or wrong",
    );
    check(
        EVENTS,
        &event("").replace("1.0", "0.3"),
        "refused 25: not an event of the format: `specversion` is missing or wrong",
    );
    check(EVENTS, &event("").replace("1970-01-01T00:00:01Z", "soon"), "refused 12: `time` is not a time");
}

#[test]
fn maxwell_messages() {
    let event = |kind: &str, rest: &str| {
        format!(
            r#"{{"database":"d","table":"t","type":"{kind}","ts":3,"xid":9,"position":"master.000006:800911","data":{{"id":1,"region":"eu","email":"e"}}{rest}}}"#
        )
    };
    let place = format!("log:{} at:3000000", 6u64 << 40 | 800_911);
    check(MAXWELL, &event("insert", ""), &format!("upsert maxwell 1|eu {place} email=e"));
    check(
        MAXWELL,
        &event("bootstrap-insert", "").replace(r#""position":"master.000006:800911","#, ""),
        "upsert maxwell 1|eu time:3000000 at:3000000 email=e",
    );
    check(MAXWELL, &event("update", r#","old":{"email":"x"}"#), &format!("upsert maxwell 1|eu {place} email=e"));
    check(
        MAXWELL,
        &event("update", r#","old":{"region":"us"}"#),
        &format!("delete maxwell 1|us {place}\nupsert maxwell 1|eu {place} email=e"),
    );
    check(MAXWELL, &event("delete", ""), &format!("delete maxwell 1|eu {place}"));
    check(MAXWELL, &event("bootstrap-start", ""), "refused 23: a marker of the connector, not a change of a row");
    check(MAXWELL, &event("table-alter", ""), "refused 19: a schema change, not a change of a row");
    check(MAXWELL, r#"{"type":"insert","ts":1}"#, "refused 14: the event has no row");
}

#[test]
fn plain_rows() {
    check(
        PEOPLE,
        r#"{"id":true,"email":"e","seen":1735689694,"version":"4"}"#,
        "upsert people true log:4 at:1735689694000000 email=e",
    );
    check(
        PEOPLE,
        r#"{"id":1,"nested":{"city":["a"]},"seen":"1970-01-01","version":null}"#,
        "upsert people 1 time:0 at:0 nested.city=json:[\"a\"]",
    );
    check(PEOPLE, r#"{"id":1,"nested":"flat","seen":null,"email":1e999}"#, "upsert people 1 - at:- email=#1e999");
    check(PEOPLE, r#"{"id":1,"seen":"never"}"#, "refused 12: `seen` is not a time");
    check(PEOPLE, r#"{"id":1,"seen":{}}"#, "refused 12: `seen` is not a time");
    check(
        PEOPLE,
        r#"{"id":1,"version":1.5}"#,
        "refused 13: `version` does not order changes: it is neither a whole number nor a time",
    );
    check(PEOPLE, "\u{feff}{\"id\":1}\r", "upsert people 1 - at:-");
    check(PEOPLE, "{\"id\":\"\u{0}\"}", "refused 3: not valid JSON at byte 7");
    check(PEOPLE, r#"{"id":"\u0000"}"#, "upsert people \0 - at:-");
    assert_eq!(decoded(PEOPLE, b"{\"id\":\"\xff\"}"), "refused 2: not UTF-8 at byte 7");
    let bomb =
        |ignored: &str, depth: usize| format!("{{\"id\":1,\"{ignored}\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    for member in ["other", "email", "nested"] {
        assert!(decoded(PEOPLE, bomb(member, 63)).starts_with("upsert people 1"));
        assert_eq!(decoded(PEOPLE, bomb(member, 64)), "refused 4: nested deeper than 64 levels");
        assert_eq!(decoded(PEOPLE, bomb(member, 100_000)), "refused 4: nested deeper than 64 levels");
    }
    assert_eq!(
        decoded(PEOPLE, vec![b' '; MESSAGE_BYTES_MAX + 1]),
        "refused 1: longer than the 1048576 bytes that a message may have"
    );
}

#[test]
fn mixed_lines() {
    let (schema, mut out) = (schema(), Vec::new());
    let mut decoder = MixedDecoder::new(&schema);
    let mut check = |line: &str, source: Option<SourceId>, expected: &str| {
        out.clear();
        let done = decoder.decode(line.as_bytes(), &mut out);
        assert_eq!(outcome(&schema, done, &out), expected, "{line}");
        assert_eq!(decoder.source(), source, "{line}");
    };
    check(r#"{"source":"people","event":{"id":1,"email":"e"}}"#, Some(PEOPLE), "upsert people 1 - at:- email=e");
    check(
        r#"{"event":{"id":1,"email":"e"},"more":[{}],"source":"peo\u0070le"}"#,
        Some(PEOPLE),
        "upsert people 1 - at:- email=e",
    );
    check(
        r#"{"source":"columns","event":{"id":1,"email":"","full name":"A B"}}"#,
        Some(COLUMNS),
        "upsert columns 1 - at:- full name=A B",
    );
    check(r#"{"source":"crm","key":{"id":4},"event":null}"#, Some(CRM), "delete crm 4 - at:-");
    check(r#"{"source":"crm","key":"4","event":null}"#, Some(CRM), "delete crm 4 - at:-");
    check(r#"{"source":"crm","event":null}"#, Some(CRM), "refused 16: a tombstone without its key");
    check(r#"{"source":"crm","event":{"op":"d","before":{},"after":null},"key":5}"#, Some(CRM), "delete crm 5 - at:-");
    check(r#"{"source":"crn","event":{}}"#, None, "refused 28: the bundle has no source `crn`");
    check(r#"{"event":{}}"#, None, "refused 25: not an event of the format: `source` is missing or wrong");
    check(r#"{"source":"crm"}"#, Some(CRM), "refused 25: not an event of the format: `event` is missing or wrong");
    check(r#"{"source":"crm","source":"web","event":{}}"#, Some(CRM), "refused 6: `source` stands twice");
    check(r#"{"source":"people","event":{"id":1},"event":{"id":2}}"#, Some(PEOPLE), "refused 6: `event` stands twice");
    check(r#"{"source":"people","event":{"id":1}"#, Some(PEOPLE), "refused 3: not valid JSON at byte 35");
    check(r#"{"source":"people","event":"{\"id\":1}"}"#, Some(PEOPLE), "refused 5: not a JSON object");
    check("3", None, "refused 5: not a JSON object");
}

type Taken = (Vec<Change>, Option<(Refusal, Vec<u8>, u64, bool, [u8; 32])>);

/// Every step of a stream that gives as little as it likes at a time.
fn read_all(schema: &Arc<Schema>, source: Option<SourceId>, bytes: Vec<u8>) -> Vec<Taken> {
    let mut feed = Feed::reader(schema, source, "stdin", Box::new(Drip(std::io::Cursor::new(bytes), 0))).unwrap();
    drain(&mut feed)
}

fn drain(feed: &mut Feed) -> Vec<Taken> {
    let mut steps = Vec::new();
    loop {
        let mut out = Vec::new();
        let Some(step) = feed.next(&mut out).unwrap() else { return steps };
        let refused = step.refused.map(|r| (r.reason, r.raw.to_vec(), r.size_bytes, r.whole, r.sha256));
        assert_eq!(refused.is_some(), out.is_empty());
        steps.push((out, refused));
    }
}

/// Gives its bytes in pieces of changing size.
struct Drip(std::io::Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        let most = [1, 70_000, 3, 8_192, 1_000_000][self.1 % 5].min(into.len());
        self.0.read(&mut into[..most])
    }
}
