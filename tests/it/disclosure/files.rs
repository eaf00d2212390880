//! A second hand at packages: takes them apart and puts them together again without the code under test, also in ways
//! that it never would.

use flate2::Crc;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// The files of a package by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Takes a package apart, as any program reads ZIP.
pub fn unpack(package: &[u8]) -> Files {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    let mut files = Files::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        assert_eq!(file.compression(), zip::CompressionMethod::Stored);
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = file.name().unwrap().into_owned();
        assert!(files.insert(name, content).is_none(), "a file comes twice");
    }
    files
}

/// A package of these files.
pub fn repack(files: &Files) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    in_order(&files)
}

/// A ZIP file of these, in this order, with whatever names.
pub fn in_order(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let name_size = u16::try_from(name.len()).unwrap().to_le_bytes();
        let fixed =
            [&[10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc.sum().to_le_bytes(), &size, &size, &name_size, &[0, 0]];
        let fixed = fixed.concat();
        let offset = u32::try_from(out.len()).unwrap().to_le_bytes();
        directory.extend(
            [b"PK\x01\x02\x0a\x03", &fixed[..], &[0; 6], &[0, 0, 0xa4, 0x81], &offset, name.as_bytes()].concat(),
        );
        out.extend([b"PK\x03\x04", &fixed[..], name.as_bytes(), content].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let begin = u32::try_from(out.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    out.extend(directory);
    out.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &begin, &[0, 0]].concat());
    out
}
