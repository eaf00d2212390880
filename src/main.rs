//! The `onefold` program.

fn main() {}
