//! Goal: what is appended is read again as it was, over restarts, bundles and lost tables; no key and nonce is used
//! twice; nothing of a payload is found on disk; a ledger of an older version reads.
//! Method: small ledgers of several segments, and a golden one. Damage has a file of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use super::faults::Unsynced;
use onefold::crypto::Keyring;
use onefold::ledger::{
    Answer, Content, Decision, Entry, Error, Kind, Ledger, Merge, Options, Placed, PolicyBundle, Position, Reader,
    Received, Rejected, Review, Standardized, State, Unmerge, Values, reread_payload, verify,
};
use onefold::model::{
    AttributeId, Birth, CellKind, Epoch, FieldIndex, Fields, IdentifierHash, KindId, Link, NameHash, Order, ProfileId,
    PurposeId, Ruling, Sequence, SourceId, Timestamp, ValueHash,
};
use ring::rand::SystemRandom;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn small() -> Options {
    Options { segment_bytes_max: 1_000, ..Options::default() }
}

/// A directory with keys and a ledger.
pub(super) struct Home {
    root: tempfile::TempDir,
    pub(super) keys: Keyring,
}

impl Home {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let keys = Keyring::create_with_file(&root.path().join("keys"), &SystemRandom::new()).unwrap();
        Self { root, keys }
    }

    pub(super) fn keys_dir(&self) -> PathBuf {
        self.root.path().join("keys")
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.root.path().join("ledger")
    }

    pub(super) fn create(&self) -> Ledger {
        Ledger::create(&self.dir(), &self.keys, &SystemRandom::new(), &bundle(1), 1_000, small()).unwrap()
    }

    pub(super) fn open(&self, resume: Option<&State>) -> Result<(Ledger, onefold::ledger::Recovered), Error> {
        Ledger::open(&self.dir(), &self.keys, &SystemRandom::new(), &bundle(1), 2_000, resume, small())
    }

    /// Opens it without waiting for the disk.
    pub(super) fn open_unsynced(&self, options: Options) -> Result<(Ledger, onefold::ledger::Recovered), Error> {
        let options = Options { storage: Arc::new(Unsynced), ..options };
        Ledger::open(&self.dir(), &self.keys, &SystemRandom::new(), &bundle(1), 2_000, None, options)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let reader = Reader::open(&self.dir(), Some(&self.keys)).unwrap();
        let mut entries = Vec::new();
        let visit = |entry| {
            entries.push(entry);
            Ok::<(), Error>(())
        };
        reader.scan(None, visit).unwrap();
        entries
    }

    /// The segment files by name.
    pub(super) fn segments(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// Puts the segments back as they were.
    pub(super) fn restore(&self, segments: &[(PathBuf, Vec<u8>)]) {
        fs::remove_dir_all(self.dir()).unwrap();
        fs::create_dir(self.dir()).unwrap();
        for (path, bytes) in segments {
            fs::write(path, bytes).unwrap();
        }
    }
}

pub(super) fn bundle(version: u8) -> PolicyBundle {
    let files = vec![("identity.toml".to_owned(), "a = 1".to_owned()), ("purposes.toml".to_owned(), String::new())];
    PolicyBundle { name: "retail".into(), version: version.to_string(), digest: [version; 32], files }
}

pub(super) fn received(birth: u64, email: &str) -> Received {
    let mut fields = Fields::default();
    fields.push(FieldIndex(0), CellKind::Text, email);
    fields.push(FieldIndex(3), CellKind::Number, "42");
    let mut values = Standardized::default();
    values.push(AttributeId(1), FieldIndex(0), &email.to_lowercase(), &fields);
    values.push(AttributeId(2), FieldIndex(3), "42", &fields);
    Received {
        consent: birth % 3 == 2,
        birth: Birth(birth),
        source: SourceId(4),
        live: true,
        order: Order::Log(birth),
        at: Some(Timestamp(-5)),
        key: format!("key-{birth}"),
        fields,
        values,
        issues: vec![(FieldIndex(3), 9)],
    }
}

pub(super) fn link(a: u64, b: u64) -> Link {
    Link { a: Birth(a), b: Birth(b), kind: KindId(2), identifier: IdentifierHash(77) }
}

pub(super) fn rejected(number: u64, raw: Vec<u8>) -> Rejected {
    Rejected {
        number: Birth(number),
        source: None,
        code: 3,
        reason: "no key".into(),
        input: "crm.ndjson".into(),
        line: 12,
        size_bytes: raw.len() as u64,
        sha256: [8; 32],
        raw,
    }
}

pub(super) fn values(record: u64, epoch: u64) -> Values {
    Values {
        profile: ProfileId(NameHash(5)),
        root: Birth(0),
        record: Birth(record),
        gained: vec![(AttributeId(1), ValueHash(6)), (AttributeId(2), ValueHash(u64::MAX))],
        lost: vec![AttributeId(3)],
        epoch: Epoch(epoch),
    }
}

pub(super) fn decision(epoch: u64) -> Decision {
    let answer = |consent| Answer { purpose: PurposeId(1), allowed: true, reason: 2, consent, until: i64::MAX };
    let answers = vec![answer(Some(Birth(7))), answer(None)];
    Decision { profile: ProfileId(NameHash(5)), root: Birth(0), answers, epoch: Epoch(epoch) }
}

pub(super) fn review(ruling: Ruling) -> Review {
    Review { ruling, ends: None, by: "Zoë".into(), reason: "one household".into(), value: String::new() }
}

/// One epoch: three received records, then what is derived.
pub(super) fn write_epoch(ledger: &mut Ledger, epoch: u64) -> State {
    let first = epoch * 3;
    for birth in first..first + 3 {
        ledger.append(&received(birth, &format!("Person{birth}@Example.com"))).unwrap();
    }
    let merge = ledger.append(&Merge { link: link(first, first + 1), epoch: Epoch(epoch) }).unwrap();
    let unmerge = Unmerge { link: link(first, first + 1), epoch: Epoch(epoch), ends: merge.sequence };
    ledger.append(&unmerge).unwrap();
    ledger.append(&values(first, epoch)).unwrap();
    ledger.append(&decision(epoch)).unwrap();
    ledger.commit(Epoch(epoch)).unwrap()
}

/// The frames of a segment, as (start, end) in its bytes.
pub(super) fn frames(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut frames = Vec::new();
    let mut at = 76;
    while at < bytes.len() {
        let end = at + 8 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        frames.push((at, end));
        at = end;
    }
    frames
}

#[test]
fn every_payload_is_read_as_it_was_written() {
    let home = Home::new();
    let mut ledger = home.create();
    let deleted = Received {
        live: false,
        order: Order::Time(-9),
        at: None,
        fields: Fields::default(),
        values: Standardized::default(),
        issues: Vec::new(),
        ..received(4, "x")
    };
    let arrival = Received { order: Order::Arrival, ..received(5, "é@x") };
    let known = Rejected { source: Some(SourceId(3)), ..rejected(6, vec![0xff, 0, b'\n']) };
    let allowed = Ruling::Allowed { kind: KindId(1), identifier: IdentifierHash(u128::MAX), carrier: Birth(4) };
    let rectified = Ruling::Rectified { record: Birth(4), attribute: AttributeId(700) };
    let reviews = [
        review(Ruling::same(Birth(2), Birth(1))),
        review(Ruling::different(Birth(1), Birth(5))),
        review(allowed),
        Review { ends: Some(Sequence(8)), ..review(allowed) },
        review(rectified),
        Review { value: "Ålesund".into(), ..review(rectified) },
        Review { ends: Some(Sequence(9)), ..review(rectified) },
    ];
    let merge = Merge { link: link(1, 2), epoch: Epoch(1) };
    let unmerge = Unmerge { link: link(2, 1), epoch: Epoch(1), ends: Sequence(3) };
    let mut expected = vec![
        Content::Received(received(1, "A@b.c")),
        Content::Received(deleted.clone()),
        Content::Received(arrival.clone()),
        Content::Rejected(rejected(6, Vec::new())),
        Content::Rejected(known.clone()),
        Content::Review(reviews[0].clone()),
        Content::Review(reviews[1].clone()),
        Content::Review(reviews[2].clone()),
        Content::Review(reviews[3].clone()),
        Content::Merge(merge),
        Content::Unmerge(unmerge),
        Content::Values(values(1, 1)),
        Content::Decision(decision(1)),
    ];
    let placed: Vec<Placed> = [
        ledger.append(&received(1, "A@b.c")),
        ledger.append(&deleted),
        ledger.append(&arrival),
        ledger.append(&rejected(6, Vec::new())),
        ledger.append(&known),
        ledger.append(&reviews[0]),
        ledger.append(&reviews[1]),
        ledger.append(&reviews[2]),
        ledger.append(&reviews[3]),
        ledger.append(&merge),
        ledger.append(&unmerge),
        ledger.append(&values(1, 1)),
        ledger.append(&decision(1)),
    ]
    .into_iter()
    .map(Result::unwrap)
    .collect();
    for (placed, content) in placed.iter().zip(&expected) {
        let entry = ledger.read(placed.position).unwrap();
        assert_eq!((&entry.content, entry.placed), (content, *placed), "from the buffer or the file");
    }
    let state = ledger.commit(Epoch(1)).unwrap();
    for (placed, content) in placed.iter().zip(&expected) {
        assert_eq!(&ledger.read(placed.position).unwrap().content, content, "from the file");
    }
    let entries = home.entries();
    assert_eq!(entries.len() as u64, state.size());
    let Content::Commit(commit) = entries.last().unwrap().content else { panic!("the last is the commit") };
    assert_eq!((commit.epoch, commit.size, commit.first), (Epoch(1), state.size() - 1, Sequence(0)));
    expected.push(Content::Commit(commit));
    assert!(matches!(&entries[0].content, Content::Open(open) if open.run == 0));
    assert!(matches!(&entries[1].content, Content::Key(change) if change.previous.is_none()));
    assert!(matches!(&entries[2].content, Content::Policy(part) if part.digest == [1; 32]));
    let read: Vec<Content> = entries.into_iter().skip(3).map(|entry| entry.content).collect();
    assert_eq!(read, expected);
}

/// A ruling has one form: what a decision does not have is zero, and of two records the older stands first.
#[test]
fn a_review_has_one_form() {
    let payload = |code: u8, a: u64, b: u64, kind: u8, identifier: u128| {
        let mut bytes = vec![code];
        bytes.extend(a.to_le_bytes());
        bytes.extend(b.to_le_bytes());
        bytes.push(kind);
        bytes.extend(identifier.to_le_bytes());
        bytes.extend(u64::MAX.to_le_bytes());
        for text in ["ada", "why"] {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    };
    let none = u64::MAX;
    for good in [payload(1, 1, 2, 0, 0), payload(2, 1, 2, 0, 0), payload(3, 9, none, 4, 7)] {
        assert_eq!(reread_payload(Kind::Review, &good).as_ref(), Some(&good));
        for end in 0..good.len() {
            assert_eq!(reread_payload(Kind::Review, &good[..end]), None, "cut at {end}");
        }
        assert_eq!(reread_payload(Kind::Review, &[&good[..], &[0]].concat()), None);
    }
    for bad in [
        payload(0, 1, 2, 0, 0),
        payload(4, 1, 2, 0, 0),
        payload(1, 2, 1, 0, 0),
        payload(1, 2, 2, 0, 0),
        payload(1, 2, none, 0, 0),
        payload(2, 1, 2, 1, 0),
        payload(2, 1, 2, 0, 1),
        payload(3, 1, 2, 4, 7),
    ] {
        assert_eq!(reread_payload(Kind::Review, &bad), None, "{bad:?}");
    }
}

#[test]
fn standardized_values_come_back_beside_raw_ones() {
    let record = received(1, "Ada@Example.com");
    let read: Vec<_> = record.values.iter(&record.fields).collect();
    let expected = [(AttributeId(1), FieldIndex(0), "ada@example.com"), (AttributeId(2), FieldIndex(3), "42")];
    assert_eq!(read, expected);
}

#[test]
fn verify_reports_what_there_is() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    let state = write_epoch(&mut ledger, 2);
    ledger.append(&received(9, "z")).unwrap();
    ledger.sync().unwrap();
    let mut told = 0;
    let report = verify(&home.dir(), &[], |bytes| told = bytes).unwrap();
    assert_eq!(told, home.segments().iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    assert_eq!((report.size_bytes, report.segments), (told, home.segments().len() as u32));
    assert!(report.segments > 2, "several segments");
    assert_eq!((report.entries, report.uncommitted, report.epoch), (ledger.next().0, 1, Epoch(2)));
    assert_eq!((report.head, report.ledger, report.policy), (ledger.head(), home.keys.ledger_id(), [1; 32]));
    assert_eq!(report.commit.as_ref(), Some(&state));
    let count = |kind| report.kinds.iter().find(|(found, _)| *found == kind).unwrap().1;
    let kinds = [Kind::Open, Kind::Policy, Kind::Received, Kind::Consent, Kind::Merge, Kind::Commit];
    assert_eq!(kinds.map(count), [1, 1, 5, 2, 2, 2]);
    assert_eq!(report.kinds.iter().map(|(_, count)| count).sum::<u64>(), report.entries);
}

#[test]
fn a_state_survives_its_bytes_and_no_change_of_them() {
    let home = Home::new();
    let state = write_epoch(&mut home.create(), 1);
    let bytes = state.to_bytes();
    assert_eq!(State::from_bytes(&bytes).unwrap(), state);
    for index in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[index] ^= 1;
        assert!(matches!(State::from_bytes(&bad), Err(Error::StateDamaged)), "byte {index}");
        assert!(matches!(State::from_bytes(&bytes[..index]), Err(Error::StateDamaged)), "cut at {index}");
    }
}

#[test]
fn opening_resumes_after_the_remembered_commit() {
    let home = Home::new();
    let mut ledger = home.create();
    let first = write_epoch(&mut ledger, 1);
    let second = write_epoch(&mut ledger, 2);
    let tail = received(9, "tail@example.com");
    ledger.append(&tail).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    for resume in [None, Some(&first), Some(&second)] {
        let before = home.segments();
        let (mut ledger, recovered) = home.open(resume).unwrap();
        assert_eq!((recovered.state.as_ref(), recovered.kept, recovered.cut), (Some(&second), 1, None));
        let mut kinds = Vec::new();
        let mut contents = Vec::new();
        let visit = |entry: Entry| {
            kinds.push(entry.header.kind);
            contents.push(entry.content);
            Ok::<(), Error>(())
        };
        ledger.replay(recovered.state.as_ref(), visit).unwrap();
        assert_eq!(kinds, [Kind::Received, Kind::Open]);
        assert_eq!(contents[0], Content::Received(tail.clone()));
        write_epoch(&mut ledger, 3);
        verify(&home.dir(), &[], |_| {}).unwrap();
        assert!(home.entries().len() > 10, "all decrypts over several runs");
        drop(ledger);
        home.restore(&before);
    }
}

#[test]
fn a_new_bundle_is_recorded_at_open_and_the_same_is_not() {
    let home = Home::new();
    write_epoch(&mut home.create(), 1);
    drop(home.open(None).unwrap());
    let large = PolicyBundle { files: vec![("a".into(), "é".repeat(70_000))], ..bundle(2) };
    let open = |bundle: &PolicyBundle| {
        Ledger::open(&home.dir(), &home.keys, &SystemRandom::new(), bundle, 0, None, small()).unwrap().0
    };
    let mut ledger = open(&large);
    assert_eq!(ledger.policy(), [2; 32]);
    ledger.set_policy(&bundle(3)).unwrap();
    let placed = ledger.append(&received(30, "x")).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    assert_eq!(verify(&home.dir(), &[], |_| {}).unwrap().policy, [3; 32]);
    let mut parts = Vec::new();
    let mut opens = 0;
    for entry in home.entries() {
        match entry.content {
            Content::Policy(part) => parts.push(part),
            Content::Open(_) => opens += 1,
            _ => {}
        }
    }
    assert_eq!((parts.len(), opens), (5, 3));
    assert_eq!(PolicyBundle::from_parts(&parts[1..4]), Some(large));
    // Each of these must find the run of an entry, whatever is left of the table.
    let table = home.dir().join("runs");
    let good = fs::read(&table).unwrap();
    let read = || Reader::open(&home.dir(), Some(&home.keys)).unwrap().read(placed.position).unwrap().content;
    for cut in [good.len(), good.len() - 100, good.len() - 50, 100, 0] {
        fs::write(&table, &good[..cut]).unwrap();
        assert_eq!(read(), Content::Received(received(30, "x")), "table cut at {cut}");
    }
    for index in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[index] ^= 1;
        fs::write(&table, &bad).unwrap();
        assert_eq!(read(), Content::Received(received(30, "x")), "table changed at {index}");
    }
    fs::remove_file(&table).unwrap();
    assert_eq!(read(), Content::Received(received(30, "x")));
    drop(open(&bundle(3)));
    let rebuilt = fs::read(&table).unwrap();
    assert_eq!((rebuilt.len(), &rebuilt[..good.len()]), (good.len() + 100, &good[..]));
}

#[test]
fn another_ledger_and_none_are_told_apart() {
    let (home, other) = (Home::new(), Home::new());
    assert!(matches!(home.open(None).map(|_| ()), Err(Error::Missing { .. })));
    write_epoch(&mut home.create(), 1);
    assert!(matches!(
        Ledger::create(&home.dir(), &home.keys, &SystemRandom::new(), &bundle(1), 0, small()).map(|_| ()),
        Err(Error::Exists { .. })
    ));
    let open = Ledger::open(&home.dir(), &other.keys, &SystemRandom::new(), &bundle(1), 0, None, small());
    assert!(matches!(open.map(|_| ()), Err(Error::OtherLedger { .. })));
    assert!(matches!(Reader::open(&home.dir(), Some(&other.keys)).map(|_| ()), Err(Error::OtherLedger { .. })));
}

#[test]
fn without_keys_only_clear_entries_speak() {
    let home = Home::new();
    write_epoch(&mut home.create(), 1);
    let reader = Reader::open(&home.dir(), None).unwrap();
    reader
        .scan(None, |entry| {
            assert_eq!(matches!(entry.content, Content::Sealed { .. }), !entry.header.kind.is_clear());
            Ok::<(), Error>(())
        })
        .unwrap();
}

/// Key, nonce and plaintext: the same entry at the same sequence after a cut must give another key.
#[test]
fn after_a_cut_no_key_is_used_again() {
    let home = Home::new();
    write_epoch(&mut home.create(), 1);
    let good = home.segments();
    let mut seen = HashSet::new();
    for _ in 0..3 {
        home.restore(&good);
        let (mut ledger, _) = home.open(None).unwrap();
        let placed = ledger.append(&received(9, "the same")).unwrap();
        ledger.sync().unwrap();
        let (_, bytes) = &home.segments()[placed.position.segment() as usize];
        let start = placed.position.offset() as usize + 4;
        // Slot and commitment; then the ciphertext.
        assert!(seen.insert(bytes[start + 20..start + 36].to_vec()), "the slot repeats");
        assert!(seen.insert(bytes[start + 36..start + 68].to_vec()), "the key repeats");
        assert!(seen.insert(bytes[start + 68..start + 100].to_vec()), "the ciphertext repeats");
    }
}

#[test]
fn nothing_of_a_payload_is_found_on_disk_and_no_slot_repeats() {
    let home = Home::new();
    let mut ledger = home.create();
    let email = "very.unlikely.address@example.com";
    let mut slots = HashSet::new();
    for _ in 0..20 {
        ledger.append(&received(9, email)).unwrap();
        ledger.append(&rejected(9, email.as_bytes().to_vec())).unwrap();
    }
    ledger.commit(Epoch(1)).unwrap();
    for (_, bytes) in home.segments() {
        for text in [email, "unlikely", "key-9", "crm.ndjson"] {
            assert!(!bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes())));
        }
        for (start, _) in frames(&bytes) {
            let kind = bytes[start + 5];
            if ![1, 2, 10, 16].contains(&kind) {
                assert!(slots.insert(bytes[start + 24..start + 40].to_vec()));
            }
        }
    }
    assert_eq!(slots.len(), 40);
}

#[test]
fn the_largest_entry_goes_in_and_a_larger_one_says_what_is_too_large() {
    let home = Home::new();
    let mut ledger = home.create();
    let with_key = |size: usize| Received {
        key: "k".repeat(size),
        fields: Fields::default(),
        values: Standardized::default(),
        issues: Vec::new(),
        ..received(1, "x")
    };
    // 65,451 padded bytes less length, head, three counts and the text's length.
    let most = 65_451 - 2 - 32 - 6 - 8;
    let placed = ledger.append(&with_key(most)).unwrap();
    let before = ledger.next();
    for size in [most + 1, 65_535, 65_536, 1 << 20] {
        match ledger.append(&with_key(size)).unwrap_err() {
            Error::TooLarge { kind: Kind::Received, size: found, max, .. } => assert!(found > max, "{found} {max}"),
            other => panic!("{other}"),
        }
    }
    let mut fields = Fields::default();
    fields.push(FieldIndex(0), CellKind::Text, &"x".repeat(100_000));
    assert!(matches!(ledger.append(&Received { fields, ..with_key(1) }), Err(Error::TooLarge { .. })));
    assert!(matches!(ledger.append(&rejected(1, vec![0; 60_001])), Err(Error::TooLarge { .. })));
    assert_eq!(ledger.next(), before, "what was refused left no trace");
    ledger.append(&rejected(1, vec![0; 60_000])).unwrap();
    ledger.commit(Epoch(1)).unwrap();
    assert_eq!(ledger.read(placed.position).unwrap().content, Content::Received(with_key(most)));
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    assert_eq!(report.entries, before.0 + 2);
}

#[test]
fn births_that_have_no_key_are_refused() {
    let mut ledger = Home::new().create();
    assert!(matches!(ledger.append(&received(u64::MAX, "x")), Err(Error::Births { .. })));
    assert!(matches!(ledger.append(&Merge { link: link(4, 4), epoch: Epoch(1) }), Err(Error::Births { .. })));
}

#[test]
fn epochs_only_ascend() {
    let home = Home::new();
    let mut ledger = home.create();
    ledger.commit(Epoch(5)).unwrap();
    for epoch in [0, 4, 5] {
        assert!(matches!(ledger.commit(Epoch(epoch)), Err(Error::EpochOrder { .. })));
    }
    ledger.commit(Epoch(6)).unwrap();
    verify(&home.dir(), &[], |_| {}).unwrap();
}

#[test]
fn a_position_that_is_none_is_refused() {
    let home = Home::new();
    let mut ledger = home.create();
    let state = write_epoch(&mut ledger, 1);
    for position in [0, 1, 75, 77, state.end().0, state.end().0 + 1, 99 << 32, u64::MAX] {
        let found = ledger.read(Position(position));
        assert!(matches!(found, Err(Error::NotAnEntry { .. })), "{position}: {found:?}");
    }
}

#[test]
fn times_are_those_that_were_set() {
    let home = Home::new();
    let mut ledger = home.create();
    ledger.set_time(5_000);
    let placed = ledger.append(&received(1, "x")).unwrap();
    ledger.sync().unwrap();
    assert_eq!(ledger.read(placed.position).unwrap().header.time_s, 5_000);
    assert_eq!(home.entries()[0].header.time_s, 1_000);
}

#[test]
fn missing_directories_are_missing_ledgers() {
    let home = Home::new();
    assert!(matches!(verify(&home.dir(), &[], |_| {}), Err(Error::Missing { .. })));
    assert!(matches!(verify(Path::new("/nonexistent/ledger"), &[], |_| {}), Err(Error::Missing { .. })));
}
