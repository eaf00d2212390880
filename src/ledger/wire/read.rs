//! How reads are written (see `FORMAT.md`).
//!
//! INVARIANT: attributes and roots ascend, and each number has its shortest form, so that a read has one form.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::Written;
use super::super::read_entry::{Operation, READS_NUMBER, Read};
use super::super::tree::Digest;
use super::put;
use crate::encoding::canonical::{self, Bytes, Counted};
use crate::model::{Birth, Epoch};

/// Root, operation, allowed, count, epoch, part, parts, digest; actor, purpose, request; attributes; packed roots.
type ReadWire = ((u64, u8, bool, u64, u64, u16, u16, Digest), String, String, String, Counted<String>, Bytes);

impl Written for Read {
    fn kind(&self) -> Kind {
        Kind::Read
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.root)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let head = (
            self.root.0,
            self.operation as u8,
            self.allowed,
            self.count,
            self.epoch.0,
            self.part,
            self.parts,
            &self.digest,
        );
        let (purpose, request) = (self.purpose.as_deref().unwrap_or(""), self.request.as_deref().unwrap_or(""));
        let attributes = Counted(self.attributes.clone());
        put(Kind::Read, &(head, &self.actor, purpose, request, attributes, Bytes(pack(&self.roots))), out)
    }
}

pub(super) fn read_read(bytes: &[u8]) -> Option<Read> {
    let (head, actor, purpose, request, Counted(attributes), Bytes(packed)): ReadWire =
        canonical::decode(bytes).ok()?;
    let (root, operation, allowed, count, epoch, part, parts, digest) = head;
    let roots = unpack(&packed)?;
    let single = root != READS_NUMBER && roots.is_empty() && digest == [0; 32] && (part, parts) == (1, 1);
    let sound = attributes.is_sorted_by(|a, b| a < b) && part >= 1 && part <= parts && !actor.is_empty();
    let operation = Operation::ALL.into_iter().find(|known| *known as u8 == operation)?;
    let given = |text: String| (!text.is_empty()).then_some(text);
    (sound && (single || root == READS_NUMBER)).then_some(Read {
        root: Birth(root),
        actor,
        purpose: given(purpose),
        request: given(request),
        allowed,
        operation,
        count,
        attributes,
        epoch: Epoch(epoch),
        part,
        parts,
        digest,
        roots,
    })
}

/// Each root as the gap to the one before it (the first as it is), seven bits a byte, the lowest first; the highest bit
/// says that more follow (LEB128).
fn pack(roots: &[Birth]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before = 0;
    for root in roots {
        let mut gap = root.0.saturating_sub(before);
        while gap >= 0x80 {
            out.push((gap & 0x7f) as u8 | 0x80);
            gap >>= 7;
        }
        out.push(gap as u8);
        before = root.0;
    }
    out
}

fn unpack(packed: &[u8]) -> Option<Vec<Birth>> {
    let mut roots: Vec<Birth> = Vec::new();
    let (mut gap, mut shift) = (0u64, 0u32);
    for byte in packed {
        let bits = u64::from(byte & 0x7f);
        // A number that would not fit, or has zeros at its end.
        if shift > 63 || (shift == 63 && bits > 1) || (shift > 0 && *byte == 0) {
            return None;
        }
        gap |= bits << shift;
        if byte & 0x80 != 0 {
            shift += 7;
            continue;
        }
        let root = match roots.last() {
            None => gap,
            Some(last) if gap > 0 => last.0.checked_add(gap)?,
            Some(_) => return None,
        };
        roots.push(Birth(root));
        (gap, shift) = (0, 0);
    }
    (shift == 0).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::super::super::read_entry::packed_bytes;
    use super::*;

    #[test]
    fn roots_have_one_form() {
        for roots in [vec![], vec![0], vec![0, 1, 127, 128, 300, 1 << 40, u64::MAX], vec![u64::MAX]] {
            let roots: Vec<Birth> = roots.into_iter().map(Birth).collect();
            let packed = pack(&roots);
            assert_eq!(unpack(&packed).as_ref(), Some(&roots));
            let mut before = None;
            let sizes = roots.iter().map(|root| packed_bytes(before.replace(*root), *root));
            assert_eq!(sizes.sum::<usize>(), packed.len());
        }
        for bad in [
            &[0x80][..],
            &[0x80, 0x00],
            &[1, 0],
            &[0xff; 11],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
        ] {
            assert_eq!(unpack(bad), None, "{bad:?}");
        }
    }
}
