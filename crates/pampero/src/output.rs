//! Standard output and standard error: a closed pipe is no error, colours only where they can be seen.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use crate::error::Failure;

/// Writes to standard output. A reader that has gone away, such as `head`, ends the output quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Run(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes one JSON value, on one line, to standard output.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{value}\n"))
}

/// Writes to standard error; if that fails there is nobody to tell.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whether standard output shows colours.
pub(crate) fn color_on_stdout() -> bool {
    io::stdout().is_terminal() && colors_wanted()
}

/// Whether standard error shows colours.
pub(crate) fn color_on_stderr() -> bool {
    io::stderr().is_terminal() && colors_wanted()
}

fn colors_wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of text under headings, as wide as they need to be; the last column of a row may be of any length. A
/// column whose heading begins with `>` is aligned to the right, as numbers are.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let to_the_right: Vec<bool> = headings.iter().map(|heading| heading.starts_with('>')).collect();
    let headings: Vec<&str> = headings.iter().map(|heading| heading.trim_start_matches('>')).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(headings.get(column).map(|heading| heading.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let columns = widths.iter().zip(&to_the_right);
        let padded: Vec<String> = cells
            .zip(columns)
            .map(|(cell, (width, right))| match right {
                true => format!("{cell:>width$}", width = *width),
                false => format!("{cell:<width$}", width = *width),
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut headings.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// Text in lines of at most 80 columns, each after an indent.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > 80 {
            let _ = writeln!(lines, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(lines, "{indent}{line}");
    lines
}
