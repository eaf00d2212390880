//! A published log, read back by ourselves and by another implementation; cosignatures; an anchor elsewhere.

use super::super::program::{Ran, run, text};
use super::Place;
use onefold::tlog::tiles::{entry_tiles, hash_tiles, read_entries};
use onefold::tlog::{
    Checkpoint, CosigningKey, Error, SignedNote, Tile, TileNodes, VerifierKey, inclusion_proof, leaf_hash, root,
    verify_inclusion,
};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tlog_tiles::{Hash, HashReader, TileHashReader, TileReader};
use zeroize::Zeroizing;

/// A folder that is read as a log, by the other implementation.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Its paths are those of the Go checksum database, which name the height.
        let path = |tile: &tlog_tiles::Tile| self.0.join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Checks the whole log in a folder.
fn check_log(folder: &Path, key: &VerifierKey) -> Checkpoint {
    let note = SignedNote::parse(&fs::read(folder.join("checkpoint")).unwrap()).unwrap();
    let checkpoint = Checkpoint::open(&note, key).unwrap();
    let size = checkpoint.size();
    let nodes = TileNodes::new(size, |tile: &Tile| Ok::<_, Error>(fs::read(folder.join(tile.to_string())).unwrap()));
    assert_eq!(root(&nodes, size).unwrap(), *checkpoint.root());
    for tile in hash_tiles(0, size) {
        assert!(folder.join(tile.to_string()).is_file(), "{tile}");
    }
    let theirs = Folder(folder.to_owned());
    let theirs = TileHashReader::new(size, Hash(*checkpoint.root()), &theirs);
    let mut index = 0;
    for tile in entry_tiles(0, size) {
        let bundle = fs::read(folder.join(tile.to_string())).unwrap();
        for entry in read_entries(&bundle, tile.width()).unwrap() {
            assert!([116, 164].contains(&entry.len()), "a logical entry holds nothing that was encrypted");
            let leaf = leaf_hash(entry);
            if index % 97 == 0 || index + 1 == size {
                let proof = inclusion_proof(&nodes, index, size).unwrap();
                verify_inclusion(&leaf, index, size, &proof, checkpoint.root()).unwrap();
                let read = theirs.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).unwrap();
                assert_eq!(read, [Hash(leaf)], "entry {index}");
            }
            index += 1;
        }
    }
    assert_eq!(index, size);
    checkpoint
}

#[test]
fn a_published_log_is_read_by_others_and_grows() {
    let place = Place::retail();
    let (key, log) = (place.signing_key(), place.path("log"));
    let first = place.json(&["ledger", "checkpoint", "--publish", text(&log)]);
    let before = check_log(&log, &key);
    assert_eq!(first["published"]["to"], before.size());
    let full = log.join("tile/entries/000");
    // A tile that is written again would be put right.
    let kept = fs::read(&full).unwrap();
    fs::write(&full, b"marked").unwrap();
    let erase = ["erase", "crm:crm-615", "--request", "DSR-9", "--ground", "objection", "--yes", "--quiet"];
    place.ok(&[&erase[..], &["-o", &place.at("certificate.zip")]].concat());
    place.ok(&["ledger", "redact", "--all", "--quiet"]);
    let second = place.json(&["ledger", "checkpoint", "--publish", text(&log)]);
    assert_eq!(second["published"]["from"], before.size());
    assert!(second["published"]["tiles"].as_u64().unwrap() < 10, "{second}");
    assert_eq!(fs::read(&full).unwrap(), b"marked", "a full tile is not written again");
    fs::write(&full, &kept).unwrap();
    let now = check_log(&log, &key);
    assert!(now.size() > before.size());
    let again = place.json(&["ledger", "checkpoint", "--publish", text(&log)]);
    assert_eq!((&again["published"]["from"], &again["published"]["tiles"]), (&now.size().into(), &0.into()));
    // After erasure and redaction a log that is published anew has the very same tiles.
    let anew = place.path("anew");
    place.ok(&["ledger", "checkpoint", "--quiet", "--publish", text(&anew)]);
    for tile in hash_tiles(0, now.size()).chain(entry_tiles(0, now.size())) {
        let read = |log: &PathBuf| fs::read(log.join(tile.to_string())).unwrap();
        assert!(read(&log) == read(&anew), "{tile}");
    }
    // A stop before the checkpoint leaves tiles that the next run writes again.
    fs::write(anew.join("tile/0/000"), b"torn").unwrap();
    fs::remove_file(anew.join("checkpoint")).unwrap();
    place.ok(&["ledger", "checkpoint", "--quiet", "--publish", text(&anew)]);
    check_log(&anew, &key);
}

#[test]
fn a_log_that_is_not_the_beginning_of_the_ledger_is_left_alone() {
    let (place, other) = (Place::contacts(), Place::contacts());
    let log = place.at("log");
    other.ok(&["ledger", "checkpoint", "--quiet", "--publish", &log]);
    let check = |what: &str| {
        let before = fs::read(place.path("log/checkpoint")).unwrap();
        let refused = place.fails(&["ledger", "checkpoint", "--publish", &log], 5);
        assert!(refused.contains(what) && refused.contains("nothing was written"), "{refused}");
        assert_eq!(fs::read(place.path("log/checkpoint")).unwrap(), before);
    };
    check("its checkpoint is one of `onefold/");
    let note = |size: u64, root: [u8; 32]| {
        let origin = place.signing_key().name().to_owned();
        let text = Checkpoint::new(&origin, size, root, vec![]).unwrap().to_text();
        fs::write(place.path("log/checkpoint"), format!("{text}\n— x AAAAAAA=\n")).unwrap();
    };
    note(3, [7; 32]);
    check("its root over the first 3 entries is another one");
    note(1 << 60, [7; 32]);
    check("it has 1152921504606846976 entries, and the ledger ");
    fs::write(place.path("log/checkpoint"), b"\0").unwrap();
    check("malformed");
}

#[test]
fn witnesses_are_kept_with_the_checkpoint_that_they_saw() {
    let place = Place::contacts();
    let checkpoint = place.checkpoint("checkpoint");
    let witness = |name: &str, seed: u8| CosigningKey::from_seed(name, Zeroizing::new([seed; 32])).unwrap();
    let (first, second, other) = (witness("w.example/1", 1), witness("w.example/2", 2), witness("w.example/3", 3));
    let cosigned = |name: &str, keys: &[&CosigningKey]| {
        let mut note = SignedNote::parse(&fs::read(place.path("checkpoint")).unwrap()).unwrap();
        for key in keys {
            note.add(key.cosign(&checkpoint, 1_790_000_000).unwrap()).unwrap();
        }
        fs::write(place.path(name), note.to_text()).unwrap();
        place.at(name)
    };
    let [a, b] = [cosigned("a", &[&first]), cosigned("b", &[&second, &other])];
    let key = first.verifier().to_string();
    fs::write(place.path("second.vkey"), format!("{}\n", second.verifier())).unwrap();
    let refused = place.fails(&["ledger", "checkpoint", "--cosignature", &b, "--witness", &key], 5);
    assert!(refused.contains("no witness whose key was given has cosigned it"), "{refused}");
    let forged = fs::read_to_string(place.path("a")).unwrap();
    let mut note = SignedNote::parse(forged.as_bytes()).unwrap();
    let made = note.signatures().last().unwrap().clone();
    let mut bytes = made.bytes().to_vec();
    bytes[20] ^= 1;
    note.add(onefold::tlog::Signature::new(made.name(), made.id(), bytes).unwrap()).unwrap();
    fs::write(place.path("forged"), note.to_text()).unwrap();
    let refused = place.fails(&["ledger", "checkpoint", "--cosignature", &place.at("forged"), "--witness", &key], 5);
    assert!(refused.contains("does not verify"), "{refused}");
    assert_eq!(fs::read(place.path("data/ledger/checkpoint")).unwrap(), fs::read(place.path("checkpoint")).unwrap());

    let taken = place.json(&[
        "ledger",
        "checkpoint",
        "--cosignature",
        &a,
        &b,
        "--witness",
        &key,
        &place.at("second.vkey"),
        "--publish",
        &place.at("log"),
    ]);
    assert_eq!(taken["witnesses"].as_array().unwrap().len(), 2, "{taken}");
    let kept = SignedNote::parse(&fs::read(place.path("data/ledger/checkpoint")).unwrap()).unwrap();
    assert_eq!(kept.to_text().as_bytes(), fs::read(place.path("log/checkpoint")).unwrap());
    let keys = [place.signing_key(), first.verifier().clone(), second.verifier().clone()];
    assert_eq!(kept.verify(&keys).unwrap().len(), 3, "the log and both witnesses, and nobody who was not named");
    assert_eq!(kept.signatures().len(), 3);
    assert_eq!(place.ok(&["ledger", "checkpoint"]), kept.to_text(), "signing again drops no witness");
    place.ok(&["ledger", "verify", "--key", &keys[0].to_string()]);

    place.add(101);
    let stale = place.fails(&["ledger", "checkpoint", "--cosignature", &a, "--witness", &key], 2);
    assert!(stale.contains("the ledger went on since it was handed out"), "{stale}");
    place.fails(&["ledger", "checkpoint", "--cosignature", &a], 2);
    place.fails(&["ledger", "checkpoint", "--cosignature", &a, "--witness", "nonsense"], 2);
}

/// Lets the program send its checkpoint to a listener that answers so; gives the request, and how the program ended.
fn send(place: &Place, answer: &'static str) -> (String, Ran) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (mut request, mut piece) = (Vec::new(), [0; 4096]);
        while !is_whole(&request) {
            match stream.read(&mut piece) {
                Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
                _ => break,
            }
        }
        // Whoever only came to wake the listener does not read.
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8(request).unwrap()
    });
    let url = format!("http://user:secret@{address}/onefold?token=secret");
    let ran = run(&["ledger", "checkpoint", "--publish", &url, "--data", &place.at("data")]);
    // If the program never came, nobody else would.
    drop(TcpStream::connect(address));
    (serving.join().unwrap(), ran)
}

/// Whether a request has the body that it says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    length.is_none_or(|length: usize| body.len() >= length)
}

#[test]
fn a_checkpoint_is_put_to_an_anchor() {
    let place = Place::contacts();
    let (request, ran) = send(&place, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(request.starts_with("PUT /onefold?token=secret HTTP/1.1\r\n"), "{request}");
    let note = fs::read_to_string(place.path("data/ledger/checkpoint")).unwrap();
    assert_eq!(request.split_once("\r\n\r\n").unwrap().1, note);
    assert!(ran.out.contains("taken by 127.0.0.1:") && !ran.out.contains("secret"), "{}", ran.out);
    for (answer, why) in [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "it answered with status 503"),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ""),
        ("no HTTP at all\r\n\r\n", ""),
    ] {
        let (_, ran) = send(&place, answer);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{answer}");
        assert!(ran.err.contains("the checkpoint was signed but not taken by 127.0.0.1:"), "{}", ran.err);
        assert!(ran.err.contains(why) && !ran.err.contains("secret"), "{}", ran.err);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.fails(&["ledger", "checkpoint", "--publish", &format!("http://{nobody}/")], 1);
}
