//! The binary form of payloads: bincode 1.3.3 with fixed-width little-endian integers.
//!
//! INVARIANT: one value has one encoding. What is read is encoded again and compared, and nothing may follow it.
//! Lengths: texts and byte strings have a `u64` before them, [`Counted`] lists a `u16`, tuples and structs nothing.

use bincode::Options;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io;
use std::marker::PhantomData;

/// Why bytes are no payload, or a value cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A list has more members than its count can say.
    #[error("a list is longer than 65535")]
    Encode,
    /// The bytes end early, go on after the value, or hold what the type does not.
    #[error("the bytes are not an encoding of this payload")]
    Decode,
    /// The bytes say the value in another way than it is written.
    #[error("the bytes are not the canonical encoding of their value")]
    NotCanonical,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian().reject_trailing_bytes()
}

/// Appends the encoding of `value` to `out`.
///
/// # Errors
/// [`Error::Encode`] when a counted list is too long; `out` may then hold a part of the encoding.
pub fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    options().serialize_into(out, value).map_err(|_| Error::Encode)
}

/// Reads a value that was written by [`encode`] and fills `bytes`. Allocates no more than a small multiple of them.
///
/// # Errors
/// [`Error::Decode`] and [`Error::NotCanonical`].
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let limit = u64::try_from(bytes.len()).map_err(|_| Error::Decode)?;
    let value: T = options().with_limit(limit).deserialize(bytes).map_err(|_| Error::Decode)?;
    let mut expected = Expected(bytes);
    options().serialize_into(&mut expected, &value).map_err(|_| Error::NotCanonical)?;
    if expected.0.is_empty() { Ok(value) } else { Err(Error::NotCanonical) }
}

/// Compares what is written with what is expected.
struct Expected<'a>(&'a [u8]);

impl io::Write for Expected<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        match self.0.strip_prefix(written) {
            Some(rest) => {
                self.0 = rest;
                Ok(written.len())
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A list of at most 65,535 members whose length takes two bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted<T>(pub Vec<T>);

impl<T: Serialize> Serialize for Counted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Each(&self.0, std::convert::identity::<&T>).serialize_as(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A tuple has no length of its own in the encoding; this one is read as far as its first member says.
        deserializer.deserialize_tuple(1 + usize::from(u16::MAX), CountedVisitor(PhantomData))
    }
}

struct CountedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for CountedVisitor<T> {
    type Value = Counted<T>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a counted list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let short = || A::Error::custom("a counted list ends early");
        let count: u16 = members.next_element()?.ok_or_else(short)?;
        // The count is not believed: 64 members are room enough to begin with.
        let mut list = Vec::with_capacity(usize::from(count).min(64));
        for _ in 0..count {
            list.push(members.next_element()?.ok_or_else(short)?);
        }
        Ok(Counted(list))
    }
}

/// Writes a slice as a [`Counted`] list of another type, without building it.
pub struct Each<'a, T, F>(pub &'a [T], pub F);

impl<'a, T, F> Each<'a, T, F> {
    fn serialize_as<W, S>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        W: Serialize,
        F: Fn(&'a T) -> W,
        S: Serializer,
    {
        let count = u16::try_from(self.0.len()).map_err(|_| S::Error::custom("a counted list is too long"))?;
        let mut tuple = serializer.serialize_tuple(1 + self.0.len())?;
        tuple.serialize_element(&count)?;
        for item in self.0 {
            tuple.serialize_element(&(self.1)(item))?;
        }
        tuple.end()
    }
}

impl<'a, T, W: Serialize, F: Fn(&'a T) -> W> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_as(serializer)
    }
}

/// A byte string, written at once and not byte by byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a byte string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Sample {
        number: u16,
        list: Counted<(u16, u8)>,
        text: String,
        bytes: Bytes,
        flag: bool,
    }

    fn sample() -> (Sample, Vec<u8>) {
        let sample = Sample {
            number: 0x0102,
            list: Counted(vec![(3, 4), (5, 6)]),
            text: "é".into(),
            bytes: Bytes(vec![9]),
            flag: true,
        };
        let mut bytes = Vec::new();
        encode(&sample, &mut bytes).unwrap();
        (sample, bytes)
    }

    #[test]
    fn layout_is_as_documented() {
        let expected = [
            2, 1, // number
            2, 0, 3, 0, 4, 5, 0, 6, // list
            2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9, // text
            1, 0, 0, 0, 0, 0, 0, 0, 9, // bytes
            1, // flag
        ];
        assert_eq!(sample().1, expected);
    }

    #[test]
    fn round_trip_and_every_other_length_is_refused() {
        let (sample, mut bytes) = sample();
        assert_eq!(decode::<Sample>(&bytes).unwrap(), sample);
        for end in 0..bytes.len() {
            assert!(decode::<Sample>(&bytes[..end]).is_err(), "cut at {end}");
        }
        bytes.push(0);
        assert!(decode::<Sample>(&bytes).is_err());
    }

    #[test]
    fn absurd_lengths_are_refused_without_allocating_them() {
        let (_, mut bytes) = sample();
        bytes[10..18].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(decode::<Sample>(&bytes).is_err());
        let (_, mut bytes) = sample();
        bytes[2..4].copy_from_slice(&u16::MAX.to_le_bytes());
        assert!(decode::<Sample>(&bytes).is_err());
    }

    #[test]
    fn a_list_longer_than_its_count_is_refused() {
        let mut out = Vec::new();
        assert!(matches!(encode(&Counted(vec![0u8; 65_536]), &mut out), Err(Error::Encode)));
        assert!(encode(&Counted(vec![0u8; 65_535]), &mut out).is_ok());
    }
}
