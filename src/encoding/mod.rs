//! Encodings that more than one module needs: canonical binary payloads, hexadecimal text, and files that are
//! replaced whole or not at all.
//!
//! Nothing here knows what the bytes mean or holds a key.

pub mod canonical;
pub mod hex;
pub mod replace;
