//! `onefold match evaluate`.
