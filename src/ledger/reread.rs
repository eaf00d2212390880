//! Bytes of any origin read as frames and payloads, and what was read written again: for tests that feed the readers
//! with anything at all and hold what is accepted against what would be written.
//!
//! INVARIANT: it reads with what the ledger reads with, and nothing but tests calls it.

use super::error::Damage;
use super::kind::{CLEAR_HEADER_BYTES, Header, Kind, REDACTED};
use super::leaf::body_digest;
use super::payload::{Content, Written};
use super::segment;
use super::wire;

/// The frame that stands in these bytes, as it would be written; so much of it as stands in clear.
///
/// # Errors
/// What is wrong with the bytes.
pub fn reread_frame(bytes: &[u8]) -> Result<Vec<u8>, Damage> {
    let torn = |needed| Damage::Torn { needed, found: bytes.len() as u64 };
    let length = bytes.first_chunk::<4>().ok_or_else(|| torn(4))?;
    let size = segment::frame_size(*length)?;
    let frame = bytes.get(..size).ok_or_else(|| torn(size as u64))?;
    segment::check_frame(frame)?;
    let (header, body) = Header::read(frame.get(4..size - 4).ok_or(Damage::EntryShort)?)?;
    body_digest(&header, body)?;
    let mut stored = header.sealed_bytes().get(..header.size_bytes()).ok_or(Damage::EntryShort)?.to_vec();
    if header.redacted
        && let Some(version) = stored.first_mut()
    {
        *version |= REDACTED;
    }
    match header.kind.is_clear() {
        true => stored.extend(reread_payload(header.kind, body).ok_or(Damage::Payload { kind: header.kind })?),
        false => stored.extend_from_slice(body),
    }
    let mut written = Vec::with_capacity(size);
    segment::write_frame(&stored, &mut written);
    Ok(written)
}

/// The payload of a kind that these bytes are, as it would be written; `None` when they are none.
pub fn reread_payload(kind: Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut written = Vec::with_capacity(bytes.len() + CLEAR_HEADER_BYTES);
    let out = &mut written;
    let done = match wire::read(kind, bytes)? {
        Content::Open(payload) => payload.write(out),
        Content::Policy(payload) => payload.write(out),
        Content::Received(payload) => payload.write(out),
        Content::Rejected(payload) => payload.write(out),
        Content::Merge(payload) => payload.write(out),
        Content::Unmerge(payload) => payload.write(out),
        Content::Values(payload) => payload.write(out),
        Content::Decision(payload) => payload.write(out),
        Content::Commit(payload) => payload.write(out),
        Content::Review(payload) => payload.write(out),
        Content::Erasure(payload) => payload.write(out),
        Content::Key(payload) => payload.write(out),
        Content::Redaction(payload) => payload.write(out),
        Content::Read(payload) => payload.write(out),
        Content::Request(payload) => payload.write(out),
        Content::Uses(payload) => payload.write(out),
        Content::Permissions(payload) => payload.write(out),
        Content::Tick(payload) => payload.write(out),
        Content::Binding(payload) => payload.write(out),
        Content::Sealed { .. } | Content::Erased { .. } => return None,
    };
    done.ok().map(|()| written)
}
