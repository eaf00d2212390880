//! Encodings that more than one module needs: canonical binary payloads, hexadecimal text, SHA-256 digests, and the
//! door to the disk for files that must survive a crash.
//!
//! Nothing here knows what the bytes mean or holds a key.

pub mod canonical;
pub mod hex;
pub mod sha256;
pub mod storage;
