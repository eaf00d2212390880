//! Onefold as a library: open a data directory, push changes, commit an epoch, read and explain a profile, and be told
//! what each epoch changed. Run it with `cargo run --example embed`.

use onefold::pipeline::{Access, InitOptions, Onefold};
use onefold::policy::{self, Bundle};
use onefold::sources::Decoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("onefold-embed-{}", std::process::id()));
    let bundle = Bundle::compile(policy::retail())?;
    let mut onefold = Onefold::init(&folder, bundle, InitOptions::default())?;

    // Be told which profiles an epoch changed, once it is durable and visible.
    onefold.subscribe(|epoch| println!("epoch {} changed {} profiles", epoch.epoch, epoch.profiles.len()));

    // Two systems, each with a piece of the same person.
    let crm = onefold.schema().source("crm").ok_or("the bundle has a CRM")?;
    let web = onefold.schema().source("web").ok_or("the bundle has web events")?;
    let row = r#"{"op":"c","after":{"id":"7","email":"Ada@Example.com","first_name":"ADA","last_name":"Lovelace"},
        "before":null,"source":{"connector":"postgresql","lsn":1,"ts_ms":1735689600000},"ts_ms":1735689600000}"#;
    let call = r#"{"type":"identify","messageId":"m1","timestamp":"2025-01-02T00:00:00Z","anonymousId":"d1",
        "traits":{"email":"ada@example.com","phone":"+353851234567"}}"#;
    let mut changes = Vec::new();
    Decoder::new(onefold.schema(), crm).decode(row.as_bytes(), &mut changes)?;
    Decoder::new(onefold.schema(), web).decode(call.as_bytes(), &mut changes)?;
    for change in &changes {
        onefold.push(change)?;
    }
    onefold.commit()?;

    // One profile, each value with its origin.
    let reader = onefold.read_as(&Access::inspection("example"))?;
    let root = reader.profiles_of("email:ada@example.com")?[0];
    for explanation in reader.explain(root, None)? {
        let value = explanation.value;
        println!("{} = {}, from {}:{}", value.attribute, value.value, value.record.source, value.record.key);
    }
    let evidence = reader.why(reader.record("crm:7")?, reader.record("web:m1")?)?;
    for step in evidence.into_iter().flat_map(|evidence| evidence.steps) {
        println!("{} and {} share the {} {}", step.from.key, step.to.key, step.kind, step.value);
    }

    drop(onefold);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
