//! The `pampero` command.
fn main() {}
