//! Tiles.
//!
//! Goal: a log of tiles that others wrote is checked from end to end, and others can read the tiles we write. Method:
//! the conformance log with every byte altered; the crate `tlog_tiles` reads our tiles and names the same ones; tables
//! of paths; random bytes.

use super::{altered, conformance, entry, leaf, root_at, tree};
use onefold::tlog::tiles::{
    TILE_WIDTH, entry_tiles, hash_tiles, read_entries, read_hashes, write_entries, write_hashes,
};
use onefold::tlog::{
    Checkpoint, Digest, Error, LeafTree, Nodes, SignedNote, Tile, TileKind, TileNodes, VerifierKey, consistency_proof,
    empty_root, inclusion_proof, leaf_hash, root, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use tlog_tiles::{Hash, HashReader, TileHashReader, TileReader};

const KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

fn path(text: &str) -> Tile {
    Tile::parse(text.as_bytes()).unwrap()
}

/// Checks a checkpoint with the log's key.
fn open(bytes: &[u8]) -> Result<Checkpoint, Error> {
    let key = VerifierKey::parse(KEY.as_bytes())?;
    Checkpoint::open(&SignedNote::parse(bytes)?, &key)
}

/// The root over the entries of a bundle.
fn root_of_entries(bytes: &[u8], size: u64) -> Result<Digest, Error> {
    let entries = read_entries(bytes, size.try_into().unwrap())?;
    root(&entries.into_iter().map(leaf_hash).collect::<LeafTree>(), size)
}

/// The root over a tile of hashes.
fn root_of_tile(bytes: &[u8], size: u64) -> Result<Digest, Error> {
    root(&TileNodes::new(size, |_| Ok::<_, Error>(bytes.to_vec())), size)
}

#[test]
fn conformance_tlog_tiles() {
    let Some(folder) = conformance("tlog_tiles") else { return };
    let mut heads = Vec::new();
    let mut refused = 0;
    for size in 0..=7u64 {
        let note = fs::read(folder.join(format!("checkpoint.{size}"))).unwrap();
        let head = open(&note).unwrap();
        assert_eq!((head.origin(), head.size()), ("example.com/log/testdata", size));
        for bytes in altered(&note) {
            open(&bytes).unwrap_err();
            refused += 1;
        }
        let (mut hashes, mut entries) = (Vec::new(), Vec::new());
        for tile in hash_tiles(0, size).chain(entry_tiles(0, size)) {
            let bytes = fs::read(folder.join(tile.to_string())).unwrap();
            let kept = if tile.kind() == TileKind::Entries { &mut entries } else { &mut hashes };
            assert_eq!(std::mem::replace(kept, bytes), Vec::<u8>::new(), "one of each is enough for {size} leaves");
        }
        if size == 0 {
            assert_eq!(*head.root(), empty_root());
        } else {
            assert_eq!(root_of_entries(&entries, size), Ok(*head.root()));
            assert_eq!(root_of_tile(&hashes, size), Ok(*head.root()));
            for bytes in altered(&entries) {
                assert_ne!(root_of_entries(&bytes, size), Ok(*head.root()));
                refused += 1;
            }
            for bytes in altered(&hashes) {
                assert_ne!(root_of_tile(&bytes, size), Ok(*head.root()));
                refused += 1;
            }
        }
        heads.push((head, hashes));
    }
    let mut consistent = 0;
    for (new, hashes) in &heads[1..] {
        let nodes = TileNodes::new(new.size(), |_| Ok::<_, Error>(hashes.clone()));
        for (old, _) in heads[1..].iter().filter(|(old, _)| old.size() <= new.size()) {
            let proof = consistency_proof(&nodes, old.size(), new.size()).unwrap();
            assert_eq!(verify_consistency(old.size(), new.size(), &proof, old.root(), new.root()), Ok(()));
            let mut other = *new.root();
            other[0] ^= 1;
            verify_consistency(old.size(), new.size(), &proof, old.root(), &other).unwrap_err();
            consistent += 1;
        }
    }
    eprintln!("tlog_tiles: {} checkpoints, {consistent} pairs consistent, {refused} alterations refused", heads.len());
}

#[test]
fn paths_are_those_of_the_specification() {
    let hashes = |level, index, width| Tile::new(TileKind::Hashes { level }, index, width).unwrap();
    let entries = |index, width| Tile::new(TileKind::Entries, index, width).unwrap();
    let cases = [
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/0/000.p/1", hashes(0, 0, 1)),
        ("tile/63/999.p/255", hashes(63, 999, 255)),
        ("tile/1/x001/000", hashes(1, 1000, 256)),
        ("tile/2/x001/x234/067", hashes(2, 1_234_067, 256)),
        ("tile/entries/x001/x234/067.p/8", entries(1_234_067, 8)),
        ("tile/entries/x018/x446/x744/x073/x709/x551/615", entries(u64::MAX, 256)),
        ("tile/entries/x018/x446/x744/x073/x709/x551/615.p/255", entries(u64::MAX, 255)),
    ];
    for (text, tile) in cases {
        assert_eq!((path(text), tile.to_string().as_str()), (tile, text));
    }
    let wrong = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/256/000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/x001/x000",
        "tile/0/001/000",
        "tile/0/xx01/000",
        "tile/0/X001/000",
        "tile/0/+01",
        "tile/0/000/",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000 ",
        " tile/0/000",
        "/tile/0/000",
        "tile//000",
        "tile/0//000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/8/0/000",
        "tile/0/../000",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/0/00\u{661}",
        "tile/0/000\n",
        "tile/0/000\0",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x000/x000/x000/x000/x000/x000/x000/x000/001",
    ];
    for text in wrong {
        Tile::parse(text.as_bytes()).expect_err(text);
    }
    Tile::parse(b"tile/0/\xff00").unwrap_err();
    Tile::new(TileKind::Hashes { level: 64 }, 0, 1).unwrap_err();
    Tile::new(TileKind::Entries, 0, 0).unwrap_err();
    Tile::new(TileKind::Entries, 0, TILE_WIDTH + 1).unwrap_err();
}

#[test]
fn a_tree_has_the_tiles_of_the_specification() {
    let mut count = BTreeMap::new();
    for tile in hash_tiles(0, 70_000) {
        *count.entry((tile.kind(), tile.width())).or_insert(0) += 1;
    }
    let level = |level| TileKind::Hashes { level };
    let expected =
        [((level(0), 112), 1), ((level(0), 256), 273), ((level(1), 17), 1), ((level(1), 256), 1), ((level(2), 1), 1)];
    assert_eq!(count, BTreeMap::from(expected));
    let names = |size| hash_tiles(0, size).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert_eq!(names(0), [""; 0]);
    assert_eq!(names(256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(
        entry_tiles(0, 257).map(|tile| tile.to_string()).collect::<Vec<_>>(),
        ["tile/entries/000", "tile/entries/001.p/1"]
    );
    assert_eq!(hash_tiles(9, 9).chain(hash_tiles(9, 8)).chain(entry_tiles(9, 9)).chain(entry_tiles(9, 8)).count(), 0);
    // The largest tree: the last tile of each level is one short of full.
    assert_eq!(
        hash_tiles(u64::MAX - 1, u64::MAX).map(|tile| (tile.index(), tile.width())).next(),
        Some((u64::MAX >> 8, 255))
    );
}

/// The path that the other implementation gives, without the height in it.
fn their_path(tile: &tlog_tiles::Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1).replacen("tile/data/", "tile/entries/", 1)
}

/// The tiles of a tree, as they lie on a disk.
struct Folder(BTreeMap<String, Vec<u8>>);

impl Folder {
    fn of(tree: &LeafTree, sizes: &[u64]) -> Self {
        let mut tiles = BTreeMap::new();
        let mut from = 0;
        for size in sizes {
            for tile in hash_tiles(from, *size) {
                tiles.insert(tile.to_string(), write_hashes(tree, &tile).unwrap());
            }
            from = *size;
        }
        Self(tiles)
    }

    fn nodes(&self, size: u64) -> TileNodes<impl Fn(&Tile) -> Result<Vec<u8>, Error>> {
        TileNodes::new(size, |tile| {
            Ok(self.0.get(&tile.to_string()).expect("only tiles of the tree are asked for").clone())
        })
    }
}

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        Ok(tiles.iter().map(|tile| self.0[&their_path(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Our tiles of the tree at a size, read by us and by the other implementation.
fn check_tiles(tree: &LeafTree, folder: &Folder, size: u64, at: u64, from: u64) {
    let nodes = folder.nodes(size);
    let top = root_at(tree, size);
    assert_eq!(root(&nodes, size), Ok(top), "{size}");
    let proof = inclusion_proof(&nodes, at, size).unwrap();
    assert_eq!(proof, inclusion_proof(tree, at, size).unwrap());
    assert_eq!(verify_inclusion(&leaf(at), at, size, &proof, &top), Ok(()));
    let path = consistency_proof(&nodes, from, size).unwrap();
    assert_eq!(path, consistency_proof(tree, from, size).unwrap());
    // It compares what it reads with the root.
    let theirs = TileHashReader::new(size, Hash(top), folder);
    assert_eq!(
        tlog_tiles::prove_record(size, at, &theirs).unwrap(),
        proof.iter().map(|h| Hash(*h)).collect::<Vec<_>>()
    );
    assert_eq!(tlog_tiles::prove_tree(size, from, &theirs).unwrap(), path.iter().map(|h| Hash(*h)).collect::<Vec<_>>());
    assert_eq!(theirs.read_hashes(&[tlog_tiles::stored_hash_index(0, at)]).unwrap(), [Hash(leaf(at))]);
    for level in 0..20u8 {
        let count = size >> level;
        let wrong = Err(Error::Node { level, index: count });
        assert_eq!((nodes.node(level, count), nodes.node(level, u64::MAX).is_err()), (wrong, true));
        if count > 0 {
            assert_eq!(nodes.node(level, count - 1), tree.node(level, count - 1));
        }
    }
}

#[test]
fn tiles_are_read_by_others() {
    let size_max = 66_100;
    let tree = tree(size_max);
    for size in [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, size_max] {
        let folder = Folder::of(&tree, &[size]);
        for at in [0, size / 3, size - 1] {
            check_tiles(&tree, &folder, size, at, at + 1);
        }
        let theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, 0, size).iter().map(their_path).collect();
        assert_eq!(hash_tiles(0, size).map(|tile| tile.to_string()).collect::<Vec<_>>(), theirs);
    }
    let nodes = Folder::of(&tree, &[5]).nodes(5).node(0, 3);
    assert_eq!(nodes, Ok(leaf(3)));
    assert_eq!(Folder::of(&tree, &[5]).nodes(5).node(255, 0), Err(Error::Node { level: 255, index: 0 }));
    let other = Tile::new(TileKind::Entries, 0, 1).unwrap();
    write_hashes(&tree, &other).unwrap_err();
    for (level, index) in [(0, 259), (2, 1), (8, 0), (32, 0), (63, 0), (0, u64::MAX)] {
        write_hashes(&tree, &Tile::new(TileKind::Hashes { level }, index, 1).unwrap()).unwrap_err();
    }
    read_hashes(&[0; 64], 1).unwrap_err();
    read_hashes(&[0; 33], 1).unwrap_err();
    let short = TileNodes::new(2, |_| Ok::<_, Error>(vec![0; 32]));
    assert!(matches!(root(&short, 2), Err(Error::Malformed { what: "tile", .. })));
}

#[test]
fn entries_are_read_strictly() {
    let all: Vec<Vec<u8>> = (0..256).map(entry).collect();
    for width in [1u16, 2, 255, 256] {
        let entries = &all[..usize::from(width)];
        let bytes = write_entries(entries).unwrap();
        assert_eq!(read_entries(&bytes, width).unwrap(), entries);
        read_entries(&bytes, width - 1).unwrap_err();
        read_entries(&bytes, width + 1).unwrap_err();
        for end in 0..bytes.len() {
            read_entries(&bytes[..end], width).unwrap_err();
        }
    }
    assert_eq!(write_entries(&[b"one", b"two"]).unwrap(), b"\x00\x03one\x00\x03two");
    assert_eq!(read_entries(b"\0\0\0\0", 2).unwrap(), [b"", b""]);
    assert_eq!(read_entries(&write_entries(&[vec![7; 65_535]]).unwrap(), 1).unwrap(), [vec![7; 65_535]]);
    write_entries(&[vec![7; 65_536]]).unwrap_err();
    write_entries(&vec![""; 257]).unwrap_err();
    write_entries::<&str>(&[]).unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_growing_log_has_the_tiles_of_each_size(
        mut sizes in proptest::collection::vec(1..1500u64, 1..6),
        at in any::<proptest::sample::Index>(),
        from in any::<proptest::sample::Index>(),
    ) {
        sizes.sort_unstable();
        sizes.dedup();
        let size = *sizes.last().unwrap();
        let within = |index: proptest::sample::Index, size: u64| u64::try_from(index.index(size.try_into().unwrap())).unwrap();
        let tree = tree(size);
        let folder = Folder::of(&tree, &sizes);
        for size in sizes {
            check_tiles(&tree, &folder, size, within(at, size), within(from, size) + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_are_those_of_the_oracle(from in 0..300_000u64, more in 0..3000u64) {
        let ours: Vec<String> = hash_tiles(from, from + more).map(|tile| tile.to_string()).collect();
        let theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, from, from + more).iter().map(their_path).collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn paths_are_refused_or_kept(text in "(tile/)?(0?[1-5]?[0-9]|entries|data)(/x?[0-9]{3}){0,8}(\\.p/(0?[1-9][0-9]{0,2})?)?") {
        let ours = Tile::parse(text.as_bytes());
        if let Ok(tile) = &ours {
            prop_assert_eq!(tile.to_string(), text.as_str());
        }
        // The other one has the height in the path, and calls entries data.
        if !text.contains("data") && text.starts_with("tile/") {
            let theirs = text.replacen("tile/", "tile/8/", 1).replacen("entries", "data", 1);
            let theirs = tlog_tiles::Tile::from_path(&theirs).ok().filter(|tile| tile.level() < 64 && tile.width() > 0);
            prop_assert_eq!(ours.is_ok(), theirs.is_some(), "{}", text);
        }
    }

    #[test]
    fn hostile_tiles_are_refused_or_kept(bytes in proptest::collection::vec(any::<u8>(), 0..99), width in any::<u16>()) {
        for width in [width, width % 4] {
            if let Ok(entries) = read_entries(&bytes, width) && width > 0 {
                prop_assert_eq!(write_entries(&entries), Ok(bytes.clone()));
            }
            if let Ok(hashes) = read_hashes(&bytes, width) {
                prop_assert_eq!(hashes.concat(), bytes.clone());
            }
        }
        if let Ok(tile) = Tile::parse(&bytes) {
            prop_assert_eq!(tile.to_string().into_bytes(), bytes.clone());
        }
    }
}
