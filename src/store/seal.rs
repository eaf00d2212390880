//! The seal of a cleanly closed index: names, sizes and checksums of its journals.
//!
//! The store below checks every block of its tables, but reads a damaged journal as one that ended early: a piece
//! lost in the middle would go unnoticed. The seal is written last at close, compared at open, and removed before
//! anything is written. After a crash there is none; then the marks of the keyspaces are what is checked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

const FILE: &str = "seal";

const CHUNK_BYTES: usize = 1 << 18;

/// What the seal of a directory says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// The index was not closed cleanly.
    Absent,
    /// The journals are those that were there at close.
    Whole,
    /// They are not.
    Broken,
}

/// Compares the journals with the seal.
pub(super) fn check(dir: &Path) -> io::Result<Seal> {
    match fs::read(dir.join(FILE)) {
        Ok(stored) if stored == describe(dir)? => Ok(Seal::Whole),
        Ok(_) => Ok(Seal::Broken),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Seal::Absent),
        Err(error) => Err(error),
    }
}

/// Removes the seal, durably.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    fs::remove_file(dir.join(FILE))?;
    File::open(dir)?.sync_all()
}

/// Writes the seal. Nothing may write to the journals afterwards.
pub(super) fn write(dir: &Path) -> io::Result<()> {
    let text = describe(dir)?;
    let draft = dir.join("seal.new");
    let mut file = File::create(&draft)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(draft, dir.join(FILE))?;
    File::open(dir)?.sync_all()
}

/// One line a journal, in the order of their names: name, size in bytes, CRC-32C.
///
/// A journal is made longer than it is filled. What counts ends before the first chunk of nothing but zeros, where
/// the store stops reading too, as no entry begins with so many.
fn describe(dir: &Path) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".jnl")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut text = Vec::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    for name in names {
        let mut file = File::open(dir.join(&name))?;
        let (mut size_bytes, mut checksum) = (0u64, 0);
        loop {
            let read = fill(&mut file, &mut buffer)?;
            let piece = buffer.get(..read).unwrap_or_default();
            if piece.iter().all(|byte| *byte == 0) {
                break;
            }
            size_bytes += piece.len() as u64;
            checksum = crc32c::crc32c_append(checksum, piece);
        }
        writeln!(text, "{name} {size_bytes} {checksum:08x}")?;
    }
    Ok(text)
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
