//! Tables for other programs: rows of text, numbers, truth values and times as CSV, NDJSON or Parquet.
//!
//! It writes what it is given and nothing else: it does not select, sort or decide who may see what.
//!
//! INVARIANT: the same columns and rows give the same bytes, and what a reader of the format reads is what was given.
//! One exception: CSV has no null, so null and empty text are the same empty field there.
//!
//! CSV is RFC 4180 with `\n` at line ends. Text is written as it is, also where it begins with `=`, `+`, `-` or `@`,
//! which some spreadsheets take for a formula: changing it would change the data of those who import it elsewhere.

pub mod disclosure;
pub mod entry;
pub mod log;
mod parquet;

use crate::model::Timestamp;
use std::io::{self, Write};

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object a line, nulls included, members in the order of the columns.
    Ndjson,
    /// Apache Parquet, compressed with Zstandard, all columns optional.
    Parquet,
}

/// A column; every column may hold nulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Unique in the table, not empty.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8.
    Text,
    /// 64-bit signed.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// RFC 3339 in UTC in text formats, microseconds in Parquet.
    Timestamp,
}

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// For a column of [`ColumnKind::Text`].
    Text(&'a str),
    /// For a column of [`ColumnKind::Integer`].
    Integer(i64),
    /// For a column of [`ColumnKind::Boolean`].
    Boolean(bool),
    /// For a column of [`ColumnKind::Timestamp`]; the years −9999 to 9999.
    Timestamp(Timestamp),
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table needs columns, each with a name of its own.
    #[error("a column has no name, or the name `{name}` of another")]
    Columns {
        /// The name.
        name: String,
    },
    /// A row has more or fewer cells than there are columns.
    #[error("a row has {found} cells, the table {expected} columns")]
    Cells {
        /// Columns of the table.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A cell is not of the kind of its column.
    #[error("a cell of column `{column}` is not of the column's kind")]
    Kind {
        /// Name of the column.
        column: String,
    },
    /// A time that RFC 3339 cannot write.
    #[error("a time in column `{column}` is outside the years -9999 to 9999")]
    Time {
        /// Name of the column.
        column: String,
    },
    /// The output refused.
    #[error("the table could not be written: {0}")]
    Io(#[from] io::Error),
    /// The Parquet writer refused.
    #[error("the table could not be written as Parquet: {0}")]
    Parquet(String),
}

/// A table that is being written.
pub struct Table<W: Write + Send> {
    columns: Vec<Column>,
    writer: Writer<W>,
}

enum Writer<W: Write + Send> {
    Csv { out: Box<csv::Writer<W>>, field: String },
    Ndjson { out: io::BufWriter<W>, line: Vec<u8>, names: Vec<Vec<u8>> },
    Parquet(Box<parquet::Writer<W>>),
}

impl<W: Write + Send> Table<W> {
    /// Begins a table. Output is buffered here; `out` need not be.
    ///
    /// # Errors
    /// [`Error::Columns`] when there are none or names are missing or repeated, [`Error::Io`].
    pub fn new(format: Format, columns: Vec<Column>, out: W) -> Result<Self, Error> {
        check_columns(&columns)?;
        let writer = match format {
            Format::Csv => {
                let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out);
                out.write_record(columns.iter().map(|column| &column.name)).map_err(from_csv)?;
                Writer::Csv { out: Box::new(out), field: String::new() }
            }
            Format::Ndjson => {
                let name = |column: &Column| serde_json::to_vec(&column.name).map_err(|error| Error::Io(error.into()));
                let names = columns.iter().map(name).collect::<Result<_, _>>()?;
                Writer::Ndjson { out: io::BufWriter::with_capacity(1 << 16, out), line: Vec::new(), names }
            }
            Format::Parquet => Writer::Parquet(Box::new(parquet::Writer::new(&columns, out)?)),
        };
        Ok(Self { columns, writer })
    }

    /// Adds a row. After an error the table must be given up: part of the row may have been written.
    ///
    /// # Errors
    /// [`Error::Cells`], [`Error::Kind`] or [`Error::Time`] when the row does not fit the columns, [`Error::Io`],
    /// [`Error::Parquet`].
    pub fn row(&mut self, cells: &[Value<'_>]) -> Result<(), Error> {
        if cells.len() != self.columns.len() {
            return Err(Error::Cells { expected: self.columns.len(), found: cells.len() });
        }
        for (column, cell) in self.columns.iter().zip(cells) {
            if !cell.fits(column.kind) {
                return Err(Error::Kind { column: column.name.clone() });
            }
        }
        match &mut self.writer {
            Writer::Csv { out, field } => {
                for (column, cell) in self.columns.iter().zip(cells) {
                    match cell {
                        Value::Text(text) => out.write_field(text).map_err(from_csv)?,
                        other => {
                            field.clear();
                            other.write(field).map_err(|OutOfRange| Error::Time { column: column.name.clone() })?;
                            out.write_field(&*field).map_err(from_csv)?;
                        }
                    }
                }
                out.write_record(None::<&[u8]>).map_err(from_csv)
            }
            Writer::Ndjson { out, line, names } => {
                line.clear();
                for ((column, name), cell) in self.columns.iter().zip(names).zip(cells) {
                    line.push(if line.is_empty() { b'{' } else { b',' });
                    line.extend_from_slice(name);
                    line.push(b':');
                    put_json(line, *cell, &column.name)?;
                }
                line.extend_from_slice(b"}\n");
                out.write_all(line).map_err(Error::from)
            }
            Writer::Parquet(writer) => writer.row(cells),
        }
    }

    /// Ends the table and gives the output back, flushed. Without this call a table is not whole.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Parquet`].
    pub fn finish(self) -> Result<W, Error> {
        let mut out = match self.writer {
            Writer::Csv { out, .. } => {
                out.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.error().to_string()))?
            }
            Writer::Ndjson { out, .. } => out.into_inner().map_err(io::IntoInnerError::into_error)?,
            Writer::Parquet(writer) => writer.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

fn check_columns(columns: &[Column]) -> Result<(), Error> {
    let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    let repeated = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    match names.first().copied() {
        None | Some("") => Err(Error::Columns { name: String::new() }),
        Some(_) => repeated.map_or(Ok(()), |name| Err(Error::Columns { name: name.to_owned() })),
    }
}

/// A time that RFC 3339 cannot write.
struct OutOfRange;

impl Value<'_> {
    fn fits(self, kind: ColumnKind) -> bool {
        match self {
            Self::Null => true,
            Self::Text(_) => kind == ColumnKind::Text,
            Self::Integer(_) => kind == ColumnKind::Integer,
            Self::Boolean(_) => kind == ColumnKind::Boolean,
            Self::Timestamp(_) => kind == ColumnKind::Timestamp,
        }
    }

    /// Appends the text of a cell; that of null is empty.
    fn write(self, out: &mut String) -> Result<(), OutOfRange> {
        use std::fmt::Write;
        match self {
            Self::Null => {}
            Self::Text(text) => out.push_str(text),
            Self::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
            Self::Integer(value) => write!(out, "{value}").map_err(|_| OutOfRange)?,
            Self::Timestamp(Timestamp(at)) => {
                let at = jiff::Timestamp::from_microsecond(at).map_err(|_| OutOfRange)?;
                write!(out, "{at}").map_err(|_| OutOfRange)?;
            }
        }
        Ok(())
    }
}

fn put_json(line: &mut Vec<u8>, cell: Value<'_>, column: &str) -> Result<(), Error> {
    match cell {
        Value::Null => line.extend_from_slice(b"null"),
        Value::Text(text) => serde_json::to_writer(line, text).map_err(io::Error::from)?,
        Value::Integer(value) => serde_json::to_writer(line, &value).map_err(io::Error::from)?,
        Value::Boolean(value) => line.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Timestamp(_) => {
            let mut text = String::new();
            cell.write(&mut text).map_err(|OutOfRange| Error::Time { column: column.to_owned() })?;
            line.push(b'"');
            line.extend_from_slice(text.as_bytes());
            line.push(b'"');
        }
    }
    Ok(())
}

fn from_csv(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::Io(error),
        other => Error::Io(io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests;
