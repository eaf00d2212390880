//! The ZIP file that a package is, in one spelling: files stored as they are, in ascending order of name, all dated
//! 1980-01-01, no comments, no extra fields, nothing before, between or after.
//!
//! ```text
//! for each file   local header 30 | name | content
//! for each file   directory header 46 | name
//! end             end of directory 22
//! ```
//! Any program reads it (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). This one reads nothing else, so that
//! no two programs can see different files in one package, and none can grow when it is unpacked.
//!
//! INVARIANT: what [`read`] takes is byte for byte what [`write`] gives for the files that it finds.

use super::error::Error;
use std::collections::BTreeMap;

/// Bytes that a package has at most.
pub const PACKAGE_BYTES_MAX: usize = 256 << 20;
/// Files that a package has at most: their count has two bytes.
const FILES_MAX: usize = 0xFFFE;
const NAME_BYTES_MAX: usize = 64;

const LOCAL: u32 = 0x0403_4b50;
const DIRECTORY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// The version of the format that reads it, 1.0.
const NEEDED: u16 = 10;
/// Made under Unix, so that the mode below counts.
const MADE_BY: u16 = 0x0300 | NEEDED;
/// 1980-01-01, the first day there is.
const DATE: u16 = 0x0021;
/// A plain file that everybody may read.
const MODE: u32 = 0o100_644 << 16;

/// Files by name.
pub(super) type Files<'b> = BTreeMap<&'b str, &'b [u8]>;

/// A file in the archive.
struct Member<'b> {
    name: &'b str,
    content: &'b [u8],
    crc: u32,
    /// Where its local header begins.
    offset: u32,
}

/// The archive of these files.
pub(super) fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Error> {
    if files.len() > FILES_MAX {
        return Err(Error::TooLarge { what: "files of a package", size: files.len(), size_max: FILES_MAX });
    }
    let mut out = Vec::new();
    let mut members = Vec::with_capacity(files.len());
    for (name, content) in files {
        let member = Member { name, content, crc: crc32(content), offset: narrow(out.len())? };
        member.put(LOCAL, &mut out)?;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
        members.push(member);
    }
    put_directory(&members, &mut out)?;
    check_size(out.len())?;
    Ok(out)
}

/// The files of an archive that [`write`] made, or could have made.
pub(super) fn read(bytes: &[u8]) -> Result<Files<'_>, Error> {
    check_size(bytes.len())?;
    let foreign = |place: usize| Error::unsound("the package", format!("byte {place} is not as it is in a package"));
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut at = 0;
    while let Some(found) = read_member(bytes, at).map_err(|()| foreign(at))? {
        if members.last().is_some_and(|before| before.name >= found.name) || members.len() == FILES_MAX {
            return Err(foreign(at));
        }
        let mut header = Vec::new();
        found.put(LOCAL, &mut header)?;
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(&header)) {
            return Err(Error::unsound(
                found.name,
                "its bytes are not those that were put into the package".to_owned(),
            ));
        }
        at = at.saturating_add(header.len() + found.name.len() + found.content.len());
        members.push(found);
    }
    let mut directory = Vec::new();
    put_directory_at(&members, at, &mut directory)?;
    if bytes.get(at..) != Some(&directory) {
        return Err(foreign(at));
    }
    Ok(members.into_iter().map(|member| (member.name, member.content)).collect())
}

/// The file whose local header begins at a place; `None` where none does.
fn read_member(bytes: &[u8], at: usize) -> Result<Option<Member<'_>>, ()> {
    let rest = bytes.get(at..).ok_or(())?;
    if !rest.starts_with(&LOCAL.to_le_bytes()) {
        return Ok(None);
    }
    let number = |place: usize| rest.get(place..).and_then(|rest| rest.first_chunk()).map(|b| u32::from_le_bytes(*b));
    let size = number(22).and_then(|size| usize::try_from(size).ok()).ok_or(())?;
    let name_size = usize::try_from(number(26).ok_or(())? & 0xFFFF).map_err(|_| ())?;
    if name_size > NAME_BYTES_MAX {
        return Err(());
    }
    let (name, rest) = rest.get(30..).and_then(|rest| rest.split_at_checked(name_size)).ok_or(())?;
    let content = rest.get(..size).ok_or(())?;
    let name = std::str::from_utf8(name).ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()));
    let offset = u32::try_from(at).map_err(|_| ())?;
    Ok(Some(Member { name: name.ok_or(())?, content, crc: crc32(content), offset }))
}

impl Member<'_> {
    /// A header without the name.
    fn put(&self, signature: u32, out: &mut Vec<u8>) -> Result<(), Error> {
        let size = narrow(self.content.len())?.to_le_bytes();
        let name_size = u16::try_from(self.name.len()).unwrap_or(u16::MAX).to_le_bytes();
        out.extend_from_slice(&signature.to_le_bytes());
        if signature == DIRECTORY {
            out.extend_from_slice(&MADE_BY.to_le_bytes());
        }
        // Flags, method and time of day are all zero.
        for field in [NEEDED, 0, 0, 0, DATE] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.extend_from_slice(&size);
        out.extend_from_slice(&size);
        out.extend_from_slice(&name_size);
        out.extend_from_slice(&[0; 2]);
        if signature == DIRECTORY {
            // No comment, on the first disk, no inner attributes.
            out.extend_from_slice(&[0; 6]);
            out.extend_from_slice(&MODE.to_le_bytes());
            out.extend_from_slice(&self.offset.to_le_bytes());
        }
        Ok(())
    }
}

fn put_directory(members: &[Member<'_>], out: &mut Vec<u8>) -> Result<(), Error> {
    put_directory_at(members, out.len(), out)
}

/// The directory and its end, where it begins at byte `begin` of the archive.
fn put_directory_at(members: &[Member<'_>], begin: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let before = out.len();
    for member in members {
        member.put(DIRECTORY, out)?;
        out.extend_from_slice(member.name.as_bytes());
    }
    let size = narrow(out.len() - before)?;
    let count = u16::try_from(members.len()).unwrap_or(u16::MAX).to_le_bytes();
    out.extend_from_slice(&END.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&narrow(begin)?.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    Ok(())
}

fn check_size(size: usize) -> Result<(), Error> {
    if size <= PACKAGE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::TooLarge { what: "bytes of a package", size, size_max: PACKAGE_BYTES_MAX })
}

fn narrow(size: usize) -> Result<u32, Error> {
    check_size(size)?;
    u32::try_from(size).map_err(|_| Error::TooLarge { what: "bytes of a package", size, size_max: PACKAGE_BYTES_MAX })
}

/// CRC-32 of ISO-HDLC, as ZIP has it. It finds what a disk did to a file, not what a person did.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, byte| TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ crc >> 8)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ crc >> 1 } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn one_spelling_is_read() {
        let files: BTreeMap<String, Vec<u8>> =
            [("a", &b"alpha"[..]), ("b/c", b""), ("d", &[0; 300])].map(|(n, c)| (n.to_owned(), c.to_vec())).into();
        let bytes = write(&files).unwrap();
        let found: BTreeMap<String, Vec<u8>> =
            read(&bytes).unwrap().into_iter().map(|(name, content)| (name.to_owned(), content.to_vec())).collect();
        assert_eq!(found, files);
        for at in 0..bytes.len() {
            for bits in [1, 0x20, 0x80] {
                let mut other = bytes.clone();
                other[at] ^= bits;
                // A name may be altered into another name in the same order, but not in one place alone.
                assert!(read(&other).is_err(), "byte {at}");
            }
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(read(&[&bytes[..], b"x"].concat()).is_err());
        assert!(read(&[b"x", &bytes[..]].concat()).is_err());
    }
}
