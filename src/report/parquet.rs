//! Parquet by the low-level column writers: cells are collected by column and written as a row group when there are
//! enough of them.
//!
//! INVARIANT: where a row group ends depends on the rows alone, so the same rows give the same bytes; what is held in
//! memory is bounded by one row group.

use super::{Column, ColumnKind, Error, Value};
use crate::model::Timestamp;
use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// Rows of a row group.
const GROUP_ROWS_MAX: usize = 1 << 17;

/// Bytes of text in a row group, past which it ends.
const GROUP_TEXT_BYTES_MAX: usize = 32 << 20;

pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    cells: Vec<Cells>,
    rows: usize,
    text_bytes: usize,
}

/// The cells of one column in the open row group.
struct Cells {
    /// 1 for a value, 0 for null.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    /// All texts one after another, and where each ends.
    Text {
        text: Vec<u8>,
        ends: Vec<usize>,
    },
    Integer(Vec<i64>),
    Boolean(Vec<bool>),
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(columns: &[Column], out: W) -> Result<Self, Error> {
        let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("schema").with_fields(fields).build().map_err(refused)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_created_by(concat!("onefold ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(refused)?;
        Ok(Self { file, cells: columns.iter().map(Cells::new).collect(), rows: 0, text_bytes: 0 })
    }

    /// Adds a row whose cells fit the columns.
    pub(super) fn row(&mut self, row: &[Value<'_>]) -> Result<(), Error> {
        for (cells, value) in self.cells.iter_mut().zip(row) {
            if let Value::Text(text) = value {
                self.text_bytes += text.len();
            }
            cells.push(*value);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS_MAX || self.text_bytes >= GROUP_TEXT_BYTES_MAX {
            self.end_group()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.into_inner().map_err(refused)
    }

    fn end_group(&mut self) -> Result<(), Error> {
        let mut group = self.file.next_row_group().map_err(refused)?;
        for cells in &mut self.cells {
            let column = group.next_column().map_err(refused)?;
            let mut column = column.ok_or_else(|| Error::Parquet("a column is missing".to_owned()))?;
            cells.write(&mut column).map_err(refused)?;
            column.close().map_err(refused)?;
        }
        group.close().map_err(refused)?;
        (self.rows, self.text_bytes) = (0, 0);
        Ok(())
    }
}

impl Cells {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            ColumnKind::Text => Values::Text { text: Vec::new(), ends: Vec::new() },
            ColumnKind::Integer | ColumnKind::Timestamp => Values::Integer(Vec::new()),
            ColumnKind::Boolean => Values::Boolean(Vec::new()),
        };
        Self { levels: Vec::new(), values }
    }

    fn push(&mut self, value: Value<'_>) {
        match (&mut self.values, value) {
            (Values::Text { text, ends }, Value::Text(value)) => {
                text.extend_from_slice(value.as_bytes());
                ends.push(text.len());
            }
            (Values::Integer(values), Value::Integer(value) | Value::Timestamp(Timestamp(value))) => values.push(value),
            (Values::Boolean(values), Value::Boolean(value)) => values.push(value),
            // What does not fit was refused by the table before.
            _ => {
                self.levels.push(0);
                return;
            }
        }
        self.levels.push(1);
    }

    /// Writes the cells and forgets them.
    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(self.levels.as_slice());
        match &mut self.values {
            Values::Text { text, ends } => {
                let all = ByteArray::from(std::mem::take(text));
                let mut start = 0;
                let texts: Vec<ByteArray> = ends
                    .drain(..)
                    .map(|end| {
                        let size_bytes = end - start;
                        all.slice(std::mem::replace(&mut start, end), size_bytes)
                    })
                    .collect();
                column.typed::<ByteArrayType>().write_batch(&texts, levels, None)?;
            }
            Values::Integer(values) => {
                column.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Boolean(values) => {
                column.typed::<BoolType>().write_batch(values, levels, None)?;
                values.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}

fn field(column: &Column) -> Result<Arc<Type>, Error> {
    let (physical, logical) = match column.kind {
        ColumnKind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Integer => (PhysicalType::INT64, None),
        ColumnKind::Boolean => (PhysicalType::BOOLEAN, None),
        ColumnKind::Timestamp => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let builder = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
    builder.with_logical_type(logical).build().map(Arc::new).map_err(refused)
}

fn refused(error: ParquetError) -> Error {
    Error::Parquet(error.to_string())
}
