//! A decoded change as bytes, for changes that wait in quarantine. bincode 1.3.3, fixint, little-endian.

use super::Error;
use crate::encoding::canonical;
use crate::model::{Cell, CellKind, Change, FieldIndex, Fields, Operation, Order, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct WireChange {
    source: u16,
    key: String,
    operation: u8,
    order: u8,
    order_value: u64,
    at: Option<i64>,
    cells: Vec<(u16, u8, u32)>,
    text: String,
}

/// The bytes of a change.
pub(super) fn change_to_bytes(change: &Change) -> Result<Vec<u8>, Error> {
    let (cells, text) = change.fields.parts();
    let (order, order_value) = match change.order {
        Order::Arrival => (0, 0),
        Order::Log(position) => (1, position),
        Order::Time(us) => (2, us.cast_unsigned()),
    };
    let wire = WireChange {
        source: change.source.0,
        key: change.key.clone(),
        operation: change.operation as u8,
        order,
        order_value,
        at: change.at.map(|at| at.0),
        cells: cells.iter().map(|cell| (cell.field.0, cell.kind as u8, cell.size_bytes)).collect(),
        text: text.to_owned(),
    };
    let mut bytes = Vec::new();
    canonical::encode(&wire, &mut bytes).map_err(|_| Error::Unaccounted { what: "a change cannot be written down" })?;
    Ok(bytes)
}

/// The key of the change that these bytes begin; `None` when they do not reach so far.
pub(super) fn key_from_bytes(bytes: &[u8]) -> Option<String> {
    let (size, rest) = bytes.get(2..)?.split_first_chunk()?;
    let key = rest.get(..usize::try_from(u64::from_le_bytes(*size)).ok()?)?;
    String::from_utf8(key.to_vec()).ok()
}

/// The change of these bytes; `None` when they are none.
pub(super) fn change_from_bytes(bytes: &[u8]) -> Option<Change> {
    let wire: WireChange = canonical::decode(bytes).ok()?;
    let cell = |(field, kind, size_bytes): (u16, u8, u32)| {
        let kind = match kind {
            0 => CellKind::Text,
            1 => CellKind::Number,
            2 => CellKind::Boolean,
            3 => CellKind::Json,
            4 => CellKind::Null,
            5 => CellKind::Unavailable,
            _ => return None,
        };
        Some(Cell { field: FieldIndex(field), kind, size_bytes })
    };
    let cells = wire.cells.into_iter().map(cell).collect::<Option<Vec<_>>>()?;
    Some(Change {
        source: SourceId(wire.source),
        key: wire.key,
        operation: match wire.operation {
            0 => Operation::Upsert,
            1 => Operation::Patch,
            2 => Operation::Delete,
            _ => return None,
        },
        order: match wire.order {
            0 => Order::Arrival,
            1 => Order::Log(wire.order_value),
            2 => Order::Time(wire.order_value.cast_signed()),
            _ => return None,
        },
        at: wire.at.map(Timestamp),
        fields: Fields::from_parts(cells, wire.text)?,
    })
}
