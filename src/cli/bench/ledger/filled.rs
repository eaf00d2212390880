//! A ledger full of received entries of one size, and what it cost to fill it.

use super::limit::Parts;
use crate::cli::bench::measure::{Cost, cost};
use crate::crypto::Keyring;
use crate::ledger::{Error, Ledger, Options, Payload, PolicyBundle, Position, Received, Standardized};
use crate::model::{AttributeId, Birth, CellKind, Epoch, FieldIndex, Fields, Order, SourceId, Timestamp};
use ring::rand::SystemRandom;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Entries between one sync and the next.
pub const SYNC_ENTRIES: u64 = 10_000;
/// Fields of a record.
const FIELDS: usize = 6;

/// Where a ledger is and what it takes to open it.
pub struct Site {
    dir: PathBuf,
    /// Its keys.
    pub keys: Keyring,
    /// The bundle in force.
    pub bundle: PolicyBundle,
}

impl Site {
    /// A place for a ledger.
    pub fn new(dir: &Path, keys: Keyring) -> Self {
        let bundle = PolicyBundle { name: "bench".into(), version: "1".into(), digest: [1; 32], files: Vec::new() };
        Self { dir: dir.to_owned(), keys, bundle }
    }

    /// Where the ledger is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins the ledger.
    pub fn create(&self) -> Result<Ledger, Error> {
        Ledger::create(&self.dir, &self.keys, &SystemRandom::new(), &self.bundle, 0, Options::default())
    }
}

/// A ledger that was filled and committed.
pub struct Filled {
    /// It.
    pub ledger: Ledger,
    /// Where the received entries are.
    pub places: Vec<Position>,
    /// Bytes of the segment files for each entry, on average.
    pub stored_bytes: u64,
    /// What appending cost, syncs and commit included.
    pub cost: Cost,
    /// What it could not cost less than.
    pub parts: Parts,
}

impl Filled {
    /// Appends so many entries. The parts of the limit are measured when half of them are in, so that whatever else the
    /// machine does meets both alike.
    pub fn fill(site: &Site, payload_bytes: usize, entries: u64, bytes_per_s: f64) -> anyhow::Result<Self> {
        let mut record = record(payload_bytes)?;
        let mut ledger = site.create()?;
        let mut places = Vec::with_capacity(usize::try_from(entries)?);
        let half = entries.div_ceil(2);
        let empty_bytes = size_bytes(&site.dir)?;
        let (done, first) = cost(|| append(&mut ledger, &mut record, 0..half, &mut places));
        done?;
        let stored_bytes = (size_bytes(&site.dir)? - empty_bytes) / half;
        let parts = Parts::measure(payload_bytes, stored_bytes, entries, bytes_per_s);
        let (done, second) = cost(|| {
            append(&mut ledger, &mut record, half..entries, &mut places)?;
            ledger.commit(Epoch(1))
        });
        done?;
        let cost = Cost { cpu: first.cpu + second.cpu, wall: first.wall + second.wall };
        Ok(Self { ledger, places, stored_bytes, cost, parts })
    }
}

/// Appends a record for each birth and makes them durable, ten thousand at a time.
fn append(
    ledger: &mut Ledger,
    record: &mut Received,
    births: Range<u64>,
    places: &mut Vec<Position>,
) -> Result<(), Error> {
    for birth in births {
        record.birth = Birth(birth);
        places.push(ledger.append(record)?.position);
        if birth % SYNC_ENTRIES == SYNC_ENTRIES - 1 {
            ledger.sync()?;
        }
    }
    ledger.sync()
}

/// Appends entries until they take so many bytes, but not more of them than `entries_max`; gives how many.
pub fn append_bytes(
    ledger: &mut Ledger,
    payload_bytes: usize,
    size_bytes: u64,
    entries_max: u64,
) -> anyhow::Result<u64> {
    let mut record = record(payload_bytes)?;
    let (mut entries, mut last, mut written) = (0, Position::default(), 0);
    while entries < entries_max && written < size_bytes {
        record.birth = Birth(entries);
        let position = ledger.append(&record)?.position;
        // What stands between two entries of one segment is the first of them; headers of segments do not count.
        if entries > 0 && position.segment() == last.segment() {
            written += u64::from(position.offset() - last.offset());
        }
        last = position;
        entries += 1;
    }
    ledger.sync()?;
    Ok(entries)
}

/// Bytes of all segments.
pub fn size_bytes(dir: &Path) -> std::io::Result<u64> {
    std::fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// A record whose payload has exactly this many bytes.
fn record(payload_bytes: usize) -> anyhow::Result<Received> {
    let empty = with_text(0);
    let text_bytes = payload_bytes.checked_sub(encoded_bytes(&empty)?);
    let record = with_text(text_bytes.ok_or_else(|| anyhow::anyhow!("no record is as small as that"))?);
    anyhow::ensure!(encoded_bytes(&record)? == payload_bytes, "the record has another size than was asked for");
    Ok(record)
}

/// A record with so many bytes of text in its fields.
fn with_text(text_bytes: usize) -> Received {
    let mut fields = Fields::default();
    let mut values = Standardized::default();
    for field in 0..FIELDS {
        let text = "x".repeat((text_bytes + field) / FIELDS);
        let field = u16::try_from(field).expect("there are six fields");
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

fn encoded_bytes<P: Payload>(payload: &P) -> Result<usize, Error> {
    let mut bytes = Vec::new();
    payload.write(&mut bytes)?;
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_size_that_is_printed() {
        for size in [121, 200, 1024, 60_000] {
            assert_eq!(encoded_bytes(&record(size).unwrap()).unwrap(), size);
        }
        assert!(record(20).is_err());
    }
}
