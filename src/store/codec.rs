//! The bytes of index rows: fixed little-endian numbers, LEB128 numbers, and a reader that trusts nothing.
//!
//! INVARIANT: reading never panics, never reads past the end and never allocates more than the input justifies.

/// Bytes that are not a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Appends `value` in LEB128: seven bits a byte, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends how far `value` lies from `previous`, which is replaced by it: near numbers take one byte.
pub(super) fn put_step(out: &mut Vec<u8>, previous: &mut u64, value: u64) {
    let step = value.wrapping_sub(*previous).cast_signed();
    put_number(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
    *previous = value;
}

/// What is left of a row.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of a key, whose bytes sort as the number does.
    pub(super) fn u64_be(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn u128(&mut self) -> Result<u128, Malformed> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    /// A LEB128 number, of at most ten bytes.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// The inverse of [`put_step`].
    pub(super) fn step(&mut self, previous: &mut u64) -> Result<u64, Malformed> {
        let folded = self.number()?;
        let step = (folded >> 1) ^ (folded & 1).wrapping_neg();
        *previous = previous.wrapping_add(step);
        Ok(*previous)
    }

    /// A count of things of at least `size_bytes_min` bytes each, so that no count asks for more memory than the
    /// bytes that follow can fill.
    pub(super) fn count(&mut self, size_bytes_min: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.0.len() / size_bytes_min { Err(Malformed) } else { Ok(count) }
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &[u8] {
        std::mem::take(&mut self.0)
    }

    /// Nothing may follow a row.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}
