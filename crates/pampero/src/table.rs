//! Columns of text within 80 columns, whatever stands in the cells.

use std::ops::Range;

/// No line is wider, but for a single word that is.
const WIDTH: usize = 80;
/// What stands before the columns that did not find room on the row's first line.
const INDENT: usize = 4;
/// The last column is narrowed to this at the least before the row goes on in another line.
const NARROWEST: usize = 30;

/// Columns under headings, as wide as they need to be. A column whose heading begins with `>` is aligned to the right,
/// as numbers are. Text in the last column is wrapped; columns that still do not fit go on in another line, under
/// headings of their own.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let to_the_right: Vec<bool> = headings.iter().map(|heading| heading.starts_with('>')).collect();
    let headings: Vec<String> =
        headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&headings).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| columns(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let layout = Layout::new(widths, to_the_right);
    std::iter::once(&headings).chain(rows).map(|row| layout.row(row)).collect()
}

/// Columns of text without headings.
pub(crate) fn rows(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    // The row of headings is empty on each of its lines.
    table(&vec![""; columns], rows).trim_start_matches('\n').to_owned()
}

/// Text in lines of at most 80 columns, each after an indent.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let lines = lines_of(text, WIDTH.saturating_sub(columns(indent)));
    let next = format!("\n{indent}");
    format!("{indent}{}\n", lines.join(&next))
}

/// A text whose lines are wrapped where they are too long, going on farther in than they begin.
pub(crate) fn fitted(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| if columns(line.trim_end()) > WIDTH { folded(line) } else { line.to_owned() })
        .collect()
}

fn folded(line: &str) -> String {
    let begin = line.len().saturating_sub(line.trim_start().len());
    let (indent, rest) = line.split_at(begin);
    let further = format!("{indent}{}", " ".repeat(INDENT));
    let lines = lines_of(rest, WIDTH.saturating_sub(columns(&further)));
    format!("{indent}{}\n", lines.join(&format!("\n{further}")))
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The words of a text in lines of at most `width`, at least one line.
fn lines_of(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Where the columns stand.
struct Layout {
    widths: Vec<usize>,
    to_the_right: Vec<bool>,
    /// The columns of each line of a row.
    lines: Vec<Range<usize>>,
    /// The width to which the last column is wrapped.
    wrap: Option<usize>,
}

impl Layout {
    fn new(widths: Vec<usize>, to_the_right: Vec<bool>) -> Self {
        let (last, before) = widths
            .split_last()
            .map_or((0, 0), |(last, others)| (*last, others.iter().map(|width| width + 2).sum::<usize>()));
        let room = WIDTH.saturating_sub(before);
        let text_ends_it = to_the_right.last() == Some(&false);
        let wrap = (text_ends_it && last > room && room >= NARROWEST).then_some(room);
        let (mut lines, mut begin, mut used) = (Vec::new(), 0, 0);
        for (column, width) in widths.iter().enumerate() {
            let more = if used == 0 { *width } else { width + 2 };
            if column > begin && used + more > WIDTH && wrap.is_none() {
                lines.push(begin..column);
                (begin, used) = (column, INDENT + width);
            } else {
                used += more;
            }
        }
        lines.push(begin..widths.len());
        Self { widths, to_the_right, lines, wrap }
    }

    /// A row with all its lines.
    fn row(&self, cells: &[String]) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let mut written = if index == 0 { String::new() } else { " ".repeat(INDENT) };
            for column in line.clone() {
                let Some(cell) = cells.get(column) else { continue };
                written.push_str(if column == line.start { "" } else { "  " });
                let last = column + 1 == self.widths.len();
                written = match self.wrap.filter(|width| last && columns(cell) > *width) {
                    Some(width) => wrapped_cell(&written, cell, width),
                    None => written + &self.padded(column, cell),
                };
            }
            text.push_str(written.trim_end());
            text.push('\n');
        }
        text
    }

    fn padded(&self, column: usize, cell: &str) -> String {
        let width = self.widths.get(column).copied().unwrap_or(0);
        let right = self.to_the_right.get(column) == Some(&true);
        if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    }
}

/// A line with its last cell in several lines, each under the first.
fn wrapped_cell(line: &str, cell: &str, width: usize) -> String {
    let indent = format!("\n{}", " ".repeat(columns(line)));
    format!("{line}{}", lines_of(cell, width).join(&indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_stand_under_their_headings() {
        let text = table(&["order", ">price"], &[row(&["buy:1", "9.5"]), row(&["sell:12", "10"])]);
        assert_eq!(text, "order    price\nbuy:1      9.5\nsell:12     10\n");
        assert_eq!(rows(&[row(&["a", "b"]), row(&["cc", "d"])]), "a   b\ncc  d\n");
    }

    #[test]
    fn what_finds_no_room_goes_on_in_another_line() {
        let number = "12345678901234.12345678";
        let text = table(
            &["market", ">low", ">high", ">volume"],
            &[row(&["btc_ars", number, number, number]), row(&["btc_usd", number, number, number])],
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3 * 2, "{text}");
        assert!(lines.iter().all(|line| columns(line) <= WIDTH), "{text}");
        assert_eq!(lines[3], format!("    {number}"));
        assert_eq!(columns(lines[1]), columns(lines[3]), "{text}");
        let without = rows(&[row(&["btc_ars", number, number, number])]);
        assert_eq!(without, format!("btc_ars  {number}  {number}\n    {number}\n"));
    }

    #[test]
    fn a_long_line_goes_on_farther_in_and_a_short_one_stays_as_it_is() {
        let text = format!("  {}end\nshort   line\n", "word ".repeat(20));
        let fitted = fitted(&text);
        let lines: Vec<&str> = fitted.lines().collect();
        assert_eq!(lines.len(), 3, "{fitted}");
        assert!(lines[0].starts_with("  word") && lines[1].starts_with("      word"), "{fitted}");
        assert_eq!(lines[2], "short   line");
        assert!(lines.iter().all(|line| columns(line) <= WIDTH), "{fitted}");
    }

    #[test]
    fn text_at_the_end_of_a_row_is_wrapped_in_its_column() {
        let words = "word ".repeat(20);
        let text = table(&["code", "meaning"], &[row(&["HALTED", words.trim()]), row(&["OTHER", "short"])]);
        assert!(text.lines().all(|line| columns(line) <= WIDTH), "{text}");
        assert!(text.lines().nth(2).unwrap().starts_with("        word"), "{text}");
        assert_eq!(text.split_whitespace().filter(|found| *found == "word").count(), 20);
        assert!(text.ends_with("OTHER   short\n"), "{text}");
    }
}
