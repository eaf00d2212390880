//! Goal: what a reader of each format reads is what was given, and the same rows give the same bytes.

use super::*;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use proptest::prelude::*;

/// A cell that owns its text.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Boolean(bool),
    Timestamp(i64),
}

type Row = [Cell; 4];

fn columns() -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    vec![
        column("a \"name\", quoted", ColumnKind::Text),
        column("count", ColumnKind::Integer),
        column("given", ColumnKind::Boolean),
        column("at.time", ColumnKind::Timestamp),
    ]
}

fn value(cell: &Cell) -> Value<'_> {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::Text(text),
        Cell::Integer(value) => Value::Integer(*value),
        Cell::Boolean(value) => Value::Boolean(*value),
        Cell::Timestamp(at) => Value::Timestamp(Timestamp(*at)),
    }
}

fn write(format: Format, rows: &[Row]) -> Vec<u8> {
    let mut table = Table::new(format, columns(), Vec::new()).unwrap();
    for row in rows {
        table.row(&row.each_ref().map(value)).unwrap();
    }
    table.finish().unwrap()
}

fn time(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn read_csv(bytes: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(bytes);
    let names: Vec<String> = columns().into_iter().map(|column| column.name).collect();
    assert_eq!(reader.headers().unwrap(), &csv::StringRecord::from(names));
    let cell = |text: &str, read: fn(&str) -> Cell| if text.is_empty() { Cell::Null } else { read(text) };
    let row = |record: csv::StringRecord| {
        [
            cell(&record[0], |text| Cell::Text(text.to_owned())),
            cell(&record[1], |text| Cell::Integer(text.parse().unwrap())),
            cell(&record[2], |text| Cell::Boolean(text.parse().unwrap())),
            cell(&record[3], |text| Cell::Timestamp(time(text))),
        ]
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn read_ndjson(bytes: &[u8]) -> Vec<Row> {
    let text = std::str::from_utf8(bytes).unwrap();
    let row = |line: &str| {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert_eq!(object.len(), 4);
        columns()
            .into_iter()
            .map(|column| (column.kind, object[&column.name].clone()))
            .map(|(kind, value)| match (kind, value) {
                (_, serde_json::Value::Null) => Cell::Null,
                (ColumnKind::Timestamp, value) => Cell::Timestamp(time(value.as_str().unwrap())),
                (_, serde_json::Value::String(text)) => Cell::Text(text),
                (_, serde_json::Value::Bool(value)) => Cell::Boolean(value),
                (_, value) => Cell::Integer(value.as_i64().unwrap()),
            })
            .collect::<Vec<_>>()
            .try_into()
            .unwrap()
    };
    text.split_terminator('\n').map(row).collect()
}

fn read_parquet(bytes: Vec<u8>) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    std::fs::write(&path, bytes).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let cell = |field: &Field| match field {
        Field::Null => Cell::Null,
        Field::Str(text) => Cell::Text(text.clone()),
        Field::Long(value) => Cell::Integer(*value),
        Field::Bool(value) => Cell::Boolean(*value),
        Field::TimestampMicros(at) => Cell::Timestamp(*at),
        other => panic!("{other:?} was not written"),
    };
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let cells: Vec<Cell> = row.unwrap().get_column_iter().map(|(_, field)| cell(field)).collect();
        cells.try_into().unwrap()
    })
    .collect()
}

fn check(rows: &[Row]) {
    // CSV has no null: empty text comes back as one.
    let mut nulls = rows.to_vec();
    for row in &mut nulls {
        if row[0] == Cell::Text(String::new()) {
            row[0] = Cell::Null;
        }
    }
    assert_eq!(read_csv(&write(Format::Csv, rows)), nulls);
    assert_eq!(read_ndjson(&write(Format::Ndjson, rows)), rows);
    assert_eq!(read_parquet(write(Format::Parquet, rows)), rows);
    for format in [Format::Csv, Format::Ndjson, Format::Parquet] {
        assert_eq!(write(format, rows), write(format, rows), "the bytes depend on the rows alone");
    }
}

fn row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![
        any::<String>().prop_map(Cell::Text),
        "[,\"\r\n\t ;=+@a\u{0}\u{feff}é語]{0,6}".prop_map(Cell::Text),
        Just(Cell::Null),
    ];
    let integer = prop_oneof![any::<i64>().prop_map(Cell::Integer), Just(Cell::Null)];
    let boolean = prop_oneof![any::<bool>().prop_map(Cell::Boolean), Just(Cell::Null)];
    // The years 0 to 9999 and a little before.
    let at = (-62_200_000_000_000_000..253_402_200_000_000_000i64).prop_map(Cell::Timestamp);
    (text, integer, boolean, prop_oneof![at, Just(Cell::Null)]).prop_map(|(a, b, c, d)| [a, b, c, d])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_is_what_was_given(rows in prop::collection::vec(row(), 0..20)) {
        check(&rows);
    }
}

#[test]
fn many_rows_make_several_row_groups() {
    let rows: Vec<Row> = (0..140_000i64)
        .map(|i| [Cell::Text(format!("row {i}")), Cell::Integer(i), Cell::Boolean(i % 3 == 0), Cell::Null])
        .collect();
    let bytes = write(Format::Parquet, &rows);
    assert_eq!(read_parquet(bytes), rows);
    // Few rows of long texts end a group as well.
    let long = "x".repeat(1 << 20);
    let rows: Vec<Row> =
        (0..70).map(|i| [Cell::Text(long.clone()), Cell::Integer(i), Cell::Null, Cell::Timestamp(i)]).collect();
    assert_eq!(read_parquet(write(Format::Parquet, &rows)), rows);
}

#[test]
fn text_formats_look_like_this() {
    let rows = [
        [Cell::Text("O'Brien, \"Al\"\nJr".into()), Cell::Integer(-1), Cell::Boolean(true), Cell::Timestamp(1)],
        [Cell::Text("=1+1".into()), Cell::Null, Cell::Null, Cell::Timestamp(1_700_000_000_000_000)],
    ];
    let csv = "\"a \"\"name\"\", quoted\",count,given,at.time\n\
               \"O'Brien, \"\"Al\"\"\nJr\",-1,true,1970-01-01T00:00:00.000001Z\n\
               =1+1,,,2023-11-14T22:13:20Z\n";
    assert_eq!(String::from_utf8(write(Format::Csv, &rows)).unwrap(), csv);
    let ndjson = "{\"a \\\"name\\\", quoted\":\"O'Brien, \\\"Al\\\"\\nJr\",\"count\":-1,\"given\":true,\
                  \"at.time\":\"1970-01-01T00:00:00.000001Z\"}\n\
                  {\"a \\\"name\\\", quoted\":\"=1+1\",\"count\":null,\"given\":null,\
                  \"at.time\":\"2023-11-14T22:13:20Z\"}\n";
    assert_eq!(String::from_utf8(write(Format::Ndjson, &rows)).unwrap(), ndjson);
}

#[test]
fn what_does_not_fit_is_refused() {
    for format in [Format::Csv, Format::Ndjson, Format::Parquet] {
        let mut table = Table::new(format, columns(), Vec::new()).unwrap();
        assert!(matches!(table.row(&[Value::Null]), Err(Error::Cells { expected: 4, found: 1 })));
        let cells = [Value::Integer(1), Value::Null, Value::Null, Value::Null];
        assert!(matches!(table.row(&cells), Err(Error::Kind { .. })));
        let twice = vec![columns()[1].clone(), columns()[1].clone()];
        assert!(matches!(Table::new(format, twice, Vec::new()), Err(Error::Columns { .. })));
        assert!(matches!(Table::new(format, Vec::new(), Vec::new()), Err(Error::Columns { .. })));
    }
    for format in [Format::Csv, Format::Ndjson] {
        let mut table = Table::new(format, columns(), Vec::new()).unwrap();
        let cells = [Value::Null, Value::Null, Value::Null, Value::Timestamp(Timestamp(i64::MAX))];
        assert!(matches!(table.row(&cells), Err(Error::Time { .. })));
    }
}

/// An output that refuses after so many bytes, as a full disk does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for format in [Format::Csv, Format::Ndjson, Format::Parquet] {
        let mut table = Table::new(format, columns(), Full(100)).unwrap();
        let cells = [Value::Text("some text"), Value::Integer(1), Value::Null, Value::Null];
        let written: Result<(), Error> = (0..1000).try_for_each(|_| table.row(&cells));
        assert!(written.and_then(|()| table.finish().map(drop)).is_err(), "{format:?}");
    }
}
