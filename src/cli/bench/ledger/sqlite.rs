//! What one would write instead of the ledger in an afternoon: a table in SQLite whose rows are chained by hashes.
//!
//! It is not encrypted, has no tree, and whoever can write the file can write the chain anew: it is here for its speed.
//! The write-ahead log with `synchronous = FULL` makes every transaction durable, as a sync of the ledger does.

use super::filled::SYNC_ENTRIES;
use crate::cli::bench::measure::{Cost, cost};
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, params};
use std::path::Path;

/// Appends so many rows, ten thousand to a transaction, then computes every hash again; what each cost.
pub fn measure(folder: &Path, payload_bytes: usize, entries: u64) -> anyhow::Result<(Cost, Cost)> {
    std::fs::create_dir_all(folder)?;
    let mut database = Connection::open(folder.join("chain.db"))?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "full")?;
    database.execute("create table entry (seq integer primary key, payload blob, prev blob, hash blob)", [])?;
    let (head, appended) = cost(|| append(&mut database, payload_bytes, entries));
    let (found, scanned) = cost(|| verify(&database, entries));
    anyhow::ensure!(head? == found?, "the chain of hashes does not end where it was written to");
    drop(database);
    std::fs::remove_dir_all(folder)?;
    Ok((appended, scanned))
}

/// Appends the rows; gives the last hash.
fn append(database: &mut Connection, payload_bytes: usize, entries: u64) -> anyhow::Result<[u8; 32]> {
    let mut payload = vec![0x78; payload_bytes];
    let mut previous = [0u8; 32];
    let mut sequence = 0;
    while sequence < entries {
        let transaction = database.transaction()?;
        let mut insert = transaction.prepare("insert into entry values (?1, ?2, ?3, ?4)")?;
        let end = entries.min(sequence + SYNC_ENTRIES);
        for sequence in sequence..end {
            payload[..8].copy_from_slice(&sequence.to_le_bytes());
            let hash = chained(&previous, &payload);
            insert.execute(params![i64::try_from(sequence)?, payload, &previous[..], &hash[..]])?;
            previous = hash;
        }
        drop(insert);
        transaction.commit()?;
        sequence = end;
    }
    Ok(previous)
}

/// Goes through all rows and computes every hash; gives the last.
fn verify(database: &Connection, entries: u64) -> anyhow::Result<[u8; 32]> {
    let mut select = database.prepare("select seq, payload, prev, hash from entry order by seq")?;
    let mut rows = select.query([])?;
    let (mut previous, mut count) = ([0u8; 32], 0u64);
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        let (payload, before, hash) =
            (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?, row.get_ref(3)?.as_blob()?);
        anyhow::ensure!(u64::try_from(sequence)? == count && *before == previous, "row {count} is not the next one");
        previous = chained(&previous, payload);
        anyhow::ensure!(*hash == previous, "row {count} has another hash");
        count += 1;
    }
    anyhow::ensure!(count == entries, "there are {count} rows, not {entries}");
    Ok(previous)
}

/// `SHA-256(previous ‖ payload)`.
fn chained(previous: &[u8; 32], payload: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(payload);
    context.finish().as_ref().try_into().expect("a SHA-256 digest has 32 bytes")
}
