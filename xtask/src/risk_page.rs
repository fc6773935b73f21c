//! `docs/risk-gate.md`, from the engine's own tables.

use std::fmt::Write as _;

use pampero_engine::{CHECKS, TRANSITIONS};

/// The news of an order in the order of the columns of [`TRANSITIONS`].
const NEWS: [&str; 11] = [
    "acknowledged",
    "live",
    "fill",
    "cancel pending",
    "cancelled",
    "completed",
    "rejected",
    "not sent",
    "unknown",
    "presumed absent",
    "absent",
];

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from crates/engine/src/risk/denied.rs and orders.rs. -->
# The risk gate

Every order of every strategy passes these checks, in this order, in every mode. A refusal is written
`CODE key=value …`; the codes are stable. The limits of the strategy are checked, then those of the account.
A code that does not apply to reducing orders lets a sell pass that only makes the position smaller.

Rows are the numbers of the checks; row 0 holds rules of the engine that stand before the gate.

| row | code | reducing orders too | meaning |
|---:|---|:---:|---|
";

const STATES: &str = "
# The states of an order

What an order becomes after each piece of news. An empty field: the news changes nothing, because it cannot be
true or comes from an earlier stage. States whose row is empty are final; late fills are still counted.

";

pub(crate) fn render() -> String {
    let mut page = HEAD.to_owned();
    for check in CHECKS {
        let reducing = if check.code.applies_to_reducing() { "yes" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(page, "| {} | `{}` | {reducing} | {} |", check.row, check.code, check.what);
    }
    page.push_str(STATES);
    let _ = writeln!(page, "| state | {} |", NEWS.join(" | "));
    let _ = writeln!(page, "|---{}|", "|---".repeat(NEWS.len()));
    for (state, row) in TRANSITIONS {
        let cells: Vec<&str> = row.iter().map(|next| next.map_or("", |next| next.name())).collect();
        let _ = writeln!(page, "| **{}** | {} |", state.name(), cells.join(" | "));
    }
    page
}
