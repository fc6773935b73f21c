//! The worth of a currency over time, from a text file of two columns.

use std::path::Path;

use pampero_model::{Price, Timestamp};

use crate::cell;
use crate::csv_read::delimiter_of;
use crate::error::{BadRow, DataError, Place};
use crate::layout::{column, time_column};
use crate::rows::BadRows;

/// Columns that hold a rate, as a header may call them.
const RATES: [&str; 5] = ["rate", "worth", "value", "price", "close"];

/// Reads a text file with a header, a column of times and one of rates (`rate`, `worth`, `value`, `price` or `close`), in
/// the order of time. Other columns are left alone.
///
/// # Errors
/// Says what is wrong, in which line and column, and what was expected.
pub fn load_rates(path: impl AsRef<Path>) -> Result<Vec<(Timestamp, Price)>, DataError> {
    let path = path.as_ref();
    let text = std::fs::read(path).map_err(DataError::io(path, "read it"))?;
    rates(path, &text)
}

fn rates(path: &Path, text: &[u8]) -> Result<Vec<(Timestamp, Price)>, DataError> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let first = text.split(|byte| *byte == b'\n').find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let first = first.ok_or_else(|| DataError::Empty { path: path.to_owned() })?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter_of(first))
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let failed = |error: csv::Error| DataError::io(path, "read it")(std::io::Error::other(error));
    let header = reader.byte_headers().map_err(failed)?;
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let missing = |reason: &str| DataError::Columns {
        path: path.to_owned(),
        reason: reason.to_owned(),
        found: names.clone(),
    };
    let (time_at, unit) =
        time_column(&names).ok_or_else(|| missing("no column of times (expected for example time, date)"))?;
    let rate_at = column(&names, &RATES).ok_or_else(|| missing("no column of rates (expected rate)"))?;

    let mut bad = BadRows::default();
    let mut rates: Vec<(Timestamp, Price)> = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(failed)?;
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let name = |at: usize| names.get(at).cloned().unwrap_or_default();
        let time = cell::time(cell(time_at), unit).map(Timestamp::from_nanos);
        let rate = cell::units(cell(rate_at)).map(Price::from_units).filter(|rate| rate.is_positive());
        match (time, rate) {
            (None, _) => bad.push(|| bad_row(place, name(time_at), cell(time_at), "a time")),
            (_, None) => bad.push(|| {
                bad_row(place, name(rate_at), cell(rate_at), "a rate (a decimal number above zero)")
            }),
            (Some(time), Some(rate)) => match rates.last() {
                Some((before, _)) if time < *before => {
                    return Err(DataError::Disorder { path: path.to_owned(), place, time, before: *before });
                }
                _ => rates.push((time, rate)),
            },
        }
    }
    match (bad.count, rates.is_empty()) {
        (0, false) => Ok(rates),
        (0, true) => Err(DataError::Empty { path: path.to_owned() }),
        (count, _) => Err(DataError::BadRows { path: path.to_owned(), rows: bad.rows, count }),
    }
}

fn bad_row(place: Place, column: String, value: &[u8], expected: &str) -> BadRow {
    let value = String::from_utf8_lossy(value).chars().take(40).collect();
    BadRow { place, column, value, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(Timestamp, String)>, String> {
        let rates = rates(Path::new("usd.csv"), text.as_bytes());
        let shown = |rates: Vec<(Timestamp, Price)>| {
            rates.into_iter().map(|(at, rate)| (at, rate.to_string())).collect()
        };
        rates.map(shown).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name_and_digits_are_kept() {
        let day = |number: i64| Timestamp::from_secs(1_704_067_200 + 86_400 * number);
        let expected = Ok(vec![(day(0), "1000.5".to_owned()), (day(1), "1010.12345678".to_owned())]);
        assert_eq!(read("date,rate\n2024-01-01,1000.50\n2024-01-02,1010.12345678\n"), expected);
        assert_eq!(
            read("# official\nsell;rate;time\nx;1000.5;1704067200\n\nx;1010.12345678;1704153600000\n"),
            expected
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        let error = |text: &str| read(text).unwrap_err();
        assert_eq!(
            error("time,rate\n1,5\n2,0\nsoon,7\n"),
            "usd.csv: line 3, column `rate`: `0` found, a rate (a decimal number above zero) expected\n(and 1 more: line 4)"
        );
        assert!(error("time,amount\n1,5\n").contains("no column of rates (expected rate)"));
        assert!(error("when,rate\n1,5\n").contains("no column of times"));
        assert!(error("time,rate\n2,5\n1,5\n").contains("line 3: time 1970-01-01T00:00:01Z after"));
        assert!(error("time,rate\n").contains("no rows of data"));
        assert!(error("").contains("no rows of data"));
    }
}
