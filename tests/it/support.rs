//! What the tests of the whole engine share: a small bundle, events, directories, exports.

use onefold::model::Change;
use onefold::pipeline::{Access, Clock, InitOptions, Onefold, OpenOptions, Reader, Table};
use onefold::policy::Bundle;
use onefold::report::Format;
use onefold::sources::MixedDecoder;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// 2026-06-01T00:00:00Z.
pub const NOW: u32 = 1_780_272_000;
pub const DAY: u32 = 86_400;

/// A clock that the test sets.
#[derive(Clone)]
pub struct Hands(Arc<AtomicU32>);

impl Hands {
    pub fn new(now: u32) -> Self {
        Self(Arc::new(AtomicU32::new(now)))
    }

    pub fn set(&self, now: u32) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now_s(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A bundle of two Debezium tables, one list without order, and consents.
pub fn bundle() -> Bundle {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = vec![
        file(
            "decide.cedar",
            r#"
@id("consent") @law("Art. 6(1)(a) GDPR")
permit (principal, action, resource) when { context.valid };
@id("withdrawn") @law("Art. 7(3) GDPR")
forbid (principal, action, resource) when { context.withdrawn };
@id("objected") @law("Art. 21 GDPR")
forbid (principal, action, resource) when { context.objected };
@id("restricted") @law("Art. 18 GDPR")
forbid (principal, action, resource) when { context.restricted };
@id("kept") @law("Art. 5(1)(e) GDPR")
forbid (principal, action == Action::"use", resource) unless { context.retained };
"#,
        ),
        file("bundle.toml", "name = \"test\"\nversion = \"1\"\ndescription = \"for tests\"\n"),
        file(
            "sources.toml",
            r#"
[[source]]
name = "crm"
files = ["crm.ndjson"]
format = "debezium"
key = "id"
trust = 90
[source.fields]
email = "email"
phone = "phone"
account = "account_id"
given = "given_name"
family = "family_name"
city = "city"

[[source]]
name = "shop"
files = ["shop.ndjson"]
format = "debezium"
key = "id"
trust = 60
[source.fields]
email = "email"
account = "account_id"
family = "family_name"
city = "city"

[[source]]
name = "list"
files = ["list.ndjson"]
format = "ndjson"
key = "id"
trust = 30
[source.fields]
email = "email"
given = "given_name"
city = "city"

[[source]]
name = "consents"
files = ["consents.ndjson"]
format = "ndjson"
role = "consents"
key = "id"
[source.fields]
email = "email"
purpose = "consent.purpose"
status = "consent.status"
at = "consent.at"
until = "consent.expires_at"
"#,
        ),
        file(
            "identity.toml",
            r#"
[[identifier]]
attribute = "account_id"
priority = 100
records_max = 6
[[identifier]]
attribute = "email"
priority = 90
records_max = 4
[[identifier]]
attribute = "phone"
priority = 40
records_max = 3
"#,
        ),
        file(
            "survivorship.toml",
            "default = [\"recency\", \"trust\"]\n\n[[rule]]\nattribute = \"city\"\nprefer = [\"frequency\", \"trust\"]\n",
        ),
        file(
            "purposes.toml",
            r#"
[[purpose]]
name = "marketing"
dpv = "dpv:Marketing"
description = "Offers by e-mail."
basis = "consent"
categories = ["contact", "identity"]
recipients = ["us"]
"#,
        ),
    ];
    Bundle::compile(files).unwrap_or_else(|problems| panic!("the test bundle is broken:\n{problems}"))
}

/// A new data directory under the test bundle.
pub fn init(data: &Path) -> Onefold {
    Onefold::init(data, bundle(), InitOptions::default()).expect("a new data directory")
}

/// Opens a data directory again.
pub fn open(data: &Path) -> Onefold {
    patiently(|| Onefold::open(data, OpenOptions::default())).expect("the data directory opens again")
}

/// A Debezium event of a table at a log position.
pub fn event(source: &str, key: &str, row: Option<&Value>, lsn: u64) -> Value {
    let mut after = row.cloned().unwrap_or(Value::Null);
    if let Some(row) = after.as_object_mut() {
        row.insert("id".to_owned(), json!(key));
    }
    let before = if row.is_none() { json!({ "id": key }) } else { Value::Null };
    let ts = 1_700_000_000_000u64 + lsn * 1000;
    let op = if row.is_none() { "d" } else { "u" };
    json!({ "source": source, "event": {
        "before": before, "after": after, "op": op, "ts_ms": ts,
        "source": { "connector": "postgresql", "lsn": lsn, "ts_ms": ts, "table": source },
    }})
}

/// The changes of a mixed line.
pub fn changes(onefold: &Onefold, line: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    MixedDecoder::new(onefold.schema()).decode(line.to_string().as_bytes(), &mut changes).expect("a sound event");
    changes
}

/// Pushes a mixed line.
pub fn push(onefold: &mut Onefold, line: &Value) {
    for change in changes(onefold, line) {
        onefold.push(&change).expect("a change is taken or refused, never an error");
    }
}

/// Reads, values and all; recorded, as every read of a value is.
pub fn read(onefold: &Onefold) -> Reader<'_> {
    onefold.read_as(&Access::inspection("test")).expect("a reader")
}

/// A table as CSV bytes.
pub fn export(onefold: &Onefold, table: Table) -> String {
    let mut bytes = Vec::new();
    read(onefold).export(table, Format::Csv, None, &mut bytes).expect("an export");
    String::from_utf8(bytes).expect("exports are UTF-8")
}

/// Python 3 with this module, or `None` when it is not there; in CI that is a failure.
pub fn python(module: &str) -> Option<std::process::Command> {
    let imports = std::process::Command::new("python3").args(["-c", &format!("import {module}")]).output();
    if imports.is_ok_and(|ran| ran.status.success()) {
        return Some(std::process::Command::new("python3"));
    }
    assert!(std::env::var_os("CI").is_none(), "python3 with `{module}` is missing, and in CI nothing is skipped");
    eprintln!("SKIPPED: python3 with `{module}` is not there, so nothing was checked by another program");
    None
}

/// Says to a second run of this binary what it is for.
const AGAIN: &str = "ONEFOLD_TEST_AGAIN";

/// This test binary once more, for one test, which finds `what` with [`is_again`].
pub fn again(test: &str, what: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(AGAIN, what);
    command
}

/// What this second run is for; `None` in the first.
pub fn is_again() -> Option<String> {
    std::env::var(AGAIN).ok()
}

/// Does it again for as long as the directory is in use. A process that another test is just starting has all open files,
/// locks among them, until it is another program.
pub fn patiently<T>(
    mut open: impl FnMut() -> Result<T, onefold::pipeline::Error>,
) -> Result<T, onefold::pipeline::Error> {
    use onefold::pipeline::Error as Busy;
    for _ in 0..100_000 {
        match open() {
            Err(Busy::InUse { .. } | Busy::Index(onefold::store::Error::Locked)) => std::thread::yield_now(),
            opened => return opened,
        }
    }
    open()
}

/// Removes a folder, which a thread that is about to end may still be writing to.
pub fn remove_patiently(folder: &std::path::Path) {
    while std::fs::remove_dir_all(folder).is_err() && folder.exists() {
        std::thread::yield_now();
    }
}
