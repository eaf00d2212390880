//! Goal: a file or stream gives each of its messages once, in bounded memory, from any place on, and says what is wrong
//! with it. Method: streams in pieces of every size, files with every fault, and resuming after every step.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

#[test]
fn lines_are_cut_in_bounded_memory() {
    let schema = schema();
    let long = format!("{{\"id\":3,\"email\":\"{}\"}}", "x".repeat(100_000_000));
    let fits = format!("{{\"id\":4,\"email\":\"{}\"}}", "y".repeat(MESSAGE_BYTES_MAX - 19));
    assert_eq!(fits.len(), MESSAGE_BYTES_MAX);
    let text = format!("\u{feff}{{\"id\":1}}\r\n\n   \n{{\"id\":2\n{long}\n{fits}\n{fits} \n{{\"id\":5}}");
    let steps = read_all(&schema, Some(PEOPLE), text.into_bytes());
    let keys: Vec<_> = steps.iter().map(|(changes, _)| changes.first().map(|change| change.key.as_str())).collect();
    assert_eq!(keys, [Some("1"), None, None, Some("4"), None, Some("5")]);
    let (reason, raw, size, whole, _) = steps[1].1.clone().unwrap();
    assert_eq!((reason, raw.as_slice(), size, whole), (Refusal::Json { offset: 7 }, b"{\"id\":2".as_slice(), 7, true));
    let (reason, raw, size, whole, hash) = steps[2].1.clone().unwrap();
    assert_eq!((reason.code(), size, whole), (1, long.len() as u64, false));
    assert_eq!(raw, &long.as_bytes()[..RAW_BYTES_MAX]);
    assert_eq!(hash.as_slice(), ring::digest::digest(&ring::digest::SHA256, long.as_bytes()).as_ref());
    assert_eq!(
        steps[4].1.as_ref().map(|refused| (refused.0.code(), refused.2)),
        Some((1, MESSAGE_BYTES_MAX as u64 + 1))
    );
}

#[test]
fn csv_rows() {
    let schema = schema();
    let text = "\u{feff}id,\"email\",extra,full name,seen,version\r\n\
        1,a@x.example,,\"Doe, \"\"J\"\"\r\nsecond line\",1970-01-01,7\r\n\
        2,,,,,\n\
        \n\
        3,x,y\n\
        4,x,,n,,,\n\
        5,\"x\"y,,,,\n\
        ,x,,,,\n\
        6,x,,n,soon,\n\
        7,5\" disk,,'n',,\n\
        8,\"open,,,,\n\
        9,x,,,,";
    let steps = read_all(&schema, Some(COLUMNS), text.as_bytes().to_vec());
    let shown: Vec<_> = steps
        .iter()
        .map(|(changes, refused)| match refused {
            None => show(&schema, changes),
            Some(refused) => format!("{} {}", refused.0.code(), refused.0),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "upsert columns 1 log:7 at:0 email=a@x.example full name=Doe, \"J\"\r\nsecond line",
            "upsert columns 2 - at:-",
            "29 3 fields in a row of 6",
            "29 7 fields in a row of 6",
            "30 a quoted field that is not closed, or has text behind its quote",
            "9 the key `id` is not a text, number or boolean with at least one character",
            "12 `seen` is not a time",
            "upsert columns 7 - at:- email=5\" disk full name='n'",
            "30 a quoted field that is not closed, or has text behind its quote",
            "upsert columns 9 - at:- email=x",
        ]
    );
    let wide: String = (0..10_000).map(|column| format!("c{column},")).collect();
    let text = format!("{wide}id,email,full name,seen,version\n{}1,e,n,,\n", ",".repeat(10_000));
    let steps = read_all(&schema, Some(COLUMNS), text.into_bytes());
    assert_eq!(show(&schema, &steps[0].0), "upsert columns 1 - at:- email=e full name=n");
}

/// A quote that never closes costs one line, also when more than a message follows it.
#[test]
fn a_stray_quote_does_not_swallow_the_file() {
    let schema = schema();
    let mut text = String::from("id,email,full name,seen,version\n1,\"open,,,\n");
    let rows = 100_000;
    for row in 0..rows {
        writeln!(text, "r{row},e,n,,").unwrap();
    }
    let steps = read_all(&schema, Some(COLUMNS), text.into_bytes());
    assert_eq!(steps.len(), rows + 1);
    assert_eq!(steps[0].1.as_ref().map(|refused| refused.0.clone()), Some(Refusal::Quote));
    assert!(steps[1..].iter().all(|(changes, _)| changes.len() == 1));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let (schema, folder) = (schema(), tempfile::tempdir().unwrap());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let check = |source, path: &Path, expected: &str| {
        let error = Feed::open(&schema, source, path, None).unwrap_err().to_string();
        assert_eq!(error.replace(&format!("{}/", folder.path().display()), ""), expected);
    };
    check(Some(CRM), &folder.path().join("none"), "there is no file `none`");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    check(Some(CRM), &folder.path().join("folder"), "`folder` is a directory, not a file");
    check(None, &write("empty", b""), "`empty` is empty");
    check(
        Some(COLUMNS),
        &write("lacks.csv", b"id,mail\n"),
        "`lacks.csv` lacks the columns `email`, `full name`, `seen`, `version`; it has `id`, `mail`",
    );
    check(
        Some(COLUMNS),
        &write("twice.csv", b"id,email,full name,seen,version,email\n"),
        "`twice.csv` has the column `email` twice",
    );
    check(
        Some(COLUMNS),
        &write("latin.csv", b"id,\xe9\n"),
        "the first line of `latin.csv` is not a CSV header in UTF-8",
    );
    check(
        Some(SourceId(7)),
        &write("no.parquet", b"PAR1 is not enough"),
        "cannot read `no.parquet` as Parquet: it is not a Parquet file, or its footer is damaged",
    );
    let path = write("short.ndjson", b"{}\n");
    let resume = Some(FeedPosition { bytes: 9, line: 1 });
    assert!(matches!(
        Feed::open(&schema, Some(CRM), &path, resume),
        Err(Error::Shrunk { size_bytes: 3, resume_bytes: 9, .. })
    ));
    let stream = Feed::reader(&schema, Some(SourceId(7)), "stdin", Box::new(std::io::empty()));
    assert!(matches!(stream, Err(Error::NotSeekable { .. })));
}

/// Whatever step a feed is left after, the resumed feed gives the rest and nothing twice.
fn check_resume(schema: &Arc<Schema>, source: Option<SourceId>, path: &Path) -> Vec<Taken> {
    let whole = drain(&mut Feed::open(schema, source, path, None).unwrap());
    for left in 0..=whole.len() {
        let mut feed = Feed::open(schema, source, path, None).unwrap();
        for _ in 0..left {
            feed.next(&mut Vec::new()).unwrap().unwrap();
        }
        let mut resumed = Feed::open(schema, source, path, Some(feed.position())).unwrap();
        assert_eq!(drain(&mut resumed), &whole[left..]);
        assert_eq!(drain(&mut feed), &whole[left..]);
        assert_eq!(resumed.position(), feed.position());
    }
    whole
}

#[test]
fn feeds_resume_exactly_where_they_were() {
    let (schema, folder) = (schema(), tempfile::tempdir().unwrap());
    let path = folder.path().join("feed");
    std::fs::write(&path, "\u{feff}{\"id\":1}\r\n\n{bad\n{\"id\":2}\n\n{\"id\":3}").unwrap();
    assert_eq!(check_resume(&schema, Some(PEOPLE), &path).len(), 4);
    std::fs::write(&path, "id,email,full name,seen,version\r\n1,\"a\nb\",,,\n\n2\n3,,,,").unwrap();
    assert_eq!(check_resume(&schema, Some(COLUMNS), &path).len(), 3);
    write_parquet(&path);
    assert_eq!(check_resume(&schema, Some(SourceId(7)), &path).len(), 7);
}

/// Seven rows in three row groups.
fn write_parquet(path: &Path) {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
    let message = "message people {
        required binary id (UTF8); optional binary email (UTF8); required int32 unused;
        optional group address { optional binary city (UTF8); }
        optional int32 born (DATE); optional int64 seen (TIMESTAMP_MICROS); optional int32 spent (DECIMAL(9,2));
        optional double tags; }";
    let message = Arc::new(parquet::schema::parser::parse_message_type(message).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, message, Arc::default()).unwrap();
    for group in [0..3, 3..5, 5..7] {
        let rows: Vec<i32> = group.collect();
        let text = |prefix: &str| -> Vec<ByteArray> {
            rows.iter().map(|row| format!("{prefix}{row}").as_str().into()).collect()
        };
        let ones = vec![1i16; rows.len()];
        let mut rows_writer = writer.next_row_group().unwrap();
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {{
                let mut column = rows_writer.next_column().unwrap().unwrap();
                column.typed::<$kind>().write_batch(&$values, $levels, None).unwrap();
                column.close().unwrap();
            }};
        }
        column!(ByteArrayType, text("p"), None);
        column!(ByteArrayType, [] as [ByteArray; 0], Some(&vec![0i16; rows.len()]));
        column!(Int32Type, rows, None);
        column!(ByteArrayType, text("city"), Some(&vec![2i16; rows.len()]));
        column!(Int32Type, rows, Some(&ones));
        column!(Int64Type, rows.iter().map(|&row| i64::from(row) * 1_500_000).collect::<Vec<_>>(), Some(&ones));
        column!(Int32Type, rows.iter().map(|row| row * 100 + 5).collect::<Vec<_>>(), Some(&ones));
        column!(
            DoubleType,
            rows.iter().map(|&row| if row == 4 { f64::NAN } else { f64::from(row) / 2.0 }).collect::<Vec<_>>(),
            Some(&ones)
        );
        rows_writer.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn parquet_rows() {
    let (schema, folder) = (schema(), tempfile::tempdir().unwrap());
    let path = folder.path().join("people.parquet");
    write_parquet(&path);
    let steps = drain(&mut Feed::open(&schema, Some(SourceId(7)), &path, None).unwrap());
    assert_eq!(
        show(&schema, &steps[0].0),
        "upsert parquet p0 - at:- address.city=city0 born=1970-01-01 seen=1970-01-01T00:00:00Z spent=#0.05 tags=#0"
    );
    assert_eq!(
        show(&schema, &steps[3].0),
        "upsert parquet p3 - at:- address.city=city3 born=1970-01-04 seen=1970-01-01T00:00:04.5Z spent=#3.05 tags=#1.5"
    );
    assert_eq!(
        steps[4].1.as_ref().map(|refused| refused.0.clone()),
        Some(Refusal::Unprintable { path: "tags".into() })
    );
    // Damage anywhere gives an error or other rows, never a panic.
    let bytes = std::fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, &damaged).unwrap();
        if let Ok(mut feed) = Feed::open(&schema, Some(SourceId(7)), &path, None) {
            let mut steps = 0;
            while steps < 100 && matches!(feed.next(&mut Vec::new()), Ok(Some(_))) {
                steps += 1;
            }
        }
    }
}

/// Everything that is in a file by its permissions only is told as such; root may read all, so this needs another user.
#[test]
#[cfg(unix)]
fn an_unreadable_file_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.ndjson");
    std::fs::File::create(&path).unwrap().write_all(b"{}\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read every file");
        return;
    }
    assert!(matches!(Feed::open(&schema(), Some(CRM), &path, None), Err(Error::Unreadable { .. })));
}

proptest! {
    /// CSV by the `csv` crate as oracle: what it writes, we read.
    #[test]
    fn csv_fields_come_back(rows in prop::collection::vec(("[a-z]{1,5}", "[a-zé,\"\r\n ]{0,12}", "\\PC{0,8}"), 1..8)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "email", "full name", "seen", "version"]).unwrap();
        for (id, email, name) in &rows {
            writer.write_record([id, email, name, "", ""]).unwrap();
        }
        let steps = read_all(&schema(), Some(COLUMNS), writer.into_inner().unwrap());
        prop_assert_eq!(steps.len(), rows.len());
        for ((id, email, name), (changes, _)) in rows.iter().zip(&steps) {
            let field = |index| changes[0].fields.get(FieldIndex(index)).map_or("", |(_, text)| text);
            prop_assert_eq!((&changes[0].key, field(0), field(1)), (id, email.as_str(), name.as_str()));
        }
    }
}
