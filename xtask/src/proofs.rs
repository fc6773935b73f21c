//! The table of the last proofs, from the counts that `cargo xtask prove --keep` kept.

use std::fmt::Write as _;

use pampero_report::group;
use serde::Deserialize;

/// What surrounds the table in a page.
const MARKS: [&str; 2] =
    ["<!-- proofs: made by `cargo xtask docs` from docs/proofs.json -->\n", "<!-- /proofs -->\n"];

/// The part of the counts that is shown.
#[derive(Debug, Deserialize)]
pub(crate) struct Proofs {
    depth: String,
    date: String,
    cpu: String,
    cores: u64,
    seconds: f64,
    #[serde(rename = "proofs")]
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    proof: String,
    counts: Vec<(String, u64)>,
    seconds: f64,
}

impl Proofs {
    pub(crate) fn table(&self) -> String {
        let mut table = "| proof | counted | seconds |\n|---|---|---:|\n".to_owned();
        for Row { proof, counts, seconds } in &self.rows {
            let counts: Vec<String> =
                counts.iter().map(|(name, count)| format!("{} {name}", group(&count.to_string()))).collect();
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {proof} | {} | {seconds:.0} |", counts.join(", "));
        }
        let Self { depth, date, cpu, cores, seconds, .. } = self;
        let option = if depth == "usual" { String::new() } else { format!(" --{depth}") };
        let _ = writeln!(
            table,
            "\n`cargo xtask prove{option}` on {date}, {cores} cores of {cpu}, {seconds:.0} s."
        );
        table
    }

    /// A page with the table between its marks.
    pub(crate) fn put_into(&self, page: &str) -> Option<String> {
        let [begin, end] = MARKS;
        let (head, rest) = page.split_once(begin)?;
        let (_, tail) = rest.split_once(end)?;
        Some(format!("{head}{begin}{}{end}{tail}", self.table()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_between_its_marks() {
        let json = r#"{"ok":true,"depth":"usual","date":"2026-11-24","cpu":"a machine","cores":2,"seconds":61.4,
            "proofs":[{"proof":"kill -9","counts":[["kills",1300],["orders",12]],"failures":[],"seconds":60.2}]}"#;
        let proofs: Proofs = serde_json::from_str(json).unwrap();
        let [begin, end] = MARKS;
        let page = proofs.put_into(&format!("before\n{begin}old\n{end}after\n")).unwrap();
        assert!(page.starts_with("before\n") && page.ends_with("after\n") && !page.contains("old"), "{page}");
        assert!(page.contains("\n| kill -9 | 1,300 kills, 12 orders | 60 |\n"), "{page}");
        assert!(page.contains("`cargo xtask prove` on 2026-11-24, 2 cores of a machine, 61 s."), "{page}");
        let quick: Proofs = serde_json::from_str(&json.replace("usual", "quick")).unwrap();
        assert!(quick.table().contains("`cargo xtask prove --quick` on"), "{}", quick.table());
        assert_eq!(proofs.put_into(&page), Some(page));
        assert_eq!(proofs.put_into("no marks"), None);
    }
}
