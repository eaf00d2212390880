//! What the ledger costs in CPU time: append, commit, verify, replay and single reads, beside SHA-256 alone over the
//! same bytes. `cargo bench --bench ledger [ENTRIES]`

use onefold::crypto::Keyring;
use onefold::ledger::{Entry, Error, Ledger, Options, PolicyBundle, Received, Standardized, verify};
use onefold::model::{AttributeId, Birth, CellKind, Epoch, FieldIndex, Fields, Order, SourceId, Timestamp};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The directory that is measured in; removed at the end.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Says how long `work` took for `count` things.
fn measure<T>(what: &str, count: u64, work: impl FnOnce() -> T) -> (T, f64) {
    let start = cpu();
    let done = work();
    let seconds = (cpu() - start).as_secs_f64();
    println!("{what:<34}{:>12.0} /CPU-s{:>10.0} ns each", count as f64 / seconds, seconds * 1e9 / count as f64);
    (done, seconds)
}

/// A record whose payload has about this many bytes.
fn record(size_bytes: usize) -> Received {
    let mut fields = Fields::default();
    let mut values = Standardized::default();
    for field in 0..6u16 {
        let text = "x".repeat(size_bytes.saturating_sub(130) / 6);
        fields.push(FieldIndex(field), CellKind::Text, &text);
        values.push(AttributeId(field), FieldIndex(field), &text, &fields);
    }
    Received {
        consent: false,
        birth: Birth(0),
        source: SourceId(1),
        live: true,
        order: Order::Log(1),
        at: Some(Timestamp(1)),
        key: "12345678".into(),
        fields,
        values,
        issues: Vec::new(),
    }
}

fn run(size_bytes: usize, entries: u64) -> Result<(), Error> {
    println!("\npayload of {size_bytes} bytes, {entries} entries");
    let root = Scratch(std::env::temp_dir().join(format!("onefold-bench-{}", std::process::id())));
    let rng = SystemRandom::new();
    let keys = Keyring::create_with_file(&root.0.join("keys"), &rng)?;
    let bundle = PolicyBundle { name: "b".into(), version: "1".into(), digest: [1; 32], files: Vec::new() };
    let dir = root.0.join("ledger");
    let mut ledger = Ledger::create(&dir, &keys, &rng, &bundle, 0, Options::default())?;
    let mut record = record(size_bytes);
    let mut places = Vec::new();
    let (state, _) = measure("append, sync every 10,000", entries, || {
        for birth in 0..entries {
            record.birth = Birth(birth);
            places.push(ledger.append(&record)?.position);
            if birth % 10_000 == 9_999 {
                ledger.sync()?;
            }
        }
        ledger.commit(Epoch(1))
    });
    let state = state?;
    let (report, verified) = measure("verify", entries, || verify(&dir, &[], |_| {}));
    let report = report?;
    let message = vec![7u8; (report.size_bytes / report.entries) as usize + 66];
    let (_, alone) = measure("SHA-256 of the leaves alone", entries, || {
        (0..entries).fold(0u8, |sum, _| sum ^ digest(&SHA256, std::hint::black_box(&message)).as_ref()[0])
    });
    println!("{:<34}{:>12.2} of SHA-256 alone, {} bytes an entry", "", alone / verified, report.size_bytes / entries);
    let mut seen = 0u64;
    let visit = |_: Entry| {
        seen += 1;
        Ok::<(), Error>(())
    };
    measure("replay, decrypted", entries, || ledger.replay(None, visit)).0?;
    let reads = entries.min(100_000);
    measure("read of one entry, decrypted", reads, || {
        (0..reads).try_for_each(|n| ledger.read(places[(n * 7_919 % entries) as usize]).map(|_| ()))
    })
    .0?;
    drop(ledger);
    let open = |resume| Ledger::open(&dir, &keys, &rng, &bundle, 0, resume, Options::default()).map(|_| ());
    measure("open from the start", entries, || open(None)).0?;
    measure("open from the last commit", 1, || open(Some(&state))).0?;
    Ok(())
}

fn main() -> Result<(), Error> {
    let entries = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(300_000);
    [200, 1_024].into_iter().try_for_each(|size_bytes| run(size_bytes, entries))
}
